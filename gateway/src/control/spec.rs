//! What a tool says, normalised: the same type whether a person wrote it in YAML or an importer
//! derived it from an OpenAPI document.
//!
//! Serialised, a [`ToolSpec`] is the `spec` of a Tool object that the catalog reads back as the same
//! value. Nothing here is compiled or checked against other objects, and no secret is read:
//! [`super::compile`] does both.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod credential;
pub mod rate;
pub mod request;

pub use credential::{Credential, Secret, SecretSource};
pub use rate::RateSpec;
pub use request::{
    BinaryBody, BodyPlan, BodySource, FormBody, JsonBody, Location, MultipartBody, ParameterPlan,
    PropertyEncoding, RequestPlan, Style, TextBody,
};

/// One tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolSpec {
    /// Name inside its tenant: `[A-Za-z0-9_-]{1,64}`.
    pub name: String,
    /// Name for people.
    #[serde(
        rename = "displayName",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// What a model reads to decide whether to call; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Free words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What the REST facade counts by; the first tag where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Version of the operation, as its owner counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Base URL: scheme, host, port and the path that [`RequestPlan::path`] is appended to. No
    /// trailing slash is needed; a query or fragment is refused.
    pub endpoint: String,
    /// Where each argument goes.
    pub request: RequestPlan,
    /// JSON Schema of the arguments; members keep the order in which they were written.
    pub input_schema: Value,
    /// JSON Schema of `structuredContent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Hints about effects.
    #[serde(default, skip_serializing_if = "AnnotationsSpec::is_empty")]
    pub annotations: AnnotationsSpec,
    /// Milliseconds for the whole upstream call; the gateway's default where absent.
    #[serde(
        rename = "timeout",
        default,
        skip_serializing_if = "Option::is_none",
        with = "duration_ms"
    )]
    pub timeout_ms: Option<u64>,
    /// Calls of this tool by everyone together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateSpec>,
    /// What the upstream asks for, and where the secret is.
    #[serde(
        rename = "authentication",
        default,
        skip_serializing_if = "Credential::is_none"
    )]
    pub credential: Credential,
    /// Private, loopback and link-local ranges that this tool's upstream may live in, beside those
    /// of `--upstream-allow`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "networks")]
    pub upstream_allow: Vec<IpNet>,
    /// Multiplier of the base cost; 2 for a destructive tool and 1 for any other where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_multiplier: Option<f64>,
    /// The owner advises against using it: said at the head of its description.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
}

/// Hints of MCP's `annotations`; absent means that the author said nothing, and then the method of
/// the request decides (`GET` reads only, `DELETE` destroys).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnnotationsSpec {
    /// Name for people, older place of [`ToolSpec::title`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The tool changes nothing.
    #[serde(
        default,
        alias = "readOnlyHint",
        skip_serializing_if = "Option::is_none"
    )]
    pub read_only: Option<bool>,
    /// The tool may remove or overwrite.
    #[serde(
        default,
        alias = "destructiveHint",
        skip_serializing_if = "Option::is_none"
    )]
    pub destructive: Option<bool>,
    /// Calling twice is as calling once.
    #[serde(
        default,
        alias = "idempotentHint",
        skip_serializing_if = "Option::is_none"
    )]
    pub idempotent: Option<bool>,
    /// The tool reaches beyond a closed world.
    #[serde(
        default,
        alias = "openWorldHint",
        skip_serializing_if = "Option::is_none"
    )]
    pub open_world: Option<bool>,
}

impl AnnotationsSpec {
    /// Whether the author said nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A duration as people write it (`30s`, `1m 30s`), kept as milliseconds.
pub mod duration_ms {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes `30s`.
    ///
    /// # Errors
    /// Whatever the serializer answers.
    pub fn serialize<S: Serializer>(value: &Option<u64>, out: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(ms) => out.collect_str(&humantime::format_duration(Duration::from_millis(*ms))),
            None => out.serialize_none(),
        }
    }

    /// Reads `30s`.
    ///
    /// # Errors
    /// Text that is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| parse(&text).map_err(D::Error::custom))
            .transpose()
    }

    /// Milliseconds of `30s`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<u64, String> {
        let duration = humantime::parse_duration(text).map_err(|error| {
            format!("`{text}` is no duration ({error}); write `30s` or `500ms`")
        })?;
        u64::try_from(duration.as_millis()).map_err(|_| format!("`{text}` is too long"))
    }
}

/// Address ranges as people write them: `10.0.0.0/8`, or one address.
pub mod networks {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes a list of texts.
    ///
    /// # Errors
    /// Whatever the serializer answers.
    pub fn serialize<S: Serializer>(networks: &[IpNet], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(networks.iter().map(ToString::to_string))
    }

    /// Reads a list of texts.
    ///
    /// # Errors
    /// Text that is no range.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
        Vec::<String>::deserialize(from)?
            .iter()
            .map(|text| parse(text).map_err(D::Error::custom))
            .collect()
    }

    /// Reads one range or address.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<IpNet, String> {
        let text = text.trim();
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("`{text}` is no address range; write `10.0.0.0/8` or `::1/128`"))
    }
}

#[cfg(test)]
mod tests;
