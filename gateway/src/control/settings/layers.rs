//! The layers of settings as texts: which value of a key wins, and where it was written.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::rows::{self, ABSENT, Absent, Row};
use crate::control::config::File;
use crate::control::problem::{Problem, nearest};

/// Variables that begin with `STOA_` and are no setting of the file: they say where it is.
const CONFIG_VARIABLE: &str = "STOA_CONFIG";

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nowhere.
    Default,
    /// In this variable.
    Environment(String),
    /// In the file, at this line and column.
    File {
        /// The file.
        path: PathBuf,
        /// Line and column.
        place: (u64, u64),
    },
    /// On the command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::File { path, place } => write!(out, "{}:{}", path.display(), place.0),
            Self::Flag(name) => write!(out, "flag --{name}"),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// As text.
    pub text: String,
    /// Where.
    pub source: Source,
}

/// The value of every setting, as text.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, Sourced>,
    /// What was wrong on the way here and while values were read.
    pub problems: Vec<Problem>,
}

impl Layers {
    /// Puts the layers over each other. `flags` are keyed like the file; `environment` is the whole
    /// of it, of which only names that are ours are looked at.
    #[must_use]
    pub fn new(
        flags: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
        file: Option<&File>,
    ) -> Self {
        let mut layers = Self::default();
        for row in rows::rows() {
            let found = from_flag(row.key, flags)
                .or_else(|| from_environment(row.variables(), environment))
                .or_else(|| from_file(row.key, file))
                .unwrap_or_else(|| Sourced {
                    text: row.initial_text(),
                    source: Source::Default,
                });
            layers.values.insert(row.key, found);
        }
        for absent in ABSENT {
            let variables = absent.environment.iter().map(|name| (*name).to_owned());
            let found = from_flag(absent.key, flags)
                .or_else(|| from_environment(variables, environment))
                .or_else(|| from_file(absent.key, file));
            layers
                .problems
                .extend(found.and_then(|found| refuse(absent, &found)));
        }
        layers.problems.extend(unknown_variables(environment));
        layers
    }

    /// The value of a key, and where it was written.
    #[must_use]
    pub fn sourced(&self, key: &str) -> Option<&Sourced> {
        self.values.get(key)
    }

    /// Whether somebody wrote the key at all.
    #[must_use]
    pub fn is_written(&self, key: &str) -> bool {
        self.sourced(key)
            .is_some_and(|found| found.source != Source::Default)
    }

    /// Reads the value of a key. A text that cannot be read is a problem, and then the default
    /// stands, so that the problems of other keys are found too. `None` for a key without a row.
    pub fn read<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let row = rows::row(key)?;
        let found = self.values.get(row.key)?;
        match parse(&found.text) {
            Ok(value) => Some(value),
            Err(message) => {
                let message = if row.secret {
                    "the value cannot be read".to_owned()
                } else {
                    message
                };
                let problem = self.problem(key, message);
                self.problems.push(problem);
                parse(&row.initial_text()).ok()
            }
        }
    }

    /// As [`Self::read`], for a setting that is unset while its text is empty.
    pub fn read_optional<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        self.read(key, |text| {
            if text.trim().is_empty() {
                Ok(None)
            } else {
                parse(text).map(Some)
            }
        })
    }

    /// A problem with the value of a key, told at the place where the value was written.
    #[must_use]
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let problem = Problem::new(message);
        match self.values.get(key).map(|found| &found.source) {
            Some(Source::Environment(name)) => problem.of(name.clone()),
            Some(Source::File { path, place }) => problem.of(key).in_file(path).at(*place),
            Some(Source::Flag(name)) => problem.of(format!("--{name}")),
            Some(Source::Default) | None => problem.of(format!("--{}", key.replace('_', "-"))),
        }
    }

    /// Every setting in the order of `--help`.
    pub fn rows(&self) -> impl Iterator<Item = (Row, &Sourced)> {
        rows::rows().filter_map(|row| self.values.get(row.key).map(|found| (row, found)))
    }
}

fn from_flag(key: &str, flags: &BTreeMap<String, String>) -> Option<Sourced> {
    let text = flags.get(key)?.clone();
    Some(Sourced {
        text,
        source: Source::Flag(key.replace('_', "-")),
    })
}

/// The first variable that is set to something. An empty one counts as unset: that is how compose
/// files and shells leave one out.
fn from_environment(
    names: impl Iterator<Item = String>,
    environment: &BTreeMap<String, String>,
) -> Option<Sourced> {
    for name in names {
        if let Some(text) = environment.get(&name)
            && !text.is_empty()
            && !is_service_link(&name, text)
        {
            return Some(Sourced {
                text: text.clone(),
                source: Source::Environment(name),
            });
        }
    }
    None
}

fn from_file(key: &str, file: Option<&File>) -> Option<Sourced> {
    let file = file?;
    let written = file.values.get(key)?;
    let source = Source::File {
        path: file.path.clone(),
        place: written.place,
    };
    Some(Sourced {
        text: written.text.clone(),
        source,
    })
}

/// Kubernetes gives every pod variables for every Service of its namespace: a Service named
/// `stoa-gateway` makes `STOA_GATEWAY_SERVICE_HOST`, `STOA_GATEWAY_PORT=tcp://10.0.0.1:80` and more,
/// and one named `gateway` makes `GATEWAY_PORT=tcp://...`. They are nobody's settings.
fn is_service_link(name: &str, text: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let is_port_part = || {
        let Some((_, rest)) = name.rsplit_once("_PORT_") else {
            return false;
        };
        let mut parts = rest.split('_');
        parts
            .next()
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
            && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
    };
    (is_url && name.ends_with("PORT"))
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || is_port_part()
}

fn refuse(absent: &Absent, found: &Sourced) -> Option<Problem> {
    let asks_for_nothing = found.text.is_empty()
        || absent
            .neutral
            .is_some_and(|neutral| found.text.trim().eq_ignore_ascii_case(neutral));
    if asks_for_nothing {
        return None;
    }
    let problem =
        Problem::new(format!("this version does not have {}", absent.what)).hint(absent.instead);
    Some(match &found.source {
        Source::File { path, place } => problem.of(absent.key).in_file(path).at(*place),
        Source::Environment(name) => problem.of(name.clone()),
        _ => problem.of(format!("--{}", absent.key.replace('_', "-"))),
    })
}

fn unknown_variables(environment: &BTreeMap<String, String>) -> Vec<Problem> {
    let known: Vec<String> = rows::rows()
        .flat_map(|row| row.variables().collect::<Vec<_>>())
        .chain([CONFIG_VARIABLE.to_owned()])
        .collect();
    environment
        .iter()
        .filter(|(name, text)| {
            name.starts_with("STOA_") && !known.contains(name) && !is_service_link(name, text)
        })
        .map(|(name, _)| {
            Problem::new(
                "unknown variable: names that begin with `STOA_` are settings of the gateway",
            )
            .of(name.clone())
            .maybe_hint(nearest(name, known.iter().map(String::as_str)))
        })
        .collect()
}
