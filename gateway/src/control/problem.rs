//! Something that a person wrote and that we cannot use: where it stands, what is wrong, what helps.
//!
//! The same value goes to the log, to `check`, to `/ready` and (as a count) to the metrics. It never
//! holds a secret: messages name places and words, not values of credentials.

use std::fmt;
use std::path::{Path, PathBuf};

/// One problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, where it stands in one.
    pub file: Option<PathBuf>,
    /// Line from 1; 0 where the problem is of the file as a whole, or of none.
    pub line: u64,
    /// Column from 1; 0 as above.
    pub column: u64,
    /// The object it belongs to, e.g. `Tool tenant-acme/get-order`, or the name of a setting.
    pub object: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// The same in a file.
    #[must_use]
    pub fn in_file(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, (line, column): (u64, u64)) -> Self {
        (self.line, self.column) = (line, column);
        self
    }

    /// The same of an object.
    #[must_use]
    pub fn of(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a hint where there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

/// `file:line:column: object: message (hint)`, each part only where it is known.
impl From<crate::auth::keys_file::Problem> for Problem {
    fn from(problem: crate::auth::keys_file::Problem) -> Self {
        Self::new(problem.message)
            .in_file(&problem.path)
            .at((problem.line, problem.column))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(out, "{}:", file.display())?;
            if self.line > 0 {
                write!(out, "{}:{}:", self.line, self.column)?;
            }
            out.write_str(" ")?;
        }
        if let Some(object) = &self.object {
            write!(out, "{object}: ")?;
        }
        out.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(out, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// `did you mean ...` for a word that is none of `known`; `None` where nothing is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lowered = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&lowered, &name.to_ascii_lowercase());
            (distance, name)
        })
        .filter(|(distance, name)| {
            // A third of the letters may differ: `port` is not near `host`, `timout` is near `timeout`.
            *distance <= (name.len().max(3) / 3)
        })
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_a_compiler_error() {
        let problem = Problem::new("no such thing");
        assert_eq!(problem.to_string(), "no such thing");
        let problem = problem
            .in_file(Path::new("a/b.yaml"))
            .of("Tool x/y")
            .hint("write it");
        assert_eq!(
            problem.to_string(),
            "a/b.yaml: Tool x/y: no such thing (write it)"
        );
        assert_eq!(
            problem.at((3, 7)).to_string(),
            "a/b.yaml:3:7: Tool x/y: no such thing (write it)"
        );
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let known = ["port", "host", "metrics_port", "timeout"];
        for (word, expected) in [
            ("prot", Some("did you mean `port`?")),
            ("PORT", Some("did you mean `port`?")),
            ("timout", Some("did you mean `timeout`?")),
            ("metricsport", Some("did you mean `metrics_port`?")),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, known).as_deref(), expected, "{word}");
        }
    }
}
