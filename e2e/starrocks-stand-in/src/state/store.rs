//! Persistence of the state in one file, replaced atomically.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use anyhow::{Context, Result};

use super::State;

/// The state and its file.
pub struct Store {
    pub state: State,
    file: PathBuf,
}

impl Store {
    /// Loads the state from a file; without a file, returns a new state with this
    /// password of `root`.
    pub fn open(file: PathBuf, root_password: &str) -> Result<Self> {
        let state = match file.exists() {
            true => serde_json::from_slice(&fs::read(&file)?)
                .with_context(|| format!("{} holds no state", file.display()))?,
            false => State::new(root_password),
        };
        Ok(Self { state, file })
    }

    /// Saves the state.
    pub fn save(&self) -> Result<()> {
        self.replace(&serde_json::to_vec(&self.state)?)
            .with_context(|| format!("can't write {}", self.file.display()))
    }

    /// Replaces the file atomically: after an interruption the old or the new content is
    /// there. Only its owner may read it.
    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let unfinished = self.file.with_added_extension("new");
        // A file left over from an interruption could have another mode.
        let _ = fs::remove_file(&unfinished);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(content)?;
        fs::rename(&unfinished, &self.file)
    }
}
