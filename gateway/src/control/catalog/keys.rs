//! The keys file, and the last good version of it. It is good as a whole or not at all: a key that
//! cannot be read may be the one that was revoked.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fingerprint::Fingerprint;
use crate::auth::compile::check;
use crate::auth::keys_file::{self, HashSecret, KeysFile};
use crate::control::compile::key_problem;
use crate::control::problem::Problem;
use crate::file::read_text_at_most;
use crate::limits::KEYS_FILE_BYTES_MAX;

/// The keys of a running gateway.
#[derive(Debug)]
pub(super) struct KeysState {
    path: PathBuf,
    fingerprint: Option<Fingerprint>,
    good: Option<KeysFile>,
    /// The text of the good version, to tell whether a change of the file changed anything.
    good_text: String,
    problems: Vec<Problem>,
}

impl KeysState {
    /// Nothing read yet.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            fingerprint: None,
            good: None,
            good_text: String::new(),
            problems: Vec::new(),
        }
    }

    /// The keys in force.
    pub(super) fn good(&self) -> Option<&KeysFile> {
        self.good.as_ref()
    }

    /// What is wrong with the present version.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// Reads the file again where it may have changed; says whether the keys in force, or what is wrong
    /// with them, have.
    pub(super) fn refresh(&mut self, secret: Option<&HashSecret>, now: SystemTime) -> bool {
        let look = Fingerprint::of(&self.path, now).ok();
        if let (Some(before), Some(look)) = (&self.fingerprint, &look)
            && before.proves_unchanged(look)
        {
            return false;
        }
        let is_same = read_text_at_most(&self.path, KEYS_FILE_BYTES_MAX)
            .is_ok_and(|text| text == self.good_text);
        if is_same && self.problems.is_empty() {
            self.fingerprint = look;
            return false;
        }
        let before = std::mem::take(&mut self.problems);
        match self.load(secret, now) {
            Ok(()) => true,
            Err(problems) => {
                self.problems = problems;
                self.problems != before
            }
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Every problem in it; the keys in force stay.
    pub(super) fn load(
        &mut self,
        secret: Option<&HashSecret>,
        now: SystemTime,
    ) -> Result<(), Vec<Problem>> {
        self.fingerprint = Fingerprint::of(&self.path, now).ok();
        let file = keys_file::load(&self.path).map_err(|problem| vec![key_problem(&problem)])?;
        let problems = check(&file);
        if !problems.is_empty() {
            return Err(problems.iter().map(key_problem).collect());
        }
        file.hasher(secret)
            .map_err(|problem| vec![key_problem(&problem)])?;
        // Read once more for the comparison alone: a change in between is seen as one.
        self.good_text = read_text_at_most(&self.path, KEYS_FILE_BYTES_MAX).unwrap_or_default();
        self.good = Some(file);
        Ok(())
    }
}
