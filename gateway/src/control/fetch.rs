//! Downloads of API documents, by control: bounded in size and time, and never to an address that the
//! operator did not permit.
//!
//! The address is checked after the name was resolved and the connection goes to that very address, so
//! no second answer of a name server can lead elsewhere. Redirects are followed within the origin only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::url::{self, Origin};
use crate::limits::{
    DOCUMENT_BYTES_MAX, DOCUMENT_REDIRECTS_MAX, DOCUMENT_TIMEOUT_MS, UPSTREAM_CONNECT_TIMEOUT_MS,
};
use crate::upstream::address::is_allowed;

/// What a server may choose from.
const ACCEPTED: &str =
    "application/json, application/yaml, application/openapi+json, text/yaml, */*;q=0.5";

/// How much of a document is taken, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of its body.
    pub bytes_max: usize,
    /// Milliseconds to connect to one address.
    pub connect_ms: u64,
    /// Milliseconds for all of it, redirects included.
    pub download_ms: u64,
}

/// Those of a document of the catalog.
impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes_max: DOCUMENT_BYTES_MAX,
            connect_ms: UPSTREAM_CONNECT_TIMEOUT_MS,
            download_ms: DOCUMENT_TIMEOUT_MS,
        }
    }
}

/// Downloads a document of the catalog as text.
///
/// # Errors
/// As [`fetch_within`].
pub async fn fetch(url: &str, allow: &[IpNet], tls: Arc<ClientConfig>) -> Result<String, String> {
    fetch_within(url, allow, tls, Bounds::default()).await
}

/// Downloads a document as text.
///
/// # Errors
/// A sentence for the operator: the address is not permitted, the server cannot be reached or answers
/// with anything but 200, the document is too large, too slow or no UTF-8.
pub async fn fetch_within(
    url: &str,
    allow: &[IpNet],
    tls: Arc<ClientConfig>,
    bounds: Bounds,
) -> Result<String, String> {
    let limit = Duration::from_millis(bounds.download_ms);
    let bytes = tokio::time::timeout(limit, follow(url, allow, tls, bounds))
        .await
        .map_err(|_| format!("the download took longer than {} ms", bounds.download_ms))??;
    String::from_utf8(bytes).map_err(|_| "the document is not UTF-8".to_owned())
}

async fn follow(
    url: &str,
    allow: &[IpNet],
    tls: Arc<ClientConfig>,
    bounds: Bounds,
) -> Result<Vec<u8>, String> {
    let (origin, path) = url::split(url)?;
    let mut path = path.to_owned();
    for _ in 0..=DOCUMENT_REDIRECTS_MAX {
        let stream = connect(&origin, allow, bounds.connect_ms).await?;
        let response = match request(stream, &origin, &path, &tls, bounds.bytes_max).await? {
            Answer::Document(bytes) => return Ok(bytes),
            Answer::Redirect(location) => location,
        };
        path = within(&origin, &response)?;
    }
    Err(format!("more than {DOCUMENT_REDIRECTS_MAX} redirects"))
}

/// The path of a redirect that stays within the origin.
fn within(origin: &Origin, location: &str) -> Result<String, String> {
    if location.contains("://") {
        let (other, path) =
            url::split(location).map_err(|error| format!("a redirect leads nowhere: {error}"))?;
        if other != *origin {
            return Err(format!(
                "a redirect leads to another origin, {other}: name that one, if you trust it"
            ));
        }
        return Ok(path.to_owned());
    }
    if location.starts_with('/') && !location.starts_with("//") && !location.contains('\\') {
        return Ok(location.to_owned());
    }
    Err("a redirect is neither a URL nor a path from the root".to_owned())
}

enum Answer {
    Document(Vec<u8>),
    Redirect(String),
}

async fn request(
    stream: TcpStream,
    origin: &Origin,
    path: &str,
    tls: &Arc<ClientConfig>,
    bytes_max: usize,
) -> Result<Answer, String> {
    if !origin.tls {
        return exchange(TokioIo::new(stream), origin, path, bytes_max).await;
    }
    let name = ServerName::try_from(origin.host.clone()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await
        .map_err(|error| format!("TLS with {origin} failed: {error}"))?;
    exchange(TokioIo::new(stream), origin, path, bytes_max).await
}

/// Connects to the first address that is permitted and answers.
async fn connect(origin: &Origin, allow: &[IpNet], limit_ms: u64) -> Result<TcpStream, String> {
    let addresses: Vec<SocketAddr> = match origin.host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, origin.port)],
        Err(_) => tokio::net::lookup_host((origin.host.as_str(), origin.port))
            .await
            .map_err(|error| format!("cannot resolve {}: {error}", origin.host))?
            .collect(),
    };
    let mut reason = format!("{} has no address", origin.host);
    for address in addresses {
        if !is_allowed(address.ip(), allow) {
            let at = address.ip().to_string();
            let place = if at == origin.host {
                at
            } else {
                format!("{} is at {at}, which", origin.host)
            };
            reason =
                format!("{place} is no public address; permit its range with --upstream-allow");
            continue;
        }
        let limit = Duration::from_millis(limit_ms);
        match tokio::time::timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => reason = format!("cannot connect to {address}: {error}"),
            Err(_) => reason = format!("cannot connect to {address} within {limit_ms} ms"),
        }
    }
    Err(reason)
}

async fn exchange<S>(
    stream: TokioIo<S>,
    origin: &Origin,
    path: &str,
    bytes_max: usize,
) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let failed = |error: hyper::Error| format!("the exchange with {origin} failed: {error}");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(failed)?;
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let request = Request::get(path)
        .header(HOST, origin.authority())
        .header(ACCEPT, ACCEPTED)
        .header(
            USER_AGENT,
            concat!("stoa-gateway/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("the URL cannot be requested: {error}"))?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(failed)?;
        read(response, bytes_max).await
    };
    // The connection is driven here, beside the request, so that it ends with it.
    tokio::pin!(connection);
    tokio::pin!(answer);
    let mut is_open = true;
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

async fn read(
    response: Response<hyper::body::Incoming>,
    bytes_max: usize,
) -> Result<Answer, String> {
    let status = response.status();
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|location| location.to_str().ok());
        return location
            .map(|location| Answer::Redirect(location.to_owned()))
            .ok_or_else(|| format!("the server answers {status} without saying where to"));
    }
    if status != StatusCode::OK {
        return Err(format!("the server answers {status}"));
    }
    let announced = hyper::body::Body::size_hint(response.body()).lower();
    if announced > bytes_max as u64 {
        return Err(format!("the document has more than {bytes_max} bytes"));
    }
    let body = Limited::new(response.into_body(), bytes_max)
        .collect()
        .await;
    let body = body.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            format!("the document has more than {bytes_max} bytes")
        } else {
            format!("the document broke off: {error}")
        }
    })?;
    Ok(Answer::Document(body.to_bytes().into()))
}

#[cfg(test)]
mod tests;
