//! What a request of 2026-07-28 must carry, and its headers against its body.
//!
//! The body is the truth; a header that differs is refused, as whoever stands before us may have
//! routed, limited or logged by it. The order of checks is that of the reference servers: what era and
//! version this is, then what the version asks for, then the method.

use super::envelope::{Kind, Message, Params, Text};
use super::error::{Detail, HeaderFault, Refused};
use super::headers::{Field, Headers, decode};
use super::method::Method;
use super::version::{Era, Revision};
use crate::refusal::{MirroredHeader, Refusal};

/// A modern message that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// To be answered.
    Request(Method),
    /// To be acknowledged with 202. The revision defines none, but clients send
    /// `notifications/cancelled`, and without mirrored headers.
    Notification,
}

/// Checks a message of the modern era. `Mcp-Param-*` needs the tool and is checked later, by
/// [`super::parameter::check`].
///
/// # Errors
/// In this order: [`Refusal::InvalidRequest`] for a response, which this era has no place for;
/// [`Refusal::MetaMissing`], [`Refusal::HeaderMismatch`] or [`Refusal::ProtocolVersionUnsupported`] for
/// the version, [`Refusal::MetaMissing`] for the capabilities; [`Refusal::HeaderMismatch`] for the
/// method; [`Refusal::MethodUnknown`]; [`Refusal::ParamsInvalid`] or [`Refusal::HeaderMismatch`] for a
/// tool's name.
pub fn check<'a>(message: &'a Message<'_>, headers: &Headers<'_>) -> Result<Accepted, Refused<'a>> {
    let method_name = match &message.kind {
        Kind::Request { method, .. } => method,
        Kind::Notification { .. } => return Ok(Accepted::Notification),
        Kind::Response => return Err(Refusal::InvalidRequest.into()),
    };
    check_meta(&message.params, headers)?;
    compare(MirroredHeader::Method, headers.method, method_name)?;
    let method = Method::read(method_name);
    method.check_era(Era::Modern)?;
    if method == Method::ToolsCall {
        check_name(&message.params, headers)?;
    }
    Ok(Accepted::Request(method))
}

fn check_meta<'a>(params: &'a Params<'_>, headers: &Headers<'_>) -> Result<(), Refused<'a>> {
    let requested = params
        .meta
        .protocol_version
        .as_str()
        .ok_or(Refusal::MetaMissing)?;
    compare(
        MirroredHeader::ProtocolVersion,
        headers.protocol_version,
        requested,
    )?;
    let revision = Revision::parse(requested.as_bytes());
    if revision.is_none_or(|revision| revision.era() != Era::Modern) {
        return Err(Refused {
            refusal: Refusal::ProtocolVersionUnsupported,
            detail: Detail::Requested(requested),
        });
    }
    match params.meta.client_capabilities {
        Some(capabilities) if capabilities.is_object() => Ok(()),
        _ => Err(Refusal::MetaMissing.into()),
    }
}

fn check_name<'a>(params: &'a Params<'_>, headers: &Headers<'_>) -> Result<(), Refused<'a>> {
    let Text::Is(name) = &params.name else {
        return Err(Refusal::ParamsInvalid.into());
    };
    let fault = |fault| Refused::header(MirroredHeader::Name, fault);
    let value = single(headers.name).map_err(fault)?;
    let decoded = decode(value).map_err(|_| fault(HeaderFault::Malformed))?;
    if decoded == name.as_bytes() {
        Ok(())
    } else {
        Err(fault(HeaderFault::Different))
    }
}

/// Compares a header that has no encoding of its own.
fn compare(header: MirroredHeader, field: Field<'_>, body: &str) -> Result<(), Refused<'static>> {
    match single(field) {
        Ok(value) if value == body.as_bytes() => Ok(()),
        Ok(_) => Err(Refused::header(header, HeaderFault::Different)),
        Err(fault) => Err(Refused::header(header, fault)),
    }
}

/// The one value of a header that must be there once.
pub(super) fn single(field: Field<'_>) -> Result<&[u8], HeaderFault> {
    match field {
        Field::Value(value) => Ok(value),
        Field::Absent => Err(HeaderFault::Missing),
        Field::Repeated => Err(HeaderFault::Repeated),
    }
}
