//! The table of settings: one row each, from which come the flag, the environment variable, the key
//! in the file, the default, the help text and the line of `--print-config`.
//!
//! For the key `body_bytes_max` the flag is `--body-bytes-max` and the variable
//! `STOA_BODY_BYTES_MAX`; further variables are names that existing deployments use.

use std::collections::BTreeMap;
use std::sync::LazyLock;

mod absent;
mod table;

pub use absent::{ABSENT, Absent};
use table::GROUPS;

/// How a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Texts, separated by commas or given as a YAML list.
    List,
    /// `name=value` pairs, separated by commas or given as a YAML mapping.
    Map,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// One text or number.
    Text,
}

/// A default: a text, or one of the numbers of [`crate::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// A number.
    Number(u64),
    /// A text; empty where the setting is unset by default.
    Text(&'static str),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Key in the file; with dashes the flag, in capitals after `STOA_` the variable.
    pub key: &'static str,
    /// Further variables, in the order in which they are asked.
    pub environment: &'static [&'static str],
    /// What stands for the value in `--help`.
    pub value: &'static str,
    /// How it is written.
    pub kind: Kind,
    /// Heading in `--help`.
    pub group: &'static str,
    /// Whether the value is a secret, to be masked.
    pub secret: bool,
    /// The default.
    pub initial: Initial,
    /// One or two sentences.
    pub help: &'static str,
}

impl Row {
    const fn text(
        key: &'static str,
        value: &'static str,
        initial: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            key,
            environment: &[],
            value,
            kind: Kind::Text,
            group: "",
            secret: false,
            initial: Initial::Text(initial),
            help,
        }
    }

    const fn number(
        key: &'static str,
        value: &'static str,
        initial: u64,
        help: &'static str,
    ) -> Self {
        Self {
            initial: Initial::Number(initial),
            ..Self::text(key, value, "", help)
        }
    }

    const fn switch(key: &'static str, initial: &'static str, help: &'static str) -> Self {
        Self {
            kind: Kind::Switch,
            ..Self::text(key, "true|false", initial, help)
        }
    }

    const fn list(
        key: &'static str,
        value: &'static str,
        initial: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            kind: Kind::List,
            ..Self::text(key, value, initial, help)
        }
    }

    const fn map(
        key: &'static str,
        value: &'static str,
        initial: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            kind: Kind::Map,
            ..Self::text(key, value, initial, help)
        }
    }

    const fn also(self, environment: &'static [&'static str]) -> Self {
        Self {
            environment,
            ..self
        }
    }

    const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    /// `body-bytes-max`.
    #[must_use]
    pub fn flag(&self) -> &'static str {
        flag_of(self.key)
    }

    /// `STOA_BODY_BYTES_MAX`, then the others.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        std::iter::once(format!("STOA_{}", self.key.to_ascii_uppercase()))
            .chain(self.environment.iter().map(|name| (*name).to_owned()))
    }

    /// The default as text.
    #[must_use]
    pub fn initial_text(&self) -> String {
        match self.initial {
            Initial::Number(number) => number.to_string(),
            Initial::Text(text) => text.to_owned(),
        }
    }
}

/// The flag of a key, without its dashes; empty for a key that is none.
#[must_use]
pub fn flag_of(key: &str) -> &'static str {
    // clap keeps names for the life of the process, so they are made once.
    static FLAGS: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
        let keys = rows()
            .map(|row| row.key)
            .chain(ABSENT.iter().map(|absent| absent.key));
        keys.map(|key| (key, key.replace('_', "-"))).collect()
    });
    FLAGS.get(key).map_or("", String::as_str)
}

/// Rows under one heading.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Heading in `--help`.
    pub heading: &'static str,
    rows: &'static [Row],
}

/// Every setting, in the order of `--help`.
pub fn rows() -> impl Iterator<Item = Row> {
    GROUPS.iter().flat_map(|group| {
        group.rows.iter().map(|row| Row {
            group: group.heading,
            ..*row
        })
    })
}

/// The row of a key.
#[must_use]
pub fn row(key: &str) -> Option<Row> {
    rows().find(|row| row.key == key)
}
