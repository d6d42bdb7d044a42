//! `key list`: a table for people, and for `awk`.

use std::io::Write;
use std::path::Path;

use super::{CommandError, List};
use crate::auth::compile::{check, tenant_name};
use crate::auth::keys_file::{self, KeyEntry};
use crate::limit::Rate;

const HEADINGS: [&str; 8] = [
    "ID", "TENANT", "NAME", "STATE", "ENDS", "RATE", "ROLES", "SCOPES",
];

impl List {
    pub(super) fn write(
        &self,
        path: &Path,
        now_ms: u64,
        out: &mut dyn Write,
    ) -> Result<(), CommandError> {
        let file =
            keys_file::load(path).map_err(|problem| CommandError::Problems(vec![problem]))?;
        let problems = check(&file);
        if !problems.is_empty() {
            return Err(CommandError::Problems(problems));
        }
        let wanted = self.tenant.as_deref().map(tenant_name);
        let mut rows: Vec<[String; 8]> = file
            .keys
            .iter()
            .filter(|key| wanted.is_none_or(|tenant| tenant_name(&key.tenant.value) == tenant))
            .map(|key| row(key, now_ms))
            .collect();
        // By tenant, then name; within a rotation in the order of the file: the old one first.
        rows.sort_by(|one, other| one[1..3].cmp(&other[1..3]));
        rows.insert(0, HEADINGS.map(str::to_owned));
        let widths: Vec<usize> = (0..8)
            .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
            .collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line += &format!("{cell:width$}  ");
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn row(key: &KeyEntry, now_ms: u64) -> [String; 8] {
    let ends_at_ms = key.ends_at_ms().ok().flatten();
    let state = match ends_at_ms {
        Some(ends_at_ms) if ends_at_ms <= now_ms => "expired",
        _ if key.valid_until.is_some() => "overlap",
        Some(_) => "expires",
        None => "active",
    };
    let join = |texts: &[keys_file::Text]| match texts {
        [] => "-".to_owned(),
        texts => texts
            .iter()
            .map(|text| text.value.as_str())
            .collect::<Vec<_>>()
            .join(","),
    };
    // `check` found every role to be one.
    let rate = key.rate.or_else(|| key.roles().ok().map(Rate::of_tier));
    [
        key.id.value.clone(),
        tenant_name(&key.tenant.value).to_owned(),
        key.name.value.clone(),
        state.to_owned(),
        ends_at_ms.map_or_else(|| "-".to_owned(), keys_file::rfc3339),
        rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string()),
        join(&key.roles),
        join(&key.scopes),
    ]
}
