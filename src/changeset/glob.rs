//! Globs on paths: `*` and `?` within a part, `**` for any number of parts, `{a,b}` for either.
//!
//! The meaning is that of the crate globset with a literal separator, which the tests compare with; compiling its set of
//! regular expressions takes longer than all matching of a whole patch does here.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A glob on a path of the source tree: `*` and `?` stay within a part, `**` stands for any number of parts, `{a,b}` for
/// either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Glob {
    #[schemars(skip)]
    alternatives: Vec<Pattern>,
    text: String,
}

/// A glob without braces. Most are of a form that a look at one end of the path decides, and a patch is matched against all
/// of them for each of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// `**/*.c`: the path ends so.
    Ends(String),
    /// `**/Makefile*`: its last part begins so.
    NameBegins(String),
    /// `**/README.*`: its last part fits this.
    Name(String),
    /// `docs/**`: it begins so.
    Begins(String),
    /// Anything else.
    Other(String),
}

impl Pattern {
    fn new(glob: String) -> Pattern {
        let plain = |text: &str| !text.contains(['*', '?', '/']);
        if let Some(end) = glob.strip_prefix("**/*").filter(|end| plain(end)) {
            return Pattern::Ends(end.to_owned());
        }
        if let Some(start) =
            glob.strip_prefix("**/").and_then(|rest| rest.strip_suffix('*')).filter(|start| plain(start))
        {
            return Pattern::NameBegins(start.to_owned());
        }
        if let Some(name) = glob.strip_prefix("**/").filter(|name| !name.contains('/') && *name != "**") {
            return Pattern::Name(name.to_owned());
        }
        if let Some(start) =
            glob.strip_suffix("**").filter(|start| start.ends_with('/') && !start.contains(['*', '?']))
        {
            return Pattern::Begins(start.to_owned());
        }
        Pattern::Other(glob)
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Pattern::Ends(end) => path.ends_with(end.as_str()),
            Pattern::NameBegins(start) => {
                path.rsplit('/').next().is_some_and(|name| name.starts_with(start.as_str()))
            }
            Pattern::Name(glob) => {
                path.rsplit('/').next().is_some_and(|name| part(glob.as_bytes(), name.as_bytes()))
            }
            Pattern::Begins(start) => path.len() > start.len() && path.starts_with(start.as_str()),
            Pattern::Other(glob) => parts(glob, path),
        }
    }
}

/// Braces that are nested, or make more than this many globs of one, are a mistake or an attack.
const MAX_ALTERNATIVES: usize = 64;

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// In words: what is not understood in it.
    pub fn new(text: &str) -> Result<Glob, String> {
        if text.is_empty() {
            return Err("a glob must not be empty".to_owned());
        }
        if let Some(bad) = text.chars().find(|c| "[]\\".contains(*c)) {
            return Err(format!("`{bad}` is not understood in a glob: use `*`, `**`, `?` and `{{a,b}}`"));
        }
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err("a glob is matched against paths relative to the tree, which have no `/` in front and no `..`".to_owned());
        }
        if text.split('/').any(|part| part != "**" && part.contains("**")) {
            return Err("`**` must be a whole part, as in `**/*.c`".to_owned());
        }
        let alternatives = expand(text)?.into_iter().map(Pattern::new).collect();
        Ok(Glob { alternatives, text: text.to_owned() })
    }

    /// Whether `path` is meant.
    pub fn matches(&self, path: &str) -> bool {
        self.alternatives.iter().any(|pattern| pattern.matches(path))
    }
}

impl TryFrom<String> for Glob {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Glob::new(&text)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> String {
        glob.text
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `a{b,c}d` as `abd` and `acd`.
fn expand(text: &str) -> Result<Vec<String>, String> {
    let mut done = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((inside, behind)) = after.split_once('}') else {
            return Err("a `{` has no `}`".to_owned());
        };
        if inside.contains('{') || before.contains('}') {
            return Err("braces must not be nested".to_owned());
        }
        done = done
            .iter()
            .flat_map(|start| inside.split(',').map(move |choice| format!("{start}{before}{choice}")))
            .collect();
        if done.len() > MAX_ALTERNATIVES {
            return Err(format!("the braces make more than {MAX_ALTERNATIVES} globs"));
        }
        rest = behind;
    }
    if rest.contains('}') {
        return Err("a `}` has no `{`".to_owned());
    }
    Ok(done.into_iter().map(|start| start + rest).collect())
}

/// Matches part by part. `**` at the end stands for one part at least, elsewhere for none or more.
fn parts(glob: &str, path: &str) -> bool {
    match glob.split_once('/') {
        None if glob == "**" => !path.is_empty(),
        None => !path.contains('/') && part(glob.as_bytes(), path.as_bytes()),
        Some(("**", rest)) => {
            let mut at = path;
            loop {
                if parts(rest, at) {
                    return true;
                }
                match at.split_once('/') {
                    Some((_, below)) => at = below,
                    None => return false,
                }
            }
        }
        Some((first, rest)) => match path.split_once('/') {
            Some((part_of_path, below)) => {
                part(first.as_bytes(), part_of_path.as_bytes()) && parts(rest, below)
            }
            None => false,
        },
    }
}

/// Matches one part, going back to the last `*` where it must: time by the product of the lengths, whatever the glob.
fn part(glob: &[u8], name: &[u8]) -> bool {
    let (mut g, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, n));
                g += 1;
            }
            Some(b'?') => {
                g += 1;
                n += 1;
            }
            Some(byte) if *byte == name[n] => {
                g += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    g = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meaning_is_that_of_globset() {
        let globs = [
            "*.c",
            "**/*.c",
            "**/Makefile*",
            "docs/**",
            "**",
            "a/**/b",
            "**/test/**",
            "?.c",
            "*a*b*",
            "x{,.in}",
            "{a,b}/*.{c,h}",
            "modules/*/mod_?.c",
            "**/config*.m4",
            "a",
            "a/b",
            "*",
            "**/a",
            "**/*",
            "**/*/**",
            "a*/**",
            "**/a?",
        ];
        let paths = [
            "x.c",
            "a/x.c",
            "a/b/x.c",
            "Makefile",
            "a/Makefile.in",
            "docs/x",
            "docs/a/b",
            "docs",
            "a/b",
            "a/x/b",
            "a/x/y/b",
            "test/x",
            "a/test/x/y",
            "é.c",
            "xaybz",
            "ab",
            "x",
            "x.in",
            "x.out",
            "a/x.h",
            "b/x.c",
            "c/x.c",
            "modules/m/mod_a.c",
            "modules/m/n/mod_a.c",
            "config.m4",
            "x/config2.m4",
            "x/.c",
            ".c",
        ];
        for glob in globs {
            let oracle = globset::GlobBuilder::new(glob)
                .literal_separator(true)
                .empty_alternates(true)
                .build()
                .unwrap();
            let oracle = oracle.compile_matcher();
            let own = Glob::new(glob).unwrap();
            for path in paths {
                assert_eq!(own.matches(path), oracle.is_match(path), "{glob} on {path}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for glob in ["", "/x", "../x", "a[b]", "a\\b", "{a", "a}", "{a,{b,c}}", "**.c", "a**/b"] {
            assert!(Glob::new(glob).is_err(), "{glob}");
        }
        assert!(Glob::new(&"{a,b}".repeat(7)).is_err());
    }

    #[test]
    fn a_hostile_glob_takes_no_time() {
        let glob = Glob::new(&("*a".repeat(50) + "b")).unwrap();
        assert!(!glob.matches(&"a".repeat(5000)));
    }
}
