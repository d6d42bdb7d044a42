//! One pass over schemas: where references are written out, where they stay references, and when to
//! stop.
//!
//! A schema applies *in place* (to the same value: `allOf`, `oneOf`, the target of a `$ref`) or to a
//! *child* (a property, an item). Two rules keep the result finite and its validation, too:
//! - a reference that leads back to itself in place says nothing and is cut. That is how documents
//!   write inheritance: the parent lists its children in `oneOf`, each child has the parent in
//!   `allOf`;
//! - a reference that leads back to itself through a child becomes a definition. A definition's own
//!   in-place part never refers to another one, so that no validator can run in a circle without
//!   consuming input.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::super::reference::Target;
use super::super::{Reason, text};
use super::keyword::{self, Extent};
use super::{Converted, Detail, Direction, Schemas};
use super::{relax, value};

/// A schema that was written out once already and has more bytes than this becomes a definition the
/// second time.
const SHARED_BYTES_MIN: usize = 512;
/// Recursion of a pass, in place and through children. Bounds the stack; real schemas stay below 30.
const DEPTH_MAX: usize = 96;
/// Characters of the description of a schema that is told in outline.
const OUTLINE_CHARS_MAX: usize = 240;

/// Why a pass ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The result would be larger or deeper than allowed.
    TooLarge,
    /// The document cannot be followed.
    Fault(Reason),
}

/// One attempt with one level of detail.
#[derive(Debug)]
pub(super) struct Pass<'s, 'd> {
    pub(super) schemas: &'s Schemas<'d>,
    pub(super) direction: Direction,
    pub(super) detail: Detail,
    /// How often a constraint was left out; the module's documentation says what follows.
    pub(super) losses: usize,
    bytes_max: usize,
    bytes_left: usize,
    definitions: Vec<Definition<'d>>,
    /// Bytes of what was written out, by pointer.
    written: HashMap<String, usize>,
}

#[derive(Debug)]
struct Definition<'d> {
    name: String,
    target: Target<'d>,
    level: usize,
}

/// Where in the result a schema stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p, 'd> {
    /// Children passed on the way here.
    level: usize,
    /// Calls on the stack.
    depth: usize,
    /// References followed in place since the last child.
    chain: Option<&'p Link<'p>>,
    /// Whether the chain began at the root or at a definition.
    top: bool,
    /// Whether something else constrains the same value, so that "nothing but these members" would
    /// contradict it.
    pub(super) shared: bool,
    /// Members that this direction does not have.
    pub(super) hidden: &'p HashSet<&'d str>,
}

#[derive(Debug)]
struct Link<'p> {
    pointer: &'p str,
    before: Option<&'p Self>,
}

impl Link<'_> {
    fn contains(link: Option<&Self>, pointer: &str) -> bool {
        let mut link = link;
        while let Some(this) = link {
            if this.pointer == pointer {
                return true;
            }
            link = this.before;
        }
        false
    }
}

impl<'d> Place<'_, 'd> {
    /// The place of an in-place part of this schema.
    pub(super) fn part<'q>(&self, shared: bool, hidden: &'q HashSet<&'d str>) -> Place<'q, 'd>
    where
        Self: 'q,
    {
        Place {
            level: self.level,
            depth: self.depth + 1,
            chain: self.chain,
            top: self.top,
            shared,
            hidden,
        }
    }

    /// The place of a child of this schema.
    pub(super) fn child<'q>(&self, none: &'q HashSet<&'d str>) -> Place<'q, 'd> {
        Place {
            level: self.level + 1,
            depth: self.depth + 1,
            chain: None,
            top: false,
            shared: false,
            hidden: none,
        }
    }
}

impl<'s, 'd> Pass<'s, 'd> {
    /// An attempt that stops beyond `bytes_max`.
    pub(super) fn new(
        schemas: &'s Schemas<'d>,
        direction: Direction,
        detail: Detail,
        bytes_max: usize,
    ) -> Self {
        Self {
            schemas,
            direction,
            detail,
            losses: 0,
            bytes_max,
            bytes_left: bytes_max,
            definitions: Vec::new(),
            written: HashMap::new(),
        }
    }

