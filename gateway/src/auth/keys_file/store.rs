//! Reading and writing the keys file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use super::{HashSecret, KeysFile, Problem};
use crate::auth::api_key::{self, RandomnessMissing};
use crate::auth::compile::check;
use crate::file::read_text_at_most;
use crate::limits::{KEYS_FILE_BYTES_MAX, KEYS_MAX};

/// YAML nodes of one key: its members, their values and the lists among them. Tool lists are long.
const NODES_PER_KEY: usize = 64;

/// Reads a keys file; what it says is checked by [`check()`].
///
/// # Errors
/// What makes the file unreadable as one, with its line.
pub fn load(path: &Path) -> Result<KeysFile, Problem> {
    let problem = |message: String| Problem {
        path: path.to_owned(),
        line: 0,
        column: 0,
        message,
    };
    let source =
        read_text_at_most(path, KEYS_FILE_BYTES_MAX).map_err(|error| problem(error.to_string()))?;
    let nodes = KEYS_MAX * NODES_PER_KEY;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: nodes,
            max_events: nodes * 2,
            max_anchors: 0,
            max_aliases: 0,
        },
        // An excerpt would show hash keys and hashes in logs.
        with_snippet: false,
    };
    let mut file: KeysFile =
        serde_saphyr::from_str_with_options(&source, options).map_err(|error| {
            let at = error.location();
            Problem {
                path: path.to_owned(),
                line: at.map_or(0, |at| at.line()),
                column: at.map_or(0, |at| at.column()),
                message: without_location(&error.to_string()).to_owned(),
            }
        })?;
    path.clone_into(&mut file.path);
    Ok(file)
}

/// A parser's message without the place, which is said before it.
fn without_location(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

/// Why an edit did not happen. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError<E> {
    /// The file, as it is or as it would be, is not good.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
    /// Reading, locking or writing failed.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Io(PathBuf, io::Error),
    /// No new hash key.
    #[error(transparent)]
    Randomness(#[from] RandomnessMissing),
    /// The file cannot be written as YAML.
    #[error(transparent)]
    Format(#[from] serde_saphyr::SerializeError),
    /// The change itself refused.
    #[error("{0}")]
    Change(E),
}

/// Changes a keys file: reads it under the lock, lets `change` work on it, checks the outcome and
/// puts it in place at once. Readers see the old file or the new one. Where `create` is set, a file
/// that is not there is made.
///
/// # Errors
/// See [`EditError`].
pub fn edit<T, E>(
    path: &Path,
    secret: Option<&HashSecret>,
    create: bool,
    change: impl FnOnce(&mut KeysFile, &api_key::KeyHasher) -> Result<T, E>,
) -> Result<T, EditError<E>> {
    let fail = |error| EditError::Io(path.to_owned(), error);
    // A link (`current -> keys-7.yaml`) stays one: what it points at is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let lock = File::open(directory).map_err(fail)?;
    lock.lock().map_err(fail)?;

    let mut file = match fs::exists(&target).map_err(fail)? {
        false if create => KeysFile::new(path, secret)?,
        _ => load(path).map_err(|problem| EditError::Problems(vec![problem]))?,
    };
    let problems = check(&file);
    if !problems.is_empty() {
        return Err(EditError::Problems(problems));
    }
    let hasher = file
        .hasher(secret)
        .map_err(|problem| EditError::Problems(vec![problem]))?;
    let outcome = change(&mut file, &hasher).map_err(EditError::Change)?;
    let problems = check(&file);
    if !problems.is_empty() {
        return Err(EditError::Problems(problems));
    }
    let yaml = format!("{HEADER}{}", serde_saphyr::to_string(&file)?);
    replace(&target, directory, &lock, yaml.as_bytes()).map_err(fail)?;
    Ok(outcome)
}

const HEADER: &str = "# API keys of stoa-gateway: hashes, no keys. Written by `stoa-gateway key`; a running gateway\n\
                      # takes a change within a second.\n";

/// Puts bytes in place of a file, durably and at once; the directory is locked.
fn replace(target: &Path, directory: &Path, lock: &File, bytes: &[u8]) -> io::Result<()> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    // The lock makes one name enough; a leftover of a writer that was killed is overwritten.
    let temporary = directory.join(format!(".{}.new", name.to_string_lossy()));
    let _ = fs::remove_file(&temporary);
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        // A gateway that runs as another user than the one who edits must still read its file.
        if let Ok(old) = fs::metadata(target) {
            let new = file.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, target)?;
        // The rename itself must survive a power cut: a revoked key must not come back.
        lock.sync_all()
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
