use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;

/// A server that answers each connection with the next of `answers`.
fn server(answers: Vec<Vec<u8>>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let run = move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            let mut byte = [0; 1];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            requests.push(String::from_utf8(head).unwrap());
            // The client may have heard enough.
            let _ = stream.write_all(&answer);
        }
        requests
    };
    (format!("http://{address}"), thread::spawn(run))
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn get(url: &str, allow: &str) -> Result<String, String> {
    get_within(url, allow, Bounds::default())
}

fn get_within(url: &str, allow: &str, bounds: Bounds) -> Result<String, String> {
    let allow: Vec<IpNet> = allow
        .split_whitespace()
        .map(|range| range.parse().unwrap())
        .collect();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(fetch_within(url, &allow, Arc::new(tls), bounds))
}

#[test]
fn a_document_is_downloaded() {
    let (base, server) = server(vec![answer("200 OK", "", "{\"openapi\":\"3.0.0\"}")]);
    assert_eq!(
        get(&format!("{base}/a/b.json?v=1"), "127.0.0.0/8").unwrap(),
        "{\"openapi\":\"3.0.0\"}"
    );
    let request = &server.join().unwrap()[0];
    assert!(
        request.starts_with("GET /a/b.json?v=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nhost: 127.0.0.1:")
            && request.contains("\r\nuser-agent: stoa-gateway/"),
        "{request}"
    );
}

/// Pitfall 11: nothing is connected to where the operator did not permit it.
#[test]
fn pitfall_11_an_address_that_is_not_permitted_is_not_connected_to() {
    let (base, server) = server(vec![answer("200 OK", "", "x")]);
    for (url, allow) in [
        (base.clone(), ""),
        (base.clone(), "10.0.0.0/8"),
        (base.replace("127.0.0.1", "localhost"), ""),
        (base.replace("127.0.0.1", "[::ffff:127.0.0.1]"), ""),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "127.0.0.0/8",
        ),
    ] {
        let error = get(&url, allow).unwrap_err();
        assert!(
            error.contains("no public address; permit its range"),
            "{url}: {error}"
        );
    }
    assert_eq!(get(&base, "127.0.0.0/8").unwrap(), "x");
    assert_eq!(
        server.join().unwrap().len(),
        1,
        "only the permitted one arrived"
    );
}

#[test]
fn redirects_stay_within_the_origin() {
    let to = |location: &str| answer("302 Found", &format!("Location: {location}\r\n"), "");
    let (base, first) = server(vec![to("/second"), answer("200 OK", "", "found")]);
    assert_eq!(get(&base, "127.0.0.0/8").unwrap(), "found");
    assert!(first.join().unwrap()[1].starts_with("GET /second "));
    for location in [
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/",
        "//evil.example/x",
        "https://127.0.0.1/",
        "x",
        "/\\evil.example",
    ] {
        let (base, server) = server(vec![to(location)]);
        let error = get(&base, "127.0.0.0/8").unwrap_err();
        assert!(error.contains("redirect"), "{location}: {error}");
        server.join().unwrap();
    }
}

#[test]
fn one_past_the_redirects_is_not_followed() {
    let again = answer("302 Found", "Location: /again\r\n", "");
    let mut most = vec![again.clone(); DOCUMENT_REDIRECTS_MAX];
    most.push(answer("200 OK", "", "found"));
    let (base, first) = server(most);
    assert_eq!(get(&base, "127.0.0.0/8").unwrap(), "found");
    first.join().unwrap();
    let (base, server) = server(vec![again; DOCUMENT_REDIRECTS_MAX + 1]);
    let error = get(&base, "127.0.0.0/8").unwrap_err();
    assert!(error.contains("more than 5 redirects"), "{error}");
    server.join().unwrap();
}

#[test]
fn a_server_has_its_time_and_no_more() {
    assert_eq!(Bounds::default().connect_ms, UPSTREAM_CONNECT_TIMEOUT_MS);
    assert_eq!(Bounds::default().download_ms, DOCUMENT_TIMEOUT_MS);
    // Connections are established, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let bounds = Bounds {
        download_ms: 100,
        ..Bounds::default()
    };
    let error = get_within(&url, "127.0.0.0/8", bounds).unwrap_err();
    assert_eq!(error, "the download took longer than 100 ms");
}

#[test]
fn an_address_that_does_not_answer_a_connect_is_given_up() {
    // Its queue of one is full, so that the kernel lets further connects wait.
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&address.into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let wait = Duration::from_millis(300);
    let held: Vec<_> = (0..16)
        .map_while(|_| std::net::TcpStream::connect_timeout(&address, wait).ok())
        .collect();
    assert!(held.len() < 16, "the queue does not fill");
    let bounds = Bounds {
        connect_ms: 100,
        ..Bounds::default()
    };
    let error = get_within(&format!("http://{address}/"), "127.0.0.0/8", bounds).unwrap_err();
    assert_eq!(error, format!("cannot connect to {address} within 100 ms"));
}

#[test]
fn what_is_no_document_is_refused() {
    let too_long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        DOCUMENT_BYTES_MAX + 1
    )
    .into_bytes();
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(endless.len() + DOCUMENT_BYTES_MAX + 1, b' ');
    for (answer, expected) in [
        (answer("404 Not Found", "", ""), "the server answers 404"),
        (answer("204 No Content", "", ""), "the server answers 204"),
        (answer("301 Moved", "", ""), "without saying where to"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff".to_vec(),
            "not UTF-8",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx".to_vec(),
            "broke off",
        ),
        (b"SSH-2.0-x\r\n\r\n".to_vec(), "failed"),
        (b"".to_vec(), "failed"),
        (too_long, "more than 33554432 bytes"),
        (endless, "more than 33554432 bytes"),
    ] {
        let (base, server) = server(vec![answer]);
        let error = get(&base, "127.0.0.0/8").unwrap_err();
        assert!(error.contains(expected), "{error}\nlacks {expected}");
        server.join().unwrap();
    }
    assert!(
        get("http://127.0.0.1:1/", "127.0.0.0/8")
            .unwrap_err()
            .contains("cannot connect")
    );
    assert!(
        get("http://no-such-host.invalid/", "")
            .unwrap_err()
            .contains("cannot resolve")
    );
}
