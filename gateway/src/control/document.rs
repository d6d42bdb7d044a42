//! Objects of a catalog as they are written: the kinds of `gostoa.dev/v1alpha1`, every field of them,
//! older spellings included, and nothing unknown.
//!
//! Fields whose value is judged later carry their place. What the words mean is in
//! [`super::normalise`] and [`super::catalog::toolset`].

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::spec::credential::Authentication;
use super::spec::{AnnotationsSpec, BodyPlan, Location, RateSpec, Style, networks};

/// What `apiVersion` must be.
pub const API_VERSION: &str = "gostoa.dev/v1alpha1";
/// Kinds that this version reads.
pub const KINDS: [&str; 2] = ["Tool", "ToolSet"];
/// Kinds of the group that it does not.
pub const KINDS_ABSENT: [&str; 2] = ["GuardrailPolicy", "Skill"];

/// Enough of an object to know which one it is, whatever else is wrong with it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Head {
    /// Group and version.
    pub api_version: Option<Spanned<String>>,
    /// Kind.
    pub kind: Option<Spanned<String>>,
    /// Name and namespace.
    pub metadata: HeadMetadata,
    /// Version of an OpenAPI document, which may lie beside the ToolSet that names it.
    pub openapi: Option<IgnoredAny>,
    /// As above.
    pub swagger: Option<IgnoredAny>,
}

/// See [`Head`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HeadMetadata {
    /// Name.
    pub name: Option<Spanned<String>>,
    /// Namespace.
    pub namespace: Option<Spanned<String>>,
}

/// An object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "fields that only have to be allowed")]
pub struct Object<S> {
    api_version: IgnoredAny,
    kind: IgnoredAny,
    metadata: Metadata,
    /// What it says.
    pub spec: Spanned<S>,
    #[serde(default)]
    status: IgnoredAny,
}

/// What Kubernetes allows here. Only name and namespace mean something to us.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "fields that only have to be allowed")]
struct Metadata {
    name: IgnoredAny,
    #[serde(default)]
    namespace: IgnoredAny,
    #[serde(default)]
    labels: IgnoredAny,
    #[serde(default)]
    annotations: IgnoredAny,
    #[serde(default)]
    creation_timestamp: IgnoredAny,
    #[serde(default)]
    deletion_grace_period_seconds: IgnoredAny,
    #[serde(default)]
    deletion_timestamp: IgnoredAny,
    #[serde(default)]
    finalizers: IgnoredAny,
    #[serde(default)]
    generate_name: IgnoredAny,
    #[serde(default)]
    generation: IgnoredAny,
    #[serde(default)]
    managed_fields: IgnoredAny,
    #[serde(default)]
    owner_references: IgnoredAny,
    #[serde(default)]
    resource_version: IgnoredAny,
    #[serde(default)]
    self_link: IgnoredAny,
    #[serde(default)]
    uid: IgnoredAny,
}

/// `spec` of a Tool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolDocument {
    /// Name that agents see; the object's name where absent.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Name for people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What a model reads.
    #[serde(default)]
    pub description: Option<String>,
    /// URL of the operation, or of the API where `request` is given.
    #[serde(default)]
    pub endpoint: Option<Spanned<String>>,
    /// HTTP method.
    #[serde(default)]
    pub method: Option<Spanned<String>>,
    /// JSON Schema of the arguments.
    #[serde(default)]
    pub input_schema: Option<Spanned<Value>>,
    /// JSON Schema of the answer.
    #[serde(default)]
    pub output_schema: Option<Spanned<Value>>,
    /// Free words.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What the REST facade counts by.
    #[serde(default)]
    pub category: Option<String>,
    /// Version of the operation; a number is taken as its text.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether it is served.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// `30s`.
    #[serde(default)]
    pub timeout: Option<Spanned<String>>,
    /// The operation of a managed API that this tool is.
    #[serde(default)]
    pub api_ref: Option<Spanned<IgnoredAny>>,
    /// What the upstream asks for.
    #[serde(default)]
    pub authentication: Option<Spanned<Authentication>>,
    /// Older spelling.
    #[serde(default)]
    pub auth: Option<Spanned<OldAuth>>,
    /// Calls by everyone together.
    #[serde(default)]
    pub rate_limit: Option<RateSpec>,
    /// Hints about effects.
    #[serde(default)]
    pub annotations: AnnotationsSpec,
    /// Where arguments go, where the defaults do not fit.
    #[serde(default)]
    pub request: Option<Spanned<RequestDocument>>,
    /// Non-public ranges for this tool's upstream.
    #[serde(default, with = "networks")]
    pub upstream_allow: Vec<ipnet::IpNet>,
    /// Multiplier of the base cost.
    #[serde(default)]
    pub cost_multiplier: Option<Spanned<f64>>,
    /// The owner advises against it.
    #[serde(default)]
    pub deprecated: bool,
}

