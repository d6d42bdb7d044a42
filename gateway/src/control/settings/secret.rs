//! Secrets among the settings, and secrets in files. No error repeats any part of one.

use std::path::Path;

use super::layers::Layers;
use crate::control::spec::Secret;
use crate::file::read_text_at_most;
use crate::limits::SECRET_FILE_BYTES_MAX;

/// Bytes of a secret: fewer can be guessed.
const SECRET_BYTES_MIN: usize = 32;

/// A secret of our own that is given as text or as a file, never as both.
pub(super) fn secret(layers: &mut Layers, key: &str, file_key: &str) -> Option<Option<Secret>> {
    either(layers, key, file_key, long_enough)
}

/// A password of somebody else's, given as text or as a file, never as both; as long as they chose it.
pub(super) fn password(layers: &mut Layers, key: &str, file_key: &str) -> Option<Option<Secret>> {
    either(layers, key, file_key, not_empty)
}

fn either(
    layers: &mut Layers,
    key: &str,
    file_key: &str,
    check: fn(&str) -> Result<&str, String>,
) -> Option<Option<Secret>> {
    let text = layers.read_optional(key, |text| check(text).map(Secret::new))?;
    let file = layers.read_optional(file_key, |text| {
        let read = read_secret(Path::new(text))?;
        check(&read).map(Secret::new)
    })?;
    if text.is_some() && file.is_some() {
        let problem = layers.problem(
            file_key,
            format!("`{key}` and `{file_key}` are both set; keep one"),
        );
        layers.problems.push(problem);
    }
    Some(file.or(text))
}

fn long_enough(text: &str) -> Result<&str, String> {
    if text.len() < SECRET_BYTES_MIN {
        return Err(format!(
            "a secret has at least {SECRET_BYTES_MIN} bytes; make one with `openssl rand -hex 32`"
        ));
    }
    Ok(text)
}

fn not_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("a password is not empty and holds no zero byte".into());
    }
    Ok(text)
}

/// The text of a file without its last line break.
///
/// # Errors
/// What the file system says, and files that are too long or no UTF-8. Never what is in it.
pub fn read_secret(path: &Path) -> Result<String, String> {
    let fail = |reason: String| format!("cannot read the secret in {}: {reason}", path.display());
    let mut text =
        read_text_at_most(path, SECRET_FILE_BYTES_MAX).map_err(|error| fail(error.to_string()))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
