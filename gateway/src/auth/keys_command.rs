//! `stoa-gateway key create|list|rotate|revoke`: what the commands do to a keys file.
//!
//! A new key goes to standard output alone, so that `KEY=$(stoa-gateway key create ...)` works; what
//! a person should know about it goes to standard error. No other command ever shows a key: there is
//! none in the file.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::api_key::{self, KeyHasher};
use super::compile::tenant_name;
use super::keys_file::{
    self, EditError, HashSecret, KeyEntry, KeysFile, Problem, hex, rfc3339, text,
};
use crate::limit::Rate;

mod arguments;
mod list;

pub use arguments::{Create, FileArgument, KeyCommand, List, Revoke, Rotate, Which};

/// What a key may do where nothing else is asked for: what an agent needs.
const SCOPES_DEFAULT: [&str; 3] = ["stoa:catalog:read", "stoa:tools:read", "stoa:tools:execute"];

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The file.
    #[error(transparent)]
    Edit(#[from] EditError<ChangeError>),
    /// The file, on `list`: each problem with its line.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
    /// Where the key or the table should have gone.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// One tenant, one name, one caller.
    #[error(
        "tenant {tenant} has a key named {name} already (id {id}): rotate or revoke it, or choose another name"
    )]
    NameTaken {
        /// The tenant.
        tenant: String,
        /// The name.
        name: String,
        /// The key that has it.
        id: String,
    },
    /// Nothing there.
    #[error("there is no such key: stoa-gateway key list shows those there are")]
    KeyUnknown,
    /// Too many there.
    #[error("several tenants have a key named {0}: add --tenant")]
    NameAmbiguous(String),
    /// Old keys have no successors.
    #[error("key {0} is being rotated out already: rotate its successor")]
    RotatedAlready(String),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] api_key::RandomnessMissing),
}

