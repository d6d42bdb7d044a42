//! `stoa-gateway check`: reads everything as serving would, and tells every problem at once. Nothing is
//! published, and no port is opened.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Catalog, now};
use crate::control::problem::Problem;
use crate::control::settings::Settings;
use crate::snapshot::Snapshot;
use crate::worker::clock::Clock;

/// What a check found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is wrong; a check passes where this is empty.
    pub problems: Vec<Problem>,
    /// What an operator should know, though nothing is wrong: operations that gave no tool, names that
    /// were cut.
    pub notes: Vec<Problem>,
    /// Tools that would be served.
    pub tools: usize,
    /// Tenants that have any.
    pub tenants: usize,
    /// API keys.
    pub keys: usize,
}

/// Reads catalog and keys, downloads included.
#[must_use]
pub fn check(settings: &Settings) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => tokio::task::LocalSet::new().block_on(&runtime, examine(settings)),
        Err(error) => Outcome {
            problems: vec![Problem::new(format!("cannot start: {error}"))],
            ..Outcome::default()
        },
    }
}

#[allow(clippy::disallowed_methods, reason = "a command, not the data path")]
async fn examine(settings: &Settings) -> Outcome {
    let published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
    let clock = Clock::new(std::time::Instant::now());
    let mut catalog = match Catalog::closed(settings, clock, Arc::clone(&published)) {
        Ok(catalog) => catalog,
        Err(error) => {
            return Outcome {
                problems: vec![Problem::new(format!("{error:#}"))],
                ..Outcome::default()
            };
        }
    };
    catalog.look(now());
    while catalog.downloads.is_waiting() {
        let arrived = catalog.downloads.next().await;
        if let Some(directory) = &mut catalog.directory {
            catalog.downloads.take(arrived, directory);
        }
    }
    if let Some(issuers) = &mut catalog.issuers {
        issuers.settle().await;
    }
    // Where the keys cannot be used this compiles as if none were asked for, so that the problems of the
    // catalog are told together with those of the keys.
    catalog.compile();
    let snapshot = published.load();
    Outcome {
        problems: catalog.all_problems(),
        notes: catalog.all_notes().cloned().collect(),
        tools: snapshot.tools.len(),
        tenants: snapshot
            .tenants
            .iter()
            .filter(|tenant| !tenant.tools.is_empty())
            .count(),
        keys: snapshot.keys.by_id.len(),
    }
}
