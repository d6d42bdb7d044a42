//! Whether. [`decide`] is the only way to get a [`Permit`], and `upstream::send` takes one by value.
//!
//! One rule, asked in three ways:
//!
//! | question | tenant | tool lists of the key | scope |
//! |---|---|---|---|
//! | [`find`]: may the caller know of the tool? | own, platform, or cpi-admin | not refused; allowed where a list is given | `stoa:tools:read` |
//! | [`visible`]: is it listed? | as above | as above | what a call needs |
//! | [`decide`]: may it be called? | proven by [`Known`] | proven by [`Known`] | `stoa:tools:read` for a tool that changes nothing, else `stoa:tools:execute` |
//!
//! So a list shows exactly what may be called. A tool that the caller may not know of answers as one
//! that does not exist; one that it may know of, but lacks the scope to call, says which scope that
//! takes. Anything that cannot be evaluated refuses.

use std::sync::Arc;

use crate::auth::Principal;
use crate::auth::scope::Scopes;
use crate::limit::{Admission, RateState};
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::tenant::TenantId;
use crate::snapshot::tool::Tool;
use crate::tenant;

/// A tool that the caller may know of: what a limit and a decision ask for instead of a bare tool.
///
/// Only [`find`] makes one:
///
/// ```
/// use stoa_gateway::{auth::Principal, policy, snapshot::Snapshot, snapshot::tool::Tool};
/// fn known<'s>(principal: &Principal, snapshot: &'s Snapshot, tool: &'s Tool) -> Option<policy::Known<'s>> {
///     policy::find(principal, snapshot, tool).ok()
/// }
/// ```
///
/// ```compile_fail,E0451
/// use stoa_gateway::{policy, snapshot::tool::Tool};
/// fn known(tool: &Tool) -> policy::Known<'_> {
///     policy::Known { tool }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Known<'s> {
    tool: &'s Tool,
}

impl<'s> Known<'s> {
    /// The tool.
    #[must_use]
    pub fn tool(self) -> &'s Tool {
        self.tool
    }
}

/// What a caller wants to do.
#[derive(Clone, Copy, Debug)]
pub enum Target<'s> {
    /// Something of the protocol itself: `initialize`, `server/discover`, `ping`, a notification.
    Protocol,
    /// See a list of tools.
    List,
    /// Call a tool, whose own limit the admission went through.
    Tool(Known<'s>),
}

/// Leave to do one thing once. It is neither cloned nor made elsewhere:
///
/// ```
/// use stoa_gateway::{auth::Principal, limit::Admission, policy};
/// fn permit<'s>(principal: &Principal, admission: Admission<'s>) -> Option<policy::Permit<'s>> {
///     policy::decide(principal, admission, policy::Target::List).ok()
/// }
/// ```
///
/// Without an admission nothing is decided (E0061: an argument is missing):
///
/// ```compile_fail,E0061
/// use stoa_gateway::{auth::Principal, policy};
/// fn permit(principal: &Principal) -> Option<policy::Permit<'static>> {
///     policy::decide(principal, policy::Target::List).ok()
/// }
/// ```
///
/// One admission permits one thing (E0382: it was moved):
///
/// ```compile_fail,E0382
/// use stoa_gateway::{auth::Principal, limit::Admission, policy};
/// fn permits(principal: &Principal, admission: Admission<'_>) {
///     let first = policy::decide(principal, admission, policy::Target::List);
///     let second = policy::decide(principal, admission, policy::Target::List);
/// }
/// ```
///
/// And nobody writes one by hand (E0451: the fields are private):
///
/// ```compile_fail,E0451
/// use stoa_gateway::policy;
/// let forged = policy::Permit { tool: None, state: None };
/// ```
#[derive(Debug)]
#[must_use = "a permit that is not used was asked for in vain"]
pub struct Permit<'s> {
    tool: Option<&'s Tool>,
    state: Option<RateState>,
}

impl<'s> Permit<'s> {
    /// The tool that may be called; `None` for the protocol and lists.
    #[must_use]
    pub fn tool(&self) -> Option<&'s Tool> {
        self.tool
    }

    /// The tightest limit that the request went through, for the `RateLimit-*` headers.
    #[must_use]
    pub fn state(&self) -> Option<RateState> {
        self.state
    }
}

