//! What a README, a change log or a spec file says of a module.

/// The first paragraph that tells something of the module `name`, on one line: no heading, list, badge, licence or code.
pub(super) fn paragraph(text: &str, name: &str) -> Option<String> {
    let mut fenced = false;
    let mut lines: Vec<&str> = Vec::new();
    let mut told = None;
    for line in text.lines().chain([""]) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            lines.clear();
            continue;
        }
        if fenced {
            continue;
        }
        let trimmed = line.trim();
        if !trimmed.is_empty() {
            lines.push(line);
            continue;
        }
        if told.is_none() && tells(&lines, name) {
            told = Some(lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "));
        }
        lines.clear();
    }
    told.map(|text| unmarked(&text))
}

/// Words by which a paragraph is known to be of something else.
const OTHERS: &[&str] = &[
    "copyright",
    "(c)",
    "license",
    "licence",
    "warranty",
    "warranties",
    "makefile",
    "compil",
    "install",
    "download",
];

fn tells(lines: &[&str], name: &str) -> bool {
    let Some(first) = lines.first() else { return false };
    let indented = lines.iter().all(|line| line.starts_with("    ") || line.starts_with('\t'));
    let marked = lines.iter().any(|line| {
        line.trim_start().starts_with(['*', '-', '+', '|', '#', '=', '[', '!', '<', '$', '>', '~', ':'])
    });
    let text = lines.join(" ").to_lowercase();
    let words = text.split_whitespace().count();
    // Of the module, and not of something that it is mentioned with: it stands at the beginning.
    let head: String = text.trim_start().replace('-', "_").chars().take(60).collect();
    let of_module = head.contains(name) || head.contains("module");
    let first = first.trim_start();
    let begins = first.starts_with(|c: char| c.is_uppercase()) || first.replace('-', "_").starts_with(name);
    !indented
        && !marked
        && of_module
        && begins
        && words >= 6
        && text.trim_end().ends_with('.')
        && !text.trim_end().ends_with("..")
        && !OTHERS.iter().any(|word| text.contains(word))
}

