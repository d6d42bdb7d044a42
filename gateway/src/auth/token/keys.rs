//! An issuer's key set (RFC 7517), read and converted by control.

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::limits::TOKEN_KEYS_MAX;
use crate::snapshot::issuer::{TokenKey, TokenKeys};

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Reads a key set. What is no key for signatures that we know is passed over: sets hold keys for
/// encryption, and of kinds that others know.
///
/// # Errors
/// It is no key set, has more than [`TOKEN_KEYS_MAX`] keys, or none that signs.
pub fn parse(text: &str) -> Result<TokenKeys, String> {
    let set: KeySet =
        serde_json::from_str(text).map_err(|error| format!("the keys are no key set: {error}"))?;
    if set.keys.len() > TOKEN_KEYS_MAX {
        return Err(format!("the key set has more than {TOKEN_KEYS_MAX} keys"));
    }
    let mut keys = TokenKeys::default();
    for value in set.keys {
        if let Some((kid, key)) = convert(value) {
            keys.entry(kid).or_insert(key);
        }
    }
    if keys.is_empty() {
        return Err("the key set holds no key that verifies RS, PS, ES or EdDSA signatures".into());
    }
    Ok(keys)
}

fn convert(value: Value) -> Option<(Box<str>, TokenKey)> {
    let key: Jwk = serde_json::from_value(value).ok()?;
    let common = &key.common;
    let signs = common
        .public_key_use
        .as_ref()
        .is_none_or(|wanted| *wanted == PublicKeyUse::Signature)
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let (name, algorithm) = algorithm(&key).filter(|_| signs)?;
    let converted = DecodingKey::from_jwk(&key).ok()?;
    // A set of one key needs no names (RFC 7517 section 4.5).
    let kid = common.key_id.as_deref().unwrap_or_default().into();
    Some((
        kid,
        TokenKey {
            name,
            algorithm,
            key: converted,
        },
    ))
}

/// The one algorithm of a key: as it says, where that fits its kind; else its kind's usual one, which for
/// RSA is RS256. Symmetric keys have none here, so no public key can be mistaken for a secret.
fn algorithm(key: &Jwk) -> Option<(&'static str, Algorithm)> {
    use KeyAlgorithm as Said;
    let said = key.common.key_algorithm;
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => match said {
            None | Some(Said::RS256) => Some(("RS256", Algorithm::RS256)),
            Some(Said::RS384) => Some(("RS384", Algorithm::RS384)),
            Some(Said::RS512) => Some(("RS512", Algorithm::RS512)),
            Some(Said::PS256) => Some(("PS256", Algorithm::PS256)),
            Some(Said::PS384) => Some(("PS384", Algorithm::PS384)),
            Some(Said::PS512) => Some(("PS512", Algorithm::PS512)),
            Some(_) => None,
        },
        AlgorithmParameters::EllipticCurve(parameters) => match (&parameters.curve, said) {
            (EllipticCurve::P256, None | Some(Said::ES256)) => Some(("ES256", Algorithm::ES256)),
            (EllipticCurve::P384, None | Some(Said::ES384)) => Some(("ES384", Algorithm::ES384)),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(parameters) => match (&parameters.curve, said) {
            (EllipticCurve::Ed25519, None | Some(Said::EdDSA)) => Some(("EdDSA", Algorithm::EdDSA)),
            _ => None,
        },
        _ => None,
    }
}
