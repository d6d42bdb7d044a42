//! Issuers of access tokens: their metadata and keys, fetched, refreshed, and kept while they are away.
//!
//! Each is looked at every [`Oidc::refresh_ms`], and soon after a worker has met a key that it does not
//! know, but never more often than [`ISSUER_PAUSE_MS`] permits: callers can make up keys faster than
//! anybody can look for them. A key that the issuer no longer shows is gone with the next snapshot, and so
//! is every token that it has signed. Of an issuer that cannot be reached the last keys are kept for
//! [`Oidc::keys_kept_ms`], and not longer: what cannot be asked cannot revoke.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use rustls::ClientConfig;
use tokio::task::JoinSet;

use super::problem::Problem;
use super::serve::roots;
use super::settings::Settings;
use super::settings::oidc::Oidc;
use crate::auth::callers::Callers;
use crate::auth::compile::Registry;
use crate::auth::scope::Roles;
use crate::auth::token::keys;
use crate::limits::ISSUER_PAUSE_MS;
use crate::snapshot::issuer::{self, Discovery, Issuer, TokenKeys, Wanted};

mod documents;

use documents::Documents;

/// Metadata is asked for again after this time, and whenever the keys could not be had.
const METADATA_AGE_MAX: Duration = Duration::from_secs(3_600);

/// The issuers of a running gateway.
#[derive(Debug)]
pub struct Issuers {
    oidc: Oidc,
    allow: Vec<IpNet>,
    ca_file: Option<PathBuf>,
    /// Made for the first fetch: the system's authorities take a while to read.
    tls: Option<Arc<ClientConfig>>,
    states: Vec<State>,
    tasks: JoinSet<Arrived>,
    callers: Arc<Callers>,
    missing: Arc<ArcSwap<Vec<String>>>,
    has_news: bool,
}

/// What is known of one issuer.
#[derive(Debug, Default)]
struct State {
    url: String,
    tenant: Option<String>,
    had: Option<Had>,
    keys: Arc<TokenKeys>,
    wanted: Arc<Wanted>,
    begun: Option<Instant>,
    is_running: bool,
    was_tried: bool,
    problem: Option<Problem>,
}

/// What was fetched last.
#[derive(Debug)]
struct Had {
    documents: Documents,
    metadata_at: Instant,
    keys_at: Instant,
}

/// A fetch that is over.
#[derive(Debug)]
struct Arrived {
    position: usize,
    outcome: Result<Documents, String>,
}

impl Issuers {
    /// None asked yet; `None` where no issuer is configured.
    #[must_use]
    pub fn new(settings: &Settings) -> Option<Self> {
        let oidc = settings.identity.oidc.clone()?;
        let states: Vec<State> = oidc
            .issuers
            .iter()
            .map(|issuer| State {
                url: issuer.url.clone(),
                tenant: issuer.tenant.clone(),
                ..State::default()
            })
            .collect();
        let mut issuers = Self {
            oidc,
            allow: settings.catalog.upstream_allow.clone(),
            ca_file: settings.catalog.upstream_ca_file.clone(),
            tls: None,
            states,
            tasks: JoinSet::new(),
            callers: Arc::default(),
            missing: Arc::default(),
            has_news: false,
        };
        issuers.tell();
        Some(issuers)
    }

    /// Issuers without which the gateway is not ready: those not tried yet, and all where none has keys.
    #[must_use]
    pub fn missing(&self) -> Arc<ArcSwap<Vec<String>>> {
        Arc::clone(&self.missing)
    }

