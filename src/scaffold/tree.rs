//! What the tree of a third party's module says of it: licence, version, address, description, papers.

use std::sync::Arc;

use super::{defines, prose};
use crate::autoconf::{self, Asked};
use crate::c::directive;
use crate::changeset::{Fact, ModuleFound};
use crate::licenses;
use crate::source::{self, Tree};

/// What was found; what was not is missing.
#[derive(Debug, Clone, Default)]
pub struct TreeFacts {
    /// One line.
    pub summary: Option<Fact>,
    /// One paragraph or more.
    pub description: Option<Fact>,
    /// An SPDX expression.
    pub license: Option<Fact>,
    /// As rpm takes it.
    pub version: Option<Fact>,
    /// The project's page.
    pub url: Option<Fact>,
    /// Texts of licences.
    pub licenses: Vec<Paper>,
    /// What there is to read.
    pub documentation: Vec<Paper>,
    /// The libraries that the build system looks for.
    pub asked: Asked,
    /// The macros that it gives to the compiler: `NAME`, or `NAME=…`.
    pub defines: Vec<String>,
}

/// A file that goes beside the recipe as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Its plain name.
    pub name: String,
    /// All of it.
    pub bytes: Arc<[u8]>,
}

/// Beginnings of the names of licence texts, in small letters.
const LICENSES: &[&str] = &["license", "licence", "copying", "mit-license", "notice"];
/// Of what tells of the module.
const READMES: &[&str] = &["readme"];
/// A paper is no larger, in bytes.
const LARGEST: usize = 1 << 20;

impl TreeFacts {
    /// Of httpd's own tree the licence only: its other papers are not the module's.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn of_httpd(tree: &Tree) -> Result<TreeFacts, source::Error> {
        let bytes = tree.read("LICENSE")?.filter(|bytes| bytes.len() <= LARGEST);
        let licenses = bytes.map(|bytes| Paper { name: "LICENSE".to_owned(), bytes });
        Ok(TreeFacts { licenses: licenses.into_iter().collect(), ..TreeFacts::default() })
    }

    /// Reads what stands in the folders from that of the module's file up to the top. `called` is what the tree was named by: a
    /// tarball, a revision, a folder.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn read(tree: &Tree, module: &ModuleFound, called: &str) -> Result<TreeFacts, source::Error> {
        let version = prose::version_in_name(called).map(|value| Fact {
            value,
            from: format!("the name {}", called.rsplit('/').next().unwrap_or(called)),
        });
        let mut facts = TreeFacts { version, ..TreeFacts::default() };
        let sources = tree.read(&module.file)?.map(|bytes| text(&bytes));
        for folder in folders(&module.file) {
            for path in tree.list(folder)? {
                facts.take(tree, &path, module)?;
            }
        }
        if let Some(version) = sources.as_deref().and_then(|text| macro_version(text, &module.name)) {
            let from = format!("a macro in {}", module.file);
            facts.version.get_or_insert(Fact { value: prose::version(&version), from });
        }
        if facts.summary.is_none()
            && let Some(Fact { value, from }) = &facts.description
            && let Some(value) = prose::title(value, &module.name)
        {
            facts.summary = Some(Fact { value, from: from.clone() });
        }
        Ok(facts)
    }

    /// Takes from one file what it says.
    fn take(&mut self, tree: &Tree, path: &str, module: &ModuleFound) -> Result<(), source::Error> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let lower = name.to_ascii_lowercase();
        let begins = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
        let kind = match lower.as_str() {
            "configure.ac" | "configure.in" => Kind::Configure,
            "configure" => Kind::Script,
            "makefile" | "gnumakefile" | "makefile.in" | "makefile.am" | "acinclude.m4" => Kind::Build,
            "version" | "version.txt" => Kind::Version,
            _ if lower.ends_with(".spec") => Kind::Spec,
            _ if begins(LICENSES) && !lower.ends_with(".c") && !lower.ends_with(".h") => Kind::License,
            _ if begins(READMES) && !lower.contains("win") && !lower.ends_with(".php") => Kind::Readme,
            _ => return Ok(()),
        };
        let Some(bytes) = tree.read(path)?.filter(|bytes| bytes.len() <= LARGEST) else { return Ok(()) };
        let text = text(&bytes);
        let fact = |value: String| Fact { value, from: path.to_owned() };
        let paper = || Paper { name: name.to_owned(), bytes: bytes.clone() };
        let keep = |to: &mut Option<Fact>, value: Option<String>| {
            if let (None, Some(value)) = (&to, value) {
                *to = Some(fact(value));
            }
        };
        match kind {
            Kind::License => {
                let id = licenses::stated(&text).or_else(|| licenses::of_text(&text).map(str::to_owned));
                keep(&mut self.license, id);
                if !self.licenses.iter().any(|known| known.name == name) {
                    self.licenses.push(paper());
                }
            }
            Kind::Readme => {
                keep(&mut self.description, prose::paragraph(&text, &module.name));
                keep(&mut self.url, prose::link(&text, &module.name));
                if !self.documentation.iter().any(|known| known.name == name) {
                    self.documentation.push(paper());
                }
            }
            Kind::Spec => {
                // What a package says is meant for a package: before what a README says.
                let summary =
                    prose::spec_field(&text, "Summary").map(|text| text.trim_end_matches('.').to_owned());
                self.summary = summary.map(fact).or(self.summary.take());
                self.description = prose::spec_description(&text).map(fact).or(self.description.take());
                self.url = prose::spec_field(&text, "URL").map(fact).or(self.url.take());
                keep(
                    &mut self.version,
                    prose::spec_field(&text, "Version").map(|text| prose::version(&text)),
                );
                let license = prose::spec_field(&text, "License");
                let id = |license: String| match spdx::Expression::parse(&license) {
                    Ok(_) => Some(license),
                    Err(_) => licenses::of_name(&license).map(str::to_owned),
                };
                keep(&mut self.license, license.and_then(id));
            }
            Kind::Configure => {
                let package = autoconf::package(&text);
                keep(&mut self.version, package.version.map(|text| prose::version(&text)));
                keep(&mut self.url, package.url);
                self.asked.add(autoconf::asked(&text));
                self.gives(&text);
            }
            // What autoconf generated says what configure.ac says, in more words.
            Kind::Script if text.contains("Generated by GNU Autoconf") => {}
            Kind::Build | Kind::Script => self.gives(&text),
            Kind::Version => {
                let first = text
                    .split_whitespace()
                    .next()
                    .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
                keep(&mut self.version, first.map(prose::version));
            }
        }
        Ok(())
    }

    fn gives(&mut self, text: &str) {
        for define in defines::given(text) {
            if !self.defines.contains(&define) {
                self.defines.push(define);
            }
        }
    }
}

