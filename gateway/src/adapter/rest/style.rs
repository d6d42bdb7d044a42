//! OpenAPI's `style` and `explode`: a value to text, in the characters its place allows.
//!
//! Follows the table of OpenAPI 3.1.1 (section 4.8.12.6) and RFC 6570, on which it rests. What those
//! leave open is settled here:
//! - `null`, an empty array and an empty object are RFC 6570's *undefined*: left out, wherever they
//!   stand, except that a path cannot leave anything out.
//! - An array or object inside another travels as its JSON text; only `deepObject` nests:
//!   `a[b][c]=1`, `a[]=1` for a scalar of an array, `a[0][b]=1` for its other elements. That is what
//!   PHP, Rails and qs read; they take the last of a repeated name, or its text for an array.
//! - `spaceDelimited` and `pipeDelimited` with `explode`, and `deepObject` of a scalar, are undefined;
//!   they are written as `form`.
//! - Numbers travel exactly as written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::guard::document::{Kind, Node};
use crate::snapshot::operation::{Expansion, Parameter, Style};

/// Everything but RFC 3986's unreserved characters.
pub(super) const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `allowReserved` in a query. Still encoded, because unencoded they would change which parameters
/// there are: `&`, `#`, `+`, `%`; and `[`, `]`, which RFC 3986 does not allow there at all.
const QUERY_RESERVED: AsciiSet = UNRESERVED
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// `allowReserved` in a path: what RFC 3986 allows in a segment; never `/`, `?` or `#`.
const PATH_RESERVED: AsciiSet = UNRESERVED
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// RFC 6265's cookie-octets without `%`, so that the encoding can be undone.
const COOKIE: AsciiSet = percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

/// `application/x-www-form-urlencoded` of the URL standard; a space becomes `+`.
const FORM_BODY: AsciiSet = NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b' ');

/// Where a value is written, and so how its characters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Cookie,
    FormBody,
    /// As it is: the caller checks what was written.
    Header,
    Path,
    Query,
}

/// Appends `text` as its place wants it.
pub(super) fn write_encoded(out: &mut Vec<u8>, place: Place, allow_reserved: bool, text: &str) {
    let set = match (place, allow_reserved) {
        (Place::Header, _) => {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        (Place::Cookie, _) => &COOKIE,
        (Place::FormBody, _) => &FORM_BODY,
        (Place::Path, true) => &PATH_RESERVED,
        (Place::Query, true) => &QUERY_RESERVED,
        (Place::Path | Place::Query, false) => &UNRESERVED,
    };
    let start = out.len();
    for chunk in utf8_percent_encode(text, set) {
        out.extend_from_slice(chunk.as_bytes());
    }
    if place == Place::FormBody {
        for byte in &mut out[start..] {
            if *byte == b' ' {
                *byte = b'+';
            }
        }
    }
}

/// Appends one parameter's value, `lead` before it where anything is written; tells whether it was.
pub(super) fn write_parameter(
    out: &mut Vec<u8>,
    place: Place,
    lead: &[u8],
    parameter: &Parameter,
    value: Node<'_>,
) -> bool {
    write(
        out,
        place,
        lead,
        &parameter.name,
        parameter.expansion,
        value,
    )
}

/// As [`write_parameter`], for a name and expansion of one's own. The name is already encoded.
pub(super) fn write(
    out: &mut Vec<u8>,
    place: Place,
    lead: &[u8],
    name: &str,
    expansion: Expansion,
    value: Node<'_>,
) -> bool {
    let mut writer = Writer {
        out,
        place,
        lead,
        name,
        expansion,
        shape: Shape::of(place, expansion),
        written: false,
    };
    match (expansion.style, value.kind()) {
        (_, Kind::Null) => {}
        (Style::Json, _) => writer.json(value),
        (Style::DeepObject, Kind::Array | Kind::Object) => {
            let mut name = name.to_owned();
            writer.deep(&mut name, value);
        }
        (_, Kind::Array) => writer.array(value),
        (_, Kind::Object) => writer.object(value),
        (_, Kind::Boolean | Kind::Number | Kind::String) => {
            writer.item(&value.scalar().unwrap_or_default())
        }
    }
    writer.written
}

/// RFC 6570's table (section 3.2.1 and appendix A), by style.
#[derive(Clone, Copy)]
struct Shape {
    /// Between exploded items.
    separator: &'static [u8],
    /// Between items that are not.
    joiner: &'static [u8],
    /// Items carry the parameter's name.
    named: bool,
    /// A named item that is empty is `name=` rather than `name`.
    equals_if_empty: bool,
}

impl Shape {
    fn of(place: Place, expansion: Expansion) -> Self {
        let form_separator: &[u8] = if place == Place::Cookie { b"; " } else { b"&" };
        let form = Self {
            separator: form_separator,
            joiner: b",",
            named: true,
            equals_if_empty: true,
        };
        match expansion.style {
            Style::Simple => Self {
                separator: b",",
                joiner: b",",
                named: false,
                equals_if_empty: false,
            },
            Style::Label => Self {
                separator: b".",
                joiner: b",",
                named: false,
                equals_if_empty: false,
            },
            Style::Matrix => Self {
                separator: b";",
                joiner: b",",
                named: true,
                equals_if_empty: false,
            },
            Style::DeepObject | Style::Form => form,
            Style::Json => Self {
                named: place != Place::Path && place != Place::Header,
                ..form
            },
            Style::PipeDelimited => Self {
                joiner: b"%7C",
                ..form
            },
            Style::SpaceDelimited => Self {
                joiner: if place == Place::FormBody {
                    b"+"
                } else {
                    b"%20"
                },
                ..form
            },
        }
    }
}

struct Writer<'w> {
    out: &'w mut Vec<u8>,
    place: Place,
    /// Before the first item: `?`, `&`, `;`, a header's name.
    lead: &'w [u8],
    name: &'w str,
    expansion: Expansion,
    shape: Shape,
    written: bool,
}

