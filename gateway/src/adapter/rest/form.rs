//! `application/x-www-form-urlencoded` bodies: each member of an object is a field.
//!
//! Defaults as OpenAPI 3.1 section 4.8.15 has them: scalars as text, arrays exploded, objects as JSON.
//! What a document's Encoding Object says about a property comes before.

use super::body::members;
use super::style::{self, Place};
use crate::guard::document::{Kind, Node};
use crate::snapshot::operation::{Expansion, FormField, RestOperation, Source, Style};

/// Appends the form.
pub(super) fn write(
    operation: &RestOperation,
    source: &Source,
    fields: &[FormField],
    object: Node<'_>,
    out: &mut Vec<u8>,
) {
    let mut lead: &[u8] = b"";
    let mut encoded_name = Vec::new();
    for (name, value) in members(operation, source, object) {
        let name = name.string().unwrap_or_default();
        let expansion = fields
            .iter()
            .find(|field| *field.name == *name)
            .map_or_else(|| default_expansion(value), |field| field.expansion);
        encoded_name.clear();
        style::write_encoded(&mut encoded_name, Place::FormBody, false, &name);
        let encoded_name = String::from_utf8_lossy(&encoded_name);
        if style::write(out, Place::FormBody, lead, &encoded_name, expansion, value) {
            lead = b"&";
        }
    }
}

fn default_expansion(value: Node<'_>) -> Expansion {
    let style = if value.kind() == Kind::Object {
        Style::Json
    } else {
        Style::Form
    };
    Expansion {
        style,
        explode: true,
        allow_reserved: false,
    }
}
