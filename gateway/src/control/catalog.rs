//! The catalog and the keys, kept current: what changes on disk or behind a URL is in force within a
//! second.
//!
//! One turn every 300 ms looks at the files, takes in downloads that have arrived, and where anything has
//! changed compiles and publishes a new snapshot. Nothing that is wrong with a file, an object or a
//! download takes away what was in force before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use arc_swap::ArcSwap;

use super::compile::secrets::Secrets;
use super::compile::{self, Inputs};
use super::issuers::Issuers;
use super::keyed::Keyed;
use super::memory;
use super::problem::Problem;
use super::publish::Publisher;
use super::settings::Settings;
use crate::auth::keys_file::HashSecret;
use crate::snapshot::Snapshot;
use crate::worker::clock::Clock;

pub mod check;
pub mod directory;
mod downloads;
pub mod fingerprint;
mod keys;
pub mod object;
pub mod prepared;
pub mod toolset;

pub use check::check;
pub use downloads::Documents;

use directory::Directory;
use downloads::Downloads;
use keys::KeysState;

/// Pause between two looks at the files. Live within a second, with room for the compilation.
const LOOK: Duration = Duration::from_millis(300);
/// A look may take this part of the time at most: a catalog of ten thousand files on a slow disk is
/// looked at less often, rather than all the time.
const LOOK_SHARE: u32 = 4;
/// The longest pause, so that a change is still live within a second.
const LOOK_MAX: Duration = Duration::from_millis(700);
/// Notes that are logged at once: a large document may leave out a hundred operations.
const NOTES_LOGGED_MAX: usize = 20;

/// Catalog and keys of a running gateway.
#[derive(Debug)]
pub struct Catalog {
    settings: Settings,
    clock: Clock,
    directory: Option<Directory>,
    keys: Option<KeysState>,
    issuers: Option<Issuers>,
    hash_secret: Option<HashSecret>,
    keyed: Keyed,
    secrets: Secrets,
    downloads: Downloads,
    publisher: Publisher,
    generation: u64,
    /// What is wrong with what was compiled last.
    compiled: Vec<Problem>,
    problems: Arc<ArcSwap<Vec<Problem>>>,
    documents: Arc<ArcSwap<Documents>>,
    logged: BTreeSet<Problem>,
    noted: BTreeSet<Problem>,
}

impl Catalog {
    /// Reads everything and publishes the first snapshot. Documents behind URLs follow while
    /// [`Self::run`] is polled. `clock` counts like that of the workers.
    ///
    /// # Errors
    /// There is no such directory, or the keys cannot be used. What is wrong with single files or
    /// objects is no error: see [`Self::problems`].
    pub fn open(
        settings: &Settings,
        clock: Clock,
        published: Arc<ArcSwap<Snapshot>>,
    ) -> Result<Self> {
        let mut catalog = Self::closed(settings, clock, published)?;
        if let Some(root) = &settings.catalog.directory {
            let metadata =
                std::fs::metadata(root).with_context(|| format!("--catalog {}", root.display()))?;
            if !metadata.is_dir() {
                bail!("--catalog {}: this is no directory", root.display());
            }
        }
        if let Some(keys) = &mut catalog.keys {
            keys.load(catalog.hash_secret.as_ref(), now())
                .map_err(|problems| {
                    anyhow::anyhow!("the keys cannot be used:\n{}", lines(&problems))
                })?;
        }
        catalog.look(now());
        if !catalog.compile() {
            bail!("the keys cannot be used:\n{}", lines(&catalog.compiled));
        }
        catalog.tell();
        Ok(catalog)
    }

    /// Nothing read yet.
    fn closed(
        settings: &Settings,
        clock: Clock,
        published: Arc<ArcSwap<Snapshot>>,
    ) -> Result<Self> {
        let secret = settings.identity.key_hash_secret.as_ref();
        let hash_secret = secret
            .map(|secret| HashSecret::new(secret.expose().as_bytes()))
            .transpose()?;
        Ok(Self {
            settings: settings.clone(),
            clock,
            directory: settings.catalog.directory.as_deref().map(Directory::new),
            keys: settings.identity.keys_file.as_deref().map(KeysState::new),
            issuers: Issuers::new(settings),
            hash_secret,
            keyed: Keyed::default(),
            secrets: Secrets::default(),
            downloads: Downloads::new(settings),
            publisher: Publisher::new(published),
            generation: 0,
            compiled: Vec::new(),
            problems: Arc::default(),
            documents: Arc::default(),
            logged: BTreeSet::new(),
            noted: BTreeSet::new(),
        })
    }

    /// What is wrong at the moment; empty where everything is in force as it was written.
    #[must_use]
    pub fn problems(&self) -> Arc<ArcSwap<Vec<Problem>>> {
        Arc::clone(&self.problems)
    }

    /// Which ToolSets do not have their document at the moment.
    #[must_use]
    pub fn documents(&self) -> Arc<ArcSwap<Documents>> {
        Arc::clone(&self.documents)
    }

