//! Secrets of upstreams, read when a snapshot is compiled, and again when their file changes.

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use crate::control::catalog::fingerprint::Fingerprint;
use crate::control::settings::secret::read_secret;
use crate::control::spec::{Secret, SecretSource};

/// The last good value of every secret that is in use.
#[derive(Debug, Default)]
pub struct Secrets {
    known: HashMap<SecretSource, Known>,
}

#[derive(Debug)]
struct Known {
    /// What was read, or why it could not be.
    outcome: Result<Secret, String>,
    /// The value before, which stays in force while the present one cannot be read.
    last_good: Option<Secret>,
    fingerprint: Option<Fingerprint>,
    is_used: bool,
}

impl Secrets {
    /// The secret. A file that was good once and cannot be read now keeps its last value; [`Self::problems`]
    /// then says so.
    ///
    /// # Errors
    /// Why there is none. Never any part of a secret.
    pub fn read(&mut self, source: &SecretSource) -> Result<Secret, String> {
        let known = self
            .known
            .entry(source.clone())
            .or_insert_with(|| Known::read(source, None));
        known.is_used = true;
        match (&known.outcome, &known.last_good) {
            (Ok(secret), _) | (Err(_), Some(secret)) => Ok(secret.clone()),
            (Err(reason), None) => Err(reason.clone()),
        }
    }

    /// Reads the files again that may have changed; says whether a value has.
    pub fn refresh(&mut self, now: SystemTime) -> bool {
        let mut changed = false;
        for (source, known) in &mut self.known {
            let SecretSource::File(path) = source else {
                continue;
            };
            let look = look(path, now);
            let is_proven = match (&known.fingerprint, &look) {
                (Some(before), Some(now)) => before.proves_unchanged(now),
                (before, now) => before == now,
            };
            if !is_proven {
                let last_good = known
                    .outcome
                    .as_ref()
                    .ok()
                    .cloned()
                    .or_else(|| known.last_good.take());
                let before = std::mem::replace(
                    known,
                    Known {
                        is_used: known.is_used,
                        ..Known::read(source, last_good)
                    },
                );
                known.fingerprint = look;
                changed |= before.outcome != known.outcome;
            }
        }
        changed
    }

    /// Why the present value of a secret is not in force, though an older one is.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let stale = |known: &&Known| known.is_used && known.last_good.is_some();
        let mut messages: Vec<_> = self
            .known
            .values()
            .filter(stale)
            .filter_map(|known| known.outcome.as_ref().err())
            .map(|reason| format!("{reason}; its last value stays in force"))
            .collect();
        messages.sort_unstable();
        messages.into_iter()
    }

    /// Forgets what no tool uses any more: called after a compilation, [`Self::begin`] before it.
    pub fn end(&mut self) {
        self.known.retain(|_, known| known.is_used);
    }

    /// See [`Self::end`].
    pub fn begin(&mut self) {
        self.known
            .values_mut()
            .for_each(|known| known.is_used = false);
    }
}

impl Known {
    fn read(source: &SecretSource, last_good: Option<Secret>) -> Self {
        let outcome = match source {
            SecretSource::Environment(name) => match std::env::var(name) {
                Ok(text) if !text.is_empty() => Ok(Secret::new(&text)),
                _ => Err(format!(
                    "the variable {name}, which should hold the secret, is not set"
                )),
            },
            SecretSource::File(path) => read_secret(path).and_then(|text| {
                if text.is_empty() {
                    Err(format!("the secret in {} is empty", path.display()))
                } else {
                    Ok(Secret::new(&text))
                }
            }),
        };
        let fingerprint = match source {
            SecretSource::Environment(_) => None,
            // Never settled, so the first refresh looks again.
            SecretSource::File(path) => look(path, SystemTime::UNIX_EPOCH),
        };
        Self {
            outcome,
            last_good,
            fingerprint,
            is_used: false,
        }
    }
}

fn look(path: &Path, now: SystemTime) -> Option<Fingerprint> {
    Fingerprint::of(path, now).ok()
}
