//! Schemas of any version become JSON Schema 2020-12 that stands on its own: no reference out of
//! itself, bounded in size and depth, and never stricter than the document.
//!
//! Never stricter, because the upstream checks its input anyway: a call that the upstream would take
//! must not be refused here for a flaw of its document. Where something had to be left out (size,
//! circles, read-only members), every `oneOf` of the result becomes an `anyOf`, as alternatives that
//! lost a constraint may no longer exclude each other.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::Reason;
use super::document::{Document, Version};
use super::reference::Resolver;
use crate::guard::schema::ArgumentSchema;
use crate::limits::{
    DOCUMENT_SCHEMAS_BYTES_MAX, INPUT_SCHEMA_BYTES_MAX, OUTPUT_SCHEMA_BYTES_MAX, SCHEMA_LEVELS_MAX,
};

mod convert;
mod graph;
mod keyword;
pub(super) mod merge;
mod relax;
mod value;

use convert::{Pass, Stop};
pub(super) use value::is_annotation;

/// Bytes of all schemas after which there are no more output schemas.
const DOCUMENT_OUTPUT_BYTES_MAX: usize = DOCUMENT_SCHEMAS_BYTES_MAX / 2;

/// Whose data a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// What a caller sends: read-only members are left out.
    Request,
    /// What the upstream answers: write-only members are left out, and what forbids more than is
    /// documented is dropped.
    Response,
}

/// How much of a schema is kept.
#[derive(Clone, Copy, Debug)]
struct Detail {
    /// Nested schemas below this level are told by type and description only.
    levels_max: usize,
    /// Characters of a description, where they are cut; titles and examples go as well then.
    words_max: Option<usize>,
}

const fn detail(levels_max: usize, words_max: Option<usize>) -> Detail {
    Detail {
        levels_max,
        words_max,
    }
}

/// Tried in this order until one fits. The last keeps names and types of the outermost members.
const INPUT_DETAILS: [Detail; 10] = [
    detail(SCHEMA_LEVELS_MAX, None),
    detail(SCHEMA_LEVELS_MAX, Some(240)),
    detail(8, Some(240)),
    detail(6, Some(240)),
    detail(4, Some(240)),
    detail(3, Some(240)),
    detail(2, Some(240)),
    detail(1, Some(240)),
    detail(1, Some(60)),
    detail(0, Some(0)),
];
/// Two tries: a cut output schema is worth something, a long search for one is not.
const OUTPUT_DETAILS: [Detail; 2] = [detail(SCHEMA_LEVELS_MAX, None), detail(3, Some(240))];

/// Converts schemas of one document.
#[derive(Debug)]
pub(super) struct Schemas<'d> {
    resolver: &'d Resolver<'d>,
    version: Version,
    recursive: HashSet<String>,
    /// Whether a pattern is one that our validator takes; documents repeat their patterns.
    patterns: RefCell<HashMap<String, bool>>,
    /// Bytes of what was converted so far.
    bytes: Cell<usize>,
}

/// Converted schemas that share definitions.
#[derive(Debug, Default)]
pub(super) struct Converted {
    /// One for each source, in their order.
    pub(super) schemas: Vec<Value>,
    /// What their `#/$defs/...` references name.
    pub(super) definitions: Map<String, Value>,
}

impl<'d> Schemas<'d> {
    /// A converter for `document`.
    pub(super) fn new(document: &'d Document, resolver: &'d Resolver<'d>) -> Self {
        Self {
            resolver,
            version: document.version(),
            recursive: graph::recursive(document.root(), resolver),
            patterns: RefCell::default(),
            bytes: Cell::new(0),
        }
    }

    /// What callers send. Larger than [`INPUT_SCHEMA_BYTES_MAX`]: detail is given up level by level.
    pub(super) fn input(&self, sources: &[&'d Value]) -> Result<Converted, Reason> {
        if self.bytes.get() > DOCUMENT_SCHEMAS_BYTES_MAX {
            return Err(Reason::new(format!(
                "the tools before it need {DOCUMENT_SCHEMAS_BYTES_MAX} bytes of schemas, which is all that one document may have; select fewer operations"
            )));
        }
        self.first_that_fits(
            sources,
            Direction::Request,
            INPUT_SCHEMA_BYTES_MAX,
            &INPUT_DETAILS,
        )?
        .ok_or_else(|| {
            Reason::new(format!(
                "its arguments need a schema of more than {INPUT_SCHEMA_BYTES_MAX} bytes"
            ))
        })
    }

    /// What the upstream answers; nothing where it does not fit [`OUTPUT_SCHEMA_BYTES_MAX`].
    pub(super) fn output(&self, sources: &[&'d Value]) -> Result<Option<Converted>, Reason> {
        if self.bytes.get() > DOCUMENT_OUTPUT_BYTES_MAX {
            return Ok(None);
        }
        self.first_that_fits(
            sources,
            Direction::Response,
            OUTPUT_SCHEMA_BYTES_MAX,
            &OUTPUT_DETAILS,
        )
    }

    fn first_that_fits(
        &self,
        sources: &[&'d Value],
        direction: Direction,
        bytes_max: usize,
        details: &[Detail],
    ) -> Result<Option<Converted>, Reason> {
        for &detail in details {
            match Pass::new(self, direction, detail, bytes_max).run(sources) {
                Ok((converted, bytes)) => {
                    self.bytes.set(self.bytes.get().saturating_add(bytes));
                    return Ok(Some(converted));
                }
                Err(Stop::TooLarge) => {}
                Err(Stop::Fault(reason)) => return Err(reason),
            }
        }
        Ok(None)
    }

    /// Whether the validator takes a pattern. Documents are written for every regex dialect there is.
    fn takes_pattern(&self, pattern: &str) -> bool {
        if let Some(&known) = self.patterns.borrow().get(pattern) {
            return known;
        }
        // `/^a$/` is how JavaScript writes a literal; as a pattern it can match nothing.
        let literal = pattern.len() > 2 && pattern.starts_with("/^") && pattern.ends_with('/');
        let schema = serde_json::json!({"properties": {"p": {"pattern": pattern}}});
        let taken = !literal && ArgumentSchema::compile(&schema).is_ok();
        self.patterns.borrow_mut().insert(pattern.to_owned(), taken);
        taken
    }
}

/// Whether a schema constrains nothing.
pub(super) fn is_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(flag) => *flag,
        Value::Object(keywords) => keywords.keys().all(|name| is_annotation(name)),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
