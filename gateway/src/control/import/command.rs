//! `stoa-gateway import`: gets the document, from a file, a URL or standard input, and prints what it
//! would give.

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::openapi::ImportOptions;
use super::run_import;
use crate::control::fetch::fetch;
use crate::control::flags::{Emit, ImportCommand, ImportOpenapi};
use crate::control::names::tenant_of_namespace;
use crate::control::serve::roots;
use crate::limits::DOCUMENT_BYTES_MAX;

/// Does what was asked for.
///
/// # Errors
/// The document cannot be had, or gives no tool at all.
pub fn command(command: &ImportCommand) -> Result<()> {
    let ImportCommand::Openapi(wanted) = command;
    tenant_of_namespace(&wanted.namespace)
        .map_err(|reason| anyhow::anyhow!("--namespace: {reason}"))?;
    let document = document(wanted)?;
    let options = ImportOptions {
        base_url: wanted.base_url.clone(),
        document_url: is_url(&wanted.document).then(|| wanted.document.clone()),
        namespace: Some(wanted.namespace.clone()),
        ..ImportOptions::default()
    };
    let emit_yaml = wanted.emit == Emit::Yaml;
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    match run_import(&document, &options, emit_yaml, &mut out, &mut err) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("{} gives no tool", wanted.document),
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn is_url(document: &str) -> bool {
    document.contains("://")
}

fn document(wanted: &ImportOpenapi) -> Result<String> {
    let named = wanted.document.as_str();
    if named == "-" {
        return read(io::stdin().lock()).context("cannot read standard input");
    }
    if !is_url(named) {
        let file = std::fs::File::open(Path::new(named));
        return file
            .and_then(read)
            .with_context(|| format!("cannot read {named}"));
    }
    let tls = roots::client_config(wanted.upstream_ca_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(fetch(named, &wanted.upstream_allow, tls))
        .map_err(|reason| anyhow::anyhow!("cannot get {named}: {reason}"))
}

fn read(from: impl io::Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(DOCUMENT_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)?;
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(io::Error::other(format!(
            "more than {DOCUMENT_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}
