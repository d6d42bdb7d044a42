//! One call as the exchange learns it, and the words of its event.
//!
//! A [`Record`] borrows what the request already holds, so filling it costs nothing. [`codec`] writes
//! it into the worker's buffer; what a person reads is made on the other side, by [`super::event`].

pub mod codec;

/// Everything that one metering event says. Filled as the exchange learns it; what nobody filled
/// stays at a default that cannot be mistaken for a success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// Tenant of the verified credential; empty while nobody is verified.
    pub tenant: &'a str,
    /// Project within the tenant, where one is known.
    pub project: Option<&'a str>,
    /// The verified client, or what `X-Consumer-ID` says where the caller may say it; empty becomes
    /// `unknown`.
    pub consumer: &'a str,
    /// Subject of the verified credential.
    pub user_id: Option<&'a str>,
    /// Name of the tool, as the caller sent it where there is no such tool.
    pub tool: &'a str,
    /// What was asked for: the MCP method, e.g. `tools/call`, on every transport.
    pub action: &'a str,
    /// Mode of the gateway.
    pub mode: Mode,
    /// How the call came.
    pub transport: Transport,
    /// How it ended.
    pub status: Status,
    /// Microseconds from the end of the request's head to the answer's last byte handed over.
    pub latency_us: u64,
    /// Microseconds of it spent waiting for the upstream.
    pub backend_us: u64,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
    /// Tokens that a model was given, where known.
    pub tokens_in: Option<u64>,
    /// Tokens that a model made, where known.
    pub tokens_out: Option<u64>,
    /// Cost in millionths of a unit; see [`super::cost`].
    pub cost_microunits: u64,
    /// The correlation id: taken from the caller or made.
    pub request_id: &'a str,
    /// Trace id of a valid `traceparent`.
    pub trace_id: Option<[u8; 16]>,
    /// Bounded extras, such as the reason of a refusal. Never arguments, never secrets.
    pub metadata: &'a [(&'a str, &'a str)],
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// The caller went away before the answer.
    Cancelled,
    /// Refused as malformed, failed in the gateway, or the upstream failed or answered an error.
    #[default]
    Error,
    /// No such tool, or none that this caller may know of.
    NotFound,
    /// Verified, and not permitted.
    PolicyDenied,
    /// Over a limit.
    RateLimited,
    /// Answered.
    Success,
    /// The upstream took too long.
    Timeout,
    /// No valid credential.
    Unauthorized,
}

impl Status {
    /// Every status, by [`Status::index`].
    pub const ALL: [Self; 8] = [
        Self::Cancelled,
        Self::Error,
        Self::NotFound,
        Self::PolicyDenied,
        Self::RateLimited,
        Self::Success,
        Self::Timeout,
        Self::Unauthorized,
    ];

    /// Position in [`Status::ALL`]: for arrays of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Error => "error",
            Self::NotFound => "not_found",
            Self::PolicyDenied => "policy_denied",
            Self::RateLimited => "rate_limited",
            Self::Success => "success",
            Self::Timeout => "timeout",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Whether the call was refused before anything was sent upstream, so that its event carries no
    /// bill. Such records make way first when the meter is nearly full.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::NotFound | Self::PolicyDenied | Self::RateLimited | Self::Unauthorized
        )
    }

    /// Stable code in the binary form.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Error => 1,
            Self::Timeout => 2,
            Self::RateLimited => 3,
            Self::Unauthorized => 4,
            Self::PolicyDenied => 5,
            Self::NotFound => 6,
            Self::Cancelled => 7,
        }
    }

    /// The status of a code, or `None` where a newer gateway wrote it.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

/// Mode of the gateway that took the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Agents call tools.
    #[default]
    EdgeMcp,
}

impl Mode {
    /// The word in events and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdgeMcp => "edge-mcp",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::EdgeMcp => 0,
        }
    }

    /// The mode of a code, or `None` where a newer gateway wrote it.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        (code == Self::EdgeMcp.code()).then_some(Self::EdgeMcp)
    }
}

/// How a call came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `/mcp/v1/...`.
    Rest,
    /// `/mcp`.
    #[default]
    StreamableHttp,
}

impl Transport {
    /// Every transport, by [`Transport::index`].
    pub const ALL: [Self; 2] = [Self::Rest, Self::StreamableHttp];

    /// Position in [`Transport::ALL`]: for arrays of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::StreamableHttp => "streamable-http",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::StreamableHttp => 0,
            Self::Rest => 1,
        }
    }

    /// The transport of a code, or `None` where a newer gateway wrote it.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.code() == code)
    }
}
