//! What each stage costs beside the obvious other way to do it: `cargo bench -p bench`.
//!
//! One file a stage. Inputs are made once, outside what is measured; whatever a rival needs that we do
//! not (a copy of the text, because it writes into it) is inside. Results: `bench/README.md`.

mod arguments;
mod cpu;
mod envelope;
mod escape;
mod head;
mod identity;
mod input;
mod record;
mod rest;

use criterion::{Criterion, criterion_group, criterion_main};

/// The allocator of the product: what is measured allocates as it does there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn measured() -> Criterion<cpu::ThreadCpu> {
    Criterion::default().with_measurement(cpu::ThreadCpu)
}

criterion_group! {
    name = stages;
    config = measured();
    targets = head::head, envelope::envelope, arguments::arguments, identity::identity, rest::rest,
        record::record, escape::escape
}
criterion_main!(stages);