/// Runs a command on a keys file. `secret` is the operator's hash secret, where one is set; `now_ms` is in
/// Unix milliseconds. Keys and tables go to `out`, explanations to `notes`.
///
/// # Errors
/// See [`CommandError`]; the keys file is as it was, unless only `out` or `notes` could not be written.
pub fn run(
    command: &KeyCommand,
    path: &Path,
    secret: Option<&HashSecret>,
    now_ms: u64,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> Result<(), CommandError> {
    match command {
        KeyCommand::Create(create) => {
            let made = keys_file::edit(path, secret, true, |file, hasher| {
                create.apply(file, hasher, now_ms)
            })?;
            writeln!(out, "{}", made.key)?;
            writeln!(notes, "{}", made.note)?;
        }
        KeyCommand::List(list) => list.write(path, now_ms, out)?,
        KeyCommand::Rotate(rotate) => {
            let made = keys_file::edit(path, secret, false, |file, hasher| {
                rotate.apply(file, hasher, now_ms)
            })?;
            writeln!(out, "{}", made.key)?;
            writeln!(notes, "{}", made.note)?;
        }
        KeyCommand::Revoke(revoke) => {
            let note = keys_file::edit(path, secret, false, |file, _| revoke.apply(file))?;
            writeln!(notes, "{note}")?;
        }
    }
    Ok(())
}

/// A key to be shown, and what to say about it.
struct Made {
    key: String,
    note: String,
}

impl Create {
    fn apply(
        &self,
        file: &mut KeysFile,
        hasher: &KeyHasher,
        now_ms: u64,
    ) -> Result<Made, ChangeError> {
        let tenant = tenant_name(&self.tenant);
        let taken = file
            .keys
            .iter()
            .find(|key| key.name.value == self.name && tenant_name(&key.tenant.value) == tenant);
        if let Some(taken) = taken {
            let (tenant, id) = (tenant.to_owned(), taken.id.value.clone());
            return Err(ChangeError::NameTaken {
                tenant,
                name: self.name.clone(),
                id,
            });
        }
        let texts = |values: &[String]| values.iter().map(text).collect::<Vec<_>>();
        let plain = self.roles.is_empty() && self.scopes.is_empty();
        let new = api_key::generate()?;
        let entry = KeyEntry {
            id: text(&new.id),
            name: text(&self.name),
            tenant: text(tenant),
            roles: texts(&self.roles),
            scopes: if plain {
                SCOPES_DEFAULT.map(text).to_vec()
            } else {
                texts(&self.scopes)
            },
            hash: text(hex(&hasher.hash(new.key.as_bytes()))),
            created_at: text(rfc3339(now_ms)),
            expires_at: self.expires.map(|life| text(rfc3339(after(now_ms, life)))),
            rotated_from: None,
            valid_until: None,
            rate: self.rate.map(|rate| Rate {
                burst: self.burst.unwrap_or(rate.burst),
                ..rate
            }),
            consumer: self.consumer.as_ref().map(text),
            consumer_rate: self.consumer_rate,
            may_name_consumer: self.may_name_consumer,
            tools_allowed: (!self.tools_allowed.is_empty()).then(|| texts(&self.tools_allowed)),
            tools_refused: texts(&self.tools_refused),
        };
        let mut note = format!("Key {} (id {}) of tenant {tenant}", self.name, new.id);
        note += &entry.expires_at.as_ref().map_or_else(
            || ", valid until it is revoked.".to_owned(),
            |at| format!(", valid until {}.", at.value),
        );
        if plain {
            note += &format!(
                " No role or scope was given, so it has {}.",
                SCOPES_DEFAULT.join(", ")
            );
        }
        note += "\nIt is shown this once and cannot be shown again.";
        file.keys.push(entry);
        Ok(Made { key: new.key, note })
    }
}

impl Rotate {
    fn apply(
        &self,
        file: &mut KeysFile,
        hasher: &KeyHasher,
        now_ms: u64,
    ) -> Result<Made, ChangeError> {
        // Overlaps that have ended are of no use to anyone.
        file.keys.retain(|key| {
            key.valid_until.is_none()
                || key
                    .ends_at_ms()
                    .is_ok_and(|at| at.is_some_and(|at| at > now_ms))
        });
        let at = self.which.current(file)?;
        let new = api_key::generate()?;
        let mut successor = file.keys[at].clone();
        let life = self.expires.or_else(|| life_of(&successor));
        successor.id = text(&new.id);
        successor.hash = text(hex(&hasher.hash(new.key.as_bytes())));
        successor.created_at = text(rfc3339(now_ms));
        successor.expires_at = life.map(|life| text(rfc3339(after(now_ms, life))));
        let old = &mut file.keys[at];
        successor.rotated_from = Some(old.id.value.clone());
        old.valid_until = Some(text(rfc3339(after(now_ms, self.overlap))));
        let ends_at_ms = old.ends_at_ms().ok().flatten().unwrap_or(now_ms);
        let note = format!(
            "Key {} (id {}) takes the place of id {}, which stays valid until {}.\n\
             It is shown this once and cannot be shown again.",
            old.name.value,
            new.id,
            old.id.value,
            rfc3339(ends_at_ms)
        );
        file.keys.push(successor);
        Ok(Made { key: new.key, note })
    }
}

impl Revoke {
    fn apply(&self, file: &mut KeysFile) -> Result<String, ChangeError> {
        let doomed: Vec<String> = self
            .which
            .matches(file)?
            .into_iter()
            .map(|key| key.id.value.clone())
            .collect();
        file.keys.retain(|key| !doomed.contains(&key.id.value));
        Ok(format!(
            "Revoked: {}. A running gateway refuses it within a second.",
            doomed.join(", ")
        ))
    }
}

impl Which {
    /// The keys that are named: one by id; one or, during a rotation, several by name.
    fn matches<'f>(&self, file: &'f KeysFile) -> Result<Vec<&'f KeyEntry>, ChangeError> {
        let tenant = self.tenant.as_deref().map(tenant_name);
        let found: Vec<_> = file
            .keys
            .iter()
            .filter(|key| self.id.as_ref().is_none_or(|id| key.id.value == *id))
            .filter(|key| {
                self.name
                    .as_ref()
                    .is_none_or(|name| key.name.value == *name)
            })
            .filter(|key| tenant.is_none_or(|tenant| tenant_name(&key.tenant.value) == tenant))
            .collect();
        let first = found.first().ok_or(ChangeError::KeyUnknown)?;
        let tenant = tenant_name(&first.tenant.value);
        if found
            .iter()
            .any(|key| tenant_name(&key.tenant.value) != tenant)
        {
            return Err(ChangeError::NameAmbiguous(first.name.value.clone()));
        }
        Ok(found)
    }

    /// Position of the one that is named and not being rotated out.
    fn current(&self, file: &KeysFile) -> Result<usize, ChangeError> {
        let found = self.matches(file)?;
        let current = found.iter().find(|key| key.valid_until.is_none());
        let id = &current
            .ok_or_else(|| ChangeError::RotatedAlready(found[0].id.value.clone()))?
            .id
            .value;
        file.keys
            .iter()
            .position(|key| key.id.value == *id)
            .ok_or(ChangeError::KeyUnknown)
    }
}

/// How long a key was made for.
fn life_of(key: &KeyEntry) -> Option<Duration> {
    let expires_at_ms = keys_file::unix_ms(&key.expires_at.as_ref()?.value).ok()?;
    let created_at_ms = keys_file::unix_ms(&key.created_at.value).ok()?;
    Some(Duration::from_millis(
        expires_at_ms.saturating_sub(created_at_ms),
    ))
}

fn after(now_ms: u64, wait: Duration) -> u64 {
    now_ms.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
