//! Temporary loader for integration; replaced by the catalog part.
use super::compile::{self, LoadedTool, Sources};
use super::document::{Head, Object, ToolDocument};
use super::keyed::Keyed;
use super::problem::Problem;
use super::settings::Settings;
use super::{normalise, yaml};
use crate::auth::keys_file;
use crate::snapshot::Snapshot;
use arc_swap::ArcSwap;
use std::sync::Arc;
pub struct Catalog { problems: Arc<ArcSwap<Vec<Problem>>> }
pub struct Outcome { pub problems: Vec<Problem>, pub tools: usize, pub tenants: usize, pub keys: usize }
impl Catalog {
    pub async fn open(settings: &Settings, published: Arc<ArcSwap<Snapshot>>) -> anyhow::Result<Self> {
        let mut tools = Vec::new();
        let mut problems = Vec::new();
        if let Some(d) = &settings.catalog.directory {
            for e in std::fs::read_dir(d)? {
                let p = e?.path();
                let text = std::fs::read_to_string(&p)?;
                for doc in yaml::documents(&text) {
                    let head: Head = yaml::from_str(doc.text).map_err(|e| anyhow::anyhow!("{e}"))?;
                    if head.kind.as_ref().is_some_and(|k| k.value != "Tool") { continue }
                    let o: Object<ToolDocument> = yaml::from_str(doc.text).map_err(|e| anyhow::anyhow!("{e}"))?;
                    let name = o.spec.value.name.as_ref().map(|n| n.value.clone()).or(head.metadata.name.map(|n| n.value)).unwrap_or_default();
                    let ns = head.metadata.namespace.map(|n| n.value).unwrap_or("default".into());
                    match normalise::tool(o.spec, &name, d) {
                        Ok(spec) => tools.push(LoadedTool { tenant: super::names::tenant_of_namespace(&ns).unwrap_or("default").to_owned(), spec, place: Problem::new("").in_file(&p) }),
                        Err(p) => problems.extend(p),
                    }
                }
            }
        }
        let keys = settings.identity.keys_file.as_ref().map(|p| keys_file::load(p)).transpose().map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut keyed = Keyed::default();
        let c = compile::compile(&Sources { tools: &tools, keys: keys.as_ref(), hash_secret: None, settings, generation: 1, now_ns: 0 }, &mut keyed);
        problems.extend(c.problems);
        for p in &problems { tracing::warn!("{p}"); }
        published.store(Arc::new(c.snapshot));
        Ok(Self { problems: Arc::new(ArcSwap::from_pointee(problems)) })
    }
    pub fn problems(&self) -> Arc<ArcSwap<Vec<Problem>>> { Arc::clone(&self.problems) }
    pub async fn run(self) { std::future::pending::<()>().await }
}
pub fn check(_: &Settings) -> Outcome { Outcome { problems: vec![], tools: 0, tenants: 0, keys: 0 } }
