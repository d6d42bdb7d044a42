//! The head of a request: all our rules beside the bare parser under them.

use std::hint::black_box;
use std::mem::MaybeUninit;

use criterion::Criterion;
use stoa_gateway::http::{Scan, head};

use super::cpu::ThreadCpu;

/// What an MCP client sends: nine headers, a key of 60 characters.
const REQUEST: &[u8] =
    b"POST /mcp HTTP/1.1\r\nhost: gateway.example:3001\r\nuser-agent: bench/1\r\n\
    accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n\
    authorization: Bearer stoa_sk_4hQ9sVwT_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG\r\n\
    mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: create_order\r\n\
    content-length: 341\r\n\r\n";

pub(crate) fn head(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("head");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            head::parse(black_box(REQUEST), &mut Scan::default()).is_ok_and(|head| head.is_some())
        });
    });
    group.bench_function("httparse alone", |bencher| {
        bencher.iter(|| {
            let mut headers = [const { MaybeUninit::uninit() }; 100];
            let mut request = httparse::Request::new(&mut []);
            request
                .parse_with_uninit_headers(black_box(REQUEST), &mut headers)
                .is_ok_and(|status| status.is_complete())
        });
    });
    group.finish();
}
