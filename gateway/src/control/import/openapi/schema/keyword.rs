//! Keyword by keyword: what each one of Swagger 2.0, OpenAPI 3.0 and 3.1 becomes in JSON Schema
//! 2020-12.
//!
//! A keyword whose value is not of the kind that its specification asks for is left out, so that one
//! careless line does not cost the operation.

use std::collections::HashSet;

use serde_json::{Map, Number, Value, json};

use super::super::document::{Version, scalar_text};
use super::convert::{Pass, Place, Stop};
use super::{Direction, merge};

/// Bytes of an example or default that is kept in full detail, and in brief.
const EXAMPLE_BYTES_MAX: usize = 1024;
const DEFAULT_BYTES_BRIEF_MAX: usize = 128;
/// References followed to learn whether a member is read-only.
const HIDDEN_HOPS_MAX: usize = 4;

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

/// Whether a keyword constrains nothing.
pub(in super::super) fn is_annotation(name: &str) -> bool {
    matches!(
        name,
        "title"
            | "description"
            | "default"
            | "deprecated"
            | "example"
            | "examples"
            | "x-mcp-header"
    )
}

/// Whether a schema has schemas within.
pub(super) fn nests(object: &Map<String, Value>) -> bool {
    const NESTING: [&str; 11] = [
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "if",
        "items",
        "not",
        "oneOf",
        "patternProperties",
        "prefixItems",
        "properties",
    ];
    NESTING
        .iter()
        .any(|name| object.get(*name).is_some_and(|value| !value.is_boolean()))
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
        let brief = self.detail.brief;
        let kept = match (name, value) {
            ("title", Value::String(_)) if brief => None,
            ("title" | "description", Value::String(words)) => {
                Some(Value::String(self.words(words)))
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
        // `required` of a part may name a member that another part declares read-only.
        let shared = place.shared || name == "allOf" || object.contains_key("properties");
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
                out.insert("prefixItems".into(), self.list(list, place)?);
                None
            }
            ("prefixItems", Value::Array(list)) => Some(self.list(list, place)?),
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
                let kept = request && conditions_are_simple(object);
                self.losses += usize::from(!kept);
                if kept {
                    self.schema(value, place.part(shared, hidden))?
                } else {
                    None
                }
            }
            ("dependentSchemas", Value::Object(_)) => {
                self.losses += 1;
                None
            }
            _ => None,
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

    fn list(&mut self, list: &'d [Value], place: Place<'_, 'd>) -> Result<Value, Stop> {
        list.iter()
            .map(|element| self.child(element, place))
            .collect()
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

    fn is_hidden(&self, member: &'d Value) -> bool {
        let flag = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let mut member = member;
        for _ in 0..HIDDEN_HOPS_MAX {
            if member.get(flag) == Some(&Value::Bool(true)) {
                return true;
            }
            let Some(reference) = super::super::reference::reference_of(member) else {
                return false;
            };
            match self.schemas.resolver.lookup(reference) {
                Ok(target) => member = target.value,
                Err(_) => return false,
            }
        }
        false
    }
}

/// `type`, with the names that documents use by mistake. Nothing where it says nothing.
pub(super) fn types(value: &Value) -> Option<Value> {
    let known = |name: &str| match name {
        "string" | "number" | "integer" | "boolean" | "array" | "object" | "null" => {
            Some(name.to_owned())
        }
        "file" | "date" | "datetime" | "date-time" | "uuid" | "text" | "String" => {
            Some("string".to_owned())
        }
        "int" | "int32" | "int64" | "long" | "Integer" => Some("integer".to_owned()),
        "float" | "double" | "decimal" => Some("number".to_owned()),
        "bool" | "Boolean" => Some("boolean".to_owned()),
        _ => None,
    };
    match value {
        Value::String(name) => known(name).map(Value::String),
        Value::Array(list) => {
            let mut names: Vec<String> = Vec::new();
            for name in list {
                // One unknown alternative means that the list is no constraint we know.
                let name = known(name.as_str()?)?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            match names.len() {
                0 => None,
                _ => Some(json!(names)),
            }
        }
        _ => None,
    }
}

/// The same schema, or null.
pub(super) fn or_null(schema: Value) -> Value {
    let Value::Object(mut keywords) = schema else {
        return schema;
    };
    let combined = ["$ref", "allOf", "anyOf", "oneOf", "not", "const", "if"]
        .iter()
        .any(|name| keywords.contains_key(*name));
    if !combined {
        match keywords.get_mut("type") {
            Some(Value::String(name)) if name != "null" => {
                let both = json!([name, "null"]);
                keywords.insert("type".into(), both);
            }
            Some(Value::Array(names)) if !names.contains(&json!("null")) => {
                names.push(json!("null"));
            }
            _ => {}
        }
        if let Some(Value::Array(values)) = keywords.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
        return Value::Object(keywords);
    }
    let (mut outer, mut inner) = (Map::new(), Map::new());
    for (name, value) in keywords {
        let to = if is_annotation(&name) {
            &mut outer
        } else {
            &mut inner
        };
        to.insert(name, value);
    }
    outer.insert("anyOf".into(), json!([inner, {"type": "null"}]));
    Value::Object(outer)
}

/// What a schema that lost a constraint still means: every `oneOf` becomes an `anyOf`, conditions go,
/// and so do parts that say nothing any more.
pub(super) fn relax(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            for name in ["not", "if", "then", "else"] {
                keywords.shift_remove(name);
            }
            if let Some(Value::Array(parts)) = keywords.shift_remove("oneOf") {
                keywords.entry("anyOf").or_insert(Value::Array(parts));
            }
            for (name, value) in keywords.iter_mut() {
                match (name.as_str(), value) {
                    ("const" | "enum" | "default" | "examples" | "dependentRequired", _) => {}
                    ("properties" | "patternProperties" | "$defs", Value::Object(members)) => {
                        members.values_mut().for_each(relax);
                    }
                    (_, value) => relax(value),
                }
            }
            keywords.retain(|name, value| match (name.as_str(), value) {
                ("anyOf", Value::Array(parts)) => !parts.iter().any(says_nothing),
                ("allOf", Value::Array(parts)) => {
                    parts.retain(|part| !says_nothing(part));
                    !parts.is_empty()
                }
                _ => true,
            });
        }
        Value::Array(elements) => elements.iter_mut().for_each(relax),
        _ => {}
    }
}

