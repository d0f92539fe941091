//! One thing that a lint found, as errors are shown.

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};
use serde::Serialize;

use super::{Error, Found, Lint, UNREADABLE};
use crate::recipe;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No good package comes of it.
    Error,
    /// The package is worse than it could be, or nobody can tell whether it is good.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// `error`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing that a lint found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which lint.
    pub lint: &'static Lint,
    /// As the lint has it, unless the caller asked for more.
    pub severity: Severity,
    message: String,
    help: String,
    shown: String,
    text: NamedSource<Arc<str>>,
    at: SourceSpan,
}

/// A finding as a machine reads it.
#[derive(Debug, Serialize)]
struct Plain<'f> {
    recipe: &'f str,
    lint: &'static str,
    severity: Severity,
    message: &'f str,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    help: &'f str,
}

impl Finding {
    /// `shown` is what the recipe is called, `text` all of it.
    pub(super) fn new(lint: &'static Lint, found: Found, shown: &str, text: &Arc<str>) -> Self {
        let Found { at, message, help } = found;
        Finding {
            lint,
            severity: lint.severity,
            message,
            help,
            shown: shown.to_owned(),
            text: NamedSource::new(shown, text.clone()),
            at: at.into(),
        }
    }

    /// What is wrong with a recipe that was read and not understood.
    pub(super) fn of_error(error: recipe::Error, file: &Path) -> Result<Finding, Error> {
        let mut shown = file.display().to_string();
        let (text, at, help) = match &error {
            recipe::Error::Syntax { source_code, at, help, .. }
            | recipe::Error::Value { source_code, at, help, .. } => {
                (source_code.inner().clone(), *at, help.clone())
            }
            // Its place is in the pack.
            recipe::Error::Pack(error) => {
                let (text, at, help) = error.place();
                text.name().clone_into(&mut shown);
                (text.inner().clone(), at, help.to_owned())
            }
            recipe::Error::Encoding(_) => {
                let help = "a recipe is a TOML file; is this the right one?".to_owned();
                (Arc::from(""), (0..0).into(), help)
            }
            _ => return Err(Box::new(error).into()),
        };
        let found = Found { at: at.offset()..at.offset() + at.len(), message: error.to_string(), help };
        Ok(Finding::new(&UNREADABLE, found, &shown, &text))
    }

    /// Where it is, for their order.
    pub(super) fn offset(&self) -> usize {
        self.at.offset()
    }

    /// A line of JSON.
    pub fn json(&self) -> String {
        let text = self.text.inner();
        let before = text.get(..self.at.offset()).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let plain = Plain {
            recipe: &self.shown,
            lint: self.lint.name,
            severity: self.severity,
            message: &self.message,
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            help: &self.help,
        };
        let mut json = serde_json::to_string(&plain).expect("a finding is plain data");
        json.push('\n');
        json
    }
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Finding {}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(format!("modgraft::lint::{}", self.lint.name)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.at))))
    }
}
