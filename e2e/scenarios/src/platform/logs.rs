//! The backends' logs since the installation of the platform.

use std::collections::BTreeMap;
use std::fs;

use akili_testbed::layout;
use anyhow::Result;

use super::{Backend, Platform};

/// Log lengths in bytes, by component.
pub type LogLengths = BTreeMap<&'static str, usize>;

impl Platform {
    /// Returns the lengths of the logs of the backends on the testbed.
    pub(super) fn log_lengths(&self) -> Result<LogLengths> {
        let components = Backend::ALL.map(Backend::component).into_iter();
        let here = components.filter(|component| self.testbed.has(component));
        here.map(|it| Ok((it, fs::metadata(layout::log_file(it))?.len().try_into()?)))
            .collect()
    }
}