/// Proof that the caller may know of a tool.
///
/// # Errors
/// [`Refusal::ToolUnknown`], as for a tool that does not exist.
pub fn find<'s>(
    principal: &Principal,
    snapshot: &'s Snapshot,
    tool: &'s Tool,
) -> Result<Known<'s>, Refusal> {
    let identity = principal.identity();
    let known = identity.scopes.contains(Scopes::TOOLS_READ)
        && tenant::sees(identity, tool.tenant)
        && in_lists(identity, snapshot, tool);
    if known {
        Ok(Known { tool })
    } else {
        Err(Refusal::ToolUnknown)
    }
}

/// Whether a tool is listed for the caller: exactly when a call of it would be permitted.
#[must_use]
pub fn visible(principal: &Principal, snapshot: &Snapshot, tool: &Tool) -> bool {
    find(principal, snapshot, tool).is_ok() && callable(principal, tool)
}

/// Decides, and spends the admission.
///
/// # Errors
/// [`Refusal::ScopeInsufficient`] with all that is needed; [`Refusal::Internal`] where the admission did not go through the
/// limit of the tool that is to be called, which is a fault of ours.
pub fn decide<'s>(
    principal: &Principal,
    admission: Admission<'s>,
    target: Target<'s>,
) -> Result<Permit<'s>, Refusal> {
    let state = admission.state();
    let tool = match target {
        Target::Protocol => None,
        Target::List => {
            require(principal, Scopes::TOOLS_READ)?;
            None
        }
        Target::Tool(Known { tool }) => {
            if !admission
                .tool()
                .is_some_and(|admitted| std::ptr::eq(admitted, tool))
            {
                return Err(Refusal::Internal);
            }
            require(principal, scope_of_call(tool))?;
            Some(tool)
        }
    };
    Ok(Permit { tool, state })
}

fn callable(principal: &Principal, tool: &Tool) -> bool {
    require(principal, scope_of_call(tool)).is_ok()
}

fn require(principal: &Principal, scope: Scopes) -> Result<(), Refusal> {
    if principal.identity().scopes.contains(scope) {
        Ok(())
    } else {
        Err(Refusal::ScopeInsufficient(scope))
    }
}

/// A tool that says nothing about its effects is one that changes things.
fn scope_of_call(tool: &Tool) -> Scopes {
    let annotations = tool.annotations;
    if annotations.read_only && !annotations.destructive {
        Scopes::TOOLS_READ
    } else {
        Scopes::TOOLS_EXECUTE
    }
}

/// Whether the key's own lists admit a tool. An allow list that is there and empty admits none.
///
/// Entries are `name` or `tenant:name`. A bare name allows within the caller's own tenant and the
/// platform only, so that a list which was meant for one tenant opens nothing in another; it refuses
/// wherever the name occurs.
fn in_lists(identity: &Identity, snapshot: &Snapshot, tool: &Tool) -> bool {
    let near = tool.tenant == identity.tenant || tool.tenant == TenantId::PLATFORM;
    let owner = &*snapshot.tenant(tool.tenant).name;
    let name = &*tool.name;
    let allowed = identity
        .tools_allowed
        .as_deref()
        .is_none_or(|list| near && holds(list, name) || holds_qualified(list, owner, name));
    let refused = &identity.tools_refused;
    allowed && !holds(refused, name) && !holds_qualified(refused, owner, name)
}

/// Whether a list, sorted by [`crate::auth::compile()`], holds a name.
fn holds(list: &[Arc<str>], name: &str) -> bool {
    list.binary_search_by(|entry| (**entry).cmp(name)).is_ok()
}

/// Whether a list, sorted as above, holds `owner:name`; no text is made for it.
fn holds_qualified(list: &[Arc<str>], owner: &str, name: &str) -> bool {
    list.binary_search_by(|entry| {
        entry
            .bytes()
            .cmp(owner.bytes().chain(*b":").chain(name.bytes()))
    })
    .is_ok()
}

#[cfg(test)]
mod tests;
