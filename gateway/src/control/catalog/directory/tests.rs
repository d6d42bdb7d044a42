use std::os::unix::fs::symlink;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A catalog, and a clock that is far enough ahead for every file to count as settled.
struct Catalog {
    root: TempDir,
    directory: Directory,
}

impl Catalog {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut catalog = Self {
            directory: Directory::new(root.path()),
            root,
        };
        for (name, text) in files {
            catalog.write(name, text);
        }
        catalog.scan();
        catalog
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[allow(clippy::disallowed_methods, reason = "a test of files")]
    fn scan(&mut self) -> bool {
        self.directory
            .scan(SystemTime::now() + Duration::from_secs(10))
    }

    /// Names and descriptions of the tools in force.
    fn tools(&self) -> String {
        let objects = self
            .directory
            .files()
            .flat_map(|(_, file)| file.objects.values());
        let tools = objects.flat_map(Object::tools);
        tools
            .map(|tool| format!("{}={}", tool.name, tool.description))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn problems(&self) -> Vec<String> {
        let root = format!("{}/", self.root.path().display());
        self.directory
            .problems()
            .map(|problem| problem.to_string().replace(&root, ""))
            .collect()
    }
}

fn tool(name: &str, description: &str) -> String {
    format!(
        "apiVersion: gostoa.dev/v1alpha1\nkind: Tool\nmetadata: {{name: {name}}}\nspec: {{endpoint: 'http://a', description: '{description}'}}\n"
    )
}

#[test]
fn a_directory_is_read_with_all_below_it() {
    let mut catalog = Catalog::new(&[
        ("b.yaml", &tool("b", "1")),
        ("a/x/c.yml", &tool("c", "1")),
        (
            "a.json",
            "{\"apiVersion\": \"gostoa.dev/v1alpha1\", \"kind\": \"Tool\", \"metadata\": {\"name\": \"d\"}, \"spec\": {\"endpoint\": \"http://a\"}}",
        ),
        ("readme.md", "not: [yaml"),
        (".hidden.yaml", &tool("e", "1")),
        (".git/x.yaml", &tool("f", "1")),
        ("openapi.yaml", "openapi: 3.0.0\n"),
    ]);
    assert_eq!(catalog.tools(), "c=1 d= b=1");
    assert_eq!(catalog.problems(), Vec::<String>::new());
    assert!(!catalog.scan(), "nothing has changed");
}

#[test]
fn a_change_is_seen_and_what_is_removed_is_gone() {
    let mut catalog = Catalog::new(&[("a.yaml", &tool("a", "1")), ("b.yaml", &tool("b", "1"))]);
    catalog.write("a.yaml", &tool("a", "2"));
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "a=2 b=1");
    // In the same second, of the same length, and by an atomic rename.
    catalog.write("new", &tool("a", "3"));
    fs::rename(catalog.path("new"), catalog.path("a.yaml")).unwrap();
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "a=3 b=1");
    fs::remove_file(catalog.path("b.yaml")).unwrap();
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "a=3");
    catalog.write(
        "a.yaml",
        &format!("{}---\n{}", tool("a", "3"), tool("c", "1")),
    );
    assert!(catalog.scan());
    catalog.write("a.yaml", &tool("c", "1"));
    assert!(catalog.scan());
    assert_eq!(
        catalog.tools(),
        "c=1",
        "an object that was removed from a good file is gone"
    );
}

