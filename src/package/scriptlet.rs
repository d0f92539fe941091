//! What a package runs when it is installed or removed. A module's packages run nothing: httpd's own package restarts it.

use super::Relation;
use super::relation::INTERPRETER;

/// A program that is run with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scriptlet {
    /// When it is run.
    pub when: When,
    /// Absolute path of the interpreter, or of the program where there is no text.
    pub program: String,
    /// What the interpreter is given; empty for nothing.
    pub text: String,
}

/// When a scriptlet is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// `%pre`
    BeforeInstall,
    /// `%post`
    AfterInstall,
    /// `%preun`
    BeforeRemoval,
    /// `%postun`
    AfterRemoval,
}

impl Scriptlet {
    /// A scriptlet of the shell.
    pub fn shell(when: When, text: impl Into<String>) -> Self {
        Scriptlet { when, program: "/bin/sh".to_owned(), text: text.into() }
    }

    /// The interpreter has to be there at that time.
    pub(super) fn requirement(&self) -> Relation {
        // RPMSENSE_SCRIPT_PRE and the three after it (lib/rpmds.h).
        let time = match self.when {
            When::BeforeInstall => 1 << 9,
            When::AfterInstall => 1 << 10,
            When::BeforeRemoval => 1 << 11,
            When::AfterRemoval => 1 << 12,
        };
        Relation::any(&self.program).with(INTERPRETER | time)
    }
}
