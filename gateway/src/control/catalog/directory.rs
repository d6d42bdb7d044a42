//! The files of a catalog, and the last good version of every object in them.
//!
//! Polled, not notified: a look at a file costs a microsecond, works on every file system (overlays,
//! network mounts, ConfigMap links), and cannot lose an event.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fingerprint::Fingerprint;
use super::object::{self, Body, Object, ObjectId, ParsedFile};
use super::toolset::ToolSet;
use crate::control::names::stable_hash;
use crate::control::problem::Problem;
use crate::file::{read_at_most, read_text_at_most};
use crate::limits::{CATALOG_DEPTH_MAX, CATALOG_FILES_MAX, DOCUMENT_BYTES_MAX};

/// What files of a catalog end in.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// The catalog as it is on disk, with what must be remembered of how it was.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    files: BTreeMap<PathBuf, FileState>,
    /// What is wrong with the directory itself.
    problems: Vec<Problem>,
}

/// One file.
#[derive(Debug, Default)]
pub struct FileState {
    fingerprint: Option<Fingerprint>,
    /// Of its text and of those documents.
    content_hash: u64,
    /// Documents of its ToolSets, and how they looked when they were read.
    documents: Vec<(PathBuf, Option<Fingerprint>)>,
    /// In force: each in its last good version.
    pub objects: BTreeMap<ObjectId, Object>,
    /// What is wrong with its present version.
    pub problems: Vec<Problem>,
    /// What an operator should know.
    pub notes: Vec<Problem>,
}

impl Directory {
    /// A catalog of which nothing was read yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            files: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Reads what has changed; says whether anything has.
    pub fn scan(&mut self, now: SystemTime) -> bool {
        let mut listing = Listing::default();
        listing.walk(&self.root, 0, now);
        let Listing {
            mut files,
            unlisted,
            mut problems,
        } = listing;
        if files.len() > CATALOG_FILES_MAX {
            let message = format!(
                "more than {CATALOG_FILES_MAX} files: those after the first {CATALOG_FILES_MAX}, by path, are left out"
            );
            problems.push(Problem::new(message).in_file(&self.root));
            while files.len() > CATALOG_FILES_MAX {
                files.pop_last();
            }
        }
        let mut changed = replace(&mut self.problems, problems);
        let before = self.files.len();
        // A directory that cannot be listed now says nothing of its files: they stay.
        self.files.retain(|path, _| {
            files.contains_key(path) || unlisted.iter().any(|directory| path.starts_with(directory))
        });
        changed |= self.files.len() != before;
        for (path, look) in files {
            changed |= self
                .files
                .entry(path.clone())
                .or_default()
                .refresh(&path, look, now);
        }
        changed
    }

    /// The files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &FileState)> {
        self.files.iter().map(|(path, file)| (path.as_path(), file))
    }

    /// A ToolSet, to put into it what arrived from elsewhere.
    pub fn set_mut(&mut self, path: &Path, id: &ObjectId) -> Option<&mut ToolSet> {
        match &mut self.files.get_mut(path)?.objects.get_mut(id)?.body {
            Body::Set(set) => Some(set),
            Body::Disabled | Body::Tool(_) => None,
        }
    }

    /// What is wrong, in the order of the files. A file that a ToolSet names is its document and no
    /// file of objects: what is wrong with it is told once, of the ToolSet.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let documents: HashSet<&Path> = self
            .files
            .values()
            .flat_map(|file| file.documents.iter().map(|(path, _)| path.as_path()))
            .collect();
        let files = self
            .files
            .iter()
            .filter(move |(path, _)| !documents.contains(path.as_path()));
        self.problems
            .iter()
            .chain(files.flat_map(|(_, file)| &file.problems))
    }

    /// What an operator should know, in the order of the files.
    pub fn notes(&self) -> impl Iterator<Item = &Problem> {
        self.files.values().flat_map(|file| &file.notes)
    }
}

fn replace(problems: &mut Vec<Problem>, new: Vec<Problem>) -> bool {
    let changed = *problems != new;
    *problems = new;
    changed
}

impl FileState {
    /// Differs when, and only when, the file or a document that it names was read anew.
    #[must_use]
    pub fn content_hash(&self) -> u64 {
        self.content_hash
    }

