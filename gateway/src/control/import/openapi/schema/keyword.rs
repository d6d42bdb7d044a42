//! Keyword by keyword: what each one of Swagger 2.0, OpenAPI 3.0 and 3.1 becomes in JSON Schema
//! 2020-12.
//!
//! A keyword whose value is not of the kind that its specification asks for is left out, so that one
//! careless line does not cost the operation.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::document::{Version, scalar_text};
use super::super::text;
use super::convert::{Pass, Place, Stop};
use super::relax::conditions_are_simple;
use super::value::{bytes_of, count, is_annotation, names, types};
use super::{Direction, merge};

/// Bytes of an example or default that is kept in full detail, and in brief.
const EXAMPLE_BYTES_MAX: usize = 1024;
const DEFAULT_BYTES_BRIEF_MAX: usize = 128;
/// References followed to learn which members are read-only.
const HIDDEN_HOPS_MAX: usize = 4;
/// Schemas looked at to learn whether one member is read-only: itself, what it refers to, its parts.
const HIDDEN_SCHEMAS_MAX: usize = 16;

/// Which keywords of an object are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All.
    All,
    /// Those that constrain nothing.
    Annotations,
}

/// What counts beside a `$ref`. Before 3.1 everything there is to be ignored, but the words that
/// people put there describe this use better than the target's do.
pub(super) fn beside_reference(version: Version) -> Extent {
    match version {
        Version::OpenApi31 => Extent::All,
        Version::OpenApi30 | Version::Swagger20 => Extent::Annotations,
    }
}

