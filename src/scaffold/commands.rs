//! The directives of a module, from the table in its source.
//!
//! Both ways of writing an entry are read: `AP_INIT_TAKE1("Name", function, NULL, RSRC_CONF, "help")`, and httpd 1.3's
//! `{ "Name", function, NULL, RSRC_CONF, TAKE1, "help" }`, which 2.x takes as well.

/// A directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// As it is written in a configuration.
    pub name: String,
    /// What it takes.
    pub arguments: Arguments,
    /// Whether it may stand at the level of the server; else only in a section such as `<Location>`.
    pub at_server: bool,
    /// What the table says of it.
    pub help: Option<String>,
}

/// What a directive takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// `on` or `off`.
    Flag,
    /// Nothing.
    None,
    /// Something that only a person knows.
    Some,
}

/// The ends of `AP_INIT_…`, and the names that httpd 1.3 has for them.
const KINDS: &[(&str, Arguments)] = &[
    ("FLAG", Arguments::Flag),
    ("NO_ARGS", Arguments::None),
    ("RAW_ARGS", Arguments::Some),
    ("TAKE1", Arguments::Some),
    ("TAKE2", Arguments::Some),
    ("TAKE12", Arguments::Some),
    ("TAKE3", Arguments::Some),
    ("TAKE13", Arguments::Some),
    ("TAKE23", Arguments::Some),
    ("TAKE123", Arguments::Some),
    ("TAKE_ARGV", Arguments::Some),
    ("ITERATE", Arguments::Some),
    ("ITERATE2", Arguments::Some),
];

/// Where a directive may stand for it to be taken at the level of the server: httpd reads that with all of them but OR_AUTHCFG and
/// OR_LIMIT (server/config.c, ap_process_resource_config).
const AT_SERVER: &[&str] = &["RSRC_CONF", "OR_OPTIONS", "OR_FILEINFO", "OR_INDEXES", "OR_UNSET", "OR_ALL"];

/// More than this is no table of a module.
const MOST: usize = 1000;

/// The directives in a C text, in order, each once. Sections (`<Name>`) are left out.
pub fn commands(text: &str) -> Vec<Command> {
    let text = without_comments(text);
    let mut found: Vec<Command> = Vec::new();
    let mut add = |command: Option<Command>| {
        if let Some(command) = command
            && found.len() < MOST
            && !found.iter().any(|known| known.name == command.name)
        {
            found.push(command);
        }
    };
    let mut at = 0;
    while let Some(start) = text[at..].find(['A', '{']).map(|found| at + found) {
        at = start + 1;
        let rest = &text[start..];
        if let Some(after) = rest.strip_prefix("AP_INIT_") {
            let Some((kind, inside)) = after.split_once('(') else { continue };
            let kind = kind_of(kind.trim());
            add(kind.and_then(|kind| command(&arguments(inside), kind, 4)));
        } else if let Some(inside) = rest.strip_prefix('{')
            && inside.trim_start().starts_with('"')
        {
            let arguments = arguments(inside);
            let kind = arguments.get(4).and_then(|word| kind_of(word));
            add(kind.and_then(|kind| command(&arguments, kind, 5)));
        }
    }
    found
}

fn kind_of(name: &str) -> Option<Arguments> {
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// A directive of the arguments of its entry; `help` is the number of the one with its help.
fn command(arguments: &[&str], kind: Arguments, help: usize) -> Option<Command> {
    let name = literal(arguments.first()?)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.chars().all(plain) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let place = arguments.get(3)?;
    Some(Command {
        name,
        arguments: kind,
        at_server: place
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| AT_SERVER.contains(&word)),
        help: arguments.get(help).and_then(|text| literal(text)).filter(|help| !help.is_empty()),
    })
}

/// The arguments of a call or the members of an initialiser, up to its end; blanks around each are off.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut in_text, mut escaped) = (0_u32, 0, false, false);
    let mut all = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => {
                all.push(text[start..at].trim());
                return all;
            }
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                all.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        if all.len() > 8 {
            break;
        }
    }
    all
}

/// The text of string literals that stand side by side; nothing where there is something else, such as a macro.
fn literal(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.trim_start();
    while let Some(inside) = rest.strip_prefix('"') {
        let mut characters = inside.char_indices();
        let end = loop {
            match characters.next()? {
                (end, '"') => break end,
                (_, '\\') => match characters.next()?.1 {
                    'n' | 't' | 'r' => value.push(' '),
                    c => value.push(c),
                },
                (_, c) => value.push(c),
            }
        };
        rest = inside[end + 1..].trim_start();
    }
    let whole = rest.is_empty() && !text.trim().is_empty();
    whole.then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text with comments as blanks.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['/', '"', '\'']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if let Some(comment) = rest.strip_prefix("/*") {
            plain.push(' ');
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
            continue;
        } else if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        } else if rest.starts_with('/') {
            1
        } else {
            end_of_literal(rest)
        };
        plain.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

/// Bytes of the literal that a text begins with, quotes included; it ends with its line at the latest.
fn end_of_literal(text: &str) -> usize {
    let mut characters = text.char_indices();
    let quote = characters.next().map(|(_, quote)| quote);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                characters.next();
            }
            '\n' => return at,
            c if Some(c) == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_table_are_read() {
        let text = r#"
/* AP_INIT_FLAG("Commented", f, NULL, RSRC_CONF, "no") */
static const command_rec cmds[] = {
    AP_INIT_FLAG("XEnable", ap_set_flag_slot,
                 (void *)APR_OFFSETOF(cfg, on), RSRC_CONF | OR_FILEINFO, "On, \"or\" "
                 "off"),
    AP_INIT_TAKE1( "XPath", set(a, b), NULL, ACCESS_CONF, HELP_MACRO ),
    AP_INIT_RAW_ARGS("<XSection", f, NULL, RSRC_CONF, "a section"),
    { "XOld", f, (void *) 0, OR_AUTHCFG | ACCESS_CONF, NO_ARGS, "an old one" }, // { "XNot", f, 0, OR_ALL, FLAG, "" }
    { "no", 1 },
    AP_INIT_FLAG("XEnable", again, NULL, RSRC_CONF, "again"),
    AP_INIT_FLAG(NAME, f, NULL, RSRC_CONF, "of a macro"),
    { NULL }
};
"#;
        let command = |name: &str, arguments, at_server, help: Option<&str>| Command {
            name: name.to_owned(),
            arguments,
            at_server,
            help: help.map(str::to_owned),
        };
        assert_eq!(
            commands(text),
            [
                command("XEnable", Arguments::Flag, true, Some("On, \"or\" off")),
                command("XPath", Arguments::Some, false, None),
                command("XOld", Arguments::None, false, Some("an old one")),
            ]
        );
    }

    #[test]
    fn unclosed_things_end_with_the_text() {
        for text in [
            "AP_INIT_FLAG(",
            "AP_INIT_FLAG(\"X",
            "{ \"X\\",
            "/*",
            "//",
            "'\\",
            "AP_INIT_TAKE1(\"X\", f, \"\\",
            "{\"ä\",",
        ] {
            assert_eq!(commands(text), [], "{text}");
        }
    }
}
