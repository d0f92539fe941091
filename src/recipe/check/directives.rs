//! Which directives a check's configuration may not have.
//!
//! A check's httpd lives in a folder of its own and runs nothing but itself and the module. This list keeps a recipe from
//! leaving that by its configuration; it is no fence around the module's own code, which runs in httpd as on the target.

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
    logical_lines(text).into_iter().find_map(|(line, words)| {
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

/// Lines as httpd reads them: a backslash at the end continues one, `#` at its beginning makes it a comment, quotes hold
/// words together.
fn logical_lines(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut lines = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (index, raw) in text.lines().enumerate() {
        let (start, mut line) = pending.take().unwrap_or((index + 1, String::new()));
        match raw.strip_suffix('\\') {
            Some(head) => {
                line.push_str(head);
                pending = Some((start, line));
            }
            None => {
                line.push_str(raw);
                lines.push((start, line));
            }
        }
    }
    lines.extend(pending);
    lines
        .into_iter()
        .filter(|(_, line)| !line.trim_start().starts_with('#'))
        .map(|(start, line)| (start, words(&line)))
        .collect()
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => {
                let inner = &rest[1..];
                inner.split_once(first).unwrap_or((inner, ""))
            }
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}
