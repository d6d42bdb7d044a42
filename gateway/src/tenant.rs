//! Whose request it is. The tenant comes from the verified credential, never from a header.
//!
//! A tenant sees its own namespace and the platform's (`stoa-system`); `cpi-admin` sees all.

use crate::auth::Principal;
use crate::auth::scope::Roles;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::tenant::{Tenant, TenantId};

/// The tenant of a caller. The principal must come from this snapshot: indexes are valid in one only.
///
/// # Errors
/// [`Refusal::TenantUnknown`] where the snapshot has no such tenant.
pub fn identify<'s>(
    snapshot: &'s Snapshot,
    principal: &Principal,
) -> Result<(TenantId, &'s Tenant), Refusal> {
    let id = principal.identity().tenant;
    let tenant = snapshot
        .tenants
        .get(id.0 as usize)
        .ok_or(Refusal::TenantUnknown)?;
    Ok((id, tenant))
}

/// Whether a caller sees what belongs to `owner`, scopes and tool lists aside.
#[must_use]
pub fn sees(identity: &Identity, owner: TenantId) -> bool {
    owner == identity.tenant || owner == TenantId::PLATFORM || sees_all(identity)
}

/// Whether a caller sees every tenant, and therefore names tools with their tenant.
#[must_use]
pub fn sees_all(identity: &Identity) -> bool {
    identity.roles.contains(Roles::CPI_ADMIN)
}
