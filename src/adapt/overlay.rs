//! Overlays: ordinary patches of the flattened file, for what only a person can decide.
//!
//! They are applied before the compiler is asked, so that it judges the result and the rules do the rest. No line may
//! differ; only the place of a hunk may have moved, and only to one other. A line that an overlay brings knows its line in the
//! patch file, so that the compiler's complaints lead there.

mod hunks;
mod lines;

use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::Edit;
use super::pack::Risk;
use crate::flatten::TranslationUnit;
use hunks::Hunk;
use lines::Lines;

/// A patch of the flattened file.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// The file's name: `0001-NAME.patch`.
    pub name: String,
    /// Where it is beside the recipe, with `/`: `overlays/httpd-2.2/0001-NAME.patch`.
    pub path: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
    /// What stands in front of the patch; may be empty.
    pub message: String,
    hunks: Vec<Hunk>,
}

/// Why an overlay cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// It is no patch of one file.
    #[error("{message}")]
    #[diagnostic(
        code(modgraft::overlay::malformed),
        help("an overlay is a unified diff of the flattened file; `modgraft overlay save` writes one")
    )]
    Malformed {
        /// What is wrong.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("here")]
        at: SourceSpan,
    },
    /// The flattened file has other lines by now.
    #[error("hunk {number} of {path} does not apply any more{}", moved(*several))]
    #[diagnostic(
        code(modgraft::overlay::misfit),
        help(
            "`modgraft overlay start` lays out what still fits, and the rest as a .rej file to be merged by hand; then `modgraft overlay save`"
        )
    )]
    Misfit {
        /// The overlay's path beside the recipe.
        path: Arc<str>,
        /// Which hunk, from 1.
        number: usize,
        /// At how many places its lines are.
        several: usize,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The first line that the file does not have; the hunk's header where it has them more than once.
        #[label("{label}")]
        at: SourceSpan,
        /// What the file has instead.
        label: String,
    },
}

fn moved(several: usize) -> String {
    if several > 1 { format!(": its lines are at {several} places") } else { String::new() }
}

impl Overlay {
    /// Reads a patch; `path` is where it is beside the recipe.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the line.
    pub fn read(path: &str, text: Arc<str>) -> Result<Self, Box<Error>> {
        let (message, hunks) = hunks::read(&text).map_err(|(line, message)| {
            let source_code = NamedSource::new(path, text.clone());
            Box::new(Error::Malformed { message, source_code, at: span(&text, line) })
        })?;
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Ok(Overlay { name, path: Arc::from(path), text, message, hunks })
    }

    /// The rule's id of its edits: `overlay/NAME`.
    pub fn rule(&self) -> String {
        format!("overlay/{}", self.name)
    }

    /// Its hunks with these numbers (from 0), as a patch without message.
    pub fn part(&self, wanted: &[usize]) -> String {
        let hunks = wanted.iter().filter_map(|number| self.hunks.get(*number));
        hunks.map(|hunk| hunk.text(&self.text)).collect()
    }
}

/// A patch's text: what `before` and `after` differ in, behind the message. Nothing where they are equal.
pub fn write(file: &str, before: &str, after: &str, message: &str) -> Option<String> {
    if before == after {
        return None;
    }
    let patch = diffy::create_patch(before, after).to_string();
    let hunks = patch.find("\n@@ ").map_or("", |at| patch.get(at + 1..).unwrap_or_default());
    let mut text = String::new();
    for line in message.trim().lines() {
        let line = line.trim_end();
        // A message is no patch.
        let guard = if line.starts_with("--- ") || line.starts_with("+++ ") { " " } else { "" };
        text.push_str(guard);
        text.push_str(line);
        text.push('\n');
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("--- a/{file}\n+++ b/{file}\n{hunks}"));
    Some(text)
}

