//! `multipart/form-data` bodies (RFC 7578): each member of an object is a part, each element of an
//! array too. Parts are collected before anything is written, because the boundary must not occur in
//! any of them.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _};

use memchr::memmem;

use super::body::{decode_base64, members, not_base64, split_data_url};
use crate::guard::arguments::InvalidArguments;
use crate::guard::document::{Kind, Node};
use crate::snapshot::operation::{PartField, RestOperation, Source};

/// A form ready to be written.
pub(super) struct Form<'d> {
    boundary: String,
    parts: Vec<Part<'d>>,
}

struct Part<'d> {
    name: String,
    is_file: bool,
    content_type: Option<Cow<'d, str>>,
    content: Cow<'d, [u8]>,
}

impl<'d> Form<'d> {
    /// Collects the parts. `seed` varies the boundary, nothing rests on it.
    ///
    /// # Errors
    /// A file that is not base64.
    pub(super) fn of(
        operation: &RestOperation,
        source: &Source,
        fields: &'d [PartField],
        object: Node<'d>,
        seed: &str,
    ) -> Result<Self, InvalidArguments> {
        let mut parts = Vec::new();
        for (name, value) in members(operation, source, object) {
            let name = name.string().unwrap_or_default();
            let field = fields.iter().find(|field| *field.name == *name);
            if value.kind() == Kind::Array {
                for element in value.elements() {
                    parts.extend(Part::of(&name, field, element)?);
                }
            } else {
                parts.extend(Part::of(&name, field, value)?);
            }
        }
        let boundary = boundary(&parts, seed);
        Ok(Self { boundary, parts })
    }

    /// The body's content type.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// Appends the body.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for part in &self.parts {
            let mut write = |pieces: &[&str]| {
                pieces
                    .iter()
                    .for_each(|piece| out.extend_from_slice(piece.as_bytes()))
            };
            write(&[
                "--",
                &self.boundary,
                "\r\ncontent-disposition: form-data; name=\"",
                &part.name,
                "\"",
            ]);
            if part.is_file {
                write(&["; filename=\"", &part.name, "\""]);
            }
            if let Some(content_type) = &part.content_type {
                write(&["\r\ncontent-type: ", content_type]);
            }
            write(&["\r\n\r\n"]);
            out.extend_from_slice(&part.content);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"--");
        out.extend_from_slice(self.boundary.as_bytes());
        out.extend_from_slice(b"--\r\n");
    }
}

impl<'d> Part<'d> {
    /// `null` is no part, as everywhere.
    fn of(
        name: &str,
        field: Option<&'d PartField>,
        value: Node<'d>,
    ) -> Result<Option<Self>, InvalidArguments> {
        let stated = field
            .and_then(|field| field.content_type.as_deref())
            .map(Cow::Borrowed);
        let is_file = field.is_some_and(|field| field.binary);
        let (content, content_type) = match value.kind() {
            Kind::Null => return Ok(None),
            _ if is_file => {
                let text = value.string().ok_or_else(|| not_base64(name))?;
                let named = split_data_url(&text)
                    .0
                    .filter(|media_type| is_media_type(media_type));
                let named = named.map(|media_type| Cow::Owned(media_type.to_owned()));
                let mut content = Vec::with_capacity(text.len() / 4 * 3 + 3);
                decode_base64(name, &text, &mut content)?;
                (
                    Cow::Owned(content),
                    stated
                        .or(named)
                        .or(Some(Cow::Borrowed("application/octet-stream"))),
                )
            }
            Kind::Array | Kind::Object => (
                Cow::Borrowed(value.raw().as_bytes()),
                stated.or(Some(Cow::Borrowed("application/json"))),
            ),
            _ => match value.scalar().unwrap_or_default() {
                Cow::Borrowed(text) => (Cow::Borrowed(text.as_bytes()), stated),
                Cow::Owned(text) => (Cow::Owned(text.into_bytes()), stated),
            },
        };
        Ok(Some(Self {
            name: escaped(name),
            is_file,
            content_type,
            content,
        }))
    }
}

/// A caller's media type goes into a header of the part, so it may hold nothing but one.
fn is_media_type(text: &str) -> bool {
    text.contains('/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/+-._;= ".contains(&byte))
}

/// What browsers do to names (URL standard, "multipart/form-data encoding algorithm").
fn escaped(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A boundary that occurs in no part. Content cannot foresee it, and where it does occur the next is
/// tried; a content of finite length cannot hold them all.
fn boundary(parts: &[Part<'_>], seed: &str) -> String {
    let mut hasher = foldhash::fast::RandomState::default().build_hasher();
    hasher.write(seed.as_bytes());
    let mut number = hasher.finish();
    loop {
        let boundary = format!("stoa-{number:016x}");
        let finder = memmem::Finder::new(boundary.as_bytes());
        if parts
            .iter()
            .all(|part| finder.find(&part.content).is_none())
        {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}
