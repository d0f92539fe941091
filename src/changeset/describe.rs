//! What a bare patch says of itself: for a recipe that nobody has written.

use jiff::civil::Date;

use super::{Action, Changeset, FileChange, FileText, Listing, ModuleFound};
use crate::licenses;
use crate::source::{RELEASE_HEADER, release_version};

/// Something that was found out, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T = String> {
    /// What.
    pub value: T,
    /// Where it comes from, for "it was assumed that …": `the SPDX line of modules/x/mod_x.c`.
    pub from: String,
}

/// What a patch says of the module that it brings. What it does not say is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchFacts {
    /// The mail's subject, without its tag.
    pub subject: Option<Fact>,
    /// `Name <address>`.
    pub author: Option<Fact>,
    /// The day of the mail.
    pub date: Option<Fact<Date>>,
    /// An SPDX expression.
    pub license: Option<Fact>,
    /// One line, without a full stop.
    pub summary: Option<Fact>,
    /// Paragraphs of plain text.
    pub description: Option<Fact>,
    /// The first httpd that has the module.
    pub version: Option<Fact>,
}

/// Gathers what the source says of `module`; `listing` is what its build system says.
pub fn describe(changeset: &Changeset, module: &ModuleFound, listing: Option<&Listing>) -> PatchFacts {
    let message =
        changeset.messages.iter().find(|message| message.subject.is_some() || message.author.is_some());
    let said = |value: Option<&String>, field: &str| {
        value.map(|value| Fact { value: value.clone(), from: format!("the {field} of the patch's mail") })
    };
    let subject = said(message.and_then(|message| message.subject.as_ref()), "subject");
    let source = text_of(changeset, |file| file.path == module.file);
    let manual = text_of(changeset, |file| {
        file.path
            .strip_suffix(".xml")
            .is_some_and(|path| path.rsplit('/').next() == Some(module.name.as_str()))
    });
    let in_manual = |element: &str| {
        manual.as_ref().and_then(|(path, text)| {
            let value = plain(between(text, &format!("<{element}>"), &format!("</{element}>"))?);
            Some(Fact { value, from: format!("<{element}> in {path}") })
        })
    };
    let in_comment = source.as_ref().and_then(|(path, text)| {
        let value = capitalised(&commented_summary(text, &module.name)?);
        Some(Fact { value, from: format!("the first comment of {path}") })
    });
    let from_subject = subject
        .clone()
        .map(|fact| Fact { value: first_sentence(&fact.value, &module.name), ..fact })
        // What 2.4.x says of a backport, and what is no line any more.
        .filter(|fact| !fact.value.starts_with("Merge ") && fact.value.chars().count() <= 90);
    let in_help =
        listing.filter(|listing| !listing.module.help.is_empty()).map(|Listing { module, .. }| Fact {
            value: capitalised(&module.help),
            from: format!("the help text in {}", module.file),
        });
    let summary = in_manual("description").or(in_comment).or(in_help).or(from_subject);
    let body = message.map(|message| without_trailers(&message.body)).filter(|body| !body.is_empty());
    PatchFacts {
        author: said(message.and_then(|message| message.author.as_ref()), "sender"),
        date: message
            .and_then(|message| message.date.as_deref())
            .and_then(day)
            .map(|value| Fact { value, from: "the date of the patch's mail".to_owned() }),
        license: source.as_ref().and_then(|(path, text)| license(path, text)),
        summary: summary
            .map(|fact| Fact { value: one_line(&fact.value), ..fact })
            .filter(|fact| !fact.value.is_empty()),
        description: in_manual("summary")
            .or_else(|| body.map(|value| Fact { value, from: "the patch's mail".to_owned() }))
            .filter(|fact| !fact.value.is_empty()),
        version: release(changeset)
            .or_else(|| {
                in_manual("compatibility")
                    .and_then(|fact| Some(Fact { value: version_in(&fact.value)?, ..fact }))
            })
            .or_else(|| changes(changeset)),
        subject,
    }
}

