//! Changesets and targets made of a few lines, for the tests of flatten.

#![allow(dead_code, reason = "each test file uses its part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use modgraft::Kind;
use modgraft::changeset::rules::Reason;
use modgraft::changeset::{
    Action, Changeset, Class, Encoding, FileChange, FileText, Fragment, FragmentLine, HunkRecord,
};
use modgraft::flatten::{self, Error, Interface, ModuleId, TranslationUnit, Upstream};

/// A change that is put together file by file.
#[derive(Default)]
pub struct Change {
    files: Vec<FileChange>,
    based: bool,
}

impl Change {
    pub fn new() -> Self {
        Self::default()
    }

    /// A file that the patch brings.
    pub fn adds(self, class: Class, path: &str, text: &str) -> Self {
        self.file(class, path, Action::Added, FileText::Whole { before: None, after: text.into() })
    }

    /// A file that the patch changes, with the tree at hand.
    pub fn changes(mut self, class: Class, path: &str, before: &str, after: &str) -> Self {
        self.based = true;
        let text = FileText::Whole { before: Some(before.into()), after: after.into() };
        self.file(class, path, Action::Modified, text)
    }

    /// A file that the patch changes, and nothing but the hunks: `@LINE` begins one, `+`, `-` and a blank mark its lines.
    pub fn hunks(self, class: Class, path: &str, hunks: &str) -> Self {
        let mut fragments: Vec<Fragment> = Vec::new();
        let mut follows_removal = false;
        for line in hunks.lines() {
            if let Some(start) = line.strip_prefix('@') {
                let start = start.parse().expect("a line number stands behind @");
                fragments.push(Fragment { start, lines: Vec::new(), removed: Vec::new() });
                continue;
            }
            let fragment = fragments.last_mut().expect("a hunk begins with @");
            let text = format!("{}\n", line.get(1..).unwrap_or_default());
            if line.starts_with('-') {
                fragment.removed.push(text);
                follows_removal = true;
            } else {
                fragment.lines.push(FragmentLine { text, added: line.starts_with('+'), follows_removal });
                follows_removal = false;
            }
        }
        self.file(class, path, Action::Modified, FileText::Fragments(fragments))
    }

    fn file(mut self, class: Class, path: &str, action: Action, text: FileText) -> Self {
        let reason = Reason { rule: "test".into(), why: "a test says so".into() };
        let hunk = HunkRecord {
            patch: "0001-x.patch".to_owned(),
            line: 1,
            new_start: 1,
            added: 1,
            removed: 0,
            offset: 0,
            class,
            reason: reason.clone(),
        };
        self.files.push(FileChange {
            path: path.to_owned(),
            renamed_from: None,
            copied_from: None,
            action,
            class,
            reason,
            hunks: vec![hunk],
            text,
            encoding: Encoding::Utf8,
        });
        self
    }

    pub fn flatten(self, target: &Fake) -> Result<TranslationUnit, Error> {
        self.flatten_for(target, None)
    }

    pub fn flatten_on(self, target: &Fake, base: Option<&Files>) -> Result<TranslationUnit, Error> {
        self.flatten_for(target, base.map(|files| files as &dyn Upstream))
    }

    pub fn flatten_for(
        self,
        target: &dyn Interface,
        base: Option<&dyn Upstream>,
    ) -> Result<TranslationUnit, Error> {
        let module = ModuleId { name: "mod_x".to_owned(), symbol: "x_module".to_owned() };
        let changeset =
            Changeset { files: self.files, based: self.based, messages: Vec::new(), unapplied: Vec::new() };
        flatten::flatten(&changeset, &module, base, target)
    }
}

/// A target that offers what it is told to.
#[derive(Default)]
pub struct Fake {
    rules: BTreeMap<String, String>,
    headers: BTreeMap<String, Option<String>>,
    declares: BTreeMap<String, String>,
    exports: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<String>>,
    required: bool,
}

