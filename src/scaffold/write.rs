//! The text of a recipe, of what is known.

use std::fmt::Write;
use std::path::Path;

use super::text::{Text, WIDTH, wrapped};
use super::{Arguments, Command, Draft, Header, Known, commands, defines};
use crate::c::directive::{self, Include};
use crate::changeset::Fact;
use crate::recipe::version_and_release;
use crate::source::{Base, SourceSpec};
use crate::{libraries, licenses};

/// Writes the recipe.
pub fn draft(known: &Known<'_>) -> Draft {
    let mut text = Text::default();
    let Known { module, facts, tree, .. } = known;
    text.value("name", &module.name, None);
    if module.symbol != format!("{}_module", module.name.trim_start_matches("mod_")) {
        text.value("symbol", &module.symbol, None);
    }
    text.known(
        "summary",
        tree.summary.as_ref().or(facts.summary.as_ref()),
        "what the module does, in one line without a full stop",
    );
    let description = tree.description.as_ref().or(facts.description.as_ref());
    match description.filter(|fact| !fact.value.is_empty()) {
        Some(fact) => text.paragraphs("description", fact),
        None => text.left(
            "description = \"\"\"…\"\"\": what the module does and what one needs it for, in a paragraph",
        ),
    }
    let license = facts.license.as_ref().or(tree.license.as_ref());
    text.known(
        "license",
        license.map(spdx).as_ref(),
        "the licence as an SPDX expression, as https://spdx.org/licenses has it",
    );
    match &tree.url {
        Some(fact) => text.value("url", &fact.value, Some(&format!("from {}", fact.from))),
        None if known.of_httpd => {
            let url = format!("https://httpd.apache.org/docs/2.4/mod/{}.html", module.name);
            text.value("url", &url, None);
        }
        None => text.left("url = \"https://…\": the project's page"),
    }
    let version = tree.version.as_ref().or(facts.version.as_ref());
    let (value, release) = version_and_release(version.map_or("", |fact| &fact.value));
    let version = version.map(|fact| Fact { value, from: fact.from.clone() });
    text.known("version", version.as_ref(), "upstream's version");
    text.value("release", &release, None);
    let names = |papers: &[super::Paper]| papers.iter().map(|paper| paper.name.clone()).collect::<Vec<_>>();
    match names(&tree.licenses) {
        none if none.is_empty() => {
            text.left("license-files = [\"LICENSE\"]: upstream's licence text, copied beside this file");
        }
        files => text.list("license-files", &files),
    }
    match names(&tree.documentation) {
        none if none.is_empty() => {}
        files => text.list("documentation", &files),
    }
    link(&mut text, known);
    if !known.headers.is_empty() {
        let names: Vec<String> = known.headers.iter().map(|header| header.path.clone()).collect();
        text.list("headers", &names);
        for Header { path, places, .. } in known.headers {
            let places = match places.join(", ") {
                none if none.is_empty() => none,
                places => format!("; and a text in place of each of {places}"),
            };
            text.left(&format!(
                "{path}: what upstream's configure would find here; each name that it asks for stands in it{places}"
            ));
        }
    }
    let given = defines::asked_for(&tree.defines, known.texts);
    if !given.is_empty() {
        let given = given.iter().map(|define| format!("\"{define}\"")).collect::<Vec<_>>().join(", ");
        text.left(&format!(
            "defines = [{given}]: what the build gives to the compiler of these, and as what"
        ));
    }
    text.out.push_str("\n[source]\n");
    source(&mut text, known.source);

    let commands: Vec<Command> = known.texts.iter().flat_map(|text| commands(text)).collect();
    if !commands.is_empty() {
        drop_in(&mut text, &commands);
    }
    checks(&mut text, &commands);
    text.out.push('\n');
    text.left("[[changelog]] with date = 2026-01-31, author = \"Name <name@example.org>\", version = \"VERSION-1\", notes = [\"First package.\"]");
    Draft { text: text.out, left: text.left }
}

/// A licence by the identifier that SPDX has for it.
fn spdx(fact: &Fact) -> Fact {
    let value = licenses::of_name(&fact.value).map_or_else(|| fact.value.clone(), str::to_owned);
    Fact { value, from: fact.from.clone() }
}

/// What apxs and httpd's own headers bring, what tests of the build want, and what is in the C library but elsewhere.
const OF_OTHERS: &[&str] =
    &["apr-1", "apr-util-1", "aprutil-1", "httpd", "check", "c", "dl", "nsl", "pthread", "resolv", "socket"];

