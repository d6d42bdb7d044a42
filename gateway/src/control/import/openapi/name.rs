//! Names of tools: what models accept, the same on every import, and no two alike.

use std::collections::HashSet;

use super::text;
use crate::limits;

/// How tools are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Put before every name as it is, e.g. `petstore__`.
    pub prefix: String,
    /// Put after every name as it is.
    pub suffix: String,
    /// Whether `operationId` makes the name where there is one; else, and without one,
    /// `{method}_{path}` does.
    pub use_operation_id: bool,
}

impl Default for Naming {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            suffix: String::new(),
            use_operation_id: true,
        }
    }
}

/// Gives names to the operations of one document.
#[derive(Debug)]
pub(super) struct Names<'n> {
    naming: &'n Naming,
    taken: HashSet<String>,
}

impl<'n> Names<'n> {
    /// None given yet.
    pub(super) fn new(naming: &'n Naming) -> Self {
        Self {
            naming,
            taken: HashSet::new(),
        }
    }

    /// The name of an operation, and a note where it is not the one that the document leads to
    /// expect. The operation that comes first in the document keeps a name that two want; what the
    /// other one gets depends on its method and path alone, so that it stays when others come or go.
    pub(super) fn assign(
        &mut self,
        operation_id: Option<&str>,
        method: &str,
        path: &str,
    ) -> (String, Option<String>) {
        let place = format!("{method} {path}");
        let wanted = self.wanted(operation_id, method, path);
        let mut name = fit(&wanted, &place);
        let mut note = None;
        if self.taken.contains(&name) {
            let mut attempt = 0;
            let other = loop {
                let candidate = with_digest(&wanted, &format!("{place}{attempt}"));
                if !self.taken.contains(&candidate) {
                    break candidate;
                }
                attempt += 1;
            };
            note = Some(format!("the name `{name}` is taken; named `{other}`"));
            name = other;
        } else if name != wanted {
            note = Some(format!(
                "the name `{}` is longer than {} characters; named `{name}`",
                text::cut(&wanted, 120),
                limits::TOOL_NAME_CHARS_MAX
            ));
        }
        self.taken.insert(name.clone());
        (name, note)
    }

    fn wanted(&self, operation_id: Option<&str>, method: &str, path: &str) -> String {
        let by_id = operation_id
            .filter(|_| self.naming.use_operation_id)
            .map(|id| text::sanitise(id, false))
            .filter(|id| !id.is_empty());
        let stem = by_id.unwrap_or_else(|| {
            let path = text::sanitise(path, false);
            let method = method.to_ascii_lowercase();
            if path.is_empty() {
                format!("{method}_root")
            } else {
                format!("{method}_{path}")
            }
        });
        // The operator's parts keep their underscores at both ends, but nothing else that is not
        // allowed.
        let part = |text: &str| -> String {
            text.chars()
                .map(|one| match one {
                    one if one.is_ascii_alphanumeric() || one == '-' => one,
                    _ => '_',
                })
                .collect()
        };
        format!(
            "{}{stem}{}",
            part(&self.naming.prefix),
            part(&self.naming.suffix)
        )
    }
}

fn fit(wanted: &str, place: &str) -> String {
    if wanted.len() <= limits::TOOL_NAME_CHARS_MAX {
        wanted.to_owned()
    } else {
        with_digest(wanted, place)
    }
}

/// The beginning of a name and eight digits that stand for an operation.
fn with_digest(wanted: &str, place: &str) -> String {
    let digest = format!("_{:08x}", crc32fast::hash(place.as_bytes()));
    // Only ASCII is left in `wanted`, so that bytes are characters.
    let length = wanted.len().min(limits::TOOL_NAME_CHARS_MAX - digest.len());
    format!("{}{digest}", &wanted[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(naming: &Naming, operations: &[(Option<&str>, &str, &str)]) -> Vec<String> {
        let mut names = Names::new(naming);
        operations
            .iter()
            .map(|(id, method, path)| names.assign(*id, method, path).0)
            .collect()
    }

    #[test]
    fn names_come_from_ids_or_paths() {
        let naming = Naming::default();
        for (id, method, path, expected) in [
            (Some("getPet"), "GET", "/pets/{id}", "getPet"),
            (Some("pets.get/one"), "GET", "/", "pets_get_one"),
            (Some("取得"), "GET", "/pets", "get_pets"),
            (Some(""), "GET", "/pets", "get_pets"),
            (
                None,
                "DELETE",
                "/pets/{petId}/toys",
                "delete_pets_petId_toys",
            ),
            (None, "GET", "/", "get_root"),
        ] {
            assert_eq!(assign(&naming, &[(id, method, path)]), [expected]);
        }
        let naming = Naming {
            prefix: "acme__pets__".into(),
            suffix: ".v1".into(),
            use_operation_id: false,
        };
        assert_eq!(
            assign(&naming, &[(Some("x"), "GET", "/p")]),
            ["acme__pets__get_p_v1"]
        );
    }

    #[test]
    fn no_two_are_alike_and_none_is_too_long() {
        let naming = Naming::default();
        let long = "x".repeat(65);
        let operations = [
            (Some("same"), "GET", "/a"),
            (Some("same"), "GET", "/b"),
            (Some("sa me"), "GET", "/c"),
            (Some("sa_me"), "GET", "/d"),
            (Some(long.as_str()), "GET", "/e"),
            (Some(long.as_str()), "GET", "/f"),
            (Some("same"), "GET", "/b"),
        ];
        let names = assign(&naming, &operations);
        assert_eq!(names[0], "same");
        assert!(
            names[1].starts_with("same_") && names[1].len() == 13,
            "{}",
            names[1]
        );
        assert_eq!(names[2], "sa_me");
        assert_eq!(names[4].len(), 64);
        let distinct: HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert_eq!(
            names,
            assign(&naming, &operations),
            "the same on every import"
        );
        // Without its rival in between, the second one keeps its name.
        assert_eq!(
            assign(&naming, &[operations[0], operations[1]])[1],
            names[1]
        );
    }
}
