//! Who is calling and how often: a key or an access token verified, a token taken from a bucket.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use stoa_gateway::auth::api_key::{self, KeyHasher};
use stoa_gateway::auth::scope::Roles;
use stoa_gateway::auth::{self, TokenCache};
use stoa_gateway::limit::bucket::Bucket;
use stoa_gateway::limit::{LimitScope, Rate};
use stoa_gateway::snapshot::Snapshot;
use stoa_gateway::snapshot::identity::{Identity, IdentityKind, Keys, StoredKey};
use stoa_gateway::snapshot::issuer::{Discovery, Issuer, Issuers};
use stoa_gateway::snapshot::tenant::{Tenant, TenantId};
use stoa_gateway::worker::clock::Now;

use super::cpu::ThreadCpu;

const NOW: Now = Now {
    mono_ns: 1_000_000_000,
    unix_ms: 1_795_000_000_000,
};
/// A token of the size of Keycloak's, good until 2100, and the keys of its issuer, which is nobody's.
const TOKEN: &str = include_str!("token/token.jwt");
const TOKEN_KEYS: &str = include_str!("token/keys.json");
const ISSUER: &str = "https://auth.example.com/realms/stoa";
/// A limit that is on and never reached: a token every 600 ns.
const RATE: Rate = Rate {
    requests_per_minute: 100_000_000,
    burst: 10_000_000,
};

pub(crate) fn identity(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("identity");
    for count in [1, 10_000] {
        let (keys, presented) = keys(count);
        let snapshot = Snapshot {
            keys,
            ..Snapshot::default()
        };
        let mut tokens = TokenCache::default();
        let header = format!("Bearer {}", presented[count / 2]);
        assert!(auth::authenticate(&snapshot, &mut tokens, Some(header.as_bytes()), NOW).is_ok());
        group.bench_function(
            BenchmarkId::new("key verified, of so many", count),
            |bencher| {
                bencher.iter(|| {
                    let header = Some(black_box(header.as_bytes()));
                    auth::authenticate(&snapshot, &mut tokens, header, NOW).is_ok()
                });
            },
        );
    }
    for (name, is_seen) in [("token seen before", true), ("token new, RS256", false)] {
        let snapshot = with_issuer();
        let header = format!("Bearer {TOKEN}");
        let mut tokens = TokenCache::default();
        let verify = |tokens: &mut TokenCache| {
            let header = Some(black_box(header.as_bytes()));
            auth::authenticate(&snapshot, tokens, header, NOW).is_ok()
        };
        assert!(verify(&mut tokens), "the token is good until 2100");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if !is_seen {
                    tokens = TokenCache::default();
                }
                verify(&mut tokens)
            });
        });
    }
    let bucket = Bucket::new(RATE);
    let mut now_ns = NOW.mono_ns;
    group.bench_function("bucket taken from", |bencher| {
        bencher.iter(|| {
            // A microsecond a call, slower than the bucket fills: every take is an admission.
            now_ns += 1_000;
            bucket.take(black_box(now_ns), LimitScope::Tier).is_ok()
        });
    });
    group.finish();
}

/// A tenant, and the issuer of [`TOKEN`].
fn with_issuer() -> Snapshot {
    let acme = Tenant {
        name: "acme".into(),
        tools: Vec::new(),
        tools_by_name: Default::default(),
        bucket: None,
        catalog_version: 0,
    };
    let issuer = Issuer {
        keys: Arc::new(auth::token::keys::parse(TOKEN_KEYS).expect("a key set")),
        tenant: None,
        wanted: Arc::default(),
    };
    let issuers = Issuers {
        by_url: [(ISSUER.into(), issuer)].into_iter().collect(),
        audiences: ["stoa-gateway".into()].into(),
        clients: Box::default(),
        tenant_claims: ["tenant_id".into()].into(),
        scopes_grant: false,
        tiers: [(Roles::NONE, RATE); 5],
        callers: Arc::default(),
        discovery: Discovery {
            public_url: None,
            authorization_servers: vec![ISSUER.into()],
            scopes: Vec::new(),
            metadata: None,
        },
    };
    Snapshot {
        generation: 1,
        tenants: vec![acme],
        tenants_by_name: [("acme".into(), TenantId(0))].into_iter().collect(),
        keys: Keys {
            issuers: Some(issuers),
            ..Keys::default()
        },
        ..Snapshot::default()
    }
}

/// So many keys and, for each, what its holder sends.
fn keys(count: usize) -> (Keys, Vec<String>) {
    let hasher = KeyHasher::new(b"a secret for measurements, of 32+ bytes");
    let mut keys = Keys {
        hasher: Some(hasher.clone()),
        ..Keys::default()
    };
    let mut presented = Vec::with_capacity(count);
    for number in 0..count {
        let new = api_key::generate().expect("randomness");
        let stored = StoredKey {
            hash: hasher.hash(new.key.as_bytes()),
            expires_at_ms: Some(u64::MAX),
            identity: Arc::new(caller(number)),
        };
        keys.by_id.insert(new.id.into(), stored);
        presented.push(new.key);
    }
    (keys, presented)
}

fn caller(number: usize) -> Identity {
    let name: Arc<str> = format!("agent-{number}").into();
    Identity {
        kind: IdentityKind::ApiKey,
        subject: Arc::clone(&name),
        consumer: name,
        may_name_consumer: false,
        tenant: TenantId(1),
        binding: [7; 16],
        roles: Roles::TENANT_ADMIN,
        scopes: Roles::TENANT_ADMIN.scopes(),
        tools_allowed: None,
        tools_refused: Box::default(),
        tier_bucket: Arc::new(Bucket::new(RATE)),
        consumer_bucket: None,
        usage: Arc::default(),
    }
}
