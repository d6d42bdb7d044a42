//! Which references lead back to themselves.
//!
//! Computed once a document, so that a conversion knows at every `$ref` whether it may be written
//! out in place or must stay a reference. Tarjan's algorithm with a stack of its own: a chain of
//! ten thousand schemas must not become ten thousand stack frames.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::super::reference::Resolver;

/// Pointers of everything in the document that refers to itself, directly or not.
pub(super) fn recursive(root: &Value, resolver: &Resolver<'_>) -> HashSet<String> {
    let graph = Graph::of(root, resolver);
    let mut recursive = HashSet::new();
    for component in graph.components() {
        let alone = component.len() == 1;
        for &node in &component {
            if !alone || graph.edges[node].contains(&node) {
                recursive.insert(graph.pointers[node].clone());
            }
        }
    }
    recursive
}

/// Nodes are the places that something refers to, edges the references written within them.
#[derive(Debug, Default)]
struct Graph {
    pointers: Vec<String>,
    edges: Vec<Vec<usize>>,
}

impl Graph {
    fn of(root: &Value, resolver: &Resolver<'_>) -> Self {
        let mut graph = Self::default();
        let mut nodes: HashMap<String, usize> = HashMap::new();
        let mut by_reference: HashMap<&str, Option<usize>> = HashMap::new();
        let mut values = Vec::new();
        let mut all = Vec::new();
        references(root, &mut all);
        for reference in all {
            by_reference.entry(reference).or_insert_with(|| {
                // What cannot be resolved is an error of whoever uses it, not of the document.
                let target = resolver.lookup(reference).ok()?;
                let node = *nodes.entry(target.pointer.clone()).or_insert_with(|| {
                    graph.pointers.push(target.pointer);
                    values.push(target.value);
                    values.len() - 1
                });
                Some(node)
            });
        }
        for value in values {
            let mut within = Vec::new();
            references(value, &mut within);
            let mut edges: Vec<usize> = within
                .iter()
                .filter_map(|reference| by_reference.get(reference).copied().flatten())
                .collect();
            edges.sort_unstable();
            edges.dedup();
            graph.edges.push(edges);
        }
        graph
    }

    /// Strongly connected components.
    fn components(&self) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let count = self.edges.len();
        let mut order = vec![UNSEEN; count];
        let mut lowest = vec![0; count];
        let mut open = vec![false; count];
        let mut stack = Vec::new();
        let mut components = Vec::new();
        let mut next = 0;
        for start in 0..count {
            if order[start] != UNSEEN {
                continue;
            }
            // A frame is a node and how many of its edges were taken.
            let mut frames = vec![(start, 0)];
            while let Some(&(node, taken)) = frames.last() {
                if taken == 0 {
                    order[node] = next;
                    lowest[node] = next;
                    next += 1;
                    stack.push(node);
                    open[node] = true;
                }
                if let Some(&to) = self.edges[node].get(taken) {
                    if let Some(frame) = frames.last_mut() {
                        frame.1 += 1;
                    }
                    if order[to] == UNSEEN {
                        frames.push((to, 0));
                    } else if open[to] {
                        lowest[node] = lowest[node].min(order[to]);
                    }
                    continue;
                }
                frames.pop();
                if let Some(&(parent, _)) = frames.last() {
                    lowest[parent] = lowest[parent].min(lowest[node]);
                }
                if lowest[node] == order[node] {
                    let mut component = Vec::new();
                    while let Some(member) = stack.pop() {
                        open[member] = false;
                        component.push(member);
                        if member == node {
                            break;
                        }
                    }
                    components.push(component);
                }
            }
        }
        components
    }
}

/// Every `$ref` text within a value. Depth is bounded by the parser.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" || name == "$dynamicRef" => {
                        found.push(text);
                    }
                    member => references(member, found),
                }
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| references(element, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schemas: &Value, expected: &[&str]) {
        let root = json!({"s": schemas, "use": []});
        let mut found: Vec<_> = recursive(&root, &Resolver::new(&root, None))
            .into_iter()
            .collect();
        found.sort();
        assert_eq!(found, expected, "{schemas}");
    }

    #[test]
    fn circles_are_found_and_nothing_else() {
        let to = |name: &str| json!({"$ref": format!("#/s/{name}")});
        check(&json!({"a": {"p": to("b")}, "b": {}}), &[]);
        check(&json!({"a": {"p": to("a")}}), &["/s/a"]);
        check(
            &json!({"a": [to("b")], "b": [to("c")], "c": [to("b"), to("d")], "d": {}}),
            &["/s/b", "/s/c"],
        );
        check(
            &json!({"a": [to("b"), to("c")], "b": [to("d")], "c": [to("d")], "d": {}}),
            &[],
        );
        // A part that refers to its whole.
        check(
            &json!({"a": {"p": {"q": to("a")}}, "b": to("a/p")}),
            &["/s/a"],
        );
        check(&json!({"a": [to("missing")]}), &[]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let count = 50_000;
        let schemas: serde_json::Map<String, Value> = (0..count)
            .map(|index| {
                let next = (index + 1) % count;
                (format!("n{index}"), json!({"$ref": format!("#/s/n{next}")}))
            })
            .collect();
        let root = json!({"s": schemas});
        assert_eq!(recursive(&root, &Resolver::new(&root, None)).len(), count);
    }
}
