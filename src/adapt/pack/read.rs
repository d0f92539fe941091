//! Reads a pack file, and refuses one that could not work.

use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::Deserialize;
use toml::Spanned;

use super::rule::{Action, Header, Rule};
use super::{Kind, Pack};
use crate::adapt::template;

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(modgraft::adapt::pack), help("{help}"))]
pub struct Error {
    message: String,
    #[source_code]
    source_code: NamedSource<Arc<str>>,
    #[label("here")]
    at: SourceSpan,
    help: String,
}

impl Error {
    /// The pack's file and text, the place in it, and what to do.
    pub fn place(&self) -> (&NamedSource<Arc<str>>, SourceSpan, &str) {
        (&self.source_code, self.at, &self.help)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pack: Header,
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<Rule>>,
}

/// Reads a pack; `shown` is the name that errors show.
///
/// # Errors
/// Not TOML, an unknown or missing key, an id that is not the pack's or stands twice, an action that cannot be for such a
/// finding, a template with a name that nothing fills: each with line and column.
pub fn read(text: &str, shown: &str) -> Result<Pack, Box<Error>> {
    let fail = |at: std::ops::Range<usize>, message: String, help: &str| {
        let source_code = NamedSource::new(shown, Arc::from(text));
        Box::new(Error { message, source_code, at: at.into(), help: help.to_owned() })
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        fail(
            error.span().unwrap_or(0..0),
            message,
            "`modgraft explain RULE` prints a rule as an example of the form",
        )
    })?;
    let prefix = format!("{}/", file.pack.name);
    let mut rules: Vec<Arc<Rule>> = Vec::new();
    for rule in file.rules {
        let (at, rule) = (rule.span(), rule.into_inner());
        if rule.id.strip_prefix(&prefix).is_none_or(str::is_empty) {
            return Err(fail(
                at,
                format!("the rule `{}` is not of its pack", rule.id),
                &format!("call it `{prefix}NAME`"),
            ));
        }
        if rules.iter().any(|known| known.id == rule.id) {
            return Err(fail(
                at,
                format!("the rule `{}` stands twice", rule.id),
                "give each rule a name of its own",
            ));
        }
        if let Err(why) = possible(&rule) {
            return Err(fail(
                at,
                format!("the rule `{}` cannot work: {why}", rule.id),
                "see the documentation of `do` in README.md",
            ));
        }
        rules.push(Arc::new(rule));
    }
    Ok(Pack { name: file.pack.name, about: file.pack.about, mmn: file.pack.mmn, rules })
}

/// Whether the action can be for such a finding.
fn possible(rule: &Rule) -> Result<(), String> {
    let kind = rule.when.kind;
    if rule.when.name.all().iter().any(|name| name.is_empty()) {
        return Err("`name` is empty".to_owned());
    }
    if kind == Kind::Member && rule.when.owner.is_none() {
        return Err("a member needs its `owner`".to_owned());
    }
    if kind == Kind::Elements && (rule.when.owner.is_none() || rule.when.value.is_none()) {
        return Err("elements need the `owner` of their array, and their type as `value`".to_owned());
    }
    let replaces = matches!(rule.r#do, Action::Replace(_) | Action::Constant(_));
    if rule
        .when
        .passes
        .as_ref()
        .is_some_and(|passes| passes.argument == 0 || kind != Kind::Function || !replaces)
    {
        return Err(
            "`passes` is for the calls of a function that are replaced, and counts their arguments from 1"
                .to_owned(),
        );
    }
    if kind == Kind::Call && (rule.when.argument.is_none() || rule.when.value.is_none()) {
        return Err(
            "a call needs the number of its `argument`, and how that is written as `value`".to_owned()
        );
    }
    match &rule.r#do {
        Action::Replace(text) | Action::Constant(text) => template::check(text, kind),
        Action::Adapter(adapter) if kind == Kind::Argument => {
            let has = |name: &str| adapter.text.contains(name);
            if has("{adapter}") && has("{argument}") {
                Ok(())
            } else {
                Err("its text lacks {adapter} or {argument}".to_owned())
            }
        }
        Action::Argument(_) if kind != Kind::Argument => Err("the finding is not of an argument".to_owned()),
        Action::Adapter(_) => Err("only an argument can have an adapter".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "[pack]\nname = \"p\"\nabout = \"a\"\n[[rule]]\nid = \"p/x\"\nwhen = { kind = \"function\", name = \"f\" }\n\
                        do = { replace = \"g({1})\" }\nnote = \"n\"\nsource = \"s\"\n";

    fn error(text: &str) -> String {
        read(text, "p.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_packs_are_whole() {
        for pack in super::super::built_in() {
            assert!(!pack.rules.is_empty(), "{}", pack.name);
        }
    }

    #[test]
    fn a_pack_that_could_not_work_is_refused() {
        assert_eq!(read(RULE, "p.toml").unwrap().rules.len(), 1);
        assert!(error(&RULE.replace("p/x", "q/x")).contains("not of its pack"));
        assert!(error(&RULE.replace("{1}", "{object}")).contains("{object}"));
        assert!(error(&RULE.replace("\"function\"", "\"member\"")).contains("owner"));
        assert!(error(&RULE.replace("\"function\"", "\"elements\"")).contains("owner"));
        let passes =
            |argument| format!("name = \"f\", passes = {{ argument = {argument}, value = \"G\" }} }}");
        let passing = RULE.replace("name = \"f\" }", &passes(2));
        assert_eq!(read(&passing, "p.toml").unwrap().rules.len(), 1);
        assert!(error(&passing.replace("\"function\"", "\"arity\"")).contains("`passes`"));
        assert!(error(&passing.replace("replace", "refuse")).contains("`passes`"));
        assert!(error(&RULE.replace("name = \"f\" }", &passes(0))).contains("`passes`"));
        assert!(error(&RULE.replace("\"function\"", "\"call\"")).contains("`argument`"));
        assert!(error(&RULE.replace("note =", "nota =")).contains("unknown field"));
        let twice = format!("{RULE}{}", RULE.split_once("about = \"a\"\n").unwrap().1);
        assert!(error(&twice).contains("stands twice"));
    }
}