impl Writer<'_> {
    fn array(&mut self, array: Node<'_>) {
        let defined = array
            .elements()
            .filter(|element| element.kind() != Kind::Null);
        if self.expansion.explode {
            for element in defined {
                self.item(&element.text());
            }
            return;
        }
        let mut first = true;
        for element in defined {
            self.joined(&mut first, &element.text());
        }
    }

    fn object(&mut self, object: Node<'_>) {
        let defined = object
            .members()
            .filter(|(_, value)| value.kind() != Kind::Null);
        let mut first = true;
        for (name, value) in defined {
            let name = name.string().unwrap_or_default();
            if self.expansion.explode {
                self.separate();
                self.encoded(&name);
                self.out.push(b'=');
                self.encoded(&value.text());
            } else {
                self.joined(&mut first, &name);
                self.joined(&mut first, &value.text());
            }
        }
    }

    /// `name[key]=value`, `name[]=value`, deeper for what is nested. Depth is bounded by the document.
    fn deep(&mut self, name: &mut String, value: Node<'_>) {
        let length = name.len();
        match value.kind() {
            Kind::Null => {}
            Kind::Object => {
                for (key, value) in value.members() {
                    name.push_str("%5B");
                    name.extend(utf8_percent_encode(
                        &key.string().unwrap_or_default(),
                        &UNRESERVED,
                    ));
                    name.push_str("%5D");
                    self.deep(name, value);
                    name.truncate(length);
                }
            }
            Kind::Array => {
                for (position, element) in value.elements().enumerate() {
                    name.push_str("%5B");
                    if matches!(element.kind(), Kind::Array | Kind::Object) {
                        name.push_str(itoa::Buffer::new().format(position));
                    }
                    name.push_str("%5D");
                    self.deep(name, element);
                    name.truncate(length);
                }
            }
            Kind::Boolean | Kind::Number | Kind::String => {
                self.separate();
                self.out.extend_from_slice(name.as_bytes());
                self.out.push(b'=');
                self.encoded(&value.scalar().unwrap_or_default());
            }
        }
    }

    fn json(&mut self, value: Node<'_>) {
        self.item(value.raw());
    }

    /// One item of its own: a scalar, or an exploded element.
    fn item(&mut self, text: &str) {
        self.separate();
        if self.shape.named {
            self.named(text.is_empty());
        }
        self.encoded(text);
    }

    /// One item of a joined list.
    fn joined(&mut self, first: &mut bool, text: &str) {
        if std::mem::take(first) {
            self.separate();
            if self.shape.named {
                self.named(false);
            }
        } else {
            self.out.extend_from_slice(self.shape.joiner);
        }
        self.encoded(text);
    }

    fn named(&mut self, empty: bool) {
        self.out.extend_from_slice(self.name.as_bytes());
        if !empty || self.shape.equals_if_empty {
            self.out.push(b'=');
        }
    }

    fn separate(&mut self) {
        let before = if self.written {
            self.shape.separator
        } else {
            self.lead
        };
        self.out.extend_from_slice(before);
        self.written = true;
    }

    fn encoded(&mut self, text: &str) {
        write_encoded(self.out, self.place, self.expansion.allow_reserved, text);
    }
}
