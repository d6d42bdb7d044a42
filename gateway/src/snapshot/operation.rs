//! A REST operation, compiled from a tool's specification: where each argument goes.
//!
//! Everything that no call changes is bytes here already: the request line up to the first argument,
//! the constant headers, the credential. Writing a request is `adapter::rest`'s work.

use super::upstream::UpstreamId;

mod compile;

pub(crate) use compile::may_be_header_parameter;

#[cfg(test)]
mod tests;

/// How a tool's call becomes an HTTP request.
#[derive(Debug)]
pub struct RestOperation {
    /// Where it is sent.
    pub upstream: UpstreamId,
    /// Whether sending twice is as sending once (RFC 9110 section 9.2.2): retries go by it.
    pub idempotent: bool,
    /// Whether an answer has no body: HEAD.
    pub head_only: bool,
    /// Method, base path and the template up to its first argument, e.g. `GET /v1/orders/`.
    pub(crate) prefix: Box<str>,
    /// Arguments in the path, each with the literal that follows it.
    pub(crate) path: Box<[PathPart]>,
    /// Constant part of the query, credential included, without `?`; empty where there is none.
    pub(crate) fixed_query: Guarded,
    pub(crate) query: Box<[Parameter]>,
    /// Constant header lines, credential included, each ending in CRLF.
    pub(crate) fixed_head: Guarded,
    pub(crate) headers: Box<[Parameter]>,
    /// Constant cookies (a credential), without the header's name.
    pub(crate) fixed_cookies: Guarded,
    pub(crate) cookies: Box<[Parameter]>,
    pub(crate) body: Body,
    /// The method's meaning has a body, so one that is absent is announced as `content-length: 0`
    /// (RFC 9110 section 8.6).
    pub(crate) announces_empty_body: bool,
    /// False where the operation has a header of that name itself.
    pub(crate) sends_request_id: bool,
    /// False where the operation has a header of that name itself.
    pub(crate) sends_traceparent: bool,
}

/// An argument that stands in the path.
#[derive(Debug)]
pub(crate) struct PathPart {
    pub(crate) parameter: Parameter,
    /// Literal up to the next argument or the path's end.
    pub(crate) after: Box<str>,
}

/// One argument outside the body.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Name among the tool's arguments.
    pub(crate) argument: Box<str>,
    /// Name in the request, encoded for its place.
    pub(crate) name: Box<str>,
    pub(crate) expansion: Expansion,
    pub(crate) required: bool,
}

/// How a value becomes text: OpenAPI's `style`, `explode`, `allowReserved` and `content`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    pub(crate) style: Style,
    pub(crate) explode: bool,
    /// Reserved characters that cannot break the query pass as they are.
    pub(crate) allow_reserved: bool,
}

/// OpenAPI 3.1 section 4.8.12.3, and `content: application/json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    DeepObject,
    Form,
    Json,
    Label,
    Matrix,
    PipeDelimited,
    Simple,
    SpaceDelimited,
}

/// Where the body comes from.
#[derive(Debug)]
pub(crate) enum Body {
    None,
    /// All arguments that are no parameter, as a JSON object.
    JsonRest {
        content_type: Box<str>,
    },
    /// One argument as JSON.
    JsonArgument {
        argument: Box<str>,
        content_type: Box<str>,
    },
    Form {
        source: Source,
        fields: Box<[FormField]>,
    },
    Multipart {
        source: Source,
        parts: Box<[PartField]>,
    },
    /// One argument as text.
    Text {
        argument: Box<str>,
        content_type: Box<str>,
    },
    /// One argument, base64, as bytes.
    Binary {
        argument: Box<str>,
        content_type: Box<str>,
    },
}

/// The object that a form's fields come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The value of one argument.
    Argument(Box<str>),
    /// All arguments that are no parameter.
    Rest,
}

/// A field of a form whose encoding the document states; others take the default.
#[derive(Debug)]
pub(crate) struct FormField {
    pub(crate) name: Box<str>,
    pub(crate) expansion: Expansion,
}

/// A part of a multipart form whose encoding the document states; others take the default.
#[derive(Debug)]
pub(crate) struct PartField {
    pub(crate) name: Box<str>,
    pub(crate) content_type: Option<Box<str>>,
    /// The argument is base64 and the part is its bytes.
    pub(crate) binary: bool,
}

/// Bytes that may hold a credential: shown as their length only.
#[derive(Default)]
pub(crate) struct Guarded(pub(crate) Box<[u8]>);

impl std::fmt::Debug for Guarded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "*** ({} bytes)", self.0.len())
    }
}

impl RestOperation {
    /// Whether some parameter or a named body takes this argument.
    pub(crate) fn takes(&self, argument: &str) -> bool {
        self.parameters()
            .any(|parameter| &*parameter.argument == argument)
            || self.body.argument() == Some(argument)
    }

    /// Whether all arguments that are no parameter travel in the body.
    pub(crate) fn takes_rest(&self) -> bool {
        matches!(
            self.body,
            Body::JsonRest { .. }
                | Body::Form {
                    source: Source::Rest,
                    ..
                }
                | Body::Multipart {
                    source: Source::Rest,
                    ..
                }
        )
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        let path = self.path.iter().map(|part| &part.parameter);
        path.chain(&self.query)
            .chain(&self.headers)
            .chain(&self.cookies)
    }
}

impl Body {
    /// The argument that the whole body comes from, where it is one.
    pub(crate) fn argument(&self) -> Option<&str> {
        match self {
            Self::JsonArgument { argument, .. }
            | Self::Text { argument, .. }
            | Self::Binary { argument, .. }
            | Self::Form {
                source: Source::Argument(argument),
                ..
            }
            | Self::Multipart {
                source: Source::Argument(argument),
                ..
            } => Some(argument),
            Self::None | Self::JsonRest { .. } | Self::Form { .. } | Self::Multipart { .. } => None,
        }
    }
}
