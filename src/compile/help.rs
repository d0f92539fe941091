//! What to do about a compiler's message, where modgraft knows: `templates/compile-help.toml` and `httpd-api.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::flatten::Interface;
use crate::libraries;
use crate::target::{Target, calendar};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rule: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    pattern: Vec<String>,
    #[serde(default)]
    when: Condition,
    help: String,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Condition {
    #[default]
    Always,
    NewerHttpd,
    Exported,
    Declared,
    Apr,
    AprHeader,
    CHeader,
    HttpdHeader,
    Library,
    LibraryHeader,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let text = include_str!("../../templates/compile-help.toml");
    let data: Rules = toml::from_str(text)
        .unwrap_or_else(|error| panic!("compile-help.toml is embedded and tested: {error}"));
    data.rule
});

/// The C library's headers, as upstream's modules include them; without them nothing compiles.
const C_HEADERS: &[&str] = &[
    "stdio.h",
    "stdlib.h",
    "string.h",
    "limits.h",
    "sys/types.h",
    "errno.h",
    "stdarg.h",
    "stddef.h",
    "unistd.h",
];

/// How httpd names the headers of its core and its modules.
const HTTPD_HEADERS: &[&str] = &[
    "mod_",
    "ap_",
    "http_",
    "util_",
    "httpd",
    "mpm",
    "unixd",
    "scoreboard",
    "h2_",
    "ssl_",
    "cache_",
    "proxy_",
];

/// The help for a message, if there is one.
pub fn for_message(text: &str, target: &Target) -> Option<String> {
    RULES.iter().find_map(|rule| {
        let mut values = rule.pattern.iter().find_map(|pattern| captures(pattern, text))?;
        let name = values.get("name").cloned().unwrap_or_default();
        let interface = || target.interface();
        let command = match rule.when {
            Condition::Always => String::new(),
            Condition::NewerHttpd => {
                values.insert("since", calendar::since(&name, &target.httpd_version)?);
                String::new()
            }
            Condition::Exported => {
                values.insert("provider", interface().exported_by(&name)?);
                String::new()
            }
            Condition::Declared => {
                values.insert("header", interface().declared_in(&name)?);
                String::new()
            }
            Condition::Apr if name.starts_with("apr_") || name.starts_with("apu_") => String::new(),
            Condition::AprHeader if name.starts_with("apr") || name.starts_with("apu") => {
                target.advice.httpd.clone()
            }
            Condition::CHeader if C_HEADERS.contains(&name.as_str()) => target.advice.compiler.clone(),
            Condition::Library => {
                values.insert("package", libraries::of_link(&name)?.packages()?);
                String::new()
            }
            Condition::LibraryHeader => {
                values.insert("package", libraries::of_header(&name)?.packages()?);
                String::new()
            }
            Condition::HttpdHeader if HTTPD_HEADERS.iter().any(|prefix| name.starts_with(prefix)) => {
                String::new()
            }
            _ => return None,
        };
        values.insert("command", command);
        values.insert("httpd", target.httpd_version.clone());
        values.insert("apr", target.apr_version.clone());
        Some(fill(&rule.help, &values))
    })
}

/// What the names in braces of a pattern stand for, where the text has the pattern somewhere. A value has no blank in it.
fn captures<'p>(pattern: &'p str, text: &str) -> Option<BTreeMap<&'p str, String>> {
    let mut values = BTreeMap::new();
    let (first, mut pattern) = pattern.split_once('{').map_or((pattern, ""), |(first, rest)| (first, rest));
    let start = text.find(first)?;
    let mut rest = &text[start + first.len()..];
    // A pattern that begins with a name takes the last word before what follows it.
    let open_start = first.is_empty();
    while let Some((name, after)) = pattern.split_once('}') {
        let (literal, next) = after.split_once('{').map_or((after, ""), |(literal, next)| (literal, next));
        let end = if literal.is_empty() {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        } else {
            rest.find(literal)?
        };
        let mut value = &rest[..end];
        if open_start && values.is_empty() {
            value = value.rsplit(char::is_whitespace).next().unwrap_or(value);
        }
        if value.is_empty() || value.contains(char::is_whitespace) {
            return None;
        }
        values.insert(name, value.to_owned());
        rest = &rest[end + literal.len()..];
        pattern = next;
    }
    Some(values)
}

fn fill(template: &str, values: &BTreeMap<&str, String>) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_their_braces_stand_for() {
        let one = |pattern, text| {
            captures(pattern, text).map(|values| values.into_values().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            one("function '{name}'", "implicit declaration of function 'ap_x' [-W]").as_deref(),
            Some("ap_x")
        );
        assert_eq!(
            one("'{type}' has no member named '{name}'", "'conn_rec' has no member named 'x'").as_deref(),
            Some("x conn_rec")
        );
        assert_eq!(
            one("{name}: No such file or directory", "a/b.h: No such file or directory").as_deref(),
            Some("a/b.h")
        );
        assert_eq!(one("cannot find -l{name}:", "cannot find -lssl: No such file").as_deref(), Some("ssl"));
        assert_eq!(one("cannot find -l{name}", "cannot find -lssl").as_deref(), Some("ssl"));
        assert_eq!(one("function '{name}'", "nothing"), None);
    }

    #[test]
    fn every_name_in_braces_of_a_help_can_be_filled() {
        let known = ["name", "type", "httpd", "apr", "since", "provider", "header", "command", "package"];
        for rule in RULES.iter() {
            for part in rule.help.split('{').skip(1) {
                let name = part.split('}').next().unwrap();
                assert!(known.contains(&name), "{name} in: {}", rule.help);
            }
        }
    }
}