/// Pitfall 21: a refresh that clears a good catalog because one part failed.
#[test]
fn pitfall_21_what_is_broken_keeps_its_last_good_version() {
    let both = |a: &str, b: &str| format!("{a}---\n{b}");
    let mut catalog = Catalog::new(&[
        ("x.yaml", &both(&tool("a", "1"), &tool("b", "1"))),
        ("y.yaml", &tool("c", "1")),
    ]);
    catalog.write(
        "x.yaml",
        &both(
            &tool("a", "2"),
            &tool("b", "2").replace("endpoint", "endpont"),
        ),
    );
    catalog.write("y.yaml", &tool("c", "2"));
    assert!(catalog.scan());
    assert_eq!(
        catalog.tools(),
        "a=2 b=1 c=2",
        "the broken object alone stays as it was"
    );
    assert_eq!(
        catalog.problems(),
        ["x.yaml:9:8: Tool default/b: unknown field `endpont` (did you mean `endpoint`?)"]
    );
    catalog.write("x.yaml", "a: [no yaml\n");
    assert!(catalog.scan());
    assert_eq!(
        catalog.tools(),
        "a=2 b=1 c=2",
        "nobody can tell which object it was, so all stay"
    );
    assert_eq!(catalog.problems().len(), 1);
    assert!(!catalog.scan(), "a problem that stays is no change");
    catalog.write("x.yaml", &tool("b", "3"));
    assert!(catalog.scan());
    assert_eq!(
        (catalog.tools().as_str(), catalog.problems().len()),
        ("b=3 c=2", 0)
    );
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_objects() {
    let mut catalog = Catalog::new(&[("a.yaml", &tool("a", "1")), ("d/b.yaml", &tool("b", "1"))]);
    // A link to nowhere is what a mount looks like in the middle of a swap.
    fs::remove_file(catalog.path("a.yaml")).unwrap();
    symlink("nowhere", catalog.path("a.yaml")).unwrap();
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "a=1 b=1");
    assert!(
        catalog.problems()[0].starts_with("a.yaml: cannot read the file: "),
        "{:?}",
        catalog.problems()
    );
    fs::remove_file(catalog.path("a.yaml")).unwrap();
    fs::write(catalog.path("a.yaml"), b"\xff\xfe").unwrap();
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "a=1 b=1");
    fs::write(catalog.path("a.yaml"), tool("a", "2")).unwrap();
    assert!(catalog.scan());
    assert_eq!(
        (catalog.tools().as_str(), catalog.problems().len()),
        ("a=2 b=1", 0)
    );
    fs::rename(
        catalog.root.path(),
        catalog.root.path().with_extension("gone"),
    )
    .unwrap();
    assert!(catalog.scan());
    assert_eq!(
        catalog.tools(),
        "a=2 b=1",
        "a directory that is gone says nothing of its files"
    );
    assert!(
        catalog.problems()[0].contains("cannot list the directory"),
        "{:?}",
        catalog.problems()
    );
    fs::rename(
        catalog.root.path().with_extension("gone"),
        catalog.root.path(),
    )
    .unwrap();
    assert!(catalog.scan());
    assert_eq!(catalog.problems(), Vec::<String>::new());
}

/// Kubernetes mounts a ConfigMap as links through `..data`, and changes them all by swapping that one.
#[test]
fn a_config_map_is_swapped_at_once() {
    let mut catalog = Catalog::new(&[
        ("..1/a.yaml", &tool("a", "1")),
        ("..2/a.yaml", &tool("a", "2")),
    ]);
    symlink("..1", catalog.path("..data")).unwrap();
    symlink("..data/a.yaml", catalog.path("a.yaml")).unwrap();
    assert!(catalog.scan());
    assert_eq!(
        catalog.tools(),
        "a=1",
        "the real directories are no second copy"
    );
    symlink("..2", catalog.path("..tmp")).unwrap();
    fs::rename(catalog.path("..tmp"), catalog.path("..data")).unwrap();
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "a=2");
    assert!(!catalog.scan());
}