/// Path and known text of the first file that `is_meant` picks.
fn text_of(changeset: &Changeset, is_meant: impl Fn(&FileChange) -> bool) -> Option<(String, String)> {
    let file = changeset.files.iter().find(|file| is_meant(file))?;
    let text = match &file.text {
        FileText::Whole { after, .. } => after.to_string(),
        FileText::Fragments(fragments) => fragments
            .iter()
            .flat_map(|fragment| fragment.lines.iter().map(|line| line.text.as_str()))
            .collect(),
    };
    Some((file.path.clone(), text))
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, after) = text.split_once(start)?;
    after.split_once(end).map(|(inside, _)| inside)
}

/// Text of XML: tags off, entities as characters, paragraphs kept apart, lines and blanks within them joined.
fn plain(xml: &str) -> String {
    let mut text = String::new();
    let mut rest = xml;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        // Warnings about using the module stand before what it is.
        if let Some((_, behind)) = after.strip_prefix("note").and_then(|note| note.split_once("</note>")) {
            rest = behind;
            continue;
        }
        let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
        if matches!(tag, "/p" | "/li" | "/dt" | "/dd" | "/title") {
            text.push_str("\n\n");
        }
        rest = behind;
    }
    text.push_str(rest);
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        text = text.replace(entity, character);
    }
    let paragraphs = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// `mod_x.c: what it does` or `mod_x -- what it does` in the first comments.
fn commented_summary(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(120).collect();
    lines.iter().enumerate().find_map(|(at, line)| {
        let rest = uncommented(line).strip_prefix(name)?;
        let rest = rest.strip_prefix(".c").unwrap_or(rest).trim_start();
        let rest =
            rest.strip_prefix(':').or_else(|| rest.strip_prefix("--")).or_else(|| rest.strip_prefix("- "))?;
        let said = rest.trim_start_matches(['-', ' ']);
        let mut summary = said.trim_end_matches("*/").trim().to_owned();
        if !summary.chars().any(char::is_alphabetic) {
            return None;
        }
        // A sentence may go on in the next lines; what begins with a capital (`Author: …`) is another one.
        let mut last = said;
        for next in &lines[at + 1..] {
            let ends = last.contains("*/") || summary.ends_with('.');
            let words = uncommented(next);
            if ends || !words.starts_with(|c: char| c.is_lowercase()) {
                break;
            }
            summary.push(' ');
            summary.push_str(words.trim_end_matches("*/").trim_end());
            last = next;
        }
        Some(summary)
    })
}

/// A line of a comment without what begins it.
fn uncommented(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || "/*".contains(c)).trim_end()
}

/// `mod_x: Do this. And that.` as `Do this`.
fn first_sentence(subject: &str, name: &str) -> String {
    let rest = subject
        .strip_prefix(name)
        .and_then(|rest| rest.trim_start().strip_prefix(':'))
        .unwrap_or(subject)
        .trim();
    rest.split_once(". ").map_or(rest, |(first, _)| first).to_owned()
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_suffix('.').filter(|line| !line.ends_with('.')).unwrap_or(&line).to_owned()
}