/// Without Markdown's marks of emphasis, code and links.
fn unmarked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        match after.split_once("](").and_then(|(label, behind)| Some((label, behind.split_once(')')?.1))) {
            Some((label, behind)) => {
                plain.push_str(label);
                rest = behind;
            }
            None => {
                plain.push('[');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain.replace(['`'], "").replace("**", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a module is, as a title: `mod_x is an authentication module for Apache. It …` as `Authentication module for Apache`.
/// Nothing where that is no line any more, or tells something else than what the module is or does.
pub(super) fn title(paragraph: &str, name: &str) -> Option<String> {
    let sentence = paragraph.split(". ").next().unwrap_or_default().trim_end_matches(['.', ':']);
    let short = name.trim_start_matches("mod_");
    let lower = sentence.to_lowercase();
    let named = [name, short].into_iter().find(|name| lower.starts_with(&format!("{name} ")));
    let rest = match named {
        // Of ASCII, so that it is as long in small letters.
        Some(name) => sentence.get(name.len()..).unwrap_or(sentence).trim_start(),
        None => sentence,
    };
    let said = [
        "is an ",
        "is a ",
        "is the ",
        "This is an ",
        "This is a ",
        "This module is a ",
        "This module is an ",
    ]
    .iter()
    .find_map(|start| rest.strip_prefix(start));
    let rest = said.or(named.map(|_| rest))?;
    let length = rest.chars().count();
    let mut letters = rest.chars();
    let first = letters.next()?;
    (8..=79).contains(&length).then(|| first.to_uppercase().chain(letters).collect())
}

/// The value of a field of a spec file's preamble, where it has no macros in it.
pub(super) fn spec_field(spec: &str, field: &str) -> Option<String> {
    let value = spec.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(field).then(|| value.trim().to_owned())
    })?;
    (!value.is_empty() && !value.contains('%')).then_some(value)
}

/// The text of a spec file's `%description`.
pub(super) fn spec_description(spec: &str) -> Option<String> {
    let (_, behind) = spec.split_once("\n%description\n")?;
    let text: Vec<&str> = behind.lines().take_while(|line| !line.starts_with('%')).collect();
    let text = text.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The version in a name such as `mod_x-1.2.tar.gz`, `mod_x_1.2.orig.tar.xz`, `mod_x-1.2`, `v1.2`.
pub(super) fn version_in_name(name: &str) -> Option<String> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let stem = name.split(".tar").next().unwrap_or(name);
    let stem = [".tgz", ".tbz2", ".txz", ".orig"]
        .iter()
        .fold(stem, |stem, end| stem.strip_suffix(end).unwrap_or(stem));
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.');
    let begins = |at: usize| {
        let rest = &stem[at..];
        let rest = rest.strip_prefix('v').unwrap_or(rest);
        is_number(rest).then_some(rest)
    };
    let behind = |(at, _): (usize, &str)| begins(at + 1);
    stem.match_indices(['-', '_']).find_map(behind).or_else(|| begins(0)).map(version)
}

/// A version as rpm takes one.
pub(super) fn version(text: &str) -> String {
    let text = text.trim().trim_start_matches(['v', 'V']);
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._+~^".contains(c) { c } else { '.' }).collect()
}

/// The address in a text that is about `name`: the first link that has it in.
pub(super) fn link(text: &str, name: &str) -> Option<String> {
    let short = name.trim_start_matches("mod_");
    let ends = |c: char| c.is_whitespace() || "<>()[]\"'`,".contains(c);
    let links = text.match_indices("http").filter_map(|(at, _)| {
        let rest = &text[at..];
        let link = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let link = link.trim_end_matches(['.', ';', ':']);
        (link.starts_with("https://") || link.starts_with("http://")).then_some(link)
    });
    // Badges, archives and single files are no page of a project.
    let is_page = |link: &&str| {
        let flat = link.to_lowercase().replace('-', "_");
        flat.contains(&short.replace('-', "_"))
            && ![".svg", ".png", ".gz", ".zip", ".c", ".yml"].iter().any(|end| link.ends_with(end))
            && !["/issues", "/actions", "/badge"].iter().any(|part| link.contains(part))
    };
    links.filter(is_page).map(project).min_by_key(|link| link.len()).map(str::to_owned)
}

/// A link without what leads into a page; of a forge, the project's own.
fn project(link: &str) -> &str {
    let link = link.split(['?', '#']).next().unwrap_or(link);
    let Some(rest) =
        ["https://github.com/", "https://gitlab.com/"].iter().find_map(|host| link.strip_prefix(host))
    else {
        return link;
    };
    let end = rest.match_indices('/').nth(1).map_or(link.len(), |(at, _)| link.len() - rest.len() + at);
    &link[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_that_tells_something_is_found() {
        let readme = "# mod_x\n[![Build](https://x/badge.svg)](https://x)\n\nCopyright (C) 2020 by somebody, who reserves it all.\n\n\
                      ```\nmake; make install; and a lot of other things.\n```\n\n\
                      mod_x is an **authentication** module for [Apache](https://a). It\nuses `x`.\n\nMore text follows here, and more of it.\n";
        let told = paragraph(readme, "mod_x").unwrap();
        assert_eq!(told, "mod_x is an authentication module for Apache. It uses x.");
        assert_eq!(title(&told, "mod_x").as_deref(), Some("Authentication module for Apache"));
        for (sentence, expected) in [
            ("mod_x hides what is secret.", Some("Hides what is secret")),
            ("This is a module for Apache.", Some("Module for Apache")),
            ("The project was based on the original mod_x code.", None),
        ] {
            assert_eq!(title(sentence, "mod_x").as_deref(), expected, "{sentence}");
        }
        assert_eq!(paragraph("# x\n\n * a\n * b\n", "mod_x"), None);
        assert_eq!(paragraph("Download the distribution as a tarball or via git.\n", "mod_x"), None);
    }

    #[test]
    fn spec_files_are_read() {
        let spec = "Summary: Does x\nVersion:\t1.2\nURL: %{url}\n%description\nOne\ntwo.\n\n%prep\n";
        assert_eq!(spec_field(spec, "summary").as_deref(), Some("Does x"));
        assert_eq!(spec_field(spec, "Version").as_deref(), Some("1.2"));
        assert_eq!(spec_field(spec, "URL"), None);
        assert_eq!(spec_description(spec).as_deref(), Some("One\ntwo."));
    }

    #[test]
    fn versions_are_read_from_names() {
        for (name, version) in [
            ("mod_x-1.2.tar.gz", Some("1.2")),
            ("a/libapache2-mod-auth-mellon_0.18.1.orig.tar.gz", Some("0.18.1")),
            ("libapache2-mod-auth-tkt_2.3.99~b1.orig.tar.gz", Some("2.3.99~b1")),
            ("https://example.org/archive/v2.3.9.tar.gz", Some("2.3.9")),
            ("mod_rpaf-2.0", Some("2.0")),
            ("mod-qos", None),
            ("x.tar.gz", None),
        ] {
            assert_eq!(version_in_name(name).as_deref(), version, "{name}");
        }
        assert_eq!(super::version("v1.0-P1"), "1.0.P1");
    }

    #[test]
    fn the_projects_link_is_found() {
        let text = "See https://example.org/other and <https://github.com/a/mod-x-y/issues>, https://github.com/a/mod-x-y/milestone/6?closed=1.";
        assert_eq!(link(text, "mod_x_y").as_deref(), Some("https://github.com/a/mod-x-y"));
        assert_eq!(link("none", "mod_x_y"), None);
    }
}