/// The libraries: of a module of httpd's own those that its build system names, of another those whose headers it includes too.
fn link(text: &mut Text, known: &Known<'_>) {
    let listed = known.listing.map(|listing| &listing.module);
    let mut names: Vec<String> = listed.map_or_else(Vec::new, |module| module.libraries.clone());
    if !known.of_httpd {
        for header in known.texts.iter().flat_map(|text| directive::includes(text).filter_map(Include::path))
        {
            // Macros of its headers may use what those have that they include.
            let library = libraries::of_header(header).or_else(|| libraries::through_header(header));
            for name in library.iter().flat_map(|library| library.link.iter().chain(&library.with)) {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
    }
    if !names.is_empty() {
        text.list("libraries", &names);
    }
    // Nobody can tell from the test alone whether the module needs it: it may be another program's, or an option's.
    let asked = known.tree.asked.libraries.iter().filter(|_| listed.is_none());
    let asked: Vec<String> = asked
        .filter(|name| !names.contains(name) && !OF_OTHERS.contains(&name.as_str()))
        .map(|name| format!("\"{name}\""))
        .collect();
    if !asked.is_empty() {
        let asked = asked.join(", ");
        text.left(&format!("libraries: of what configure looks for, {asked}, those that the module needs"));
    }
    let unknown = listed.map_or(&known.tree.asked.unknown, |module| &module.unknown);
    for name in unknown.iter().filter(|name| !OF_OTHERS.contains(&name.as_str())) {
        text.left(&format!(
            "libraries: what pkg-config knows as {name} is looked for by configure, if it is needed"
        ));
    }
}

fn source(text: &mut Text, source: &SourceSpec) {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    match source {
        SourceSpec::Patches { files, base } => {
            text.list("patches", &files.iter().map(|file| path(file)).collect::<Vec<_>>());
            match base {
                Some(Base::Directory(folder)) => text.value("base", &path(folder), None),
                Some(Base::Git { repository, revision }) => {
                    text.value("base", &format!("{repository}@{revision}"), None);
                }
                None => {}
            }
        }
        SourceSpec::Commit { url, commit } => {
            text.value("git", url, None);
            text.value("commit", commit, None);
        }
        SourceSpec::Revision { url, commit, files } => {
            text.value("git", url, None);
            text.value("commit", commit, None);
            text.list("files", files);
        }
        SourceSpec::Release { tarball, sha256, files } => {
            text.value("tarball", tarball, None);
            text.value("sha256", sha256, None);
            text.list("files", files);
            if !tarball.contains("://") {
                text.left(
                    "tarball: upstream's https:// address, if the file is not to be kept beside this one",
                );
            }
        }
        SourceSpec::Tree { directory, files } => {
            text.value("directory", &path(directory), None);
            text.list("files", files);
        }
    }
}

/// Each directive as a commented example.
fn drop_in(text: &mut Text, commands: &[Command]) {
    text.out.push_str("\n[drop-in]\ndirectives = \"\"\"\n");
    for Command { name, arguments, help, .. } in commands {
        let example = match arguments {
            Arguments::Flag => format!("{name} off"),
            Arguments::None => name.clone(),
            Arguments::Some => format!("{name} …"),
        };
        for line in help.iter().flat_map(|help| wrapped(help, WIDTH - 4)) {
            // A template: its braces are no placeholders, and it stands in a TOML text.
            let line = line.replace("{{", "{ {").replace('\\', "\\\\").replace("\"\"\"", "'''");
            let _ = writeln!(text.out, "# {line}");
        }
        let _ = writeln!(text.out, "#   {example}");
    }
    text.out.push_str("\"\"\"\n");
}

/// The checks that follow from the directives, and what is left of them to write.
fn checks(text: &mut Text, commands: &[Command]) {
    let in_place = |command: &Command, argument: &str| match (command.at_server, argument) {
        (true, "") => command.name.clone(),
        (true, argument) => format!("{} {argument}", command.name),
        (false, argument) => format!("<Location \"/\">\n  {} {argument}\n</Location>", command.name),
    };
    if let Some(switch) = commands.iter().find(|command| command.arguments == Arguments::Flag) {
        text.check("its switch is accepted", &in_place(switch, "off"), None);
        text.check("its switch is on or off", &in_place(switch, "perhaps"), Some("must be On or Off"));
    } else if let Some(command) = commands.iter().find(|command| command.arguments == Arguments::None) {
        text.check("its directive is accepted", &in_place(command, ""), None);
    } else if let Some(command) = commands.first() {
        text.out.push('\n');
        let name = &command.name;
        text.left(&format!("[[check]] with name = \"its directive is accepted\", directive = \"{name} …\""));
    }
    text.out.push('\n');
    text.left(
        "[[check]] with name, config, request = { path = \"/index.html\" } and expect = { status = 200 }: a request whose answer only \
         the module can give",
    );
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::autoconf::Asked;
    use crate::changeset::{ModuleFound, PatchFacts};
    use crate::lint::LEFT;
    use crate::recipe;
    use crate::scaffold::TreeFacts;

    fn known(text: &str, tree: &TreeFacts) -> Draft {
        let [name, symbol, file] = ["mod_x", "x_module", "mod_x.c"].map(str::to_owned);
        let source = SourceSpec::Tree { directory: "src".into(), files: vec![file.clone()] };
        draft(&Known {
            module: &ModuleFound { name, symbol, file, line: 1 },
            of_httpd: false,
            facts: &PatchFacts::default(),
            listing: None,
            texts: &[Arc::from(text)],
            tree,
            headers: &[],
            source: &source,
        })
    }

    fn fact(value: &str) -> Option<Fact> {
        Some(Fact { value: value.to_owned(), from: "README".to_owned() })
    }

    #[test]
    fn what_is_known_is_a_recipe_that_is_read_again() {
        let facts = TreeFacts {
            summary: fact("Says \"hello\""),
            description: fact("It says\nhello.\n\nAnd \\more\\ {{of}} it."),
            license: fact("ASL 2.0"),
            version: fact("1.2~rc1"),
            defines: ["XOn", "UNUSED"].map(str::to_owned).into(),
            asked: Asked {
                libraries: ["curl", "magic", "attr", "socket"].map(str::to_owned).into(),
                ..Asked::default()
            },
            ..TreeFacts::default()
        };
        let table = "#include <curl/curl.h>\n#include \"openssl/ssl.h\"\n#include \"apr_ldap.h\"\n\
                     AP_INIT_FLAG(\"XOn\", f, 0, RSRC_CONF, \"On or {{off}} \\\"or\\\" \\\\ both\"), AP_INIT_TAKE1(\"XTo\", f, 0, OR_ALL, 0),";
        let Draft { text, left } = known(table, &facts);
        let recipe = recipe::parse(&text, "module.toml", PathBuf::from("."))
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!((recipe.summary.as_str(), recipe.license.as_str()), ("Says \"hello\"", "Apache-2.0"));
        assert_eq!((recipe.version.as_str(), recipe.release.as_str()), ("1.2", "0.1.rc1"));
        assert_eq!(recipe.description, "It says hello.\n\nAnd \\more\\ {{of}} it.");
        assert_eq!(recipe.libraries, ["curl", "ssl", "crypto", "ldap", "lber"]);
        assert_eq!(recipe.checks.len(), 2, "{text}");
        assert_eq!(
            recipe.directives.as_deref(),
            Some("# On or { {off}} \"or\" \\ both\n#   XOn off\n#   XTo …\n")
        );
        assert!(left.iter().any(|left| left.starts_with("url = ")), "{left:?}");
        assert!(left.iter().any(|left| left.starts_with("defines = [\"XOn\"]: ")), "{left:?}");
        let asked =
            "libraries: of what configure looks for, \"magic\", \"attr\", those that the module needs";
        assert!(left.iter().any(|left| left == asked), "{left:?}");
        assert_eq!(text.matches(LEFT).count(), left.len());
    }

    #[test]
    fn what_is_not_known_is_left_to_write_and_no_value() {
        let Draft { text, left } = known("AP_INIT_TAKE1(\"XTo\", f, 0, OR_ALL, 0)", &TreeFacts::default());
        for key in [
            "summary = ",
            "license = ",
            "version = ",
            "description = ",
            "[[check]] with name = \"its directive",
        ] {
            assert!(left.iter().any(|left| left.starts_with(key)), "{key} in {left:?}");
        }
        let error = recipe::parse(&text, "module.toml", PathBuf::from(".")).unwrap_err();
        assert!(error.to_string().contains("missing field `summary`"), "{error}");
    }

    #[test]
    fn a_directive_of_sections_is_checked_in_one() {
        let Draft { text, .. } = known("AP_INIT_FLAG(\"XOn\", f, 0, ACCESS_CONF, 0)", &TreeFacts::default());
        assert!(text.contains("<Location"), "{text}");
    }
}