impl Fake {
    /// With httpd.h and mod_proxy.h, of which nothing more is known than a few names.
    pub fn new() -> Self {
        let mut fake = Fake::default();
        fake.headers.insert("httpd.h".to_owned(), None);
        fake.headers.insert("mod_proxy.h".to_owned(), None);
        for name in ["request_rec", "module", "apr_pool_t", "command_rec"] {
            fake.declares.insert(name.to_owned(), "httpd.h".to_owned());
        }
        fake
    }

    pub fn declares(mut self, name: &str, header: &str) -> Self {
        self.declares.insert(name.to_owned(), header.to_owned());
        self
    }

    pub fn exports(mut self, name: &str, file: &str) -> Self {
        self.exports.insert(name.to_owned(), file.to_owned());
        self
    }

    /// A rule that will provide a name.
    pub fn rule(mut self, name: &str, rule: &str) -> Self {
        self.rules.insert(name.to_owned(), rule.to_owned());
        self
    }

    /// A file of the target with these strings.
    pub fn file(mut self, name: &str, strings: &[&str]) -> Self {
        self.files.insert(name.to_owned(), strings.iter().map(|&text| text.to_owned()).collect());
        self
    }

    /// The module is made for another one.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A header whose text is known.
    pub fn header(mut self, path: &str, text: &str) -> Self {
        self.headers.insert(path.to_owned(), Some(text.to_owned()));
        self
    }
}

impl Interface for Fake {
    fn declared_in(&self, name: &str) -> Option<String> {
        self.declares.get(name).cloned()
    }

    fn exported_by(&self, name: &str) -> Option<String> {
        self.exports.get(name).cloned()
    }

    fn has_header(&self, path: &str) -> bool {
        self.headers.contains_key(path)
    }

    fn read_header(&self, path: &str) -> Option<Arc<str>> {
        self.headers.get(path)?.as_deref().map(Arc::from)
    }

    fn provided_by(&self, name: &str) -> Option<String> {
        self.rules.get(name).cloned()
    }

    fn file_with(&self, strings: &[&str], besides: &str) -> Option<String> {
        let has = |known: &Vec<String>| strings.iter().all(|text| known.iter().any(|own| own == text));
        self.files.iter().find(|(name, known)| *name != besides && has(known)).map(|(name, _)| name.clone())
    }

    fn is_required(&self) -> bool {
        self.required
    }
}

/// A tree of a few files, which counts what is read.
#[derive(Default)]
pub struct Files {
    files: BTreeMap<String, String>,
    pub read: RefCell<Vec<String>>,
}

impl Files {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }
}

impl Upstream for Files {
    fn read(&self, path: &str) -> Result<Option<Arc<str>>, flatten::Failure> {
        self.read.borrow_mut().push(path.to_owned());
        Ok(self.files.get(path).map(|text| Arc::from(text.as_str())))
    }

    fn c_files(&self) -> Result<Arc<[String]>, flatten::Failure> {
        Ok(self.files.keys().cloned().collect())
    }
}

/// Flattens on a tree.
pub fn flatten(change: Change, target: &Fake, tree: &Files) -> Result<TranslationUnit, Error> {
    change.flatten_on(target, Some(tree))
}

/// That it is refused: the error, and how it is shown.
pub fn refused(change: Change, target: &Fake, tree: &Files) -> (Error, String) {
    let error = flatten(change, target, tree).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    let text = shown(&error);
    (error, text)
}

/// The error as a person sees it, without colours.
pub fn shown(error: &Error) -> String {
    let text = modgraft::report::diagnostic::render(error);
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(|letter| letter.is_ascii_alphabetic());
        } else {
            plain.push(letter);
        }
    }
    plain.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The record, a line for each declaration.
pub fn record(unit: &TranslationUnit) -> String {
    let line = |fate: &flatten::Fate| {
        let renamed: String = fate.renamed.iter().map(|(old, new)| format!(" [{old} -> {new}]")).collect();
        let evidence = if fate.evidence == flatten::Evidence::Hunks { " (hunks)" } else { "" };
        format!(
            "{:?} {} {} {}:{}{renamed}{evidence}: {}",
            fate.outcome,
            fate.kind.describe(),
            fate.name,
            fate.file,
            fate.line,
            fate.reason
        )
    };
    unit.record.iter().map(line).collect::<Vec<_>>().join("\n")
}