/// What a file is.
enum Kind {
    License,
    Readme,
    Spec,
    Configure,
    /// It is another part of the build system.
    Build,
    /// A shell script, written by hand or by autoconf.
    Script,
    Version,
}

/// The folders from that of a file up to the top.
pub(super) fn folders(file: &str) -> impl Iterator<Item = &str> {
    let first = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    std::iter::successors(Some(first), |folder| match folder.rsplit_once('/') {
        Some((outer, _)) => Some(outer),
        None if folder.is_empty() => None,
        None => Some(""),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

/// The version in a macro such as `#define MOD_X_VERSION "1.2"`.
fn macro_version(text: &str, module: &str) -> Option<String> {
    let short = module.trim_start_matches("mod_").to_ascii_uppercase();
    let defined = text.lines().filter_map(|line| {
        let rest = directive::behind(line, "define")?;
        let (name, value) = rest.trim_start().split_once(|c: char| c.is_whitespace())?;
        let value = value.trim().strip_prefix('"')?.split('"').next()?;
        // `X/1.2` and `mod_x 1.2` as well.
        let number = value
            .split(['/', ' '])
            .rfind(|word| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()))?;
        (name.ends_with("VERSION") || name.ends_with("VERSION_STRING"))
            .then(|| (name.to_owned(), number.to_owned()))
    });
    let all: Vec<(String, String)> = defined.collect();
    let own = all.iter().find(|(name, _)| name.to_ascii_uppercase().contains(&short));
    own.or(all.iter().find(|(name, _)| name == "VERSION")).map(|(_, version)| version.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn facts(files: &[(&str, &str)], called: &str) -> TreeFacts {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()));
        let tree = Tree::memory("x".to_owned(), files.collect::<BTreeMap<_, _>>());
        let [name, symbol, file] = ["mod_x", "x_module", "src/mod_x.c"].map(str::to_owned);
        TreeFacts::read(&tree, &ModuleFound { name, symbol, file, line: 1 }, called).unwrap()
    }

    fn values(facts: &TreeFacts) -> [Option<&str>; 5] {
        [&facts.summary, &facts.description, &facts.license, &facts.version, &facts.url]
            .map(|fact| fact.as_ref().map(|fact| fact.value.as_str()))
    }

    #[test]
    fn a_spec_file_says_most() {
        let spec = "Summary: Does x\nVersion: 1.1\nLicense: ASL 2.0\nURL: https://example.org\n\n%description\nIt does x.\n\n%prep\n";
        let files = [
            ("mod_x.spec", spec),
            ("README", "mod_x is a module which does x and more.\n"),
            ("src/mod_x.c", ""),
        ];
        let found = facts(&files, "mod_x-1.2.tar.gz");
        assert_eq!(
            values(&found),
            [
                Some("Does x"),
                Some("It does x."),
                Some("Apache-2.0"),
                Some("1.2"),
                Some("https://example.org")
            ]
        );
        assert_eq!(found.documentation.len(), 1);
        assert_eq!(values(&facts(&files, "x"))[3], Some("1.1"));
    }

    #[test]
    fn without_one_the_other_files_are_read() {
        let configure = "AC_INIT([mod_x],[0.9])\nPKG_CHECK_MODULES(A, libcurl)\nDEFS=\"-DX_ONE\"";
        let files = [
            ("COPYING", "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"),
            (
                "README.md",
                "# x\n\nmod_x is a module which does x and more of it.\n\nhttps://example.org/mod_x\n",
            ),
            ("configure.ac", configure),
            ("src/Makefile.am", "AM_CFLAGS = -DX_ONE -DX_TWO=2\n"),
            ("src/mod_x.c", ""),
        ];
        let found = facts(&files, "x");
        let [summary, _, license, version, url] = values(&found);
        assert_eq!(summary, Some("Module which does x and more of it"));
        assert_eq!(
            (license, version, url),
            (Some("GPL-3.0-only"), Some("0.9"), Some("https://example.org/mod_x"))
        );
        assert_eq!(found.asked.libraries, ["curl"]);
        assert_eq!(found.defines, ["X_ONE", "X_TWO=…"]);
        assert_eq!(found.licenses[0].name, "COPYING");
    }

    #[test]
    fn each_part_of_the_build_adds_what_it_asks_for_and_gives() {
        let generated = "# Generated by GNU Autoconf 2.69.\nDEFS=-DHAVE_CONFIG_H\n";
        let files = [
            ("src/configure.ac", "AC_CHECK_LIB([magic],[magic_open])"),
            ("configure.ac", "AC_CHECK_LIB([attr],[getxattr])\nPKG_CHECK_MODULES(Q, quux)"),
            ("src/configure", "#!/bin/sh\necho \"CFLAGS += -DAPACHE24\" >> Makedefs\n"),
            ("configure", generated),
            ("src/mod_x.c", ""),
        ];
        let TreeFacts { asked, defines, .. } = facts(&files, "x");
        assert_eq!(
            (asked.libraries, asked.unknown),
            (vec!["magic".into(), "attr".into()], vec!["quux".into()])
        );
        assert_eq!(defines, ["APACHE24"]);
    }

    #[test]
    fn a_version_may_stand_in_a_macro() {
        for (text, version) in [
            ("#define MOD_X_VERSION \"1.0-P1\"", Some("1.0.P1")),
            ("#define X_VERSION_STRING \"mod_x/2.1\"", Some("2.1")),
            ("#define VERSION \"3\"", Some("3")),
            ("#define OTHER_VERSION \"3\"", None),
        ] {
            assert_eq!(values(&facts(&[("src/mod_x.c", text)], "x"))[3], version, "{text}");
        }
        assert_eq!(values(&facts(&[("src/mod_x.c", "")], "x")), [None; 5]);
    }
}
