//! What a token says, and whether that is for us and for now. The signature was checked before.

use serde_json::{Map, Value};

use crate::limits::{TOKEN_CLAIMS_MAX, TOKEN_SKEW_S};
use crate::refusal::Refusal;
use crate::snapshot::issuer::Issuers;
use crate::worker::clock::Now;

/// The claims of one token.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Reads a payload; `None` where it is no object, or one with more than [`TOKEN_CLAIMS_MAX`] members.
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let claims: Map<String, Value> = serde_json::from_slice(payload).ok()?;
        (claims.len() <= TOKEN_CLAIMS_MAX).then_some(Self(claims))
    }

    /// A claim; one that is `null` is not there.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A claim that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Unix seconds: `Ok(None)` where the claim is absent.
    fn seconds(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        // RFC 7519 permits fractions. Until the year 30,000, so that nothing overflows below.
        let seconds = value
            .as_f64()
            .filter(|seconds| (0.0..1e12).contains(seconds));
        seconds
            .map(|seconds| Some(seconds as u64))
            .ok_or(Refusal::CredentialsInvalid)
    }

    /// The texts of a claim that is one text or a list of them; anything else in it is passed over.
    pub(super) fn texts<'c>(value: Option<&'c Value>) -> impl Iterator<Item = &'c str> {
        let list: &'c [Value] = match value {
            Some(Value::Array(list)) => list,
            Some(single) => std::slice::from_ref(single),
            None => &[],
        };
        list.iter().filter_map(Value::as_str)
    }
}

/// Judges time, audience, kind and client. Gives the Unix milliseconds at which the token ends.
///
/// Its end is exact: a token is good until the second before `exp`, for otherwise one that was given for
/// five seconds would live ten times as long. `nbf` and `iat` may lie [`TOKEN_SKEW_S`] ahead, as clocks of
/// issuers do.
pub(super) fn check(claims: &Claims, issuers: &Issuers, now: Now) -> Result<u64, Refusal> {
    let invalid = Refusal::CredentialsInvalid;
    let expires_at_s = claims.seconds("exp")?.ok_or(invalid)?;
    let latest_s = now.unix_s() + TOKEN_SKEW_S;
    for name in ["nbf", "iat"] {
        if claims
            .seconds(name)?
            .is_some_and(|begins_s| begins_s > latest_s)
        {
            return Err(invalid);
        }
    }
    if !is_bearer(claims) {
        return Err(invalid);
    }
    let is_ours = Claims::texts(claims.get("aud")).any(|audience| {
        let known = issuers.audiences.iter();
        known.into_iter().any(|ours| **ours == *audience)
    });
    if !is_ours {
        return Err(Refusal::TokenAudience);
    }
    let clients = &issuers.clients;
    let client = claims.text("azp").or_else(|| claims.text("client_id"));
    if !clients.is_empty()
        && !client.is_some_and(|client| clients.iter().any(|ours| **ours == *client))
    {
        return Err(invalid);
    }
    if now.unix_s() >= expires_at_s {
        return Err(Refusal::CredentialsExpired);
    }
    Ok(expires_at_s * 1_000)
}

/// Whether possession is all that the token asks for. Keycloak says `ID`, `Refresh` or `DPoP` in `typ` of
/// what is none; `cnf` binds a token to a key or a certificate (RFC 7800), and who takes it without proof
/// takes it from a thief as well.
fn is_bearer(claims: &Claims) -> bool {
    let kind = claims.get("typ").map(|kind| kind == "Bearer");
    kind.unwrap_or(true) && claims.get("cnf").is_none()
}
