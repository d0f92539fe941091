//! One shape for every error: what, where with the line itself, why, and what to do.
//!
//! ```text
//! error[modgraft::recipe::syntax]: unknown field `sumary`, expected one of …
//!   --> modules/mod_x/module.toml:3:1
//!    |
//!  3 | sumary = "Does x"
//!    | ^^^^^^ here
//!  help: did you mean `summary`?
//! ```

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use serde_json::{Map, Value};

/// Text lines that are longer are cut to this many characters around the place.
const WIDTH: usize = 160;

/// A place in a source text, read from a label.
struct Place {
    file: Option<String>,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    /// The whole line, tabs as single spaces, cut to [`WIDTH`].
    text: String,
    /// Characters of `text` before the marked ones, and how many are marked (at least 1).
    marked: (usize, usize),
    label: Option<String>,
}

/// The diagnostic as text with ANSI colours (a stream that is no terminal strips them), ending with a newline.
pub fn render(diagnostic: &dyn Diagnostic) -> String {
    let mut text = String::new();
    write_one(&mut text, diagnostic, None).expect("writing to a String cannot fail");
    text
}

fn write_one(
    out: &mut String,
    diagnostic: &dyn Diagnostic,
    outer_source: Option<&dyn SourceCode>,
) -> std::fmt::Result {
    let (word, style) = match diagnostic.severity().unwrap_or(Severity::Error) {
        Severity::Error => ("error", AnsiColor::Red.on_default().bold()),
        Severity::Warning => ("warning", AnsiColor::Yellow.on_default().bold()),
        Severity::Advice => ("note", AnsiColor::Cyan.on_default().bold()),
    };
    let bold = Style::new().bold();
    let faint = AnsiColor::Blue.on_default().bold();
    let code = diagnostic.code().map(|code| format!("[{code}]")).unwrap_or_default();
    writeln!(out, "{style}{word}{code}{style:#}{bold}: {diagnostic}{bold:#}")?;

    let source = diagnostic.source_code().or(outer_source);
    for place in places(diagnostic, source) {
        let gutter = place.line.to_string().len().max(2);
        let file = place.file.as_deref().map(|file| format!("{file}:")).unwrap_or_default();
        writeln!(out, "{faint}{:>gutter$}-->{faint:#} {file}{}:{}", "", place.line, place.column)?;
        writeln!(out, "{faint}{:>gutter$} |{faint:#}", "")?;
        writeln!(out, "{faint}{:>gutter$} |{faint:#} {}", place.line, place.text)?;
        let (before, length) = place.marked;
        let label = place.label.as_deref().unwrap_or_default();
        let marks = format!("{:before$}{style}{:^<length$} {label}", "", "");
        writeln!(out, "{faint}{:>gutter$} |{faint:#} {}{style:#}", "", marks.trim_end())?;
    }
    for text in causes(diagnostic) {
        write_lines(out, "why", &text)?;
    }
    if let Some(help) = help(diagnostic) {
        write_lines(out, "help", &help)?;
    }
    for related in diagnostic.related().into_iter().flatten() {
        writeln!(out)?;
        write_one(out, related, source)?;
    }
    Ok(())
}

/// What the causes say that is not said before.
fn causes(diagnostic: &dyn Diagnostic) -> Vec<String> {
    let mut causes = Vec::new();
    let mut cause = diagnostic.source();
    let mut said = diagnostic.to_string();
    while let Some(error) = cause {
        let text = error.to_string();
        // One that only has a cause repeats its words.
        if !said.contains(&text) {
            causes.push(text.clone());
        }
        said = text;
        cause = error.source();
    }
    causes
}

/// `  why: first line`, and the others beneath it.
fn write_lines(out: &mut String, label: &str, text: &str) -> std::fmt::Result {
    let style = AnsiColor::Cyan.on_default().bold();
    for (index, line) in text.trim_end().lines().enumerate() {
        match index {
            0 => writeln!(out, "{style}{label:>6}:{style:#} {line}")?,
            _ => writeln!(out, "{:>6}  {line}", "")?,
        }
    }
    Ok(())
}

/// What to do: where the machine is the cause, that is more to the point than what the stage can say.
fn help(diagnostic: &dyn Diagnostic) -> Option<String> {
    machine_help(diagnostic).or_else(|| diagnostic.help().map(|help| help.to_string()))
}

