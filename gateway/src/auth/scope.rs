//! Roles and scopes: two small sets, and the table that turns one into the other.
//!
//! A scope is `stoa:{area}:{action}`. Holding `write` or `execute` in an area includes its `read`:
//! nobody can change or call what they may not see. The six scopes of older deployments expand so:
//!
//! | old scope      | becomes |
//! |----------------|---------|
//! | `stoa:read`    | `read` in catalog, subscription, observability, tools |
//! | `stoa:write`   | what `stoa:read` gives; `write` in catalog, subscription, observability; `stoa:tools:execute` |
//! | `stoa:execute` | `stoa:tools:read`, `stoa:tools:execute` |
//! | `stoa:deploy`  | `stoa:catalog:write`, `stoa:tools:write` (publishing tools, not only calling them) |
//! | `stoa:audit`   | `read` in security, observability |
//! | `stoa:admin`   | everything |
//!
//! | role           | old scopes                                 | so it may |
//! |----------------|--------------------------------------------|-----------|
//! | `viewer`       | read                                       | list tools, call read-only ones |
//! | `devops`       | read, write, deploy                        | call every tool, publish tools |
//! | `tenant-admin` | read, write, execute                       | call every tool, manage subscriptions |
//! | `cpi-admin`    | read, write, admin, execute, deploy, audit | everything, in every tenant |
//!
//! `tenant-admin` is a role like any other: it never means a tenant of the name "admin". That is
//! what the realm role `tenant:admin` of tokens means, which is no role and is refused here.

use std::fmt;
use std::marker::PhantomData;

/// Areas, in the order of their bits.
const AREAS: [&str; 6] = [
    "catalog",
    "subscription",
    "observability",
    "tools",
    "admin",
    "security",
];
/// Actions, in the order of their bits within an area.
const ACTIONS: [&str; 3] = ["read", "write", "execute"];
/// Roles, in the order of their bits: from the most to the least that one may do.
const ROLES: [&str; 4] = ["cpi-admin", "tenant-admin", "devops", "viewer"];

/// A set of some kind of thing, a bit for each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Set<Kind> {
    bits: u32,
    kind: PhantomData<Kind>,
}

/// The kind of [`Scopes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope;

/// The kind of [`Roles`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Role;

/// A set of scopes.
pub type Scopes = Set<Scope>;

/// A set of roles.
pub type Roles = Set<Role>;

/// A scope that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scope {0:?}: expected stoa:AREA:ACTION (areas catalog, subscription, observability, tools, \
     admin, security; actions read, write, execute), or one of stoa:read, stoa:write, stoa:execute, \
     stoa:deploy, stoa:audit, stoa:admin"
)]
pub struct ScopeUnknown(String);

/// A role that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {0:?}: expected cpi-admin, tenant-admin, devops or viewer")]
pub struct RoleUnknown(String);

// === impl Set ===

impl<Kind: Copy> Set<Kind> {
    /// Nothing.
    pub const NONE: Self = Self::of(0);

    const fn of(bits: u32) -> Self {
        Self {
            bits,
            kind: PhantomData,
        }
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self::of(self.bits | other.bits)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self::of(self.bits & other.bits)
    }

    /// Whether all of `wanted` is in this set.
    #[must_use]
    pub const fn contains(self, wanted: Self) -> bool {
        self.bits & wanted.bits == wanted.bits
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }
}

// === impl Scopes ===