    /// Converts all sources, then what they refer to; tells how many bytes that took.
    pub(super) fn run(mut self, sources: &[&'d Value]) -> Result<(Converted, usize), Stop> {
        let none = HashSet::new();
        let root = Place {
            level: 0,
            depth: 0,
            chain: None,
            top: true,
            shared: false,
            hidden: &none,
        };
        let mut converted = Converted::default();
        for source in sources {
            let schema = self.schema(source, root)?;
            converted.schemas.push(schema.unwrap_or_else(|| json!({})));
        }
        let mut next = 0;
        while let Some(definition) = self.definitions.get(next) {
            let name = definition.name.clone();
            let target = definition.target.clone();
            let link = Link {
                pointer: &target.pointer,
                before: None,
            };
            let place = Place {
                level: definition.level,
                chain: Some(&link),
                ..root
            };
            let schema = self.schema(target.value, place)?;
            self.charge(name.len() + 4)?;
            converted
                .definitions
                .insert(name, schema.unwrap_or_else(|| json!({})));
            next += 1;
        }
        if self.losses > 0 {
            let all = converted.schemas.iter_mut();
            all.chain(converted.definitions.values_mut())
                .for_each(relax::relax);
        }
        Ok((converted, self.bytes_max - self.bytes_left))
    }

    /// Converts one schema; nothing where it was cut.
    pub(super) fn schema(
        &mut self,
        value: &'d Value,
        place: Place<'_, 'd>,
    ) -> Result<Option<Value>, Stop> {
        if place.depth > DEPTH_MAX {
            return Err(Stop::TooLarge);
        }
        let object = match value {
            Value::Bool(flag) => return Ok(Some(Value::Bool(*flag))),
            Value::Object(object) => object,
            _ => return Ok(Some(json!({}))),
        };
        let reference = ["$ref", "$dynamicRef"]
            .iter()
            .find_map(|name| object.get(*name)?.as_str());
        match reference {
            Some(reference) => self.reference(object, reference, place),
            None if place.level > self.detail.levels_max && value::nests(object) => {
                self.outline(object).map(Some)
            }
            None => {
                let keywords = self.keywords(object, place, Extent::All)?;
                self.finish(object, Value::Object(keywords)).map(Some)
            }
        }
    }

    fn reference(
        &mut self,
        object: &'d Map<String, Value>,
        reference: &str,
        place: Place<'_, 'd>,
    ) -> Result<Option<Value>, Stop> {
        let found = self.schemas.resolver.lookup(reference);
        let target = found.map_err(Stop::Fault)?;
        if Link::contains(place.chain, &target.pointer) {
            self.losses += 1;
            return Ok(None);
        }
        let Some(converted) = self.target(target, place)? else {
            return Ok(None);
        };
        let extent = keyword::beside_reference(self.schemas.version);
        let beside = self.keywords(object, place, extent)?;
        self.finish(object, combine(converted, beside)).map(Some)
    }

    /// What a reference is replaced by.
    fn target(&mut self, target: Target<'d>, place: Place<'_, 'd>) -> Result<Option<Value>, Stop> {
        let known = self.definition_of(&target.pointer);
        let beyond = place.level > self.detail.levels_max;
        if let (true, None, Some(object)) = (beyond, known, target.value.as_object())
            && value::nests(object)
        {
            return self.outline(object).map(Some);
        }
        let recursive = self.schemas.recursive.contains(&target.pointer);
        let repeated = self
            .written
            .get(&target.pointer)
            .is_some_and(|bytes| *bytes >= SHARED_BYTES_MIN);
        if !place.top && (recursive || repeated || known.is_some()) {
            let index = known.unwrap_or_else(|| self.define(target, place.level));
            let reference = format!("#/$defs/{}", self.definitions[index].name);
            self.charge(reference.len() + 12)?;
            return Ok(Some(json!({ "$ref": reference })));
        }
        let before = self.bytes_left;
        let link = Link {
            pointer: &target.pointer,
            before: place.chain,
        };
        let within = Place {
            depth: place.depth + 1,
            chain: Some(&link),
            ..place
        };
        let converted = self.schema(target.value, within)?;
        let bytes = before.saturating_sub(self.bytes_left);
        self.written.insert(target.pointer, bytes);
        Ok(converted)
    }

    fn definition_of(&self, pointer: &str) -> Option<usize> {
        self.definitions
            .iter()
            .position(|definition| definition.target.pointer == pointer)
    }

    fn define(&mut self, target: Target<'d>, level: usize) -> usize {
        let last = target.pointer.rsplit('/').next().unwrap_or_default();
        let stem = match text::sanitise(&last.replace("~1", "/"), true) {
            stem if stem.is_empty() => "schema".to_owned(),
            stem => stem,
        };
        let mut name = stem.clone();
        let mut count = 1;
        while self.definitions.iter().any(|known| known.name == name) {
            count += 1;
            name = format!("{stem}_{count}");
        }
        self.definitions.push(Definition {
            name,
            target,
            level,
        });
        self.definitions.len() - 1
    }

    /// A schema told by its type and a word on its meaning.
    fn outline(&mut self, object: &'d Map<String, Value>) -> Result<Value, Stop> {
        self.losses += 1;
        let mut out = Map::new();
        let members = object.contains_key("properties");
        if let Some(kind) = object.get("type").and_then(value::types) {
            out.insert("type".into(), kind);
        } else if members && self.direction == Direction::Request {
            out.insert("type".into(), json!("object"));
        }
        let words_max = self.detail.words_max.unwrap_or(OUTLINE_CHARS_MAX);
        if let Some(words) = object.get("description").and_then(Value::as_str)
            && words_max > 0
        {
            let words = text::cut(words, words_max);
            self.charge(words.len() + 18)?;
            out.insert("description".into(), Value::String(words));
        }
        self.charge(20)?;
        self.finish(object, Value::Object(out))
    }

    /// `nullable`, the word of Swagger and OpenAPI 3.0 for "or null". 3.1 has none, but documents
    /// carry it over.
    fn finish(&mut self, object: &Map<String, Value>, schema: Value) -> Result<Value, Stop> {
        let nullable = ["nullable", "x-nullable"]
            .iter()
            .any(|name| object.get(*name) == Some(&Value::Bool(true)));
        if !nullable {
            return Ok(schema);
        }
        self.charge(24)?;
        Ok(relax::or_null(schema))
    }

    /// Takes `bytes` from what is left.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Stop> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Stop::TooLarge)?;
        Ok(())
    }
}

/// A referenced schema and what stands beside the reference.
fn combine(converted: Value, mut beside: Map<String, Value>) -> Value {
    let mut converted = match converted {
        converted if beside.is_empty() => return converted,
        Value::Object(converted) => converted,
        Value::Bool(false) => return Value::Bool(false),
        _ => return Value::Object(beside),
    };
    let annotations_only = beside.keys().all(|name| value::is_annotation(name));
    if annotations_only || converted.contains_key("$ref") {
        converted.extend(beside);
        return Value::Object(converted);
    }
    let mut parts = vec![Value::Object(converted)];
    if let Some(Value::Array(more)) = beside.remove("allOf") {
        parts.extend(more);
    }
    beside.insert("allOf".into(), Value::Array(parts));
    Value::Object(beside)
}
