//! Stands for `load` in a binary built without the feature `ebpf`: nothing can be attached, and
//! the types say so by having no values.

use super::{KernelCounter, Unavailable};

/// Never exists.
#[derive(Debug)]
pub(super) enum Attached {}

/// Never exists.
#[derive(Debug)]
pub enum Messages {}

/// # Errors
/// Always.
pub(super) fn attach() -> Result<Attached, Unavailable> {
    Err(Unavailable::WithoutFeature)
}

impl Attached {
    pub(super) fn place(&self) -> String {
        match *self {}
    }

    pub(super) fn counters(&self) -> Vec<KernelCounter> {
        match *self {}
    }

    pub(super) fn messages(&mut self) -> Option<Messages> {
        match *self {}
    }

    pub(super) fn program_id(&self) -> Option<u32> {
        match *self {}
    }
}

impl Messages {
    /// Never called.
    pub async fn forward(self) {
        match self {}
    }
}
