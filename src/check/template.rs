//! The templates that a recipe's checks have their configuration as.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use handlebars::{Handlebars, RenderErrorReason, no_escape};
use miette::{NamedSource, SourceSpan};
use serde::Serialize;

use super::Error;

/// What a template of a check may name.
#[derive(Debug, Clone, Serialize)]
pub struct Values {
    /// httpd's port.
    pub port: u16,
    /// httpd's folder.
    pub root: PathBuf,
    /// The servers behind it.
    pub backend: BackendValues,
}

/// The addresses of the servers behind httpd.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BackendValues {
    /// The echo.
    pub websocket: SocketAddr,
    /// The mirror.
    pub http: SocketAddr,
    /// Nobody listens there.
    pub closed: SocketAddr,
}

/// Fills in the template of a check.
pub fn fill(text: &str, check: &str, values: &Values) -> Result<String, Error> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(no_escape);
    let failed = |problem: String, line: Option<usize>, column: Option<usize>| Error::Template {
        check: check.to_owned(),
        problem,
        place: place(text, line, column),
        text: NamedSource::new("the check's configuration", Arc::from(text)),
    };
    let template = handlebars::Template::compile(text).map_err(|error| {
        let (line, column) = error.pos().unzip();
        failed(error.reason().to_string(), line, column)
    })?;
    handlebars.register_template("check", template);
    handlebars.render("check", values).map_err(|error| {
        let problem = match error.reason() {
            RenderErrorReason::MissingVariable(Some(name)) => format!("there is no {{{{{name}}}}}"),
            reason => reason.to_string(),
        };
        failed(problem, error.line_no, error.column_no)
    })
}

/// A place given by line and column, both counted from 1, to the end of that line.
fn place(text: &str, line: Option<usize>, column: Option<usize>) -> Option<SourceSpan> {
    let line = line?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let whole = text.get(start..)?.lines().next()?;
    let skip = column.and_then(|column| column.checked_sub(1)).unwrap_or(0);
    let skip = if whole.is_char_boundary(skip) { skip } else { 0 };
    Some((start + skip, whole.len() - skip).into())
}

/// The place of a whole line, counted from 1.
pub fn line_place(text: &str, line: usize) -> Option<SourceSpan> {
    place(text, Some(line), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, Error> {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let backend = BackendValues { websocket: address(1), http: address(2), closed: address(3) };
        fill(text, "a", &Values { port: 80, root: "/r".into(), backend })
    }

    #[test]
    fn values_stand_as_they_are() {
        let text = "A \"{{root}}/x\" {{port}} ws://{{backend.websocket}}/ %{HTTP_HOST} <b>";
        assert_eq!(filled(text).unwrap(), "A \"/r/x\" 80 ws://127.0.0.1:1/ %{HTTP_HOST} <b>");
    }

    #[test]
    fn a_wrong_template_has_a_place() {
        for (text, message, start) in [
            ("one\nProxyPass / {{backend.ws}}", "check `a`: there is no {{backend.ws}}", 16),
            ("one\n{{#if}}", "check `a`: invalid handlebars syntax", 11),
        ] {
            let error = filled(text).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
            let Error::Template { place: Some(place), .. } = error else { panic!("{error:?}") };
            assert_eq!(place.offset(), start, "{text}");
        }
    }
}
