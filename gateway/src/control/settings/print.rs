//! `--print-config`: every setting, its value, where it came from; secrets masked.

use std::fmt::Write as _;

use super::Settings;
use super::layers::Layers;

/// The settings in force as YAML that `--config` would read, with the source of each as a comment.
/// Secrets are written as comments only, so that the text cannot be mistaken for a full one.
#[must_use]
pub fn print(layers: &Layers, settings: &Settings) -> String {
    let mut out = String::new();
    let mut heading = "";
    for (row, found) in layers.rows() {
        if heading != row.group {
            heading = row.group;
            let _ = writeln!(out, "{}# {heading}", if out.is_empty() { "" } else { "\n" });
        }
        let text = in_force(row.key, &found.text, settings);
        let _ = match (row.secret, text.is_empty()) {
            (_, true) => writeln!(out, "# {}:  # unset", row.key),
            (true, false) => writeln!(out, "# {}: \"***\"  # {}", row.key, found.source),
            (false, false) => writeln!(out, "{}: {}  # {}", row.key, quoted(&text), found.source),
        };
    }
    out
}

/// What an unset value came to, where it was worked out.
fn in_force(key: &str, text: &str, settings: &Settings) -> String {
    match key {
        "host" => settings.listening.host.to_string(),
        "gateway_id" => settings.gateway_id.clone(),
        "workers" => settings.listening.workers.to_string(),
        "log_level" => settings.logs.level.clone(),
        _ => text.to_owned(),
    }
}

/// A text as a YAML scalar: JSON strings are YAML, and numbers and switches need no quotes.
fn quoted(text: &str) -> String {
    let is_plain = text.parse::<f64>().is_ok() || matches!(text, "true" | "false");
    if is_plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