impl<'d> Pass<'_, 'd> {
    /// Converts the keywords of one object, except `$ref` and `nullable`.
    pub(super) fn keywords(
        &mut self,
        object: &'d Map<String, Value>,
        place: Place<'_, 'd>,
        extent: Extent,
    ) -> Result<Map<String, Value>, Stop> {
        let mut out = Map::new();
        if extent == Extent::Annotations {
            for (name, value) in object.iter().filter(|(name, _)| is_annotation(name)) {
                self.annotation(name, value, &mut out)?;
            }
            return Ok(out);
        }
        let mut hidden = place.hidden.clone();
        self.collect_hidden(object, 0, &mut hidden);
        for (name, value) in object {
            if is_annotation(name) {
                self.annotation(name, value, &mut out)?;
            } else if let Some((name, value)) = self.scalar(name, value, object) {
                self.charge(name.len() + 4 + bytes_of(&value))?;
                out.insert(name.into(), value);
            } else {
                self.applicator(name, value, object, place, &hidden, &mut out)?;
            }
        }
        self.binary(object, &mut out)?;
        if self.schemas.version != Version::OpenApi31 && out.contains_key("allOf") {
            merge::all_of(&mut out);
        }
        Ok(out)
    }

    fn annotation(
        &mut self,
        name: &str,
        value: &Value,
        out: &mut Map<String, Value>,
    ) -> Result<(), Stop> {
        let words_max = self.detail.words_max;
        let brief = words_max.is_some();
        let kept = match (name, value) {
            ("title", Value::String(_)) if brief => None,
            ("description", Value::String(_)) if words_max == Some(0) => None,
            ("title" | "description", Value::String(words)) => {
                let words = words_max.map_or_else(|| words.clone(), |max| text::cut(words, max));
                Some(Value::String(words))
            }
            ("deprecated", Value::Bool(true)) | ("x-mcp-header", Value::String(_)) => {
                Some(value.clone())
            }
            ("default", value) => {
                let bytes_max = if brief {
                    DEFAULT_BYTES_BRIEF_MAX
                } else {
                    EXAMPLE_BYTES_MAX
                };
                (bytes_of(value) <= bytes_max).then(|| value.clone())
            }
            ("example", value) if !brief && bytes_of(value) <= EXAMPLE_BYTES_MAX => {
                Some(json!([value]))
            }
            ("examples", Value::Array(all)) if !brief => {
                (bytes_of(value) <= EXAMPLE_BYTES_MAX && !all.is_empty()).then(|| value.clone())
            }
            _ => None,
        };
        if let Some(value) = kept {
            let name = if name == "example" { "examples" } else { name };
            self.charge(name.len() + 4 + bytes_of(&value))?;
            out.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Keywords without schemas inside.
    fn scalar(
        &mut self,
        name: &'d str,
        value: &Value,
        object: &Map<String, Value>,
    ) -> Option<(&'d str, Value)> {
        let exclusive = |name: &str| object.get(name) == Some(&Value::Bool(true));
        match (name, value) {
            ("type", value) => types(value).map(|value| (name, value)),
            ("enum", Value::Array(values)) if !values.is_empty() => {
                // YAML makes numbers of unquoted words such as `1.0`; the type says what was meant.
                let texts = object.get("type").and_then(Value::as_str) == Some("string");
                let meant = |value: &Value| match value {
                    Value::Number(_) | Value::Bool(_) if texts => json!(scalar_text(value)),
                    _ => value.clone(),
                };
                let mut seen = HashSet::new();
                let kept = values.iter().map(meant);
                let kept = kept.filter(|value| seen.insert(value.to_string()));
                Some((name, kept.collect()))
            }
            ("minimum", Value::Number(_)) if exclusive("exclusiveMinimum") => {
                Some(("exclusiveMinimum", value.clone()))
            }
            ("maximum", Value::Number(_)) if exclusive("exclusiveMaximum") => {
                Some(("exclusiveMaximum", value.clone()))
            }
            ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", Value::Number(_))
            | ("const", _)
            | ("uniqueItems", Value::Bool(true))
            | ("format" | "contentEncoding" | "contentMediaType", Value::String(_)) => {
                Some((name, value.clone()))
            }
            ("multipleOf", Value::Number(number)) => number
                .as_f64()
                .is_some_and(|number| number > 0.0)
                .then(|| (name, value.clone())),
            (
                "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
                | "maxProperties" | "minContains" | "maxContains",
                Value::Number(number),
            ) => count(number).map(|number| (name, json!(number))),
            ("pattern", Value::String(pattern)) => {
                let taken = self.schemas.takes_pattern(pattern);
                self.losses += usize::from(!taken);
                taken.then(|| (name, value.clone()))
            }
            ("dependentRequired", Value::Object(lists)) => lists
                .values()
                .all(|list| names(list, &HashSet::new()).is_some())
                .then(|| (name, value.clone())),
            _ => None,
        }
    }

    /// Keywords with schemas inside, and those that depend on which members there are.
    fn applicator(
        &mut self,
        name: &'d str,
        value: &'d Value,
        object: &'d Map<String, Value>,
        place: Place<'_, 'd>,
        hidden: &HashSet<&'d str>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Stop> {
        let request = self.direction == Direction::Request;
        let converted = match (name, value) {
            ("required", list) => match names(list, hidden) {
                Some(names) if !names.is_empty() => Some(json!(names)),
                _ => None,
            },
            ("properties", Value::Object(members)) => {
                let kept = members
                    .iter()
                    .filter(|(name, _)| !hidden.contains(name.as_str()));
                Some(self.children(kept, place)?)
            }
            ("patternProperties", Value::Object(members)) => {
                let schemas = self.schemas;
                let kept = members
                    .iter()
                    .filter(|(name, _)| schemas.takes_pattern(name));
                Some(self.children(kept, place)?)
            }
            ("items", Value::Array(list)) => {
                // Drafts up to 2019-09 wrote tuples so.
                if let Some(items) = self.list(list, place)? {
                    self.charge(16)?;
                    out.insert("prefixItems".into(), items);
                }
                None
            }
            ("prefixItems", Value::Array(list)) => self.list(list, place)?,
            (
                "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems",
                Value::Bool(false),
            ) => {
                let closed = request && !place.shared && !combines(object);
                self.losses += usize::from(!closed);
                closed.then_some(Value::Bool(false))
            }
            (
                "items"
                | "additionalProperties"
                | "contains"
                | "propertyNames"
                | "unevaluatedProperties"
                | "unevaluatedItems",
                Value::Object(_) | Value::Bool(_),
            ) => Some(self.child(value, place)?),
            _ => self.in_place(name, value, object, place, hidden)?,
        };
        if let Some(converted) = converted {
            self.charge(name.len() + 4)?;
            let name = match name {
                // More than one alternative may fit an answer: documents are careless about it.
                "oneOf" if !request => "anyOf",
                name => name,
            };
            out.entry(name).or_insert(converted);
        }
        Ok(())
    }

    /// Keywords whose schemas apply to the same value. `hidden` goes with them: `required` of one part
    /// may name a member that another part declares read-only.
    fn in_place(
        &mut self,
        name: &str,
        value: &'d Value,
        object: &'d Map<String, Value>,
        place: Place<'_, 'd>,
        hidden: &HashSet<&'d str>,
    ) -> Result<Option<Value>, Stop> {
        let shared = place.shared || object.contains_key("properties");
        Ok(match (name, value) {
            ("allOf", Value::Array(list)) => {
                let parts = self.parts(list, place.part(true, hidden))?.0;
                (!parts.is_empty()).then_some(Value::Array(parts))
            }
            ("anyOf" | "oneOf", Value::Array(list)) => {
                let (parts, whole) = self.parts(list, place.part(shared, hidden))?;
                // An alternative that was cut would take everything.
                (whole && !parts.is_empty()).then_some(Value::Array(parts))
            }
            ("not" | "if" | "then" | "else", Value::Object(_) | Value::Bool(_)) => {
                // Anything left out inside a negation would make it stricter, so only what is
                // certain to be kept whole is kept at all.
                let request = self.direction == Direction::Request;
                let kept = request && conditions_are_simple(object);
                self.losses += usize::from(!kept);
                match kept {
                    true => self.schema(value, place.part(shared, hidden))?,
                    false => None,
                }
            }
            ("dependentSchemas", Value::Object(_)) => {
                self.losses += 1;
                None
            }
            _ => None,
        })
    }

    fn child(&mut self, value: &'d Value, place: Place<'_, 'd>) -> Result<Value, Stop> {
        let none = HashSet::new();
        let schema = self.schema(value, place.child(&none))?;
        Ok(schema.unwrap_or_else(|| json!({})))
    }

    fn children(
        &mut self,
        members: impl Iterator<Item = (&'d String, &'d Value)>,
        place: Place<'_, 'd>,
    ) -> Result<Value, Stop> {
        let mut out = Map::new();
        for (name, member) in members {
            self.charge(name.len() + 6)?;
            let schema = self.child(member, place)?;
            out.insert(name.clone(), schema);
        }
        Ok(Value::Object(out))
    }

    /// A list of children; nothing where it is empty, which 2020-12 does not allow.
    fn list(&mut self, list: &'d [Value], place: Place<'_, 'd>) -> Result<Option<Value>, Stop> {
        if list.is_empty() {
            return Ok(None);
        }
        let children = list.iter().map(|element| self.child(element, place));
        children.collect::<Result<Value, Stop>>().map(Some)
    }

    /// In-place parts, and whether none of them was cut.
    fn parts(
        &mut self,
        list: &'d [Value],
        place: Place<'_, 'd>,
    ) -> Result<(Vec<Value>, bool), Stop> {
        let mut parts = Vec::new();
        for element in list {
            self.charge(1)?;
            parts.extend(self.schema(element, place)?);
        }
        let whole = parts.len() == list.len();
        Ok((parts, whole))
    }

    /// Base64 is how bytes travel in JSON: `byte` of 3.0, and Swagger's `file`.
    fn binary(
        &mut self,
        object: &Map<String, Value>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Stop> {
        let is = |name: &str, word: &str| object.get(name).and_then(Value::as_str) == Some(word);
        if is("type", "file") || is("format", "byte") {
            self.charge(28)?;
            out.insert("type".into(), json!("string"));
            if is("type", "file") {
                out.insert("format".into(), json!("binary"));
            }
            out.entry("contentEncoding").or_insert(json!("base64"));
        }
        Ok(())
    }

    /// Names of members that this direction does not have, of this object and its `allOf` parts.
    fn collect_hidden(
        &self,
        object: &'d Map<String, Value>,
        hops: usize,
        hidden: &mut HashSet<&'d str>,
    ) {
        if let Some(Value::Object(members)) = object.get("properties") {
            let found = members.iter().filter(|(_, member)| self.is_hidden(member));
            hidden.extend(found.map(|(name, _)| name.as_str()));
        }
        if hops == HIDDEN_HOPS_MAX {
            return;
        }
        let parts = object.get("allOf").and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            if let Ok(Value::Object(part)) = self.schemas.resolver.follow(part) {
                self.collect_hidden(part, hops + 1, hidden);
            }
        }
    }

    /// Whether this direction does not have a member: its schema, what that refers to, or a part of
    /// either says so. A flag beside `$ref` is written as such a part, as 3.0 ignores it there.
    fn is_hidden(&self, member: &'d Value) -> bool {
        let flag = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let mut open = vec![member];
        for _ in 0..HIDDEN_SCHEMAS_MAX {
            let Some(schema) = open.pop() else {
                return false;
            };
            if schema.get(flag) == Some(&Value::Bool(true)) {
                return true;
            }
            match super::super::reference::reference_of(schema) {
                Some(reference) => {
                    let target = self.schemas.resolver.lookup(reference);
                    open.extend(target.map(|target| target.value));
                }
                None => open.extend(
                    schema
                        .get("allOf")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten(),
                ),
            }
        }
        false
    }
}

/// Whether other keywords of the object apply schemas to the same value.
fn combines(object: &Map<String, Value>) -> bool {
    ["allOf", "anyOf", "oneOf", "$ref"]
        .iter()
        .any(|name| object.contains_key(*name))
}
