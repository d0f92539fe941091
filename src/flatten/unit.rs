//! The translation unit: pieces with their origins, rendered with or without `#line`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::awaited::Awaited;
use super::record::{Fate, Outcome};

/// One C file, in pieces.
#[derive(Debug, Clone)]
pub struct TranslationUnit {
    /// `mod_NAME`.
    pub module: String,
    /// The module structure's C name.
    pub symbol: String,
    /// In order; rendered one behind the other.
    pub pieces: Vec<Piece>,
    /// The piece in front of which declarations can be added: behind the includes, in front of the first code. At most the
    /// number of pieces.
    pub prologue: usize,
    /// What became of every declaration that was considered: the module's own first, in their order.
    pub record: Vec<Fate>,
    /// The upstream files that the pieces come from, by path: line N of a text is line N of the file after the patches.
    /// Where only hunks are known, the lines between them are empty.
    pub sources: BTreeMap<Arc<str>, Arc<str>>,
    /// The target's headers by which its other modules know this one.
    pub published: Vec<Arc<str>>,
    /// Names that inlined code uses and of which nobody knows who declares them. Most are of the C library; one that the
    /// compiler does not know either stands in a part of an upstream file that the hunks do not show.
    pub unresolved: Vec<Unresolved>,
    /// What the module will not find in the target, and does not say.
    pub warnings: Vec<Warning>,
    /// Names of other modules that only code under a condition uses.
    pub awaited: Vec<Awaited>,
}

/// Something that a person should know, and that is no reason to refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The name that it is about.
    pub about: String,
    /// In words.
    pub text: String,
}

/// A span of the unit with one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Ends with a newline.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a piece comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Upstream's own file.
    Upstream {
        /// Path in upstream's tree.
        file: Arc<str>,
        /// Line of the piece's first line, from 1.
        line: u32,
    },
    /// Written by modgraft, by the rule of this name.
    Generated(&'static str),
}

/// A name that inlined code uses and nobody is known to declare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unresolved {
    /// The name.
    pub name: String,
    /// The inlined declaration that uses it.
    pub used_by: String,
    /// Upstream's path of that declaration.
    pub file: String,
}

/// Where a line of the rendered file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A line of an upstream file.
    Upstream {
        /// Path in upstream's tree.
        file: Arc<str>,
        /// From 1.
        line: u32,
    },
    /// A line that modgraft wrote, by the rule of this name.
    Generated(&'static str),
}

impl TranslationUnit {
    /// Puts lines in front of everything but the unit's own first comment, by the rule of this name.
    pub fn put_first(&mut self, rule: &'static str, text: String) {
        let first = self.pieces.len().min(1);
        self.pieces.insert(first, Piece { text, origin: Origin::Generated(rule) });
        self.prologue += 1;
    }

    /// The file's name: `mod_NAME.c`.
    pub fn file_name(&self) -> String {
        format!("{}.c", self.module)
    }

    /// The C file, with or without `#line`. The same unit gives the same bytes.
    pub fn render(&self, line_directives: bool) -> String {
        let size = self.pieces.iter().map(|piece| piece.text.len() + 64).sum();
        let mut text = String::with_capacity(size);
        self.walk(line_directives, |line, _| {
            text.push_str(line);
        });
        text
    }

    /// Where line `line` (from 1) of [`TranslationUnit::render`]'s text comes from; nothing beyond its end. A `#line` is
    /// of the rule `line`.
    pub fn locate(&self, line: u32, line_directives: bool) -> Option<Location> {
        let mut number = 0u32;
        let mut found = None;
        self.walk(line_directives, |text, location| {
            for _ in text.lines() {
                number += 1;
                if number == line {
                    found = Some(location.clone());
                }
            }
        });
        found
    }

    /// The text of an upstream line, for messages.
    pub fn source_line(&self, file: &str, line: u32) -> Option<&str> {
        let text = self.sources.get(file)?;
        text.lines().nth(usize::try_from(line.checked_sub(1)?).ok()?)
    }

    /// What was taken from other files.
    pub fn inlined(&self) -> impl Iterator<Item = &Fate> {
        self.record.iter().filter(|fate| fate.outcome == Outcome::Inlined)
    }