    /// Reads the file again where it or a document that it names may have changed; says whether one
    /// has.
    fn refresh(&mut self, path: &Path, look: io::Result<Fingerprint>, now: SystemTime) -> bool {
        let look = match look {
            Ok(look) => look,
            Err(error) => return self.fail(path, &format!("cannot read the file: {error}")),
        };
        let looks: Vec<_> = self
            .documents
            .iter()
            .map(|(path, _)| Fingerprint::of(path, now).ok())
            .collect();
        let is_proven =
            |before: &Option<Fingerprint>, now: &Option<Fingerprint>| match (before, now) {
                (Some(before), Some(now)) => before.proves_unchanged(now),
                (before, now) => before == now,
            };
        let documents_proven = self
            .documents
            .iter()
            .zip(&looks)
            .all(|((_, before), now)| is_proven(before, now));
        if documents_proven && is_proven(&self.fingerprint, &Some(look)) {
            return false;
        }
        let text = match read_text_at_most(path, DOCUMENT_BYTES_MAX) {
            Ok(text) => text,
            Err(error) => return self.fail(path, &format!("cannot read the file: {error}")),
        };
        let seen = self.fingerprint.replace(look).map(|_| self.content_hash);
        self.content_hash = hash(&text, self.documents.iter().map(|(path, _)| path.as_path()));
        if seen == Some(self.content_hash) {
            for ((_, before), now) in self.documents.iter_mut().zip(looks) {
                *before = now;
            }
            return false;
        }
        let parsed = object::parse(path, &text);
        // Looked at before they were read would be safer still, but which they are is only known now:
        // a change in between is found when the file is read again, as it has not settled.
        self.documents = parsed
            .documents
            .iter()
            .map(|path| (path.clone(), Fingerprint::of(path, now).ok()))
            .collect();
        self.content_hash = hash(&text, parsed.documents.iter().map(PathBuf::as_path));
        self.take(parsed);
        true
    }

    /// The file cannot be read: everything of it stays.
    fn fail(&mut self, path: &Path, message: &str) -> bool {
        self.fingerprint = None;
        replace(
            &mut self.problems,
            vec![Problem::new(message).in_file(path)],
        )
    }

    /// Puts the new version into the place of the old one, object by object: one that is broken now
    /// keeps its last good version. Where it is not known which object is broken, every object that is
    /// missing might be it.
    fn take(&mut self, parsed: ParsedFile) {
        let mut before = std::mem::take(&mut self.objects);
        self.objects = parsed.objects;
        for (id, object) in &mut self.objects {
            if let (
                Body::Set(set),
                Some(Object {
                    body: Body::Set(old),
                    ..
                }),
            ) = (&mut object.body, before.get(id))
            {
                set.inherit(old);
            }
        }
        before.retain(|id, _| {
            !self.objects.contains_key(id) && (parsed.has_unknown || parsed.failed.contains(id))
        });
        self.objects.append(&mut before);
        self.problems = parsed.problems;
        self.notes = parsed.notes;
    }
}

/// Hash of a file and of the documents that it names; one that cannot be read counts as empty.
fn hash<'a>(text: &str, documents: impl Iterator<Item = &'a Path>) -> u64 {
    documents.fold(stable_hash(text.as_bytes()), |hash, path| {
        let document = read_at_most(path, DOCUMENT_BYTES_MAX).unwrap_or_default();
        stable_hash(&[hash.to_le_bytes(), stable_hash(&document).to_le_bytes()].concat())
    })
}

/// What a directory holds.
#[derive(Debug, Default)]
struct Listing {
    files: BTreeMap<PathBuf, io::Result<Fingerprint>>,
    /// Directories that could not be listed.
    unlisted: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Listing {
    /// Lists a directory and those below it. What begins with a dot is left out: editors' backups, and
    /// the real directories behind a ConfigMap's links.
    fn walk(&mut self, directory: &Path, depth: usize, now: SystemTime) {
        if depth >= CATALOG_DEPTH_MAX {
            let message = format!("nested deeper than {CATALOG_DEPTH_MAX} directories: left out");
            self.problems.push(Problem::new(message).in_file(directory));
            return;
        }
        let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot list the directory: {error}");
                self.problems.push(Problem::new(message).in_file(directory));
                self.unlisted.push(directory.to_owned());
                return;
            }
        };
        for entry in entries {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.walk(&path, depth + 1, now),
                look if path
                    .extension()
                    .is_some_and(|end| EXTENSIONS.iter().any(|known| end == *known)) =>
                {
                    // Whatever else it is may keep its reader waiting for ever.
                    let look = look.and_then(|metadata| match metadata.is_file() {
                        true => Ok(Fingerprint::from_metadata(&metadata, now)),
                        false => Err(io::Error::other("it is no regular file")),
                    });
                    self.files.insert(path, look);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
