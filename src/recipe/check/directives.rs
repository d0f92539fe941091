//! Which directives a check's configuration may not have.
//!
//! A check's httpd lives in a folder of its own and runs nothing but itself and the module. This list keeps a recipe from
//! leaving that by its configuration; it is no fence around the module's own code, which runs in httpd as on the target.

use crate::loader::{Continuation, Line, Lines, words};

/// A line that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it, and what to write instead.
    pub reason: String,
}

/// Why a directive is not for a recipe.
#[derive(Clone, Copy)]
enum Rule {
    /// The check gives it already; the text says what to do instead.
    Ours(&'static str),
    /// It runs a program.
    Runs,
    /// It names a file to write: beneath the check's folder only.
    Writes,
}

const RULES: &[(&str, Rule)] = &[
    ("CacheRoot", Rule::Writes),
    ("CoreDumpDirectory", Rule::Writes),
    ("CustomLog", Rule::Writes),
    ("DavLockDB", Rule::Writes),
    ("DefaultRuntimeDir", Rule::Ours("the check has its own")),
    ("ErrorLog", Rule::Ours("the check reads its own")),
    ("ExtFilterDefine", Rule::Runs),
    ("ForensicLog", Rule::Writes),
    ("GlobalLog", Rule::Writes),
    ("Group", Rule::Ours("the check sets it where it runs as root")),
    ("Include", Rule::Ours("write the lines themselves")),
    ("IncludeOptional", Rule::Ours("write the lines themselves")),
    ("Listen", Rule::Ours("httpd listens at {{port}}")),
    ("LoadFile", Rule::Ours("name the module in `modules`")),
    ("LoadModule", Rule::Ours("name the module in `modules`")),
    ("LockFile", Rule::Ours("the check has its own")),
    ("Mutex", Rule::Ours("the check has its own")),
    ("PidFile", Rule::Ours("the check has its own")),
    ("RewriteLog", Rule::Writes),
    ("ScoreBoardFile", Rule::Ours("the check has its own")),
    ("ScriptAlias", Rule::Runs),
    ("ScriptAliasMatch", Rule::Runs),
    ("ScriptLog", Rule::Writes),
    ("ServerRoot", Rule::Ours("it is {{root}}")),
    ("TransferLog", Rule::Writes),
    ("User", Rule::Ours("the check sets it where it runs as root")),
];

/// Values by which some directive or other starts a program: piped logs, `RewriteMap`, `SSLPassPhraseDialog`.
const PROGRAMS: &[&str] = &["|", "prg:", "exec:"];

/// The first line that is not allowed.
pub fn object(text: &str) -> Option<Objection> {
    // httpd 2.2 ends lines that 2.4 continues: what it would read then must be allowed too.
    let readings = [Continuation::Always, Continuation::Escapable].into_iter();
    let lines = readings.flat_map(|continuation| Lines::new(text.to_owned(), continuation));
    lines.filter(|line| !line.text.starts_with('#')).find_map(|Line { first: line, text, .. }| {
        let words = words(&text);
        let (directive, arguments) = words.split_first()?;
        let rule = RULES.iter().find(|(name, _)| name.eq_ignore_ascii_case(directive)).map(|(_, rule)| *rule);
        let reason = match rule {
            Some(Rule::Ours(instead)) => format!("{directive} is not for a recipe: {instead}"),
            Some(Rule::Runs) => format!("{directive} runs a program, which a recipe may not"),
            _ if arguments.iter().any(|argument| PROGRAMS.iter().any(|start| starts_with(argument, start))) => {
                format!("this {directive} runs a program, which a recipe may not")
            }
            Some(Rule::Writes) if arguments.first().is_some_and(|path| leaves(path)) => {
                format!("this {directive} writes outside the check's folder: give a path beneath it, such as logs/a.log")
            }
            _ => return None,
        };
        Some(Objection { line, reason })
    })
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Whether a path goes out of the folder that relative paths are beneath.
fn leaves(path: &str) -> bool {
    let below = path.strip_prefix("{{root}}/").unwrap_or(path);
    below.starts_with('/') || below.starts_with('$') || below.split('/').any(|part| part == "..")
}
