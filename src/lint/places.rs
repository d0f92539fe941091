//! Where in the text of a recipe its values stand.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A step to a value: a key of a table, or a number in an array, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'k> {
    Key(&'k str),
    Index(usize),
}

impl<'k> From<&'k str> for Step<'k> {
    fn from(key: &'k str) -> Self {
        Step::Key(key)
    }
}

impl From<usize> for Step<'_> {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// The bytes of the value that the steps lead to, or of the last one on the way that is there; the name's, which each recipe
/// has, where none is.
pub(super) fn place(text: &str, steps: &[Step<'_>]) -> Range<usize> {
    let Ok(table) = DeTable::parse(text) else { return 0..0 };
    let table = table.get_ref();
    let value = |key: &str| table.get(key);
    let mut steps = steps.iter();
    let first = match steps.next() {
        Some(Step::Key(key)) => value(key),
        _ => None,
    };
    let Some(mut at) = first.or_else(|| value("name")) else { return 0..0 };
    for step in steps {
        let next: Option<&Spanned<DeValue<'_>>> = match (at.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(*key),
            (DeValue::Array(array), Step::Index(index)) => array.get(*index),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    first_line(text, at.span())
}

/// A table's span may reach over many lines: its first one is enough to look at.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let part = text.get(span.clone()).unwrap_or_default();
    span.start..span.start + part.find('\n').unwrap_or(part.len())
}
