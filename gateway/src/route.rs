//! Which door a request came to, and which tool a name means.

use crate::auth::Principal;
use crate::http::head::Method;
use crate::snapshot::Snapshot;
use crate::snapshot::tenant::TenantId;
use crate::snapshot::tool::Tool;
use crate::tenant;

pub mod landing;

/// What stands behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount<'a> {
    /// `/mcp`: Streamable HTTP of every revision.
    Mcp,
    /// `/mcp/v1/...`: the REST facade.
    Facade(Facade<'a>),
    /// What the gateway says of itself.
    Own(Own),
    /// Nothing.
    Nothing,
}

/// Paths of the REST facade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facade<'a> {
    /// `/mcp/v1/`.
    Information,
    /// `/mcp/v1/tools`.
    Tools,
    /// `/mcp/v1/tools/categories`.
    Categories,
    /// `/mcp/v1/tools/tags`.
    Tags,
    /// `/mcp/v1/tools/{name}`: GET describes, POST invokes. The name is still percent-encoded.
    Tool(&'a str),
    /// `/mcp/v1/tools/{name}/invoke`. The name is still percent-encoded.
    Invoke(&'a str),
}

/// Paths about the gateway itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// `/`.
    Landing,
    /// `/health`, `/healthz`, `/live`, `/livez`: the process answers.
    Alive,
    /// `/ready`, `/readyz`: whether to send traffic here.
    Ready,
    /// `/metrics`.
    Metrics,
    /// `/.well-known/oauth-protected-resource`, `.../mcp`: who gives tokens for this gateway (RFC 9728).
    ResourceMetadata,
    /// `/.well-known/oauth-authorization-server`: the issuer's own metadata (RFC 8414), for clients of
    /// 2025-03-26.
    IssuerMetadata,
}

/// The door of a path. Paths match as spelled: nothing is decoded or normalised, so no spelling of a
/// guarded path slips past its guard.
#[must_use]
pub fn mount(path: &str) -> Mount<'_> {
    match path {
        "/mcp" | "/mcp/" => Mount::Mcp,
        "/" => Mount::Own(Own::Landing),
        "/health" | "/healthz" | "/live" | "/livez" => Mount::Own(Own::Alive),
        "/ready" | "/readyz" => Mount::Own(Own::Ready),
        "/metrics" => Mount::Own(Own::Metrics),
        "/.well-known/oauth-protected-resource"
        | "/.well-known/oauth-protected-resource/mcp"
        | "/.well-known/oauth-protected-resource/mcp/" => Mount::Own(Own::ResourceMetadata),
        "/.well-known/oauth-authorization-server" => Mount::Own(Own::IssuerMetadata),
        _ => path.strip_prefix("/mcp/v1").map_or(Mount::Nothing, facade),
    }
}

fn facade(rest: &str) -> Mount<'_> {
    let found = match rest {
        "" | "/" => Some(Facade::Information),
        "/tools" | "/tools/" => Some(Facade::Tools),
        "/tools/categories" => Some(Facade::Categories),
        "/tools/tags" => Some(Facade::Tags),
        _ => rest.strip_prefix("/tools/").and_then(tool),
    };
    found.map_or(Mount::Nothing, Mount::Facade)
}

fn tool(rest: &str) -> Option<Facade<'_>> {
    match rest.split_once('/') {
        None => Some(Facade::Tool(rest)),
        Some((name, "invoke")) if !name.is_empty() => Some(Facade::Invoke(name)),
        Some(_) => None,
    }
}

/// The methods of a door, for `Allow`; empty where there is no door.
#[must_use]
pub fn methods(mount: Mount<'_>) -> &'static str {
    match mount {
        Mount::Mcp => "GET, POST, DELETE, OPTIONS",
        Mount::Facade(Facade::Tool(_)) => "GET, HEAD, POST",
        Mount::Facade(Facade::Invoke(_)) => "POST",
        Mount::Own(Own::ResourceMetadata | Own::IssuerMetadata) => "GET, HEAD, OPTIONS",
        Mount::Facade(_) | Mount::Own(_) => "GET, HEAD",
        Mount::Nothing => "",
    }
}

/// Whether a door takes a method.
#[must_use]
pub fn takes(mount: Mount<'_>, method: Method<'_>) -> bool {
    match mount {
        Mount::Mcp => matches!(
            method,
            Method::Get | Method::Post | Method::Delete | Method::Options
        ),
        Mount::Facade(Facade::Tool(_)) => {
            matches!(method, Method::Get | Method::Head | Method::Post)
        }
        Mount::Facade(Facade::Invoke(_)) => method == Method::Post,
        Mount::Own(Own::ResourceMetadata | Own::IssuerMetadata) => {
            matches!(method, Method::Get | Method::Head | Method::Options)
        }
        Mount::Facade(_) | Mount::Own(_) => matches!(method, Method::Get | Method::Head),
        Mount::Nothing => false,
    }
}

/// The tool that a caller means by a name, if the catalog has one; whether the caller may know of it is
/// the decision's business, and a tool that it may not know of is answered like one that is not there.
///
/// A caller's own tenant comes first, then the platform. `{tenant}:{name}` is taken from everyone, and
/// `{tenant}__{name}` from who sees several tenants.
#[must_use]
pub fn resolve<'s>(snapshot: &'s Snapshot, principal: &Principal, name: &str) -> Option<&'s Tool> {
    let own = principal.identity().tenant;
    let within = |tenant: TenantId, name: &str| {
        snapshot
            .tenant(tenant)
            .tools_by_name
            .get(name)
            .map(|tool| snapshot.tool(*tool))
    };
    if let Some((tenant, name)) = name.split_once(':') {
        let tenant = tenant.strip_prefix("tenant-").unwrap_or(tenant);
        return within(*snapshot.tenants_by_name.get(tenant)?, name);
    }
    within(own, name)
        .or_else(|| within(TenantId::PLATFORM, name))
        .or_else(|| {
            let full = snapshot.tools_by_full_name.get(name)?;
            sees_all(principal).then(|| snapshot.tool(*full))
        })
}

