//! A text as a JSON string: an upstream's JSON answer is quoted whole into a content block.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use stoa_gateway::json;

use super::cpu::ThreadCpu;
use super::input;

pub(crate) fn escape(criterion: &mut Criterion<ThreadCpu>) {
    let plain = "a sentence of plain words, with nothing in it that has to be escaped. ".repeat(30);
    let quoted = input::arguments(2_000);
    let mut group = criterion.benchmark_group("escape");
    for (name, text) in [("plain text", &plain), ("JSON text", &quoted)] {
        let mut out = Vec::new();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("ours", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                json::write_string(&mut out, black_box(text));
            });
        });
        group.bench_function(BenchmarkId::new("serde_json", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                serde_json::to_writer(&mut out, black_box(text)).is_ok()
            });
        });
    }
    group.finish();
}