    /// Issuers of tokens without which the gateway is not ready.
    #[must_use]
    pub fn issuers_missing(&self) -> Arc<ArcSwap<Vec<String>>> {
        let issuers = self.issuers.as_ref();
        issuers.map(Issuers::missing).unwrap_or_default()
    }

    /// Keeps everything current, for as long as it is polled.
    #[allow(clippy::disallowed_methods, reason = "control's own pace")]
    pub async fn run(mut self) {
        let mut pause = LOOK;
        loop {
            let arrived = tokio::time::timeout(pause, self.downloads.next())
                .await
                .ok();
            let began = Instant::now();
            let has_arrived = arrived.is_some();
            let mut changed = false;
            if let (Some(arrived), Some(directory)) = (arrived, &mut self.directory) {
                changed |= self.downloads.take(arrived, directory);
            }
            changed |= self.look(now());
            if changed {
                self.compile();
            }
            let has_news = self.issuers.as_mut().is_some_and(Issuers::take_news);
            if changed || has_arrived || has_news {
                self.tell();
            }
            if self.publisher.reap() {
                self.keyed.sweep();
                memory::give_back();
            }
            pause = (began.elapsed() * LOOK_SHARE).clamp(LOOK, LOOK_MAX);
        }
    }

    /// Looks at every file; says whether anything has changed.
    fn look(&mut self, now: SystemTime) -> bool {
        let mut changed = self
            .keys
            .as_mut()
            .is_some_and(|keys| keys.refresh(self.hash_secret.as_ref(), now));
        changed |= self.secrets.refresh(now);
        changed |= self.issuers.as_mut().is_some_and(Issuers::look);
        if let Some(directory) = &mut self.directory {
            changed |= directory.scan(now);
            self.downloads.plan(directory);
        }
        changed
    }

    /// Compiles and publishes; says whether there was something to publish.
    fn compile(&mut self) -> bool {
        self.secrets.begin();
        let inputs = Inputs {
            settings: &self.settings,
            directory: self.directory.as_ref(),
            keys: self.keys.as_ref().and_then(KeysState::good),
            hash_secret: self.hash_secret.as_ref(),
            issuers: self.issuers.as_ref(),
            generation: self.generation + 1,
            now_ns: self.clock.now().mono_ns,
        };
        let compiled = compile::compile(inputs, &mut self.keyed, &mut self.secrets);
        self.secrets.end();
        match compiled {
            Ok((snapshot, problems)) => {
                self.generation += 1;
                tracing::info!(
                    generation = self.generation,
                    tools = snapshot.tools.len(),
                    tenants = snapshot.tenants.len(),
                    "catalog published"
                );
                self.publisher.publish(snapshot);
                self.compiled = problems;
                true
            }
            Err(problems) => {
                self.compiled = problems;
                false
            }
        }
    }

    /// Everything that is wrong at the moment.
    fn all_problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        problems.extend(self.keys.iter().flat_map(KeysState::problems).cloned());
        problems.extend(self.issuers.iter().flat_map(Issuers::problems).cloned());
        problems.extend(self.directory.iter().flat_map(Directory::problems).cloned());
        problems.extend(self.downloads.problems().cloned());
        problems.extend(self.compiled.iter().cloned());
        problems.extend(self.secrets.problems().map(Problem::new));
        problems
    }

    fn all_notes(&self) -> impl Iterator<Item = &Problem> {
        self.directory
            .iter()
            .flat_map(Directory::notes)
            .chain(self.downloads.notes())
    }

    /// Puts what is wrong where `/ready` and the metrics find it, and into the log once.
    fn tell(&mut self) {
        self.documents.store(Arc::new(self.downloads.documents()));
        let problems = self.all_problems();
        if **self.problems.load() != problems {
            for problem in problems
                .iter()
                .filter(|problem| !self.logged.contains(*problem))
            {
                tracing::warn!(kept = "last good version", "{problem}");
            }
            for solved in self
                .logged
                .iter()
                .filter(|before| !problems.contains(before))
            {
                tracing::info!("solved: {solved}");
            }
            self.logged = problems.iter().cloned().collect();
            self.problems.store(Arc::new(problems));
        }
        let notes: BTreeSet<Problem> = self.all_notes().cloned().collect();
        let new: Vec<&Problem> = notes.difference(&self.noted).collect();
        for note in new.iter().take(NOTES_LOGGED_MAX) {
            tracing::info!("{note}");
        }
        if new.len() > NOTES_LOGGED_MAX {
            tracing::info!(
                "and {} notes more: see `stoa-gateway check`",
                new.len() - NOTES_LOGGED_MAX
            );
        }
        self.noted = notes;
    }
}

/// The wall clock, for the ages of files.
#[allow(
    clippy::disallowed_methods,
    reason = "control looks at files, whose dates are wall time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
