//! The envelope: read once with the arguments left alone, beside parsers that read everything.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use stoa_gateway::mcp::envelope;

use super::cpu::ThreadCpu;
use super::input;

pub(crate) fn envelope(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("envelope");
    for bytes in input::SIZES {
        let text = input::message(&input::arguments(bytes));
        let body = text.as_bytes();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::new("ours", bytes), body, |bencher, body| {
            bencher.iter(|| envelope::read(black_box(body)).is_ok());
        });
        group.bench_with_input(
            BenchmarkId::new("serde_json::Value", bytes),
            body,
            |bencher, body| {
                bencher
                    .iter(|| serde_json::from_slice::<serde_json::Value>(black_box(body)).is_ok());
            },
        );
        let mut copy = Vec::new();
        group.bench_with_input(
            BenchmarkId::new("simd-json borrowed value", bytes),
            body,
            |bencher, body| {
                bencher.iter(|| {
                    copy.clear();
                    copy.extend_from_slice(black_box(body));
                    simd_json::to_borrowed_value(&mut copy).is_ok()
                });
            },
        );
        let mut buffers = simd_json::Buffers::new(body.len());
        group.bench_with_input(
            BenchmarkId::new("simd-json tape", bytes),
            body,
            |bencher, body| {
                bencher.iter(|| {
                    copy.clear();
                    copy.extend_from_slice(black_box(body));
                    simd_json::to_tape_with_buffers(&mut copy, &mut buffers).is_ok()
                });
            },
        );
    }
    group.finish();
}
