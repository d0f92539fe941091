//! What the target offers together with the rules: flatten must not pull in what a rule provides or cuts off.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pack::{Action, Rule, Rules};
use crate::flatten::Interface;

/// The target's interface, corrected by what the compiler said, and the rules behind it.
pub struct Offered<'a> {
    target: &'a dyn Interface,
    rules: &'a Rules,
    /// Names that a header has, and that the compiler does not see.
    missing: &'a BTreeSet<String>,
    /// Rules that make parts of httpd parts of the module.
    parts: &'a [Arc<Rule>],
}

impl<'a> Offered<'a> {
    /// Puts the rules behind a target.
    pub fn new(
        target: &'a dyn Interface,
        rules: &'a Rules,
        missing: &'a BTreeSet<String>,
        parts: &'a [Arc<Rule>],
    ) -> Self {
        Offered { target, rules, missing, parts }
    }
}

impl Interface for Offered<'_> {
    fn declared_in(&self, name: &str) -> Option<String> {
        if self.missing.contains(name) { None } else { self.target.declared_in(name) }
    }

    fn exported_by(&self, name: &str) -> Option<String> {
        self.target.exported_by(name)
    }

    fn has_header(&self, path: &str) -> bool {
        self.target.has_header(path)
    }

    fn read_header(&self, path: &str) -> Option<Arc<str>> {
        self.target.read_header(path)
    }

    fn file_with(&self, strings: &[&str], besides: &str) -> Option<String> {
        self.target.file_with(strings, besides)
    }

    fn is_required(&self) -> bool {
        self.target.is_required()
    }

    fn provided_by(&self, name: &str) -> Option<String> {
        self.rules.about(name).map(|rule| rule.id.clone())
    }

    fn adopted(&self) -> Vec<String> {
        let files = |rule: &Arc<Rule>| match &rule.r#do {
            Action::Subsystem(part) => part.files.clone(),
            _ => Vec::new(),
        };
        self.parts.iter().flat_map(files).collect()
    }
}
