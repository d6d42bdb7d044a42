//! Imports of foreign descriptions of APIs, and what `stoa-gateway import` prints of them.
//!
//! Nothing here reads files or fetches URLs: callers bring the text.

use std::collections::HashMap;
use std::io;

mod command;
pub mod openapi;

pub use command::command;

use openapi::{Import, ImportOptions};

/// Characters of a tool's title in the table.
const TITLE_CHARS_MAX: usize = 60;

/// The body of `stoa-gateway import openapi`: the tools of `document` go to `out`, as a table or as
/// YAML that the catalog takes; what was left out and why goes to `err`. Returns whether the document
/// gave any tool, which makes the exit status.
///
/// # Errors
/// What `out` or `err` answer, e.g. a closed pipe.
pub fn run_import(
    document: &str,
    options: &ImportOptions,
    emit_yaml: bool,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<bool> {
    let import = match openapi::import(document, options) {
        Ok(import) => import,
        Err(error) => {
            writeln!(err, "error: {error}")?;
            return Ok(false);
        }
    };
    if emit_yaml {
        openapi::emit::write_yaml(&import.tools, options.namespace.as_deref(), out)?;
    } else {
        write_table(&import, out)?;
    }
    write_report(&import, err)?;
    Ok(!import.tools.is_empty())
}

fn write_table(import: &Import, out: &mut dyn io::Write) -> io::Result<()> {
    let width =
        |header: &str, longest: Option<usize>| longest.unwrap_or_default().max(header.len());
    let tools = &import.tools;
    let name = width("TOOL", tools.iter().map(|tool| tool.name.len()).max());
    let path = width(
        "PATH",
        tools.iter().map(|tool| tool.request.path.len()).max(),
    )
    .min(60);
    writeln!(out, "{:name$}  METHOD  {:path$}  TITLE", "TOOL", "PATH")?;
    for tool in tools {
        let title: String = tool
            .title
            .as_deref()
            .unwrap_or_default()
            .chars()
            .map(|one| if one.is_control() { ' ' } else { one })
            .take(TITLE_CHARS_MAX)
            .collect();
        let row = format!(
            "{:name$}  {:6}  {:path$}  {title}",
            tool.name, tool.request.method, tool.request.path
        );
        writeln!(out, "{}", row.trim_end())?;
    }
    Ok(())
}

fn write_report(import: &Import, err: &mut dyn io::Write) -> io::Result<()> {
    // What holds for a hundred operations is said once.
    let mut notes: Vec<(&str, &str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for note in &import.notes {
        match places.get(note.text.as_str()) {
            Some(&place) => notes[place].2 += 1,
            None => {
                places.insert(&note.text, notes.len());
                notes.push((&note.operation, &note.text, 0));
            }
        }
    }
    for (operation, text, more) in notes {
        match more {
            0 => writeln!(err, "note: {operation}: {text}")?,
            more => writeln!(err, "note: {operation} and {more} more: {text}")?,
        }
    }
    for one in &import.left_out {
        writeln!(err, "left out: {}: {}", one.operation, one.reason)?;
    }
    writeln!(
        err,
        "{} {}: {} tools, {} operations left out",
        if import.title.is_empty() {
            "untitled"
        } else {
            &import.title
        },
        import.version,
        import.tools.len(),
        import.left_out.len()
    )
}
