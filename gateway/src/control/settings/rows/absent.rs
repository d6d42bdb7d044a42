//! Settings of other versions of this gateway: known, so that they are refused with a reason rather than
//! ignored. An operator who believes that mTLS is on must not be left in that belief.

/// A setting of the documents that this version does not have. Setting one stops the start: an
/// operator must not believe in a protection that is not there.
#[derive(Clone, Copy, Debug)]
pub struct Absent {
    /// Key in the file, and (with dashes) the flag.
    pub key: &'static str,
    /// Variables.
    pub environment: &'static [&'static str],
    /// The one value that asks for nothing, so that it may stand.
    pub neutral: Option<&'static str>,
    /// What it would bring.
    pub what: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

const fn absent(
    key: &'static str,
    environment: &'static [&'static str],
    neutral: Option<&'static str>,
    what: &'static str,
    instead: &'static str,
) -> Absent {
    Absent {
        key,
        environment,
        neutral,
        what,
        instead,
    }
}

const OPA_INSTEAD: &str = "unset it; roles, scopes and tool lists of the keys file decide";
const MODE_INSTEAD: &str = "unset it; this version serves edge-mcp";

/// All of them.
pub const ABSENT: &[Absent] = &[
    absent(
        "opa_enabled",
        &["OPA_ENABLED"],
        Some("false"),
        "a policy engine",
        OPA_INSTEAD,
    ),
    absent(
        "opa_embedded",
        &["OPA_EMBEDDED"],
        Some("false"),
        "a policy engine",
        OPA_INSTEAD,
    ),
    absent(
        "opa_endpoint",
        &["OPA_URL", "OPA_ENDPOINT"],
        None,
        "a policy engine",
        OPA_INSTEAD,
    ),
    absent(
        "k8s_watcher_enabled",
        &["K8S_WATCHER_ENABLED"],
        Some("false"),
        "watching Kubernetes",
        "set it to false and use --catalog, e.g. from a ConfigMap",
    ),
    absent(
        "control_plane_url",
        &["CONTROL_PLANE_URL"],
        None,
        "a remote catalog",
        "unset it and use --catalog",
    ),
    absent(
        "primary_gateway",
        &[],
        None,
        "the sidecar mode",
        MODE_INSTEAD,
    ),
    absent("upstream", &[], None, "the proxy mode", MODE_INSTEAD),
    absent("target", &[], None, "the shadow mode", MODE_INSTEAD),
    absent("output", &[], None, "the shadow mode", MODE_INSTEAD),
];