    /// Calls `each` with every line of the rendered file, with its line end, and where it comes from.
    fn walk(&self, line_directives: bool, mut each: impl FnMut(&str, &Location)) {
        let own = self.file_name();
        let mut written = 0u32;
        // What the compiler believes: the file, and the line that comes next.
        let mut believed: (Arc<str>, u32) = (Arc::from(own.as_str()), 1);
        let mut own_file = true;
        for piece in &self.pieces {
            if piece.text.is_empty() {
                continue;
            }
            let wanted = match &piece.origin {
                Origin::Upstream { file, line } => Some((file.clone(), *line)),
                // No compiler complains of a comment: its place does not matter.
                Origin::Generated(_) if is_silent(&piece.text) => None,
                Origin::Generated(_) => Some((Arc::from(own.as_str()), written + 1)),
            };
            if let Some(mut wanted) = wanted {
                let generated = matches!(piece.origin, Origin::Generated(_));
                let agrees = if generated { own_file } else { !own_file && believed == wanted };
                if line_directives && !agrees {
                    if generated {
                        wanted.1 += 1;
                    }
                    let path = wanted.0.replace('\\', "\\\\").replace('"', "\\\"");
                    each(&format!("#line {} \"{path}\"\n", wanted.1), &Location::Generated("line"));
                    written += 1;
                }
                own_file = generated;
                believed = wanted;
            }
            for (at, line) in piece.text.split_inclusive('\n').enumerate() {
                let location = match &piece.origin {
                    Origin::Upstream { file, line } => Location::Upstream {
                        file: file.clone(),
                        line: line.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)),
                    },
                    Origin::Generated(rule) => Location::Generated(rule),
                };
                each(line, &location);
                written += 1;
                believed.1 = believed.1.saturating_add(1);
            }
        }
    }
}

/// Blank, or nothing but comments.
fn is_silent(text: &str) -> bool {
    let comment = crate::c::lex::TokenKind::Comment;
    crate::c::lex::tokens(text, 0..text.len()).all(|token| token.kind == comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> TranslationUnit {
        let upstream = |file: &str, line| Origin::Upstream { file: Arc::from(file), line };
        let piece = |text: &str, origin| Piece { text: text.to_owned(), origin };
        TranslationUnit {
            module: "mod_x".into(),
            symbol: "x_module".into(),
            pieces: vec![
                piece("/* made */\n", Origin::Generated("header")),
                piece("int a;\n\nint b;\n", upstream("m/mod_x.c", 3)),
                piece("\n", Origin::Generated("blank")),
                piece("int c;\n", upstream("m/mod_x.c", 7)),
                piece("#undef A\n", Origin::Generated("undef")),
                piece("int d;\n", upstream("m/o\"ther.c", 1)),
            ],
            prologue: 1,
            record: Vec::new(),
            published: Vec::new(),
            sources: BTreeMap::from([(Arc::from("m/mod_x.c"), Arc::from("1\n2\nint a;\n"))]),
            unresolved: Vec::new(),
            warnings: Vec::new(),
            awaited: Vec::new(),
        }
    }

    #[test]
    fn a_line_directive_stands_at_each_change_of_origin() {
        insta::assert_snapshot!(unit().render(true), @r##"
        /* made */
        #line 3 "m/mod_x.c"
        int a;

        int b;

        int c;
        #line 9 "mod_x.c"
        #undef A
        #line 1 "m/o\"ther.c"
        int d;
        "##);
        assert_eq!(unit().render(false), "/* made */\nint a;\n\nint b;\n\nint c;\n#undef A\nint d;\n");
    }

    #[test]
    fn lines_are_found_again() {
        let upstream = |file: &str, line| Some(Location::Upstream { file: Arc::from(file), line });
        let unit = unit();
        assert_eq!(unit.locate(1, false), Some(Location::Generated("header")));
        assert_eq!(unit.locate(4, false), upstream("m/mod_x.c", 5));
        assert_eq!(unit.locate(8, false), upstream("m/o\"ther.c", 1));
        assert_eq!(unit.locate(9, false), None);
        assert_eq!(unit.locate(2, true), Some(Location::Generated("line")));
        assert_eq!(unit.locate(7, true), upstream("m/mod_x.c", 7));
        assert_eq!(unit.source_line("m/mod_x.c", 3), Some("int a;"));
        assert_eq!(unit.source_line("m/mod_x.c", 0), None);
    }
}
