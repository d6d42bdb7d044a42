//! A body as MCP content, by its media type: JSON as text and as data, text as text, images and audio
//! as their kinds, everything else as an embedded resource.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::adapter::result::ToolResult;
use crate::json;
use crate::json::raw::Raw;

/// Where an embedded resource says it comes from. It must be a URI and must not tell where the
/// upstream is; nobody can read it again.
const RESOURCE_URI: &str = "stoa://tool/answer";

/// The byte order mark that some servers put before JSON (RFC 8259 section 8.1 lets us ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A parsed `content-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MediaType<'a> {
    kind: MediaKind,
    /// `type/subtype` as it came, where it is one.
    essence: &'a str,
    charset: Charset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MediaKind {
    Audio,
    Binary,
    Html,
    Image,
    Json,
    Text,
    /// No usable `content-type`: the bytes decide.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    /// ISO 8859-1 and US-ASCII are read as windows-1252, of which they are part, as browsers do
    /// (Encoding standard, section 4.2).
    Latin1,
    Utf8,
}

impl<'a> MediaType<'a> {
    pub(super) fn of(header: &'a [u8]) -> Self {
        let text = std::str::from_utf8(header).unwrap_or_default();
        let mut pieces = text.split(';');
        let essence = pieces.next().unwrap_or_default().trim();
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        let charset = pieces
            .filter_map(|piece| piece.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map_or("", |(_, value)| value.trim().trim_matches('"'));
        let latin = ["iso-8859-1", "latin1", "windows-1252", "us-ascii"];
        let charset = if latin.iter().any(|name| charset.eq_ignore_ascii_case(name)) {
            Charset::Latin1
        } else {
            Charset::Utf8
        };
        let valid = essence.contains('/')
            && essence
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/!#$&^_.+-".contains(&byte));
        let kind = if !valid {
            MediaKind::Unknown
        } else if is("application/json") || is("text/json") || ends_with(essence, "+json") {
            MediaKind::Json
        } else if is("text/html") || is("application/xhtml+xml") {
            MediaKind::Html
        } else if starts_with(essence, "text/") || is_text_in_disguise(essence) {
            MediaKind::Text
        } else if starts_with(essence, "image/") {
            MediaKind::Image
        } else if starts_with(essence, "audio/") {
            MediaKind::Audio
        } else {
            MediaKind::Binary
        };
        Self {
            kind,
            essence,
            charset,
        }
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn ends_with(text: &str, suffix: &str) -> bool {
    text.len() >= suffix.len()
        && text.as_bytes()[text.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
}

/// `application/` types that people read.
fn is_text_in_disguise(essence: &str) -> bool {
    let known = [
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/x-ndjson",
        "application/jsonl",
        "application/javascript",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "application/sql",
        "application/toml",
    ];
    known.iter().any(|name| essence.eq_ignore_ascii_case(name))
        || (ends_with(essence, "+xml") || ends_with(essence, "+yaml"))
            && starts_with(essence, "application/")
}

/// Writes a body that is an answer.
pub(super) fn write(media_type: MediaType<'_>, body: &[u8], out: &mut ToolResult) {
    match media_type.kind {
        MediaKind::Json => write_json(media_type, body, out),
        MediaKind::Html | MediaKind::Text => out.set_text(&text(media_type.charset, body)),
        MediaKind::Image => write_encoded("image", media_type.essence, body, out),
        MediaKind::Audio => write_encoded("audio", media_type.essence, body, out),
        MediaKind::Binary => write_resource(media_type.essence, body, out),
        MediaKind::Unknown => match std::str::from_utf8(body) {
            Ok(text) if !text.contains('\0') => write_json(media_type, body, out),
            _ => write_resource("application/octet-stream", body, out),
        },
    }
}

/// JSON travels as it came, twice: as text for models, as data for programs. What is not JSON after
/// all is text, and so is what nests deeper than clients' parsers go ([`crate::limits::JSON_DEPTH_MAX`]).
fn write_json(media_type: MediaType<'_>, body: &[u8], out: &mut ToolResult) {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let text = text(media_type.charset, body);
    out.set_text(&text);
    if let Ok(value) = Raw::parse(&text) {
        out.structured_is_object = value.is_object();
        out.structured = Some(value.get().as_bytes().to_vec());
    }
}

fn write_encoded(kind: &str, mime_type: &str, body: &[u8], out: &mut ToolResult) {
    let content = &mut out.content;
    content.reserve(body.len() / 3 * 4 + 96);
    push(content, &["[{\"type\":\"", kind, "\",\"mimeType\":"]);
    json::write_string(content, mime_type);
    push(content, &[",\"data\":\""]);
    push_base64(content, body);
    push(content, &["\"}]"]);
}

fn write_resource(mime_type: &str, body: &[u8], out: &mut ToolResult) {
    let content = &mut out.content;
    content.reserve(body.len() / 3 * 4 + 128);
    push(
        content,
        &[
            "[{\"type\":\"resource\",\"resource\":{\"uri\":\"",
            RESOURCE_URI,
            "\",\"mimeType\":",
        ],
    );
    json::write_string(content, mime_type);
    push(content, &[",\"blob\":\""]);
    push_base64(content, body);
    push(content, &["\"}}]"]);
}

fn push(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

fn push_base64(out: &mut Vec<u8>, body: &[u8]) {
    let start = out.len();
    out.resize(start + body.len().div_ceil(3) * 4, 0);
    // The slice is exactly as long as padded base64 is, the only error there is.
    let written = STANDARD.encode_slice(body, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// A body as text for a person or model, markup removed; a description where it is neither.
pub(super) fn readable(media_type: MediaType<'_>, body: &[u8]) -> String {
    match media_type.kind {
        MediaKind::Html => without_markup(&text(media_type.charset, body)),
        MediaKind::Json | MediaKind::Text => text(media_type.charset, body).into_owned(),
        MediaKind::Unknown if std::str::from_utf8(body).is_ok() => {
            text(Charset::Utf8, body).into_owned()
        }
        _ if body.is_empty() => String::new(),
        _ => format!(
            "[{} bytes of {}]",
            body.len(),
            if media_type.essence.is_empty() {
                "data"
            } else {
                media_type.essence
            }
        ),
    }
}

fn text(charset: Charset, body: &[u8]) -> Cow<'_, str> {
    match charset {
        Charset::Utf8 => {
            let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
            // `from_utf8_lossy` alone looks at each character, also of a text that is sound.
            match std::str::from_utf8(body) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(body),
            }
        }
        Charset::Latin1 if body.is_ascii() => String::from_utf8_lossy(body),
        Charset::Latin1 => Cow::Owned(body.iter().map(|&byte| windows_1252(byte)).collect()),
    }
}

/// Encoding standard, index windows-1252: Latin-1 but for the 32 places of its control characters.
fn windows_1252(byte: u8) -> char {
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_0X80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// The words of an HTML page: what an error page says, without tags, scripts, styles and runs of
/// space. Not a sanitiser: the result is shown as plain text.
fn without_markup(html: &str) -> String {
    let mut words = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        push_words(&rest[..open], &mut words);
        rest = &rest[open..];
        let lower = |text: &str, name: &str| starts_with(text, name);
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|end| end + 3)
        } else if lower(rest, "<script") {
            find_ignoring_case(rest, "</script>")
        } else if lower(rest, "<style") {
            find_ignoring_case(rest, "</style>")
        } else {
            rest.find('>').map(|end| end + 1)
        };
        rest = end.map_or("", |end| &rest[end..]);
    }
    push_words(rest, &mut words);
    words
}

fn push_words(text: &str, words: &mut String) {
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        let entities = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&nbsp;", " "),
            ("&amp;", "&"),
        ];
        if word.contains('&') {
            words.push_str(
                &entities
                    .iter()
                    .fold(word.to_owned(), |word, (entity, text)| {
                        word.replace(entity, text)
                    }),
            );
        } else {
            words.push_str(word);
        }
    }
}

/// Byte after `needle` (ASCII), whatever its case.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let found = text
        .as_bytes()
        .windows(needle.len())
        .position(|window| window.eq_ignore_ascii_case(needle.as_bytes()));
    found.map(|start| start + needle.len())
}
