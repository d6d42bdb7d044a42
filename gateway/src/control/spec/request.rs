//! Where each argument of a call goes in the HTTP request: path, query, header, cookie or body.
//!
//! The words are those of OpenAPI's Parameter and Encoding objects. An argument that no parameter
//! takes and that the body does not take either is refused when the tool is compiled, not dropped.

use serde::{Deserialize, Serialize};

use super::credential::{Credential, Secret};

/// The shape of an HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestPlan {
    /// Upper-case HTTP method.
    pub method: String,
    /// Path template with `{name}` placeholders, appended to the endpoint's path; may carry a fixed
    /// query.
    pub path: String,
    /// One for each argument that goes into the path, query, headers or cookies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterPlan>,
    /// What the body is made of. Always written: a Tool that does not say gets one by its method.
    #[serde(default)]
    pub body: BodyPlan,
    /// Headers sent with every call, name and value, e.g. `Accept`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_headers: Vec<(String, String)>,
    /// [`super::ToolSpec::credential`] with its secret, filled by [`crate::control::compile`] just
    /// before the plan is compiled. Never read from or written to a document.
    #[serde(skip)]
    pub credential: Credential<Secret>,
}

/// Where one argument goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParameterPlan {
    /// Name of the argument that an agent gives.
    pub argument: String,
    /// Name of the parameter in the request.
    pub name: String,
    /// Part of the request.
    #[serde(rename = "in")]
    pub location: Location,
    /// How arrays and objects are written.
    pub style: Style,
    /// Whether each element of an array or member of an object is a parameter of its own.
    pub explode: bool,
    /// Whether RFC 3986 reserved characters stay as they are (query only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_reserved: bool,
    /// Whether a call without it is refused. Path parameters always are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether the value is written as JSON text (`content: application/json`), whatever the style.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub json_content: bool,
}

/// Part of a request that a parameter goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Location {
    /// `Cookie` header.
    Cookie,
    /// A header of its own.
    Header,
    /// A `{name}` of the path template.
    Path,
    /// The query.
    Query,
}

/// OpenAPI's serialisation styles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Style {
    /// `color[R]=100&color[G]=200` (query).
    DeepObject,
    /// `color=blue,black` (query, cookie).
    Form,
    /// `.blue.black` (path).
    Label,
    /// `;color=blue,black` (path).
    Matrix,
    /// `color=blue|black` (query).
    PipeDelimited,
    /// `blue,black` (path, header).
    Simple,
    /// `color=blue%20black` (query).
    SpaceDelimited,
}

impl Location {
    /// OpenAPI's default style for this place.
    #[must_use]
    pub fn default_style(self) -> Style {
        match self {
            Self::Cookie | Self::Query => Style::Form,
            Self::Header | Self::Path => Style::Simple,
        }
    }
}

/// What the body is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum BodyPlan {
    /// One argument, given as base64, sent as its bytes.
    Binary(BinaryBody),
    /// `application/x-www-form-urlencoded`.
    Form(FormBody),
    /// JSON.
    Json(JsonBody),
    /// `multipart/form-data`.
    Multipart(MultipartBody),
    /// No body.
    #[default]
    None,
    /// One text argument, sent as it is.
    Text(TextBody),
}

impl BodyPlan {
    /// Whether no body is sent.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Which arguments a body is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BodySource {
    /// The value of this argument. The body is left out where the caller gives no such argument.
    Argument(String),
    /// An object of all arguments that are no parameter. Where there is no parameter at all, the
    /// caller's bytes are forwarded as they came.
    #[default]
    WholeArguments,
}

/// A JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonBody {
    /// What it is made of.
    #[serde(default)]
    pub source: BodySource,
    /// `application/json` or a `+json` type.
    #[serde(default = "json_content_type")]
    pub content_type: String,
}

fn json_content_type() -> String {
    "application/json".to_owned()
}

/// An urlencoded form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormBody {
    /// The object whose members are the fields.
    #[serde(default)]
    pub source: BodySource,
    /// Exceptions from the defaults (style form, exploded), by property.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encodings: Vec<PropertyEncoding>,
}

/// A multipart form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultipartBody {
    /// The object whose members are the parts.
    #[serde(default)]
    pub source: BodySource,
    /// Exceptions from the defaults (text, JSON for objects), by property.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encodings: Vec<PropertyEncoding>,
}

/// How one property of a form is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyEncoding {
    /// The property.
    pub property: String,
    /// How arrays and objects are written (urlencoded forms).
    pub style: Style,
    /// Whether each element is a field of its own.
    pub explode: bool,
    /// Whether RFC 3986 reserved characters stay as they are (urlencoded forms).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_reserved: bool,
    /// Content type of the part (multipart), or `application/json` for a field that is JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Whether the value is base64 of a file's bytes: sent as bytes, with a file name (multipart).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub file: bool,
}

/// A text body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextBody {
    /// The argument that is the body.
    pub argument: String,
    /// Content type, e.g. `text/plain` or `application/xml`.
    pub content_type: String,
}

/// A body of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BinaryBody {
    /// The argument that holds the bytes as base64.
    pub argument: String,
    /// Content type, e.g. `application/octet-stream`.
    pub content_type: String,
}
