//! The tools that the gateway itself brings, as data: what they are called and what they take. What
//! they do is in [`crate::builtin`].

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use crate::control::catalog::prepared::{Prepared, Text};
use crate::control::names::stable_hash;
use crate::control::spec::{BodyPlan, Credential, RequestPlan};
use crate::control::url::Origin;
use crate::guard::schema::ArgumentSchema;
use crate::limits::TOOLS_PER_PAGE_MAX;
use crate::snapshot::tool::{Annotations, Backend};

const CATALOG_DESCRIPTION: &str = "Finds tools on this gateway. Use it when you do not see a tool for a task: \
    there may be many more than fit into your list. `search` takes a few words about what you want to do and \
    gives the best matches first; `get` gives one tool's full definition, with its input schema; `list` gives \
    all tools that you may call.";
const USAGE_DESCRIPTION: &str = "Tells what you have used of this gateway: your calls, your errors, their cost, \
    and how many calls each of your rate limits still allows. Use it when calls are refused with a rate limit, \
    or before a task with many calls.";

/// A built-in tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    /// `stoa_catalog`.
    Catalog,
    /// `stoa_usage`.
    Usage,
}

impl Builtin {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Catalog, Self::Usage];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Catalog => "stoa_catalog",
            Self::Usage => "stoa_usage",
        }
    }

    /// Its definition and check, made once in the life of the process. `None` only if the constants
    /// here were wrong, which a test refuses.
    pub(super) fn prepared(self) -> Option<Arc<Prepared>> {
        static CATALOG: LazyLock<Option<Arc<Prepared>>> = LazyLock::new(|| {
            prepare(
                Builtin::Catalog,
                "Find tools",
                CATALOG_DESCRIPTION,
                "catalog",
                &catalog_schema(),
            )
        });
        static USAGE: LazyLock<Option<Arc<Prepared>>> = LazyLock::new(|| {
            let nothing =
                json!({"type": "object", "properties": {}, "additionalProperties": false});
            prepare(
                Builtin::Usage,
                "Own usage and limits",
                USAGE_DESCRIPTION,
                "usage",
                &nothing,
            )
        });
        match self {
            Self::Catalog => CATALOG.clone(),
            Self::Usage => USAGE.clone(),
        }
    }

    /// What it does.
    pub(super) fn backend(self) -> Backend {
        match self {
            Self::Catalog => Backend::Catalog,
            Self::Usage => Backend::Usage,
        }
    }
}

fn catalog_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "action": {
                "type": "string",
                "enum": ["list", "search", "get"],
                "default": "list",
                "description": "list: all tools. search: by words, needs `query`. get: one tool in full, needs `name`.",
            },
            "query": {
                "type": "string",
                "maxLength": 500,
                "description": "For search: a few words about what you want to do, e.g. `refund payment`.",
            },
            "name": {
                "type": "string",
                "maxLength": 200,
                "description": "For get: the tool's name as list or search show it.",
            },
            "status": {
                "type": "string",
                "enum": ["active", "all"],
                "default": "active",
                "description": "For list: every tool that is listed is active.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": TOOLS_PER_PAGE_MAX,
                "description": "The most tools that list and search show.",
            },
        },
        "additionalProperties": false,
    })
}

fn prepare(
    builtin: Builtin,
    title: &str,
    description: &str,
    tag: &str,
    input_schema: &Value,
) -> Option<Arc<Prepared>> {
    let mut hints = Map::new();
    hints.insert("readOnlyHint".to_owned(), true.into());
    hints.insert("openWorldHint".to_owned(), false.into());
    let text = Text {
        title: Some(title),
        description,
        input_schema,
        output_schema: None,
        annotations: hints,
    };
    let definition = text.definition();
    Some(Arc::new(Prepared {
        name: builtin.name().to_owned(),
        title: Some(title.into()),
        description: description.into(),
        tags: vec!["platform".into(), tag.into()],
        category: "platform".into(),
        annotations: Annotations {
            read_only: true,
            destructive: false,
            idempotent: true,
            open_world: false,
        },
        definition_hash: stable_hash(definition.modern.as_bytes()),
        definition: Arc::new(definition),
        mirrored: Vec::new(),
        arguments: Arc::new(ArgumentSchema::compile(input_schema).ok()?),
        origin: Origin {
            tls: false,
            host: String::new(),
            port: 0,
        },
        request: RequestPlan {
            method: String::new(),
            path: String::new(),
            parameters: Vec::new(),
            body: BodyPlan::None,
            fixed_headers: Vec::new(),
            credential: Credential::None,
        },
        credential: Credential::None,
        upstream_allow: Vec::new(),
        timeout_ms: None,
        rate: None,
        // They cost nobody's upstream anything.
        cost_multiplier: Some(0.0),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_compile_and_the_text_is_json() {
        ArgumentSchema::compile(&catalog_schema()).unwrap();
        for builtin in Builtin::ALL {
            let prepared = builtin.prepared().unwrap();
            assert!(!prepared.arguments.accepts_any_object());
            let text = format!("{{{}}}", prepared.definition.modern);
            let definition: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(definition["inputSchema"]["type"], "object");
            assert_eq!(definition["annotations"]["readOnlyHint"], true);
            assert!(prepared.description.len() > 100 && prepared.definition.legacy.is_none());
        }
    }
}
