//! Names: which tenant a namespace is, and what an agent may see as a tool's name.

use std::fmt::Write as _;

use crate::limits::TOOL_NAME_CHARS_MAX;

/// The namespace and tenant of the platform: visible to every tenant.
pub const PLATFORM: &str = "stoa-system";
/// What only the platform's tools may begin with.
pub const PLATFORM_PREFIX: &str = "stoa_";
/// What a tenant's namespace may begin with; it is not part of the tenant's name.
const NAMESPACE_PREFIX: &str = "tenant-";
/// Characters of a name that was cut: a hyphen and eight of a hash follow.
const CUT_CHARS: usize = TOOL_NAME_CHARS_MAX - 9;

/// The tenant of a namespace: `acme` of `tenant-acme`, any other name as it is.
///
/// # Errors
/// What is no Kubernetes namespace (lower-case letters, digits and hyphens, 1 to 63).
pub fn tenant_of_namespace(namespace: &str) -> Result<&str, String> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = namespace.as_bytes();
    let fits = (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_inner(*byte) || *byte == b'-')
        && bytes.first().copied().is_some_and(is_inner)
        && bytes.last().copied().is_some_and(is_inner);
    if !fits {
        return Err(format!(
            "`{namespace}` is no namespace: 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit"
        ));
    }
    Ok(namespace
        .strip_prefix(NAMESPACE_PREFIX)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(namespace))
}

/// A name that agents can use, and whether it differs from the one given: characters outside
/// `[A-Za-z0-9_-]` become `_`, and a name of more than 64 is cut with a hash of the whole.
#[must_use]
pub fn tool_name(written: &str) -> (String, bool) {
    let usable: String = written
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || matches!(char, '_' | '-') {
                char
            } else {
                '_'
            }
        })
        .collect();
    let name = if usable.len() > TOOL_NAME_CHARS_MAX {
        cut(&usable, written)
    } else {
        usable
    };
    let differs = name != written;
    (name, differs)
}

/// A second name for what would collide: the first name, cut where it must be, and a hash of `what`.
#[must_use]
pub fn distinct(name: &str, what: &str) -> String {
    cut(name, what)
}

fn cut(name: &str, hashed: &str) -> String {
    let mut out: String = name.chars().take(CUT_CHARS).collect();
    let _ = write!(out, "-{:08x}", stable_hash(hashed.as_bytes()) >> 32);
    out
}

/// FNV-1a of 64 bits with a final mix: the same on every machine and in every version, so that a name
/// that was cut stays the same. Not for anything that an attacker chooses.
#[must_use]
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The high bits of FNV-1a are weak for short inputs; this is the finaliser of MurmurHash3.
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces() {
        for (namespace, expected) in [
            ("tenant-acme", Some("acme")),
            ("acme", Some("acme")),
            ("stoa-system", Some("stoa-system")),
            ("tenant-", None),
            ("Tenant", None),
            ("-a", None),
            ("", None),
            ("a.b", None),
        ] {
            assert_eq!(tenant_of_namespace(namespace).ok(), expected, "{namespace}");
        }
        tenant_of_namespace(&"a".repeat(63)).unwrap();
        tenant_of_namespace(&"a".repeat(64)).unwrap_err();
    }

    #[test]
    fn tool_names_are_usable_and_stable() {
        assert_eq!(tool_name("get-order_1"), ("get-order_1".into(), false));
        assert_eq!(tool_name("get order/é"), ("get_order__".into(), true));
        let longest = "a".repeat(64);
        assert_eq!(tool_name(&longest), (longest.clone(), false));
        let (one, differs) = tool_name(&"a".repeat(65));
        let (two, _) = tool_name(&"a".repeat(66));
        assert!(differs && one != two && one.len() == 64 && two.len() == 64);
        assert_eq!(one, tool_name(&"a".repeat(65)).0);
        assert_ne!(distinct("x", "one"), distinct("x", "two"));
    }

    /// Names that agents have learnt must not change with a version.
    #[test]
    fn the_hash_is_what_it_was() {
        assert_eq!(stable_hash(b""), 0xefd0_1f60_ba99_2926);
        assert_ne!(stable_hash(b"a"), stable_hash(b"b"));
    }
}