/// What helps against the operating system's commonest refusals, wherever in the chain of causes they stand. So a stage's error
/// has what the system said as its cause, and not only its words (`#[error(transparent)]` would hide it).
fn machine_help(diagnostic: &dyn Diagnostic) -> Option<String> {
    use std::io::ErrorKind;
    let mut cause: Option<&dyn std::error::Error> = diagnostic.source();
    let mut kind = None;
    while let Some(error) = cause {
        kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind).or(kind);
        cause = error.source();
    }
    let help = match kind? {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full: make room, or choose another place: TMPDIR says where temporary files go, MODGRAFT_CACHE where what is fetched goes, and the command line where results go"
        }
        ErrorKind::PermissionDenied => {
            "see to it that you may read it; or, where it was to be written, choose another place: TMPDIR says where temporary files go, MODGRAFT_CACHE where what is fetched goes, and the command line where results go"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "choose a place that you may write to: TMPDIR says where temporary files go, MODGRAFT_CACHE where what is fetched goes, and the command line where results go"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

fn places(diagnostic: &dyn Diagnostic, source: Option<&dyn SourceCode>) -> Vec<Place> {
    let Some(source) = source else { return Vec::new() };
    let labels = diagnostic.labels().into_iter().flatten();
    labels.filter_map(|label| place(source, &label)).collect()
}

fn place(source: &dyn SourceCode, label: &LabeledSpan) -> Option<Place> {
    // Only the first line of a span is shown; reading an empty span at its start finds line and column.
    let start = source.read_span(&(label.offset(), 0).into(), 0, 0).ok()?;
    let before = start.data().len();
    let whole = source.read_span(&(label.offset(), 0).into(), 1, 1).ok()?;
    let file = start.name().or(whole.name()).map(str::to_owned);
    let data = String::from_utf8_lossy(whole.data());
    let index = start.line().checked_sub(whole.line())?;
    let line = data.split('\n').nth(index)?.trim_end_matches('\r');
    let column = start.column().max(before.saturating_sub(line.len()));
    let prefix = line.char_indices().take_while(|(at, _)| *at < column).count();
    let length = line
        .get(column.min(line.len())..)
        .map_or(0, |rest| rest.char_indices().take_while(|(at, _)| *at < label.len()).count());
    let skip = prefix.saturating_sub(WIDTH / 2);
    let text: String =
        line.chars().skip(skip).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let room = text.chars().count().saturating_sub(prefix - skip).max(1);
    Some(Place {
        file,
        line: start.line() + 1,
        column: prefix + 1,
        marked: (prefix - skip, length.clamp(1, room)),
        text,
        label: label.label().map(str::to_owned),
    })
}

/// The diagnostic as one JSON object: `code`, `message`, `places`, `why`, `help`, `related`.
pub fn json(diagnostic: &dyn Diagnostic) -> Value {
    json_one(diagnostic, None)
}

fn json_one(diagnostic: &dyn Diagnostic, outer_source: Option<&dyn SourceCode>) -> Value {
    let source = diagnostic.source_code().or(outer_source);
    let mut object = Map::new();
    object.insert("code".to_owned(), diagnostic.code().map(|code| code.to_string()).into());
    object.insert("message".to_owned(), diagnostic.to_string().into());
    let places = places(diagnostic, source).into_iter().map(|place| {
        serde_json::json!({
            "file": place.file, "line": place.line, "column": place.column, "text": place.text, "label": place.label,
        })
    });
    object.insert("places".to_owned(), places.collect());
    object.insert("why".to_owned(), causes(diagnostic).into());
    object.insert("help".to_owned(), help(diagnostic).into());
    let related = diagnostic.related().into_iter().flatten();
    object.insert("related".to_owned(), related.map(|related| json_one(related, source)).collect());
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use miette::NamedSource;

    use super::*;

    #[derive(Debug, thiserror::Error, Diagnostic)]
    #[error("it is wrong")]
    #[diagnostic(code(modgraft::test::wrong), help("do it\nright"))]
    struct Wrong {
        #[source_code]
        text: NamedSource<Arc<str>>,
        #[label("this")]
        at: miette::SourceSpan,
    }

    fn shown(text: &str, offset: usize, length: usize) -> String {
        let text = NamedSource::new("dir/file.c", Arc::from(text));
        anstream::adapter::strip_str(&render(&Wrong { text, at: (offset, length).into() })).to_string()
    }

    #[test]
    fn an_error_shows_place_line_and_help() {
        assert_eq!(
            shown("one\ntwo three\nfour\n", 8, 5),
            "error[modgraft::test::wrong]: it is wrong\n  --> dir/file.c:2:5\n   |\n 2 | two three\n   |     ^^^^^ this\n  \
             help: do it\n        right\n"
        );
    }

    #[test]
    fn places_at_the_edges_of_a_text_are_shown() {
        assert!(shown("one\n", 0, 0).contains("--> dir/file.c:1:1\n   |\n 1 | one\n   | ^ this\n"));
        assert!(shown("one", 3, 0).contains("--> dir/file.c:1:4\n   |\n 1 | one\n   |    ^ this\n"));
        assert!(shown("", 0, 0).contains("--> dir/file.c:1:1\n"));
        assert!(
            shown("é = 1\nü = x\r\nz", 12, 1)
                .contains("--> dir/file.c:2:5\n   |\n 2 | ü = x\n   |     ^ this\n")
        );
    }

    #[test]
    fn a_span_over_several_lines_marks_the_first() {
        assert!(shown("aa bb\ncc\n", 3, 5).contains(" 1 | aa bb\n   |    ^^ this\n"));
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_place() {
        let text = format!("{}here{}", "a".repeat(5000), "b".repeat(5000));
        let shown = shown(&text, 5000, 4);
        assert!(
            shown.contains("file.c:1:5001") && shown.lines().all(|line| line.chars().count() < 200),
            "{shown}"
        );
    }
}