fn says_nothing(schema: &Value) -> bool {
    *schema == Value::Bool(true) || schema.as_object().is_some_and(Map::is_empty)
}

/// Whether other keywords of the object apply schemas to the same value.
fn combines(object: &Map<String, Value>) -> bool {
    ["allOf", "anyOf", "oneOf", "$ref"]
        .iter()
        .any(|name| object.contains_key(*name))
}

/// Whether the conditions of an object consist of keywords that are converted without loss.
fn conditions_are_simple(object: &Map<String, Value>) -> bool {
    ["not", "if", "then", "else"]
        .iter()
        .filter_map(|name| object.get(*name))
        .all(is_simple)
}

fn is_simple(schema: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return schema.is_boolean();
    };
    keywords.iter().all(|(name, value)| match name.as_str() {
        "type" => types(value).is_some(),
        "required" => names(value, &HashSet::new()).is_some(),
        "const" | "minimum" | "maximum" | "minLength" | "maxLength" | "title" | "description" => {
            true
        }
        "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
        "allOf" | "anyOf" | "oneOf" => value
            .as_array()
            .is_some_and(|parts| !parts.is_empty() && parts.iter().all(is_simple)),
        "not" => is_simple(value),
        "properties" => value
            .as_object()
            .is_some_and(|members| members.values().all(is_simple)),
        _ => false,
    })
}

/// A list of distinct names without those that are hidden.
fn names<'v>(list: &'v Value, hidden: &HashSet<&str>) -> Option<Vec<&'v str>> {
    let mut names = Vec::new();
    for name in list.as_array()? {
        let name = name.as_str()?;
        if !names.contains(&name) && !hidden.contains(name) {
            names.push(name);
        }
    }
    Some(names)
}

/// A count that may be written as `5.0`.
fn count(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        let whole = float >= 0.0 && float.fract() == 0.0 && float < 1e15;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above: a whole number from 0 to 1e15"
        )]
        whole.then_some(float as u64)
    })
}

/// About how many bytes a value has as JSON.
pub(super) fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => 2 + elements.iter().map(|one| bytes_of(one) + 1).sum::<usize>(),
        Value::Object(members) => {
            members
                .iter()
                .map(|(name, value)| name.len() + 4 + bytes_of(value))
                .sum::<usize>()
                + 2
        }
    }
}