fn yes() -> bool {
    true
}

/// `auth` of an older Tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldAuth {
    /// A token, whose place `authentication` must say.
    Bearer,
    /// Nothing.
    None,
    /// A Kubernetes service account.
    ServiceAccount,
}

/// `request` of a Tool: what of it is not written follows from method, path and schema.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RequestDocument {
    /// HTTP method.
    pub method: Option<String>,
    /// Path template, appended to the endpoint's path.
    pub path: Option<String>,
    /// Arguments outside the body.
    pub parameters: Vec<ParameterDocument>,
    /// What the body is made of.
    pub body: Option<BodyPlan>,
    /// Headers sent with every call.
    pub fixed_headers: Vec<(String, String)>,
}

/// A parameter of a Tool's `request`, with OpenAPI's defaults.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParameterDocument {
    /// Name of the argument.
    pub argument: String,
    /// Name in the request, where it differs.
    #[serde(default)]
    pub name: Option<String>,
    /// Part of the request.
    #[serde(rename = "in")]
    pub location: Location,
    /// How arrays and objects are written.
    #[serde(default)]
    pub style: Option<Style>,
    /// Whether each element is a parameter of its own.
    #[serde(default)]
    pub explode: Option<bool>,
    /// Whether reserved characters stay.
    #[serde(default)]
    pub allow_reserved: bool,
    /// Whether a call without it is refused.
    #[serde(default)]
    pub required: Option<bool>,
    /// Whether the value is JSON text.
    #[serde(default)]
    pub json_content: bool,
}

/// `spec` of a ToolSet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolSetDocument {
    /// Name for people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Tools from an OpenAPI document.
    #[serde(rename = "openAPISpec", default)]
    pub open_api_spec: Option<Spanned<OpenApiSpec>>,
    /// Tools of another MCP server.
    #[serde(default)]
    pub upstream: Option<Spanned<IgnoredAny>>,
    /// Replaces the document's servers.
    #[serde(rename = "baseURL", alias = "baseUrl", default)]
    pub base_url: Option<Spanned<String>>,
    /// Which operations.
    #[serde(default)]
    pub selector: SelectorDocument,
    /// What each tool gets.
    #[serde(default)]
    pub tool_defaults: ToolDefaults,
    /// How tools are named.
    #[serde(default)]
    pub naming: NamingDocument,
    /// Names of the tools that are wanted; all where empty.
    #[serde(default)]
    pub tools: Vec<Spanned<String>>,
    /// Older place of `naming.prefix`.
    #[serde(default)]
    pub prefix: Option<Spanned<String>>,
    /// Whether it is served.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Non-public ranges for these tools' upstreams and for the document.
    #[serde(default, with = "networks")]
    pub upstream_allow: Vec<ipnet::IpNet>,
}

/// `openAPISpec` of a ToolSet: exactly one source.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OpenApiSpec {
    /// `https://...`, or a path relative to the catalog file.
    pub url: Option<Spanned<String>>,
    /// A path relative to the catalog file.
    pub file: Option<Spanned<PathBuf>>,
    /// The document itself, as text or as YAML.
    pub inline: Option<Spanned<Value>>,
    /// A ConfigMap of the cluster.
    pub config_map_ref: Option<Spanned<IgnoredAny>>,
    /// A Secret of the cluster.
    pub secret_ref: Option<Spanned<IgnoredAny>>,
    /// Time between two downloads.
    pub refresh_interval: Option<Spanned<String>>,
}

/// `selector` of a ToolSet: all conditions that are written must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SelectorDocument {
    /// At least one of these tags.
    pub tags: Vec<String>,
    /// None of these tags.
    pub exclude_tags: Vec<String>,
    /// One of these methods.
    pub methods: Vec<String>,
    /// The path begins so.
    pub path_prefix: Option<String>,
    /// One of these operations.
    pub operation_ids: Vec<String>,
}

/// `toolDefaults` of a ToolSet.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ToolDefaults {
    /// Added to each tool's tags.
    pub tags: Vec<String>,
    /// `30s`.
    pub timeout: Option<Spanned<String>>,
    /// Calls of each tool by everyone together.
    pub rate_limit: Option<RateSpec>,
    /// What the upstream asks for.
    pub authentication: Option<Spanned<Authentication>>,
}

/// `naming` of a ToolSet.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NamingDocument {
    /// Before each name.
    pub prefix: String,
    /// After each name.
    pub suffix: String,
    /// Whether `operationId` makes the name.
    pub use_operation_id: bool,
}

impl Default for NamingDocument {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            suffix: String::new(),
            use_operation_id: true,
        }
    }
}
