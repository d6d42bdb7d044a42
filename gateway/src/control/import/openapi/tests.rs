use serde_json::{Value, json};

use super::*;
use crate::control::spec::{BodyPlan, BodySource, Credential, Location, ParameterPlan, Style};

mod bodies;
mod documents;
mod parameters;
mod responses;

/// Imports a document; `servers` is added where the document has none.
fn run(document: &str) -> Import {
    let options = ImportOptions {
        base_url: Some("https://api.example.com/v1".into()),
        ..ImportOptions::default()
    };
    let import = import(document, &options).expect("imports");
    for tool in &import.tools {
        for schema in [&tool.input_schema].into_iter().chain(&tool.output_schema) {
            jsonschema::draft202012::new(schema).expect("compiles");
        }
    }
    import
}

/// The only tool of a document.
fn only(document: &str) -> ToolSpec {
    let import = run(document);
    assert_eq!(import.left_out, [], "{document}");
    let [tool] = <[ToolSpec; 1]>::try_from(import.tools).expect("one tool");
    tool
}

/// The reason why the only operation of a document is left out.
fn refused(document: &str) -> String {
    let import = run(document);
    assert!(import.tools.is_empty(), "{:?}", import.tools);
    let [left] = <[LeftOut; 1]>::try_from(import.left_out).expect("one operation");
    left.reason
}

/// Indents YAML so that it can stand below a key.
fn indent(text: &str, spaces: usize) -> String {
    let lines: Vec<String> = text
        .trim_matches('\n')
        .lines()
        .map(|line| format!("{}{line}", " ".repeat(spaces)))
        .collect();
    lines.join("\n")
}

/// A document of a version with one operation at one path.
fn operation(version: &str, method: &str, path: &str, object: &str) -> String {
    let head = match version {
        "2.0" => "swagger: '2.0'".to_owned(),
        version => format!("openapi: {version}"),
    };
    format!(
        "{head}\ninfo: {{title: T, version: '1'}}\npaths:\n  '{path}':\n    {method}:\n{}\n",
        indent(&format!("operationId: op\n{object}"), 6)
    )
}