#[test]
fn a_document_beside_its_tool_set_is_watched_too() {
    let set = "apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {name: s}\nspec: {openAPISpec: {url: ./shop.json}}\n";
    let document = |name: &str| {
        format!(
            r#"{{"openapi": "3.0.0", "info": {{"title": "t", "version": "1"}}, "servers": [{{"url": "https://a"}}], "paths": {{"/": {{"get": {{"operationId": "{name}", "responses": {{}}}}}}}}}}"#
        )
    };
    let mut catalog = Catalog::new(&[("s.yaml", set)]);
    assert!(
        catalog.problems()[0].starts_with("s.yaml:4:27: ToolSet default/s: cannot read"),
        "{:?}",
        catalog.problems()
    );
    catalog.write("shop.json", &document("one"));
    assert!(catalog.scan(), "a document that was missing has come");
    assert_eq!(
        (catalog.tools().as_str(), catalog.problems().len()),
        ("one=GET /", 0),
        "{:?}",
        catalog.problems()
    );
    catalog.write("shop.json", &document("two"));
    assert!(catalog.scan());
    assert_eq!(catalog.tools(), "two=GET /");
    catalog.write("shop.json", "{");
    assert!(catalog.scan());
    assert_eq!(
        (catalog.tools().as_str(), catalog.problems().len()),
        ("two=GET /", 1)
    );
    assert!(!catalog.scan());
}

/// A file that was written a moment ago may change again without a trace in its dates.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test of files")]
fn a_second_change_within_the_clock_of_the_file_system_is_seen() {
    let mut catalog = Catalog::new(&[("a.yaml", &tool("a", "1"))]);
    catalog.directory.scan(SystemTime::now());
    let modified = fs::metadata(catalog.path("a.yaml"))
        .unwrap()
        .modified()
        .unwrap();
    catalog.write("a.yaml", &tool("a", "2"));
    let file = fs::File::options()
        .write(true)
        .open(catalog.path("a.yaml"))
        .unwrap();
    file.set_modified(modified).unwrap();
    assert!(catalog.directory.scan(SystemTime::now()));
    assert_eq!(catalog.tools(), "a=2");
    assert!(
        !catalog.directory.scan(SystemTime::now()),
        "read again, but the same"
    );
}

#[test]
fn limits_hold() {
    let deep = "d/".repeat(CATALOG_DEPTH_MAX - 1);
    let catalog = Catalog::new(&[
        (&format!("{deep}d/a.yaml"), &tool("a", "1")),
        (&format!("{deep}b.yaml"), &tool("b", "1")),
    ]);
    assert_eq!(catalog.tools(), "b=1");
    assert!(
        catalog.problems()[0].contains("nested deeper than 16 directories"),
        "{:?}",
        catalog.problems()
    );
    let loops = Catalog::new(&[("a.yaml", &tool("a", "1"))]);
    symlink(".", loops.path("again")).unwrap();
    let mut loops = loops;
    loops.scan();
    assert!(
        loops
            .problems()
            .iter()
            .any(|problem| problem.contains("nested deeper")),
        "a loop of links ends"
    );
    let mut large = Catalog::new(&[("a.yaml", &tool("a", "1"))]);
    let file = fs::File::options()
        .write(true)
        .open(large.path("a.yaml"))
        .unwrap();
    file.set_len(DOCUMENT_BYTES_MAX as u64 + 1).unwrap();
    large.scan();
    assert_eq!((large.tools().as_str(), large.problems().len()), ("a=1", 1));
    assert!(large.problems()[0].contains("more than 33554432 bytes"));
    // A device has no length, and no end: nothing of it is read.
    let mut endless = Catalog::new(&[("a.yaml", &tool("a", "1"))]);
    symlink("/dev/zero", endless.path("b.yaml")).unwrap();
    endless.scan();
    assert_eq!(
        (endless.tools().as_str(), endless.problems().len()),
        ("a=1", 1)
    );
    assert!(endless.problems()[0].contains("no regular file"));
}

#[test]
fn one_past_the_files_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..=CATALOG_FILES_MAX {
        fs::write(root.path().join(format!("{number:05}.yaml")), "").unwrap();
    }
    let mut directory = Directory::new(root.path());
    #[allow(clippy::disallowed_methods, reason = "a test of files")]
    directory.scan(SystemTime::now());
    assert_eq!(directory.files().count(), CATALOG_FILES_MAX);
    assert!(
        directory
            .problems()
            .next()
            .unwrap()
            .message
            .contains("more than 20000 files")
    );
}
