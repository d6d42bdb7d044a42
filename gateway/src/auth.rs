//! Who is calling. [`authenticate`] is the only way to get a [`Principal`].

pub mod api_key;
pub mod scope;

use std::sync::Arc;

use crate::snapshot::identity::Identity;

/// A caller whose credential was verified (or, where no identity is configured, anyone on loopback).
///
/// Only [`authenticate`] makes one: the field is private.
#[derive(Clone, Debug)]
pub struct Principal {
    identity: Arc<Identity>,
}
