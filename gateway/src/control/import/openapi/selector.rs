//! Which operations of a document are wanted.

/// All conditions that are set must hold; an empty one holds for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// At least one of these tags.
    pub tags: Vec<String>,
    /// None of these tags.
    pub exclude_tags: Vec<String>,
    /// One of these methods, in any case.
    pub methods: Vec<String>,
    /// The path begins with this text.
    pub path_prefix: Option<String>,
    /// One of these `operationId`s.
    pub operation_ids: Vec<String>,
}

impl Selector {
    /// Whether an operation is wanted.
    #[must_use]
    pub fn admits(
        &self,
        tags: &[String],
        method: &str,
        path: &str,
        operation_id: Option<&str>,
    ) -> bool {
        let one_of = |wanted: &[String]| tags.iter().any(|tag| wanted.contains(tag));
        (self.tags.is_empty() || one_of(&self.tags))
            && !one_of(&self.exclude_tags)
            && (self.methods.is_empty()
                || self
                    .methods
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(method)))
            && self
                .path_prefix
                .as_ref()
                .is_none_or(|prefix| path.starts_with(prefix.as_str()))
            && (self.operation_ids.is_empty()
                || operation_id
                    .is_some_and(|id| self.operation_ids.iter().any(|wanted| wanted == id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_must_hold() {
        let words =
            |all: &str| -> Vec<String> { all.split_whitespace().map(str::to_owned).collect() };
        let check = |tags: &str, not: &str, methods: &str, prefix: Option<&str>, ids: &str| {
            let selector = Selector {
                tags: words(tags),
                exclude_tags: words(not),
                methods: words(methods),
                path_prefix: prefix.map(str::to_owned),
                operation_ids: words(ids),
            };
            selector.admits(&words("pets shop"), "GET", "/pets/{id}", Some("getPet"))
        };
        assert!(check("", "", "", None, ""));
        assert!(check(
            "pets other",
            "",
            "get POST",
            Some("/pets"),
            "getPet listPets"
        ));
        assert!(!check("other", "", "", None, ""));
        assert!(!check("pets", "shop", "", None, ""));
        assert!(!check("", "", "post", None, ""));
        assert!(!check("", "", "", Some("/orders"), ""));
        assert!(!check("", "", "", None, "listPets"));
        let by_id = Selector {
            operation_ids: words("a"),
            ..Selector::default()
        };
        assert!(!by_id.admits(&[], "GET", "/", None));
    }
}
