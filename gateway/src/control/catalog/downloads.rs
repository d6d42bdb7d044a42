//! Documents of ToolSets behind URLs: when they are due, and what came of them.
//!
//! Those of the start are waited for, once: until each was tried, successfully or not, the gateway is not
//! ready, for a caller sent to it would find tools missing that are only late. A try ends after
//! [`crate::limits::DOCUMENT_TIMEOUT_MS`] at the latest. From then on no document makes it unready: one that
//! cannot be had costs its own tools, and a ToolSet that is added later must not take the others down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use rustls::ClientConfig;
use tokio::task::JoinSet;

use super::directory::Directory;
use super::object::{Body, ObjectId};
use super::toolset::{Source, ToolSet};
use crate::control::fetch::fetch;
use crate::control::import::openapi::spec_hash;
use crate::control::problem::Problem;
use crate::control::serve::roots;
use crate::control::settings::Settings;

/// Pause after the first download that failed; it doubles with each one after that.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest pause after downloads that failed.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Where a ToolSet was declared.
type Key = (PathBuf, ObjectId);

/// Downloads of a running gateway.
#[derive(Debug)]
pub(super) struct Downloads {
    allow: Vec<IpNet>,
    ca_file: Option<PathBuf>,
    /// Made for the first https URL: the system's authorities take a while to read.
    tls: Option<Arc<ClientConfig>>,
    states: BTreeMap<Key, State>,
    tasks: JoinSet<Arrived>,
    /// Until every document that was there so far was tried once.
    is_starting: bool,
}

/// ToolSets that do not have their document, e.g. `ToolSet tenant-acme/orders`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// Not tried yet since the start: the gateway is not ready.
    pub awaited: Vec<String>,
    /// Tried in vain, and never had.
    pub missing: Vec<String>,
}

#[derive(Debug)]
struct State {
    url: String,
    /// Of the catalog file when the download was planned.
    content_hash: u64,
    refresh: Duration,
    due: Instant,
    is_running: bool,
    /// Whether the start waits for its first try.
    is_awaited: bool,
    /// Whether it was ever had.
    was_had: bool,
    failures: u32,
    problems: Vec<Problem>,
    notes: Vec<Problem>,
}

/// A download that is over.
#[derive(Debug)]
pub(super) struct Arrived {
    key: Key,
    url: String,
    outcome: Result<String, String>,
}

