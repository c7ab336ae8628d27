//! The state on disk: one file, replaced as a whole.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::State;
use crate::testbed::files;

/// The state, and where it is kept.
pub struct Store {
    /// What was loaded, and what is saved.
    pub state: State,
    file: PathBuf,
}

impl Store {
    /// Loads the state from a file, or begins one with this password for `root`.
    pub fn open(file: PathBuf, root_password: &str) -> Result<Self> {
        let state = match file.exists() {
            true => serde_json::from_str(&files::read(&file)?)
                .with_context(|| format!("{} holds no state", file.display()))?,
            false => State::new(root_password),
        };
        Ok(Self { state, file })
    }

    /// Saves it, so that it survives the end of this process.
    pub fn save(&self) -> Result<()> {
        files::write_secret(&self.file, serde_json::to_vec(&self.state)?)
    }
}