/// The body without what tools put under it.
fn without_trailers(body: &str) -> String {
    const TRAILERS: [&str; 5] =
        ["git-svn-id:", "Signed-off-by:", "Submitted by:", "Reviewed by:", "Change-Id:"];
    let is_trailer = |line: &&str| TRAILERS.iter().any(|trailer| line.trim_start().starts_with(trailer));
    body.lines().filter(|line| !is_trailer(line)).collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn license(path: &str, text: &str) -> Option<Fact> {
    if let Some(value) = licenses::stated(text) {
        return Some(Fact { value, from: format!("the SPDX line of {path}") });
    }
    let id = licenses::of_text(text)?;
    Some(Fact { value: id.to_owned(), from: format!("the licence text at the top of {path}") })
}

/// The httpd of which whole files were taken.
fn release(changeset: &Changeset) -> Option<Fact> {
    let header =
        changeset.files.iter().find(|file| file.path == RELEASE_HEADER && file.action == Action::Added)?;
    let FileText::Whole { after, .. } = &header.text else { return None };
    Some(Fact { value: release_version(after)?, from: RELEASE_HEADER.to_owned() })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The release under whose heading the patch adds to CHANGES.
fn changes(changeset: &Changeset) -> Option<Fact> {
    let file = changeset.files.iter().find(|file| file.path.rsplit('/').next() == Some("CHANGES"))?;
    let FileText::Fragments(fragments) = &file.text else { return None };
    let mut heading = None;
    for line in fragments.iter().flat_map(|fragment| &fragment.lines) {
        if let Some(rest) = line.text.strip_prefix("Changes with Apache ") {
            heading = version_in(rest);
        } else if line.added && !line.text.trim().is_empty() && heading.is_some() {
            break;
        }
    }
    heading.map(|value| Fact { value, from: format!("the heading in {}", file.path) })
}

/// The first `2.4.5` of a text: numbers with dots between, at least one dot.
fn version_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| word.contains('.') && !word.contains(".."))
        .map(str::to_owned)
}

/// The day of a mail's date, or of `git show`'s.
fn day(date: &str) -> Option<Date> {
    let mail = jiff::fmt::rfc2822::parse(date).ok().map(|zoned| zoned.date());
    mail.or_else(|| jiff::fmt::strtime::parse("%a %b %d %H:%M:%S %Y %z", date).ok()?.to_date().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_stand_in_the_first_comment() {
        for (text, expected) in [
            ("/*\n * mod_x.c: Does things.\n */", Some("Does things.")),
            ("/* mod_x -- does things */", Some("does things")),
            ("/*\n * mod_x: does things */", Some("does things")),
            ("// mod_x - does things", Some("does things")),
            (
                "/*\n * mod_x.c: does things by\n *          a path.\n * more\n */",
                Some("does things by a path."),
            ),
            ("/* mod_x.c: does things\n * Author: A\n * of it */", Some("does things")),
            ("/* mod_x: does things */\nint x;", Some("does things")),
            ("/* mod_xy: does things */", None),
            ("/* mod_x.c ---- */", None),
            ("#include \"mod_x.h\"", None),
        ] {
            assert_eq!(commented_summary(text, "mod_x").as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn licences_are_told_by_their_words() {
        let id = |text: &str| license("x.c", text).map(|fact| fact.value);
        assert_eq!(
            id("/* SPDX-License-Identifier: MIT OR Apache-2.0 */").as_deref(),
            Some("MIT OR Apache-2.0")
        );
        assert_eq!(
            id("/* Licensed to the Apache\n * Software Foundation (ASF)").as_deref(),
            Some("Apache-2.0")
        );
        assert_eq!(id("/* All rights reserved */"), None);
    }

    #[test]
    fn markup_becomes_paragraphs() {
        let xml = "\n  <p>One\n   <code>two</code> &amp;lt;</p>\n  <p>Three</p>";
        assert_eq!(plain(xml), "One two &lt;\n\nThree");
        assert_eq!(plain("<note><title>Careful</title>x</note><p>One</p>"), "One");
        assert_eq!(plain("a < b"), "a");
    }

    #[test]
    fn a_subject_is_cut_to_what_it_says_of_the_module() {
        assert_eq!(first_sentence("mod_x: Does this. Also that.", "mod_x"), "Does this");
        assert_eq!(first_sentence("Add mod_x.", "mod_x"), "Add mod_x.");
    }

    #[test]
    fn days_are_read_from_mails_and_logs() {
        let expected = Some(Date::constant(2013, 6, 13));
        assert_eq!(day("Thu, 13 Jun 2013 15:48:33 +0200"), expected);
        assert_eq!(day("Thu Jun 13 15:48:33 2013 +0200"), expected);
        assert_eq!(day("yesterday"), None);
    }

    #[test]
    fn versions_have_a_dot() {
        assert_eq!(version_in("Apache HTTP Server 2.4.5 and later").as_deref(), Some("2.4.5"));
        assert_eq!(version_in("version 2."), None);
    }
}
