//! An authority and a certificate of `localhost` that it signed, made for one test run: as much DER as
//! that takes, so that no crate and no program is needed for it.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// AlgorithmIdentifier of Ed25519 (RFC 8410).
const ED25519: &[u8] = &[SEQUENCE, 5, 6, 3, 0x2b, 0x65, 0x70];

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        0..128 => out.push(length[1]),
        128..256 => out.extend([0x81, length[1]]),
        _ => out.extend([0x82, length[0], length[1]]),
    }
    out.extend(content);
    out
}

/// A name with one common name.
fn name(text: &str) -> Vec<u8> {
    let common_name = tagged(
        SEQUENCE,
        &[&[6, 3, 0x55, 4, 3], &tagged(0x0c, &[text.as_bytes()])],
    );
    tagged(SEQUENCE, &[&tagged(SET, &[&common_name])])
}

fn certificate(
    serial: u8,
    subject: &str,
    key: &Ed25519KeyPair,
    extension: &[u8],
    signer: &Ed25519KeyPair,
) -> Vec<u8> {
    let validity = tagged(
        SEQUENCE,
        &[
            &tagged(0x17, &[b"200101000000Z"]),
            &tagged(0x17, &[b"491231235959Z"]),
        ],
    );
    let public = tagged(
        SEQUENCE,
        &[ED25519, &tagged(3, &[&[0], key.public_key().as_ref()])],
    );
    let extensions = tagged(0xa3, &[&tagged(SEQUENCE, &[extension])]);
    let version = [0xa0, 3, 2, 1, 2];
    let body = tagged(
        SEQUENCE,
        &[
            &version,
            &[2, 1, serial],
            ED25519,
            &name("test authority"),
            &validity,
            &name(subject),
            &public,
            &extensions,
        ],
    );
    let signature = signer.sign(&body);
    tagged(
        SEQUENCE,
        &[&body, ED25519, &tagged(3, &[&[0], signature.as_ref()])],
    )
}

/// The authority for clients, and a server that it vouches for under `localhost`.
pub(super) fn authority_and_server() -> (RootCertStore, ServerConfig) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let authority = Ed25519KeyPair::generate().unwrap();
    let key = Ed25519KeyPair::generate().unwrap();
    // basicConstraints, critical: this is an authority.
    let is_authority = tagged(
        SEQUENCE,
        &[
            &[6, 3, 0x55, 0x1d, 0x13],
            &[1, 1, 0xff],
            &tagged(4, &[&tagged(SEQUENCE, &[&[1, 1, 0xff]])]),
        ],
    );
    // subjectAltName with one DNS name.
    let names = tagged(SEQUENCE, &[&tagged(0x82, &[b"localhost"])]);
    let is_localhost = tagged(
        SEQUENCE,
        &[&[6, 3, 0x55, 0x1d, 0x11], &tagged(4, &[&names])],
    );
    let mut roots = RootCertStore::empty();
    let root = certificate(1, "test authority", &authority, &is_authority, &authority);
    roots.add(CertificateDer::from(root)).unwrap();
    let own = certificate(2, "localhost", &key, &is_localhost, &authority);
    let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private.as_ref().to_vec()));
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(own)], private)
        .unwrap();
    (roots, server)
}
