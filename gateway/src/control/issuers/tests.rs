//! Against a server in this process that plays the issuer. Nothing waits for a clock: `settle` waits for
//! what is under way, and time is moved by writing when the last fetch was.

#![allow(
    clippy::disallowed_types,
    reason = "threads of tests share what the issuer shows"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;

use super::*;
use crate::auth::fixture::TestRegistry;
use crate::auth::token::fixture::realm;
use crate::control::settings::{Layers, resolve};

/// An issuer that shows these keys; none is an issuer that is broken.
struct Server {
    url: String,
    keys: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/realms/stoa", listener.local_addr().unwrap());
        let keys = Arc::new(Mutex::new(Some(key_set(&["es"]))));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (issuer, shown, heard) = (url.clone(), Arc::clone(&keys), Arc::clone(&asked));
        // The thread ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let body = if path.ends_with("/openid-configuration") {
                    Some(format!(
                        r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}/keys"}}"#
                    ))
                } else {
                    shown.lock().unwrap().clone()
                };
                heard.lock().unwrap().push(path);
                let (status, body) =
                    body.map_or(("503 Away", String::new()), |body| ("200 OK", body));
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}"
                );
            }
        });
        Self { url, keys, asked }
    }

    fn show(&self, keys: Option<&[&str]>) {
        *self.keys.lock().unwrap() = keys.map(key_set);
    }

    /// Last parts of the paths that were asked for since the last time.
    fn asked(&self) -> Vec<String> {
        let paths = std::mem::take(&mut *self.asked.lock().unwrap());
        let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
        paths.into_iter().map(last).collect()
    }
}

/// The same key under each of these names.
fn key_set(kids: &[&str]) -> String {
    let key = |kid: &&str| {
        let mut key = realm().es256.jwk();
        key["kid"] = (*kid).into();
        key
    };
    serde_json::json!({"keys": kids.iter().map(key).collect::<Vec<_>>()}).to_string()
}

struct World {
    server: Server,
    issuers: Issuers,
    runtime: tokio::runtime::Runtime,
    tasks: tokio::task::LocalSet,
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        let flags = [
            ("oidc_issuer", server.url.as_str()),
            ("oidc_keys_kept_ms", "60s"),
            ("oidc_audience", "stoa-gateway"),
        ];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = resolve(&mut Layers::new(&flags.into(), &Default::default(), None)).unwrap();
        Self {
            issuers: Issuers::new(&settings).unwrap(),
            server,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            tasks: tokio::task::LocalSet::new(),
        }
    }

    /// Begins what is due, waits for it, and takes it in.
    fn look(&mut self) -> bool {
        let (tasks, issuers) = (&self.tasks, &mut self.issuers);
        tasks.block_on(&self.runtime, async {
            let before = issuers.look();
            issuers.settle().await || before
        })
    }

    /// As if the last fetch had begun, and the keys had come, so much earlier.
    fn pass(&mut self, time: Duration) {
        let state = &mut self.issuers.states[0];
        state.begun = state.begun.map(|begun| begun - time);
        if let Some(had) = &mut state.had {
            had.keys_at -= time;
        }
    }

    fn kids(&mut self) -> Vec<String> {
        let compiled = self.issuers.compile(&mut TestRegistry::default());
        let issuer = compiled.by_url.values().next().unwrap();
        let mut kids: Vec<String> = issuer.keys.keys().map(ToString::to_string).collect();
        kids.sort_unstable();
        kids
    }

    fn problem(&self) -> String {
        self.issuers.problems().map(ToString::to_string).collect()
    }

    fn missing(&self) -> usize {
        self.issuers.missing.load().len()
    }
}

const REFRESH: Duration = Duration::from_millis(crate::limits::ISSUER_REFRESH_MS_DEFAULT);
const PAUSE: Duration = Duration::from_millis(ISSUER_PAUSE_MS);

