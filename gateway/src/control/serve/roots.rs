//! Which certificate authorities vouch for upstreams.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A configuration with the authorities of a PEM file, or those of the system. A machine without any is
/// fine as long as no upstream speaks TLS: each such call then fails to verify.
pub(in crate::control) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let roots = match ca_file {
        Some(path) => from_file(path)?,
        None => from_system(),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn from_file(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)
        .with_context(|| format!("--upstream-ca-file: cannot read {}", path.display()))?;
    for certificate in certificates {
        roots
            .add(certificate.with_context(|| format!("--upstream-ca-file: {}", path.display()))?)?;
    }
    if roots.is_empty() {
        bail!(
            "--upstream-ca-file: {} holds no certificate",
            path.display()
        );
    }
    Ok(roots)
}

fn from_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // A system's store may hold a certificate that rustls does not read; the others still count.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            "this machine has no certificate authorities: upstreams over https will fail; see --upstream-ca-file"
        );
    }
    roots
}
