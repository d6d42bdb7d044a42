//! What a request on a legacy session must be: the session itself, the version header on it, the
//! method.

use super::envelope::{Kind, Message, Text};
use super::error::{Detail, Refused};
use super::headers::{Field, Headers};
use super::method::Method;
use super::seal::Sealer;
use super::session::{Binding, Session, Sessions};
use super::version::{Era, Revision};
use crate::refusal::Refusal;

const VERSION_UNKNOWN: &str = "The MCP-Protocol-Version header names no revision that this gateway speaks: \
     send the one that initialize settled on, or leave the header out.";
const SESSION_REPEATED: &str = "The Mcp-Session-Id header is sent more than once.";

/// A legacy message that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// To be answered.
    Request(Method),
    /// A notification, or a response to a request that we never made: 202.
    Acknowledge,
}

/// Opens the session that a request names, and checks its version header.
///
/// A header that names another revision than the session's is accepted where we speak it, as deployed
/// clients send their library's latest; the session's revision holds. Without a header the session's
/// revision holds, too.
///
/// # Errors
/// [`Refusal::SessionMissing`]; [`Refusal::SessionUnknown`] as [`Sessions::open`]; and
/// [`Refusal::InvalidRequest`] where the session is named twice, or the version header is unknown or
/// repeated.
pub fn open_session(
    sessions: &Sessions,
    sealer: &Sealer,
    headers: &Headers<'_>,
    binding: &Binding,
    now_ms: u64,
) -> Result<Session, Refused<'static>> {
    let token = match headers.session {
        Field::Value(token) => token,
        Field::Absent => return Err(Refusal::SessionMissing.into()),
        Field::Repeated => return Err(invalid(SESSION_REPEATED)),
    };
    let session = sessions.open(sealer, token, binding, now_ms)?;
    check_version(headers)?;
    Ok(session)
}

/// Checks the version header where it is sent. The specification asks for 400; the code is not -32022,
/// which would tell a client that probes that this server is modern only.
fn check_version(headers: &Headers<'_>) -> Result<(), Refused<'static>> {
    match headers.protocol_version {
        Field::Absent => Ok(()),
        Field::Value(name) if Revision::parse(name).is_some() => Ok(()),
        Field::Value(_) | Field::Repeated => Err(invalid(VERSION_UNKNOWN)),
    }
}

fn invalid(message: &'static str) -> Refused<'static> {
    Refused {
        refusal: Refusal::InvalidRequest,
        detail: Detail::Message(message),
    }
}

/// Checks a message of the legacy era, `initialize` included.
///
/// # Errors
/// [`Refusal::MethodUnknown`].
pub fn check(message: &Message<'_>) -> Result<Accepted, Refusal> {
    match &message.kind {
        Kind::Request { method, .. } => {
            let method = Method::read(method);
            method
                .check_era(Era::Legacy)
                .map(|()| Accepted::Request(method))
        }
        Kind::Notification { .. } | Kind::Response => Ok(Accepted::Acknowledge),
    }
}

/// Checks a message within a batch: `initialize` must not be part of one (2025-03-26, lifecycle), as
/// its session's id could not be told, and a modern message has no place beside others.
///
/// # Errors
/// [`Refusal::InvalidRequest`].
pub fn check_in_batch(message: &Message<'_>) -> Result<(), Refusal> {
    let opens_session = matches!(
        &message.kind,
        Kind::Request { method, .. } if Method::read(method) == Method::Initialize
    );
    if opens_session || message.params.meta.protocol_version != Text::Absent {
        return Err(Refusal::InvalidRequest);
    }
    Ok(())
}

/// Checks that the session's revision has batches.
///
/// # Errors
/// [`Refusal::BatchRefused`].
pub fn check_batch(revision: Revision) -> Result<(), Refusal> {
    if revision.has_batches() {
        Ok(())
    } else {
        Err(Refusal::BatchRefused)
    }
}
