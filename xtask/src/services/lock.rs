//! One `cargo xtask services` at a time: in a clone for starting and stopping, in the cache for installing.
//!
//! The lock goes with the process that holds it, so none is left behind by a kill.

use super::service;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// Held until dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// For starting, stopping and wiping in this clone.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(super) fn of_this_clone() -> Result<Self> {
        Self::take(&service::states())
    }

    /// For installing into the cache that all clones share.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(super) fn of_the_cache() -> Result<Self> {
        Self::take(&service::installations())
    }

    fn take(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join("lock");
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                println!(
                    "another `cargo xtask services` is at work in {}; waiting for it",
                    folder.display()
                );
                file.lock()
                    .with_context(|| format!("cannot lock {}", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        Ok(Self { _file: file })
    }
}
