//! How jsonschema reads a [`Document`]: its `Json` traits for our nodes, so that validation works on
//! the spans and nothing is converted. Not a schema: see [`super::schema`].

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{
    Array, Json, JsonNumber, Node as InstanceNode, NodeIdentity, Object, cmp, unique,
};
use serde_json::{Number, Value};

use super::document::{Document, DocumentStorage, Elements, Kind, Members, Node};

/// The representation. See the module's documentation.
pub(super) struct Spans;

impl Json for Spans {
    type Node<'a> = Node<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = DocumentStorage;

    // A lookup walks the members, so a pass over them is never worse; big objects have an index.
    const KEYS_PER_LOOKUP: usize = 8;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(
        storage: &mut DocumentStorage,
        string: &str,
        f: impl FnOnce(Node<'_>) -> T,
    ) -> T {
        let document = Document::of_bare_string(string, std::mem::take(storage));
        let result = f(document.root());
        *storage = document.into_storage();
        result
    }
}

impl<'a> InstanceNode<'a, Spans> for Node<'a> {
    type Object = Self;
    type Array = Self;
    type Number = Literal<'a>;

    fn as_object(&self) -> Option<Self> {
        (self.kind() == Kind::Object).then_some(*self)
    }

    fn as_array(&self) -> Option<Self> {
        (self.kind() == Kind::Array).then_some(*self)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.string()
    }

    fn as_number(&self) -> Option<Literal<'a>> {
        (self.kind() == Kind::Number).then(|| Literal(self.raw()))
    }

    fn as_boolean(&self) -> Option<bool> {
        (self.kind() == Kind::Boolean).then(|| self.raw() == "true")
    }

    fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    fn is_number(&self) -> bool {
        self.kind() == Kind::Number
    }

    fn is_string(&self) -> bool {
        self.kind() == Kind::String
    }

    fn json_type(&self) -> JsonType {
        match self.kind() {
            Kind::Array => JsonType::Array,
            Kind::Boolean => JsonType::Boolean,
            Kind::Null => JsonType::Null,
            Kind::Number => JsonType::Number,
            Kind::Object => JsonType::Object,
            Kind::String => JsonType::String,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match expected {
            Value::Null => self.kind() == Kind::Null,
            Value::Bool(value) => self.as_boolean() == Some(*value),
            Value::Number(value) => self
                .as_number()
                .is_some_and(|literal| cmp::equal_numbers(&literal, value)),
            Value::String(value) => Self::is_string(*self, value),
            Value::Array(_) | Value::Object(_) => cmp::equal(&self.to_value(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(value_of(*self))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(self.address()))
    }
}

impl<'a> Object<'a, Spans> for Node<'a> {
    type Node = Self;
    type MemberName = Cow<'a, str>;
    type MembersIter = NamedMembers<'a>;

    fn len(&self) -> usize {
        self.count()
    }

    fn get(&self, key: &Box<str>) -> Option<Self> {
        Self::get(*self, key)
    }

    fn members(&self) -> NamedMembers<'a> {
        NamedMembers(Self::members(*self))
    }
}

impl<'a> Array<'a, Spans> for Node<'a> {
    type Node = Self;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.count()
    }

    fn elements(&self) -> Elements<'a> {
        Self::elements(*self)
    }

    fn is_unique(&self) -> bool {
        let values: Vec<Value> = Self::elements(*self).map(value_of).collect();
        unique::is_unique(&values)
    }
}

/// [`Members`] with decoded names.
pub(super) struct NamedMembers<'a>(Members<'a>);

impl<'a> Iterator for NamedMembers<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.0.next()?;
        Some((name.string().unwrap_or_default(), value))
    }
}

/// A number as written.
pub(super) struct Literal<'a>(&'a str);

impl JsonNumber for Literal<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(number_of(self.0))
    }

    fn is_integer(&self) -> bool {
        // Any run of digits is one, of whatever length; `1.0` and `1e2` are in all drafts but 4.
        self.is_written_as_integer() || self.as_f64().is_some_and(|value| value.fract() == 0.0)
    }

    fn is_written_as_integer(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }
}

/// The nearest number that `serde_json` can hold: only for error texts and comparisons with whole
/// arrays and objects of a schema.
fn number_of(literal: &str) -> Number {
    serde_json::from_str(literal).unwrap_or_else(|_| {
        // Beyond f64: the largest of that sign keeps order.
        let bound = if literal.starts_with('-') {
            f64::MIN
        } else {
            f64::MAX
        };
        Number::from_f64(bound).unwrap_or_else(|| Number::from(0))
    })
}

/// Converts a node. Depth is bounded by the document.
fn value_of(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Array => Value::Array(node.elements().map(value_of).collect()),
        Kind::Boolean => Value::Bool(node.raw() == "true"),
        Kind::Null => Value::Null,
        Kind::Number => Value::Number(number_of(node.raw())),
        Kind::Object => Value::Object(
            node.members()
                .map(|(name, value)| {
                    (
                        name.string().unwrap_or_default().into_owned(),
                        value_of(value),
                    )
                })
                .collect(),
        ),
        Kind::String => Value::String(node.string().unwrap_or_default().into_owned()),
    }
}