    /// What is wrong.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.states
            .iter()
            .filter_map(|state| state.problem.as_ref())
    }

    /// Whether there is anything to tell since the last time that this was asked.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Takes in what has arrived and begins what is due; says whether keys have changed. What is wrong with
    /// an issuer is news and no change: a publication would cost every worker the tokens it remembers.
    /// Called within a `LocalSet`.
    #[allow(clippy::disallowed_methods, reason = "control's own pace")]
    pub fn look(&mut self) -> bool {
        let now = Instant::now();
        let mut changed = false;
        while let Some(finished) = self.tasks.try_join_next() {
            // A task that was cancelled has nothing to say.
            if let Ok(arrived) = finished {
                changed |= self.take(arrived, now);
            }
        }
        changed |= self.expire(now);
        for position in 0..self.states.len() {
            if self.states[position].is_due(&self.oidc, now) {
                self.begin(position, now);
            }
        }
        if changed || self.has_news {
            self.tell();
        }
        changed
    }

    /// Waits until every fetch under way is over, and takes them in; says as [`Self::look`] whether that has
    /// changed anything.
    #[allow(clippy::disallowed_methods, reason = "a command, not the data path")]
    pub async fn settle(&mut self) -> bool {
        let mut changed = false;
        while let Some(finished) = self.tasks.join_next().await {
            if let Ok(arrived) = finished {
                changed |= self.take(arrived, Instant::now());
            }
        }
        self.tell();
        changed
    }

    fn begin(&mut self, position: usize, now: Instant) {
        let tls = self.tls();
        let state = &mut self.states[position];
        state.is_running = true;
        state.begun = Some(now);
        state.wanted.grant();
        let known = state.had.as_ref().filter(|had| {
            state.problem.is_none() && now.duration_since(had.metadata_at) < METADATA_AGE_MAX
        });
        let known = known.map(|had| had.documents.clone());
        let (url, allow) = (state.url.clone(), self.allow.clone());
        self.tasks.spawn_local(async move {
            let outcome = match tls {
                Ok(tls) => documents::fetch(&url, known, &allow, tls).await,
                Err(reason) => Err(reason),
            };
            Arrived { position, outcome }
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

    fn take(&mut self, arrived: Arrived, now: Instant) -> bool {
        let state = &mut self.states[arrived.position];
        state.is_running = false;
        let was_tried = std::mem::replace(&mut state.was_tried, true);
        let taken = arrived
            .outcome
            .and_then(|documents| state.accept(documents, now));
        let problem = taken.as_ref().err().map(|reason| state.complaint(reason));
        self.has_news |= !was_tried || state.problem != problem;
        state.problem = problem;
        taken.unwrap_or(false)
    }

    fn expire(&mut self, now: Instant) -> bool {
        let kept = Duration::from_millis(self.oidc.keys_kept_ms);
        let mut changed = false;
        for state in &mut self.states {
            let is_old = |had: &mut Had| now.duration_since(had.keys_at) > kept;
            if state.had.take_if(is_old).is_some() {
                tracing::warn!(issuer = state.url, "its keys are too old, and dropped");
                state.keys = Arc::default();
                changed = true;
            }
        }
        changed
    }

    fn tell(&mut self) {
        let has_any = self.states.iter().any(|state| !state.keys.is_empty());
        let missing = self
            .states
            .iter()
            .filter(|state| !state.was_tried || !has_any);
        let names = missing.map(|state| format!("OIDC issuer {}", state.url));
        self.missing.store(Arc::new(names.collect()));
    }

    /// What workers judge tokens by.
    pub fn compile(&self, registry: &mut dyn Registry) -> issuer::Issuers {
        let texts = |list: &[String]| -> Vec<Box<str>> {
            list.iter().map(|text| text.as_str().into()).collect()
        };
        let mut by_url = crate::snapshot::Table::default();
        for state in &self.states {
            // A tenant with an issuer of its own is one, tools or not.
            if let Some(tenant) = &state.tenant {
                registry.tenant(tenant);
            }
            by_url.insert(
                state.url.as_str().into(),
                Issuer {
                    keys: Arc::clone(&state.keys),
                    tenant: state.tenant.as_deref().map(Into::into),
                    wanted: Arc::clone(&state.wanted),
                },
            );
        }
        let roles = [
            Roles::CPI_ADMIN,
            Roles::TENANT_ADMIN,
            Roles::DEVOPS,
            Roles::VIEWER,
            Roles::NONE,
        ];
        let first = self.states.first().and_then(|state| state.had.as_ref());
        issuer::Issuers {
            by_url,
            audiences: texts(&self.oidc.audiences).into(),
            clients: texts(&self.oidc.clients).into(),
            tenant_claims: texts(&self.oidc.tenant_claims).into(),
            scopes_grant: self.oidc.scopes_grant,
            tiers: roles.map(|roles| (roles, registry.tier(roles))),
            callers: Arc::clone(&self.callers),
            discovery: Discovery {
                public_url: self.oidc.public_url.as_deref().map(Into::into),
                authorization_servers: self
                    .states
                    .iter()
                    .map(|state| state.url.as_str().into())
                    .collect(),
                scopes: texts(&self.oidc.scopes),
                metadata: first.map(|had| Arc::clone(&had.documents.metadata)),
            },
        }
    }
}

impl State {
    fn is_due(&self, oidc: &Oidc, now: Instant) -> bool {
        let Some(begun) = self.begun else {
            return true;
        };
        // Of one that is away we ask as often as the wishes of workers permit.
        let is_wanted = self.wanted.is_asked() || self.problem.is_some();
        let pause = if is_wanted {
            ISSUER_PAUSE_MS
        } else {
            oidc.refresh_ms.max(ISSUER_PAUSE_MS)
        };
        !self.is_running && now.duration_since(begun) >= Duration::from_millis(pause)
    }

    /// Puts documents into force; says whether they are other ones.
    fn accept(&mut self, documents: Documents, now: Instant) -> Result<bool, String> {
        let before = self.had.as_ref();
        if let Some(had) = before.filter(|had| had.documents == documents) {
            // Asked for now, or taken from before.
            let metadata_at = if documents.is_fresh {
                now
            } else {
                had.metadata_at
            };
            self.had = Some(Had {
                documents,
                metadata_at,
                keys_at: now,
            });
            return Ok(false);
        }
        self.keys = Arc::new(keys::parse(&documents.keys)?);
        let mut names: Vec<&str> = self.keys.keys().map(|kid| &**kid).collect();
        names.sort_unstable();
        tracing::info!(
            issuer = self.url,
            keys = names.join(" "),
            "keys of an issuer of tokens"
        );
        let metadata_at = match before {
            Some(had) if !documents.is_fresh => had.metadata_at,
            _ => now,
        };
        self.had = Some(Had {
            documents,
            metadata_at,
            keys_at: now,
        });
        Ok(true)
    }

    fn complaint(&self, reason: &str) -> Problem {
        let consequence = if self.keys.is_empty() {
            "its tokens are refused"
        } else {
            "its last keys are kept for a time (oidc_keys_kept_ms)"
        };
        Problem::new(format!(
            "the keys of the OIDC issuer {} cannot be had: {reason}; {consequence}",
            self.url
        ))
    }
}

#[cfg(test)]
mod tests;
