//! Arguments against their schema: a document of spans over the caller's bytes, beside trees.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::Value;
use stoa_gateway::guard;
use stoa_gateway::guard::document::Document;
use stoa_gateway::guard::schema::ArgumentSchema;
use stoa_gateway::json::raw::Raw;

use super::cpu::ThreadCpu;
use super::input;

pub(crate) fn arguments(criterion: &mut Criterion<ThreadCpu>) {
    let ours = ArgumentSchema::compile(&input::schema()).expect("a sound schema");
    let theirs = jsonschema::validator_for(&input::schema()).expect("a sound schema");
    for bytes in input::SIZES {
        let text = input::arguments(bytes);
        let raw = Raw::parse(&text).expect("JSON");
        assert!(
            guard::validate(&ours, Some(raw)).is_ok(),
            "what is measured is the valid case"
        );

        let mut group = criterion.benchmark_group("arguments, parsed");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("ours", bytes), |bencher| {
            bencher.iter(|| Document::parse(black_box(&text)).is_ok());
        });
        group.bench_function(BenchmarkId::new("serde_json::Value", bytes), |bencher| {
            bencher.iter(|| serde_json::from_str::<Value>(black_box(&text)).is_ok());
        });
        let mut copy = Vec::new();
        group.bench_function(
            BenchmarkId::new("simd-json into serde_json::Value", bytes),
            |bencher| {
                bencher.iter(|| simd(&mut copy, black_box(&text)));
            },
        );
        let mut buffers = simd_json::Buffers::new(text.len());
        group.bench_function(BenchmarkId::new("simd-json tape", bytes), |bencher| {
            bencher.iter(|| {
                copy.clear();
                copy.extend_from_slice(black_box(text.as_bytes()));
                simd_json::to_tape_with_buffers(&mut copy, &mut buffers).is_ok()
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group("arguments, parsed and validated");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("ours", bytes), |bencher| {
            bencher.iter(|| guard::validate(&ours, Some(black_box(raw))).is_ok());
        });
        group.bench_function(BenchmarkId::new("serde_json::Value", bytes), |bencher| {
            bencher.iter(|| {
                let value: Value = serde_json::from_str(black_box(&text)).expect("JSON");
                theirs.is_valid(&value)
            });
        });
        group.bench_function(
            BenchmarkId::new("simd-json into serde_json::Value", bytes),
            |bencher| {
                bencher.iter(|| theirs.is_valid(&simd(&mut copy, black_box(&text))));
            },
        );
        group.finish();
    }
}

/// simd-json parses in place, and the caller's bytes are still needed: hence the copy.
fn simd(copy: &mut Vec<u8>, text: &str) -> Value {
    copy.clear();
    copy.extend_from_slice(text.as_bytes());
    simd_json::serde::from_slice(copy).expect("JSON")
}
