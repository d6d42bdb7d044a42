//! Catalog objects as YAML, written as a person would.

use std::fmt::Write;

/// One Tool object. Its body goes to the API as JSON for methods that have one, its arguments into path and
/// query for the others.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    name: String,
    namespace: String,
    method: String,
    endpoint: String,
    description: String,
    input_schema: String,
    lines: String,
}

impl Tool {
    /// A tool of tenant `acme` that calls `endpoint`.
    pub(crate) fn new(name: &str, method: &str, endpoint: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: "tenant-acme".to_owned(),
            method: method.to_owned(),
            endpoint: endpoint.to_owned(),
            description: format!("The tool {name} of a test."),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            lines: String::new(),
        }
    }

    /// In another namespace, e.g. `tenant-globex` or `stoa-system`.
    pub(crate) fn of(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// The schema of its arguments, as JSON (which is YAML).
    pub(crate) fn input(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.input_schema);
        self
    }

    /// A further line of its `spec`.
    pub(crate) fn line(mut self, line: &str) -> Self {
        writeln!(self.lines, "  {line}").expect("a string grows");
        self
    }

    /// The object.
    pub(crate) fn yaml(&self) -> String {
        format!(
            "apiVersion: gostoa.dev/v1alpha1\nkind: Tool\nmetadata:\n  name: {}\n  namespace: {}\nspec:\n  \
             name: {}\n  description: {}\n  endpoint: {}\n  method: {}\n  inputSchema: {}\n{}",
            self.name.replace('_', "-"),
            self.namespace,
            self.name,
            self.description,
            self.endpoint,
            self.method,
            self.input_schema,
            self.lines,
        )
    }
}

/// Many objects in one file.
pub(crate) fn file(tools: &[Tool]) -> String {
    let texts: Vec<String> = tools.iter().map(Tool::yaml).collect();
    texts.join("---\n")
}
