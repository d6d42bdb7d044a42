//! An issuer in miniature: keys that are made here, and tokens that they sign.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::keys;
use crate::auth::callers::Callers;
use crate::auth::scope::Roles;
use crate::limit::Rate;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Keys;
use crate::snapshot::issuer::{Discovery, Issuer, Issuers, TokenKeys, Wanted};

pub(crate) const STOA: &str = "https://auth.example.com/realms/stoa";
pub(crate) const GLOBEX_REALM: &str = "https://auth.example.com/realms/globex";
pub(crate) const AUDIENCE: &str = "stoa-gateway";

/// A private key.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub(crate) fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .unwrap()
                    .as_ref(),
            ),
            Algorithm::ES384 => EncodingKey::from_ec_der(
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random)
                    .unwrap()
                    .as_ref(),
            ),
            Algorithm::EdDSA => EncodingKey::from_ed_der(
                Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref(),
            ),
            _ => {
                let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                // PKCS #1 begins behind the 26 bytes that PKCS #8 puts before a key of this size.
                EncodingKey::from_rsa_der(&der.as_ref()[26..])
            }
        };
        Self {
            kid,
            algorithm,
            key,
        }
    }

    /// The public half, as an issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm, "kid": self.kid, "typ": "JWT"});
        self.sign_with(&header, claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// The first two parts.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// The realm's keys, made once for all tests: those of RSA take a while.
pub(crate) struct Realm {
    pub(crate) rs256: Signer,
    pub(crate) ps256: Signer,
    pub(crate) es256: Signer,
    pub(crate) es384: Signer,
    pub(crate) eddsa: Signer,
    /// Of the other realm.
    pub(crate) globex: Signer,
    /// Of nobody.
    pub(crate) stranger: Signer,
}

pub(crate) fn realm() -> &'static Realm {
    static REALM: OnceLock<Realm> = OnceLock::new();
    REALM.get_or_init(|| Realm {
        rs256: Signer::new("rs", Algorithm::RS256),
        ps256: Signer::new("ps", Algorithm::PS256),
        es256: Signer::new("es", Algorithm::ES256),
        es384: Signer::new("es3", Algorithm::ES384),
        eddsa: Signer::new("ed", Algorithm::EdDSA),
        globex: Signer::new("gl", Algorithm::ES256),
        stranger: Signer::new("es", Algorithm::ES256),
    })
}

pub(crate) fn key_set(signers: &[&Signer]) -> TokenKeys {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    keys::parse(&json!({"keys": keys}).to_string()).unwrap()
}

fn issuer(keys: TokenKeys, tenant: Option<&str>) -> Issuer {
    Issuer {
        keys: Arc::new(keys),
        tenant: tenant.map(Into::into),
        wanted: Arc::new(Wanted::default()),
    }
}

/// Two realms: one for all, and one for globex alone.
pub(crate) fn issuers() -> Issuers {
    let realm = realm();
    let all = [
        &realm.rs256,
        &realm.ps256,
        &realm.es256,
        &realm.es384,
        &realm.eddsa,
    ];
    let roles = [
        Roles::CPI_ADMIN,
        Roles::TENANT_ADMIN,
        Roles::DEVOPS,
        Roles::VIEWER,
        Roles::NONE,
    ];
    Issuers {
        by_url: [
            (STOA.into(), issuer(key_set(&all), None)),
            (
                GLOBEX_REALM.into(),
                issuer(key_set(&[&realm.globex]), Some("globex")),
            ),
        ]
        .into_iter()
        .collect(),
        audiences: [AUDIENCE.into(), "https://gw.example.com/mcp".into()].into(),
        clients: Box::default(),
        tenant_claims: ["tenant_id".into(), "tenant".into()].into(),
        scopes_grant: false,
        tiers: roles.map(|roles| (roles, Rate::of_tier(roles))),
        callers: Arc::new(Callers::default()),
        discovery: Discovery {
            public_url: None,
            authorization_servers: vec![STOA.into()],
            scopes: Vec::new(),
            metadata: None,
        },
    }
}

/// A snapshot of the tenants acme and globex that takes tokens of those issuers.
pub(crate) fn snapshot(issuers: Issuers) -> Snapshot {
    Snapshot {
        generation: 1,
        keys: Keys {
            issuers: Some(issuers),
            ..Keys::default()
        },
        ..crate::auth::fixture::snapshot(Vec::new())
    }
}
