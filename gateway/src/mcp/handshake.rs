//! What the gateway says of itself: `initialize` to legacy clients, `server/discover` to modern ones.

use super::answer::{MODERN_MEMBERS, begin, end};
use super::envelope::{Id, Params, Text};
use super::error::write_versions;
use super::session::Declared;
use super::version::{Revision, negotiate};
use crate::json::write_string;
use crate::refusal::Refusal;

/// What a model is told of this server where the operator says nothing else.
pub const INSTRUCTIONS: &str = "The tools of this server call real APIs on your behalf. With many tools, \
     find the right one by a few words with stoa_catalog (action \"search\") before you list them all. \
     A result with isError says what to change; correct the arguments and call again.";

/// Time for which a modern client may keep what `server/discover` said. It changes with a release or a
/// new configuration only; ten minutes keep a roll-out from being missed for long.
const DISCOVER_TTL_MS: u64 = 600_000;

/// Members that `initialize` has on top of what both eras know.
const SERVER_INFO: &str = concat!(
    r#""serverInfo":{"name":"stoa-gateway","title":"STOA Gateway","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);

/// What a client opens a session with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What the session will speak.
    pub revision: Revision,
    /// What the client can do.
    pub declared: Declared,
}

/// Reads the parameters of `initialize`. A second one on a session opens another, as in the Python
/// reference server; `clientInfo` may be missing, as nothing depends on it.
///
/// # Errors
/// [`Refusal::ParamsInvalid`] where no protocol version is named, or the capabilities are no object.
pub fn read_initialize(params: &Params<'_>) -> Result<Opening, Refusal> {
    let Text::Is(requested) = &params.protocol_version else {
        return Err(Refusal::ParamsInvalid);
    };
    if params.capabilities.is_some_and(|raw| !raw.is_object()) {
        return Err(Refusal::ParamsInvalid);
    }
    Ok(Opening {
        revision: negotiate(requested),
        declared: Declared::read(params.capabilities),
    })
}

/// Appends the answer to `initialize`. The session's id goes into a header beside it.
pub fn write_initialize(out: &mut Vec<u8>, id: Id<'_>, revision: Revision, instructions: &str) {
    begin(out, id);
    out.extend_from_slice(br#""protocolVersion":"#);
    write_string(out, revision.as_str());
    out.extend_from_slice(br#","capabilities":{"logging":{},"tools":{"listChanged":true}},"#);
    out.extend_from_slice(SERVER_INFO.as_bytes());
    write_instructions(out, instructions);
    end(out);
}

/// Appends the answer to `server/discover`. It is the same for every caller, hence public.
pub fn write_discover(out: &mut Vec<u8>, id: Id<'_>, instructions: &str) {
    begin(out, id);
    out.extend_from_slice(br#""supportedVersions":"#);
    write_versions(out, &Revision::MODERN);
    out.extend_from_slice(br#","capabilities":{"tools":{"listChanged":true}},"ttlMs":"#);
    out.extend_from_slice(itoa::Buffer::new().format(DISCOVER_TTL_MS).as_bytes());
    out.extend_from_slice(br#","cacheScope":"public","#);
    out.extend_from_slice(MODERN_MEMBERS.as_bytes());
    write_instructions(out, instructions);
    end(out);
}

fn write_instructions(out: &mut Vec<u8>, instructions: &str) {
    if !instructions.is_empty() {
        out.extend_from_slice(br#","instructions":"#);
        write_string(out, instructions);
    }
}

#[cfg(test)]
mod tests;