/// Applies overlays in order, and records each hunk.
///
/// # Errors
/// [`Error::Misfit`] at the first hunk that does not fit; the unit is then as it was.
pub fn apply(
    unit: TranslationUnit,
    overlays: &[Overlay],
) -> Result<(TranslationUnit, Vec<Edit>), Box<Error>> {
    let mut unit = unit;
    let mut edits = Vec::new();
    for overlay in overlays {
        let (next, made, rejected) = fitting(unit, overlay);
        if let Some(reject) = rejected.into_iter().next() {
            return Err(reject.error(overlay));
        }
        unit = next;
        edits.extend(made);
    }
    Ok((unit, edits))
}

/// A hunk that does not fit.
#[derive(Debug)]
pub struct Reject {
    /// Which, from 0.
    pub hunk: usize,
    misfit: lines::Misfit,
}

impl Reject {
    /// As an error.
    pub fn error(self, overlay: &Overlay) -> Box<Error> {
        let (line, several, label) = match self.misfit {
            lines::Misfit::Nowhere { line, found: Some(found) } => {
                (line, 0, format!("the file has `{}`", found.trim()))
            }
            lines::Misfit::Nowhere { line, found: None } => (line, 0, "the file has no such line".to_owned()),
            lines::Misfit::Several { line, places } => (line, places, "add lines of context".to_owned()),
        };
        Box::new(Error::Misfit {
            path: overlay.path.clone(),
            number: self.hunk + 1,
            several,
            source_code: NamedSource::new(&*overlay.path, overlay.text.clone()),
            at: span(&overlay.text, line),
            label,
        })
    }
}

/// Applies those hunks of an overlay that fit, and tells which do not.
pub fn fitting(unit: TranslationUnit, overlay: &Overlay) -> (TranslationUnit, Vec<Edit>, Vec<Reject>) {
    let mut lines = Lines::of(&unit);
    let mut edits = Vec::new();
    let mut rejected = Vec::new();
    for (number, hunk) in overlay.hunks.iter().enumerate() {
        match lines.apply(hunk, &overlay.path) {
            Ok(place) => edits.push(edit(overlay, hunk, place)),
            Err(misfit) => rejected.push(Reject { hunk: number, misfit }),
        }
    }
    let mut unit = lines.into_unit(unit);
    if !edits.is_empty() {
        unit.sources.insert(overlay.path.clone(), overlay.text.clone());
    }
    (unit, edits, rejected)
}

fn edit(overlay: &Overlay, hunk: &Hunk, place: Option<(Arc<str>, u32)>) -> Edit {
    let (file, line) = place.unwrap_or((Arc::from(""), 0));
    let (before, after) = hunk.changed();
    Edit {
        rule: overlay.rule(),
        risk: Risk::None,
        finding: String::new(),
        file: file.to_string(),
        line,
        before,
        after,
        note: match overlay.message.lines().next() {
            Some(first) => format!("decided by a person: {first}"),
            None => "decided by a person".to_owned(),
        },
        source: overlay.path.to_string(),
    }
}

