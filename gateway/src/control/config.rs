//! The configuration file: what a person wrote, key by key, with the line and column of each.
//!
//! Which keys exist is said once, by [`super::settings::rows`]; here a key that is none of them is a
//! problem with the nearest name beside it. Values stay texts until [`super::settings`] reads them,
//! so a value is checked in the same way wherever it was written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::problem::{Problem, nearest};
use super::settings::rows::{self, Kind};
use super::yaml;

/// The file as it was written.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// By key.
    pub values: BTreeMap<String, Written>,
}

/// One value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// In the form that a flag would take: lists and mappings joined by commas.
    pub text: String,
    /// Line and column of the value.
    pub place: (u64, u64),
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// Every key that is not known and every value of a wrong shape; or the one reason why the text
    /// is no YAML mapping at all.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        if yaml::is_blank(text) {
            return Ok(Self {
                path: path.to_owned(),
                values: BTreeMap::new(),
            });
        }
        let entries: Entries = yaml::from_str(text).map_err(|error| {
            vec![
                yaml::problem(&error, 0)
                    .in_file(path)
                    .maybe_hint(tab_hint(text)),
            ]
        })?;
        let mut values = BTreeMap::new();
        let mut problems = Vec::new();
        for (key, value) in entries.0 {
            let place = yaml::place(&key.referenced);
            let kind = match rows::row(&key.value) {
                Some(row) => row.kind,
                None if rows::ABSENT.iter().any(|absent| absent.key == key.value) => Kind::Text,
                None => {
                    problems.push(
                        Problem::new(format!("unknown key `{}`", key.value))
                            .at(place)
                            .maybe_hint(nearest(&key.value, rows::rows().map(|row| row.key))),
                    );
                    continue;
                }
            };
            match value.value.text(kind) {
                Ok(text) => {
                    values.insert(
                        key.value,
                        Written {
                            text,
                            place: yaml::place(&value.referenced),
                        },
                    );
                }
                Err(message) => problems.push(Problem::new(message).of(key.value).at(place)),
            }
        }
        if problems.is_empty() {
            Ok(Self {
                path: path.to_owned(),
                values,
            })
        } else {
            Err(problems
                .into_iter()
                .map(|problem| problem.in_file(path))
                .collect())
        }
    }
}

fn tab_hint(text: &str) -> Option<String> {
    text.lines()
        .any(|line| line.starts_with('\t'))
        .then(|| "YAML is indented with spaces, not tabs".to_owned())
}

/// The top of the file: pairs in the order in which they stand, keys with their places.
struct Entries(Vec<(Spanned<String>, Spanned<Value>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Entries;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("settings, one `key: value` a line")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Visitor)
    }
}

/// A value of whatever shape; the row's [`Kind`] says which one is right.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Switch(bool),
    Whole(u64),
    Fraction(f64),
    Text(String),
    List(Vec<Scalar>),
    Map(BTreeMap<String, MapValue>),
    Nothing(()),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Switch(bool),
    Whole(u64),
    Fraction(f64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum MapValue {
    Rate {
        requests_per_minute: u32,
        burst: u32,
    },
    Scalar(Scalar),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Switch(value) => value.to_string(),
            Self::Whole(value) => value.to_string(),
            Self::Fraction(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }
}

impl MapValue {
    fn text(&self) -> String {
        match self {
            Self::Rate {
                requests_per_minute,
                burst,
            } => format!("{requests_per_minute}/min:{burst}"),
            Self::Scalar(scalar) => scalar.text(),
        }
    }
}

impl Value {
    fn text(&self, kind: Kind) -> Result<String, String> {
        match (self, kind) {
            (Self::Switch(value), _) => Ok(value.to_string()),
            (Self::Whole(value), _) => Ok(value.to_string()),
            (Self::Fraction(value), _) => Ok(value.to_string()),
            (Self::Text(value), _) => Ok(value.clone()),
            (Self::Nothing(()), _) => Ok(String::new()),
            (Self::List(values), Kind::List) => Ok(values
                .iter()
                .map(Scalar::text)
                .collect::<Vec<_>>()
                .join(",")),
            (Self::Map(values), Kind::Map) => {
                let pairs = values
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.text()));
                Ok(pairs.collect::<Vec<_>>().join(","))
            }
            (Self::List(_), Kind::Map) => Err("expected a mapping, found a list".into()),
            (Self::List(_), _) => Err("expected one value, found a list".into()),
            (Self::Map(_), Kind::List) => Err("expected a list, found a mapping".into()),
            (Self::Map(_), _) => Err("expected one value, found a mapping".into()),
        }
    }
}