/// Whether a caller sees every tenant, and so sees tools under their full names.
#[must_use]
pub fn sees_all(principal: &Principal) -> bool {
    tenant::sees_all(principal.identity())
}

/// The name under which a caller sees a tool.
#[must_use]
pub fn shown_name<'s>(principal: &Principal, tool: &'s Tool) -> &'s str {
    if sees_all(principal) && tool.tenant != TenantId::PLATFORM {
        &tool.full_name
    } else {
        &tool.name
    }
}

/// The tools that a caller may know of by tenant, before the decision looks at each: its own, then the
/// platform's; for who sees all, every tenant's. Always in the same order.
pub fn candidates<'s>(
    snapshot: &'s Snapshot,
    principal: &Principal,
) -> impl Iterator<Item = &'s Tool> {
    let own = principal.identity().tenant;
    let all = sees_all(principal);
    let first = if all { &snapshot.tools[..] } else { &[] };
    let of = |tenant: TenantId| {
        snapshot
            .tenant(tenant)
            .tools
            .iter()
            .map(|tool| snapshot.tool(*tool))
    };
    let own_tools = (!all).then(|| of(own)).into_iter().flatten();
    let platform = (!all && own != TenantId::PLATFORM)
        .then(|| of(TenantId::PLATFORM))
        .into_iter()
        .flatten();
    first.iter().chain(own_tools).chain(platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors() {
        for (path, expected) in [
            ("/mcp", Mount::Mcp),
            ("/mcp/", Mount::Mcp),
            ("/", Mount::Own(Own::Landing)),
            ("/readyz", Mount::Own(Own::Ready)),
            ("/livez", Mount::Own(Own::Alive)),
            ("/metrics", Mount::Own(Own::Metrics)),
            (
                "/.well-known/oauth-protected-resource",
                Mount::Own(Own::ResourceMetadata),
            ),
            (
                "/.well-known/oauth-protected-resource/mcp",
                Mount::Own(Own::ResourceMetadata),
            ),
            (
                "/.well-known/oauth-authorization-server",
                Mount::Own(Own::IssuerMetadata),
            ),
            ("/.well-known/oauth-protected-resource/x", Mount::Nothing),
            ("/mcp/v1", Mount::Facade(Facade::Information)),
            ("/mcp/v1/tools", Mount::Facade(Facade::Tools)),
            ("/mcp/v1/tools/tags", Mount::Facade(Facade::Tags)),
            (
                "/mcp/v1/tools/categories",
                Mount::Facade(Facade::Categories),
            ),
            (
                "/mcp/v1/tools/get_order",
                Mount::Facade(Facade::Tool("get_order")),
            ),
            (
                "/mcp/v1/tools/get_order/invoke",
                Mount::Facade(Facade::Invoke("get_order")),
            ),
            ("/mcp/v1/tools//invoke", Mount::Nothing),
            ("/mcp/v1/tools/a/b", Mount::Nothing),
            ("/mcp/v1x", Mount::Nothing),
            ("/MCP", Mount::Nothing),
            ("/mcp/../metrics", Mount::Nothing),
            ("//mcp", Mount::Nothing),
            ("*", Mount::Nothing),
            ("", Mount::Nothing),
        ] {
            assert_eq!(mount(path), expected, "{path}");
        }
    }

    #[test]
    fn doors_take_the_methods_that_they_name() {
        use Method::{Delete, Get, Head, Options, Other, Patch, Post, Put};
        for mount in [
            Mount::Mcp,
            Mount::Own(Own::Ready),
            Mount::Own(Own::ResourceMetadata),
            Mount::Own(Own::IssuerMetadata),
            Mount::Facade(Facade::Tools),
            Mount::Facade(Facade::Tool("x")),
            Mount::Facade(Facade::Invoke("x")),
            Mount::Nothing,
        ] {
            for method in [
                Get,
                Head,
                Post,
                Put,
                Patch,
                Delete,
                Options,
                Other("TRACE"),
                Other(""),
            ] {
                let named = !method.as_str().is_empty()
                    && methods(mount)
                        .split(", ")
                        .any(|name| name == method.as_str());
                assert_eq!(takes(mount, method), named, "{mount:?} {method:?}");
            }
        }
    }
}