impl Downloads {
    /// None known yet.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            allow: settings.catalog.upstream_allow.clone(),
            ca_file: settings.catalog.upstream_ca_file.clone(),
            tls: None,
            states: BTreeMap::new(),
            tasks: JoinSet::new(),
            is_starting: true,
        }
    }

    /// Begins the downloads that are due; a ToolSet that is new or was changed is due at once. Called
    /// within a `LocalSet`.
    #[allow(clippy::disallowed_methods, reason = "control's own pace")]
    pub(super) fn plan(&mut self, directory: &Directory) {
        let now = Instant::now();
        let mut before = std::mem::take(&mut self.states);
        for (path, file) in directory.files() {
            for (id, object) in &file.objects {
                let Body::Set(set) = &object.body else {
                    continue;
                };
                let Source::Url { url, refresh_ms } = &set.source else {
                    continue;
                };
                let key = (path.to_owned(), id.clone());
                let known = before.remove(&key).filter(|state| state.url == *url);
                let mut state = known.unwrap_or_else(|| State::new(url, now, self.is_starting));
                state.refresh = Duration::from_millis(*refresh_ms);
                if state.content_hash != file.content_hash() {
                    // It may have other wishes for the same document now, or may permit its address.
                    state.content_hash = file.content_hash();
                    state.due = now;
                    state.failures = 0;
                }
                if !state.is_running && state.due <= now {
                    state.is_running = true;
                    self.begin(key.clone(), url, &set.upstream_allow);
                }
                self.states.insert(key, state);
            }
        }
        self.is_starting &= self.states.values().any(|state| state.is_awaited);
    }

    fn begin(&mut self, key: Key, url: &str, own: &[IpNet]) {
        let tls = match self.tls() {
            Ok(tls) => tls,
            Err(reason) => {
                let arrived = Arrived {
                    key,
                    url: url.to_owned(),
                    outcome: Err(reason),
                };
                self.tasks.spawn_local(async { arrived });
                return;
            }
        };
        let allow: Vec<IpNet> = self.allow.iter().chain(own).copied().collect();
        let url = url.to_owned();
        self.tasks.spawn_local(async move {
            let outcome = fetch(&url, &allow, tls).await;
            Arrived { key, url, outcome }
        });
    }

    fn tls(&mut self) -> Result<Arc<ClientConfig>, String> {
        if let Some(tls) = &self.tls {
            return Ok(Arc::clone(tls));
        }
        let tls =
            roots::client_config(self.ca_file.as_deref()).map_err(|error| format!("{error:#}"))?;
        Ok(Arc::clone(self.tls.insert(tls)))
    }

    /// The next download that is over; never comes back while there is none.
    pub(super) async fn next(&mut self) -> Arrived {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(arrived)) => return arrived,
                // A task that was cancelled has nothing to say.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Makes tools of a document that arrived; says whether any have changed.
    #[allow(clippy::disallowed_methods, reason = "control's own pace")]
    pub(super) fn take(&mut self, arrived: Arrived, directory: &mut Directory) -> bool {
        let now = Instant::now();
        let Some(state) = self.states.get_mut(&arrived.key) else {
            return false;
        };
        state.is_running = false;
        let set = directory.set_mut(&arrived.key.0, &arrived.key.1);
        let Some(set) = set.filter(|_| state.url == arrived.url) else {
            state.due = now;
            return false;
        };
        state.is_awaited = false;
        let (path, id) = &arrived.key;
        let place = set.place;
        let told = |problem: Problem| {
            let problem = if problem.line == 0 {
                problem.at(place)
            } else {
                problem
            };
            problem.in_file(path).of(id.to_string())
        };
        match take_document(set, &arrived) {
            Ok(notes) => {
                state.was_had = true;
                state.failures = 0;
                state.due = now + state.refresh;
                state.problems.clear();
                if let Some(notes) = notes {
                    state.notes = notes.into_iter().map(told).collect();
                    return true;
                }
                false
            }
            Err(problems) => {
                let pause = RETRY_MIN
                    .saturating_mul(1 << state.failures.min(16))
                    .min(RETRY_MAX);
                state.failures = state.failures.saturating_add(1);
                state.due = now + pause.min(state.refresh.max(RETRY_MIN));
                state.problems = problems.into_iter().map(told).collect();
                false
            }
        }
    }

    /// What is wrong with documents.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.states.values().flat_map(|state| &state.problems)
    }

    /// What an operator should know of them.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Problem> {
        self.states.values().flat_map(|state| &state.notes)
    }

    /// Which ToolSets do not have their document.
    pub(super) fn documents(&self) -> Documents {
        let named = |wanted: fn(&State) -> bool| {
            let found = self.states.iter().filter(move |(_, state)| wanted(state));
            found.map(|((_, id), _)| id.to_string()).collect()
        };
        Documents {
            awaited: named(|state| state.is_awaited),
            missing: named(|state| !state.is_awaited && !state.was_had && state.failures > 0),
        }
    }

    /// Whether a first download of some document is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.states.values().any(|state| state.is_running)
    }
}

impl State {
    fn new(url: &str, now: Instant, is_awaited: bool) -> Self {
        Self {
            url: url.to_owned(),
            content_hash: 0,
            refresh: RETRY_MAX,
            due: now,
            is_running: false,
            is_awaited,
            was_had: false,
            failures: 0,
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Notes of the import; `None` where the document is the one that is in force.
fn take_document(
    set: &mut ToolSet,
    arrived: &Arrived,
) -> Result<Option<Vec<Problem>>, Vec<Problem>> {
    let text = arrived.outcome.as_ref().map_err(|reason| {
        vec![Problem::new(format!(
            "the document of `openAPISpec.url` cannot be had: {reason}"
        ))]
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if set.spec_hash.as_deref() == Some(spec_hash(text).as_str()) {
        return Ok(None);
    }
    set.import(text, Some(&arrived.url)).map(Some)
}
