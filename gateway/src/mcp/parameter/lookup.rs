//! One argument found in raw JSON by its path, without reading the rest into memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// An argument's value, as far as headers can carry it.
#[derive(Debug, PartialEq)]
pub(super) enum Argument<'a> {
    /// Not there, `null`, an object or an array.
    Absent,
    /// There more than once, or inside an object that is.
    Repeated,
    /// A string.
    Text(Cow<'a, str>),
    /// The JSON text of a number or boolean.
    Literal(&'a str),
}

/// Finds the value at `path`, member names from the root.
pub(super) fn find<'a>(arguments: Option<&'a RawValue>, path: &[Box<str>]) -> Argument<'a> {
    let found = arguments.map(|raw| {
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        At(path).deserialize(&mut deserializer)
    });
    match found {
        Some(Ok(argument)) => argument,
        // The envelope has parsed this text: only strings that no one unescaped yet can be at fault
        // (half a surrogate pair), and the schema's check will say so.
        Some(Err(_)) | None => Argument::Absent,
    }
}

/// Reads the value at the path below the current one.
struct At<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Argument<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            let raw: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
            return Ok(leaf(raw));
        }
        deserializer.deserialize_any(self)
    }
}

fn leaf(raw: &RawValue) -> Argument<'_> {
    match raw.get().as_bytes().first() {
        Some(b'"') => text(raw.get()),
        Some(b'-' | b'0'..=b'9' | b't' | b'f') => Argument::Literal(raw.get()),
        _ => Argument::Absent,
    }
}

fn text(json: &str) -> Argument<'_> {
    #[derive(serde::Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    match serde_json::from_str(json) {
        Ok(Borrowed(text)) => Argument::Text(text),
        Err(_) => Argument::Absent,
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Argument<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((first, rest)) = self.0.split_first() else {
            return Ok(Argument::Absent);
        };
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(first))? {
            if !is_it {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let argument = map.next_value_seed(At(rest))?;
            found = Some(if found.is_none() {
                argument
            } else {
                Argument::Repeated
            });
        }
        Ok(found.unwrap_or(Argument::Absent))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Argument::Absent)
    }

    crate::mcp::envelope::other_scalars!(Argument::Absent, Argument::Absent);

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Argument::Absent)
    }
}

/// Whether a member's name, unescaped, is this one.
struct Is<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