/// The set of one scope, with the `read` that it includes.
const fn scope(area: u32, action: u32) -> Scopes {
    Set::of(1 << (area * 3) | 1 << (area * 3 + action))
}

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self::of((1 << (AREAS.len() * ACTIONS.len())) - 1);
    /// `stoa:tools:read`: knowing of tools, calling those that change nothing.
    pub const TOOLS_READ: Self = scope(3, 0);
    /// `stoa:tools:execute`: calling any tool.
    pub const TOOLS_EXECUTE: Self = scope(3, 2);

    /// What [`Self::parse`] gives for the old `stoa:read`.
    const OLD_READ: Self = scope(0, 0)
        .union(scope(1, 0))
        .union(scope(2, 0))
        .union(Self::TOOLS_READ);
    const OLD_WRITE: Self = Self::OLD_READ
        .union(scope(0, 1))
        .union(scope(1, 1))
        .union(scope(2, 1))
        .union(Self::TOOLS_EXECUTE);
    const OLD_DEPLOY: Self = scope(0, 1).union(scope(3, 1));
    const OLD_AUDIT: Self = scope(5, 0).union(scope(2, 0));

    /// Reads one scope, new or old, with what it includes.
    ///
    /// # Errors
    /// [`ScopeUnknown`], whose text names the scopes there are.
    pub fn parse(text: &str) -> Result<Self, ScopeUnknown> {
        let unknown = || ScopeUnknown(text.to_owned());
        let rest = text.strip_prefix("stoa:").ok_or_else(unknown)?;
        if let Some((area, action)) = rest.split_once(':') {
            let area = position(&AREAS, area).ok_or_else(unknown)?;
            let action = position(&ACTIONS, action).ok_or_else(unknown)?;
            return Ok(scope(area, action));
        }
        match rest {
            "read" => Ok(Self::OLD_READ),
            "write" => Ok(Self::OLD_WRITE),
            "execute" => Ok(Self::TOOLS_EXECUTE),
            "deploy" => Ok(Self::OLD_DEPLOY),
            "audit" => Ok(Self::OLD_AUDIT),
            "admin" => Ok(Self::ALL),
            _ => Err(unknown()),
        }
    }

    /// The names of the scopes in this set, e.g. `stoa:tools:read`.
    pub fn names(self) -> impl Iterator<Item = String> {
        let all = AREAS
            .iter()
            .flat_map(|area| ACTIONS.iter().map(move |action| (area, action)));
        all.enumerate()
            .filter(move |(bit, _)| self.bits & 1 << bit != 0)
            .map(|(_, (area, action))| format!("stoa:{area}:{action}"))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

// === impl Roles ===

impl Roles {
    /// Sees and manages every tenant.
    pub const CPI_ADMIN: Self = Self::of(1);
    /// Manages its own tenant.
    pub const TENANT_ADMIN: Self = Self::of(1 << 1);
    /// Publishes and calls tools of its own tenant.
    pub const DEVOPS: Self = Self::of(1 << 2);
    /// Looks.
    pub const VIEWER: Self = Self::of(1 << 3);

    /// Reads one role.
    ///
    /// # Errors
    /// [`RoleUnknown`], whose text names the roles there are.
    pub fn parse(text: &str) -> Result<Self, RoleUnknown> {
        position(&ROLES, text)
            .map(|bit| Self::of(1 << bit))
            .ok_or_else(|| RoleUnknown(text.to_owned()))
    }

    /// The scopes that come with the roles of this set: the second table of this module.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        let mut scopes = Scopes::NONE;
        for (role, granted) in [
            (Self::VIEWER, Scopes::OLD_READ),
            (Self::DEVOPS, Scopes::OLD_WRITE.union(Scopes::OLD_DEPLOY)),
            (
                Self::TENANT_ADMIN,
                Scopes::OLD_WRITE.union(Scopes::TOOLS_EXECUTE),
            ),
            (Self::CPI_ADMIN, Scopes::ALL),
        ] {
            if self.contains(role) {
                scopes = scopes.union(granted);
            }
        }
        scopes
    }

    /// The names of the roles in this set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ROLES
            .iter()
            .enumerate()
            .filter(move |(bit, _)| self.bits & 1 << bit != 0)
            .map(|(_, name)| *name)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

fn position(names: &[&str], wanted: &str) -> Option<u32> {
    names
        .iter()
        .position(|name| *name == wanted)
        .and_then(|at| u32::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> Scopes {
        names.iter().fold(Scopes::NONE, |set, name| {
            set.union(Scopes::parse(name).unwrap())
        })
    }

    #[test]
    fn scopes_mean_what_the_table_says() {
        for (text, expected) in [
            ("stoa:tools:read", "stoa:tools:read"),
            ("stoa:tools:execute", "stoa:tools:read stoa:tools:execute"),
            (
                "stoa:security:write",
                "stoa:security:read stoa:security:write",
            ),
            (
                "stoa:read",
                "stoa:catalog:read stoa:subscription:read stoa:observability:read stoa:tools:read",
            ),
            (
                "stoa:write",
                "stoa:catalog:read stoa:catalog:write stoa:subscription:read stoa:subscription:write \
                 stoa:observability:read stoa:observability:write stoa:tools:read stoa:tools:execute",
            ),
            ("stoa:execute", "stoa:tools:read stoa:tools:execute"),
            (
                "stoa:deploy",
                "stoa:catalog:read stoa:catalog:write stoa:tools:read stoa:tools:write",
            ),
            ("stoa:audit", "stoa:observability:read stoa:security:read"),
        ] {
            let names: Vec<String> = Scopes::parse(text).unwrap().names().collect();
            assert_eq!(names.join(" "), expected, "{text}");
        }
        assert_eq!(set(&["stoa:admin"]).names().count(), 18);
    }

    #[test]
    fn what_is_no_scope_or_role_is_refused_with_the_names_there_are() {
        for text in [
            "",
            "read",
            "stoa:",
            "stoa:tools",
            "stoa:tools:",
            "stoa:tools:delete",
            "Stoa:read",
            "stoa:tools:read:x",
            "stoa:*",
        ] {
            assert!(
                Scopes::parse(text)
                    .unwrap_err()
                    .to_string()
                    .contains("stoa:AREA:ACTION"),
                "{text}"
            );
        }
        for text in [
            "",
            "admin",
            "tenant:admin",
            "Viewer",
            "cpi_admin",
            "tenant-admin ",
        ] {
            assert!(
                Roles::parse(text)
                    .unwrap_err()
                    .to_string()
                    .contains("viewer"),
                "{text}"
            );
        }
    }

    #[test]
    fn roles_give_what_their_name_promises() {
        for (role, reads, calls, publishes, everything) in [
            ("viewer", true, false, false, false),
            ("devops", true, true, true, false),
            ("tenant-admin", true, true, false, false),
            ("cpi-admin", true, true, true, true),
        ] {
            let roles = Roles::parse(role).unwrap();
            let scopes = roles.scopes();
            assert_eq!(scopes.contains(Scopes::TOOLS_READ), reads, "{role}");
            assert_eq!(scopes.contains(Scopes::TOOLS_EXECUTE), calls, "{role}");
            assert_eq!(
                scopes.contains(set(&["stoa:tools:write"])),
                publishes,
                "{role}"
            );
            assert_eq!(scopes == Scopes::ALL, everything, "{role}");
            assert_eq!(roles.names().collect::<Vec<_>>(), [role]);
        }
        assert!(Roles::NONE.scopes().is_empty());
        let both = Roles::VIEWER.union(Roles::DEVOPS);
        assert_eq!(both.scopes(), Roles::DEVOPS.scopes());
        assert!(!both.contains(Roles::CPI_ADMIN));
    }
}