#[test]
fn keys_are_had_at_the_start_and_followed() {
    let mut world = World::new();
    assert_eq!((world.kids().len(), world.missing()), (0, 1));
    assert!(world.look());
    assert_eq!((world.kids(), world.missing()), (vec!["es".to_owned()], 0));
    assert_eq!(world.server.asked(), ["openid-configuration", "keys"]);
    // Not due yet; then due and the same; then rotated, and in the end the old key is dropped.
    assert!(!world.look());
    assert!(world.server.asked().is_empty());
    world.pass(REFRESH);
    assert!(!world.look(), "the same keys are no change");
    assert_eq!(world.server.asked(), ["keys"]);
    world.server.show(Some(&["es", "new"]));
    world.pass(REFRESH);
    assert!(world.look());
    assert_eq!(world.kids(), ["es", "new"]);
    world.server.show(Some(&["new"]));
    world.pass(REFRESH);
    assert!(world.look());
    assert_eq!(world.kids(), ["new"]);
}

#[test]
fn an_unknown_key_is_looked_for_once_in_a_while() {
    let mut world = World::new();
    world.look();
    world.server.asked();
    let wanted = Arc::clone(&world.issuers.states[0].wanted);
    wanted.ask();
    assert!(!world.look(), "too early");
    assert!(world.server.asked().is_empty() && wanted.is_asked());
    world.server.show(Some(&["es", "new"]));
    world.pass(PAUSE);
    assert!(world.look());
    assert_eq!(world.server.asked(), ["keys"]);
    assert_eq!(world.kids(), ["es", "new"]);
    assert!(!wanted.is_asked(), "granted");
    world.pass(PAUSE);
    assert!(!world.look(), "nobody wishes");
    assert!(world.server.asked().is_empty());
}

#[test]
fn of_an_issuer_that_is_away_the_last_keys_are_kept_for_a_time() {
    let mut world = World::new();
    world.look();
    world.server.show(None);
    world.pass(REFRESH);
    assert!(!world.look(), "a problem is no change of keys");
    assert!(world.issuers.take_news() && !world.issuers.take_news());
    assert!(
        world.problem().contains("the server answers 503"),
        "{}",
        world.problem()
    );
    assert!(
        world.problem().contains("last keys are kept"),
        "{}",
        world.problem()
    );
    assert_eq!((world.kids(), world.missing()), (vec!["es".to_owned()], 0));
    // A broken key set takes nothing away either.
    *world.server.keys.lock().unwrap() = Some("<html>".to_owned());
    world.pass(PAUSE);
    world.look();
    assert!(
        world.problem().contains("no key set"),
        "{}",
        world.problem()
    );
    assert_eq!(world.kids(), ["es"]);
    world.pass(Duration::from_secs(60));
    assert!(world.look());
    assert_eq!((world.kids().len(), world.missing()), (0, 1), "too old");
    world.server.show(Some(&["es"]));
    world.pass(PAUSE);
    assert!(world.look());
    assert_eq!(
        (world.kids().len(), world.missing(), world.problem().len()),
        (1, 0, 0)
    );
}

#[test]
fn an_issuer_that_was_never_there_leaves_the_gateway_unready() {
    let mut world = World::new();
    world.server.show(None);
    assert!(!world.look());
    assert!(world.issuers.take_news());
    assert_eq!((world.kids().len(), world.missing()), (0, 1));
    assert!(
        world.problem().contains("its tokens are refused"),
        "{}",
        world.problem()
    );
}

#[test]
fn a_document_beyond_its_bound_is_no_key_set() {
    let mut world = World::new();
    let padded = key_set(&["es"]) + &" ".repeat(crate::limits::ISSUER_DOCUMENT_BYTES_MAX);
    *world.server.keys.lock().unwrap() = Some(padded);
    world.look();
    assert!(
        world.problem().contains("more than 262144 bytes"),
        "{}",
        world.problem()
    );
    assert_eq!(world.kids().len(), 0);
}

#[test]
fn an_issuer_has_its_time_and_no_more() {
    // A connection is established, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}/realms/stoa", silent.local_addr().unwrap());
    let mut world = World::new();
    world.issuers.states[0].url = issuer;
    world.look();
    let expected = format!("took longer than {} ms", crate::limits::ISSUER_TIMEOUT_MS);
    assert!(world.problem().contains(&expected), "{}", world.problem());
}