/// A line of a text, from 1, without its end.
fn span(text: &str, line: u32) -> SourceSpan {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    (start, length).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::flatten::{Location, Origin, Piece};

    fn unit() -> TranslationUnit {
        let upstream = |text: &str, line| Piece {
            text: text.to_owned(),
            origin: Origin::Upstream { file: Arc::from("m/mod_x.c"), line },
        };
        TranslationUnit {
            module: "mod_x".into(),
            symbol: "x_module".into(),
            pieces: vec![
                Piece { text: "/* made */\n".into(), origin: Origin::Generated("header") },
                upstream("#include \"a.h\"\n", 1),
                upstream("#define M(a) \\\n    (a)\n", 4),
                upstream("int f()\n{\n  a(1,\n    2);\n  b;\n  c;\n  d;\n}\n", 7),
            ],
            prologue: 2,
            record: Vec::new(),
            published: Vec::new(),
            sources: BTreeMap::new(),
            unresolved: Vec::new(),
            warnings: Vec::new(),
            awaited: Vec::new(),
        }
    }

    fn overlay(from: &str, to: &str) -> Overlay {
        let before = unit().render(false);
        let after = before.replacen(from, to, 1);
        let text = write("mod_x.c", &before, &after, "Why\n\n--- this").expect("a difference");
        Overlay::read("overlays/k/1.patch", Arc::from(text)).unwrap()
    }

    #[test]
    fn lines_keep_their_origins_and_new_ones_are_the_patchs() {
        let overlay = overlay("  c;\n", "  one;\n  two;\n");
        let (unit, edits) = apply(unit(), std::slice::from_ref(&overlay)).unwrap();
        let text = unit.render(false);
        assert!(text.ends_with("  b;\n  one;\n  two;\n  d;\n}\n"), "{text}");
        assert_eq!(unit.prologue, 2);
        let at = |word: &str| {
            let line = text.lines().position(|line| line.contains(word)).unwrap() + 1;
            unit.locate(u32::try_from(line).unwrap(), false).unwrap()
        };
        let upstream = |file: &str, line| Location::Upstream { file: Arc::from(file), line };
        assert_eq!((at("b;"), at("d;")), (upstream("m/mod_x.c", 11), upstream("m/mod_x.c", 13)));
        let Location::Upstream { file, line } = at("one;") else { panic!("it has no place") };
        assert_eq!((&*file, unit.source_line(&file, line)), ("overlays/k/1.patch", Some("+  one;")));
        let [edit] = &edits[..] else { panic!("{edits:?}") };
        assert_eq!((edit.rule.as_str(), edit.file.as_str(), edit.line), ("overlay/1.patch", "m/mod_x.c", 12));
        assert_eq!((edit.before.as_str(), edit.after.as_str()), ("  c;\n", "  one;\n  two;\n"));
        assert_eq!(overlay.message, "Why\n\n --- this");
    }

    #[test]
    fn no_line_directive_lands_in_a_macro_or_a_call() {
        let (unit, _) = apply(unit(), &[overlay("    (a)\n", "    (1 + \\\n     a)\n")]).unwrap();
        assert!(
            unit.render(true).contains("#define M(a) \\\n    (1 + \\\n     a)\n"),
            "{}",
            unit.render(true)
        );
        let (unit, _) = apply(super::tests::unit(), &[overlay("    2);\n", "    3);\n")]).unwrap();
        let text = unit.render(true);
        assert!(text.contains("  a(1,\n    3);\n"), "{text}");
    }

    #[test]
    fn a_hunk_that_moved_is_found_and_one_that_does_not_fit_is_refused() {
        let overlay = overlay("  c;\n", "  e;\n");
        let mut longer = unit();
        longer.pieces[0].text = "/* made */\n/* and more */\n\n\n\n".into();
        assert!(apply(longer, std::slice::from_ref(&overlay)).unwrap().0.render(false).contains("  e;\n"));
        let mut other = unit();
        other.pieces[3].text = other.pieces[3].text.replace("  b;", "  z;");
        let error = apply(other, std::slice::from_ref(&overlay)).unwrap_err();
        assert_eq!(error.to_string(), "hunk 1 of overlays/k/1.patch does not apply any more");
        let Error::Misfit { at, label, .. } = *error else { panic!("another error") };
        assert_eq!(overlay.text.get(at.offset()..at.offset() + at.len()), Some("   b;"));
        assert_eq!(label, "the file has `z;`");
    }

    #[test]
    fn what_is_no_patch_is_refused_with_its_line() {
        for (text, words, line) in [
            ("words\n", "there is no patch in it", "words"),
            ("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n", "ends within a hunk", " a"),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n*b\n", "neither ` `, `+` nor `-`", "*b"),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n", "more than one file", "--- a/y"),
        ] {
            let error = Overlay::read("o.patch", Arc::from(text)).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            let Error::Malformed { at, .. } = *error else { panic!("another error") };
            assert_eq!(text.get(at.offset()..at.offset() + at.len()), Some(line));
        }
    }
}
