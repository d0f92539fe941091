//! Classification rules as data: which files and hunks a rule is about, the class it gives them, and the reason in words.
//!
//! A recipe's own rules (`[[classify]]`) are asked first, then the built-in ones of `templates/classify.toml`; the first that
//! fits decides.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::glob::Glob;
use super::{Action, Class};

/// One rule. All that it states must hold; a rule with `added` is about single hunks, any other about whole files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// A stable name for the report (`build-system.m4`); `recipe.N` where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A glob, or a list of them, on the path after the change: `modules/proxy/proxy_util.c`, `**/*.mk`.
    pub path: Globs,
    /// The file is this after the whole series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The file's text has one of these strings in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<String>,
    /// The hunk adds a line with one of these strings in it. With this, the rule is about such hunks only, and leaves their
    /// file's class alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// All of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Situation>,
    /// What such a file or hunk is to the graft.
    pub class: Class,
    /// Why, in words, for the report.
    pub why: Arc<str>,
}

/// What can be known of a C file beyond its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Situation {
    /// It defines a module structure.
    DefinesModule,
    /// It stands in the folder of a file that is the module's source.
    BesideModule,
    /// No new file of the changeset defines a module structure.
    NoNewModule,
}

/// One glob or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a glob or a list of globs: `*` and `?` stay within a part of the path, `**` stands for any number of parts, `{a,b}` for either"
)]
pub enum Globs {
    /// One.
    One(Glob),
    /// Several, any of which may fit.
    Many(Vec<Glob>),
}

impl Globs {
    fn matches(&self, path: &str) -> bool {
        match self {
            Globs::One(glob) => glob.matches(path),
            Globs::Many(globs) => globs.iter().any(|glob| glob.matches(path)),
        }
    }
}

/// Which rule decided, and why, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The rule's stable name (`build-system.m4`).
    pub rule: Arc<str>,
    /// For a person: `autoconf input: configure is not run for a single module`.
    pub why: Arc<str>,
}

/// What is known of a file when its class is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) path: &'a str,
    pub(super) action: Action,
    /// What is known of its text.
    pub(super) text: &'a str,
    pub(super) defines_module: bool,
    pub(super) beside_module: bool,
    pub(super) new_module: bool,
}

/// A class and the reason for it.
pub(super) type Verdict = (Class, Reason);

/// The recipe's rules and the built-in ones behind them.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    own: &'a [Rule],
}

impl<'a> Rules<'a> {
    pub(super) fn new(own: &'a [Rule]) -> Self {
        Rules { own }
    }

    /// All rules in the order in which they are asked, with their names.
    fn all(&self) -> impl Iterator<Item = (usize, &Rule)> {
        self.own.iter().chain(built_in()).enumerate()
    }

    fn reason(&self, index: usize, rule: &Rule) -> Reason {
        let name = rule.name.clone().unwrap_or_else(|| format!("recipe.{}", index + 1));
        Reason { rule: name.into(), why: rule.why.clone() }
    }

    /// The class that the path alone decides; nothing where a rule must see the text first.
    pub(super) fn by_path(&self, path: &str) -> Option<Class> {
        let (_, rule) = self.all().find(|(_, rule)| rule.added.is_empty() && rule.path.matches(path))?;
        let by_path_alone = rule.action.is_none() && rule.content.is_empty() && rule.when.is_empty();
        by_path_alone.then_some(rule.class)
    }

    /// The class of a file.
    pub(super) fn of_file(&self, facts: Facts<'_>) -> Verdict {
        let fits = |rule: &Rule| {
            rule.added.is_empty()
                && rule.path.matches(facts.path)
                && rule.action.is_none_or(|action| action == facts.action)
                && (rule.content.is_empty() || rule.content.iter().any(|needle| facts.text.contains(needle)))
                && rule.when.iter().all(|situation| match situation {
                    Situation::DefinesModule => facts.defines_module,
                    Situation::BesideModule => facts.beside_module,
                    Situation::NoNewModule => !facts.new_module,
                })
        };
        match self.all().find(|(_, rule)| fits(rule)) {
            Some((index, rule)) => (rule.class, self.reason(index, rule)),
            // The built-in rules end with one for all paths, as a test makes sure.
            None => (Class::Other, Reason { rule: "other".into(), why: "no rule knows such a file".into() }),
        }
    }

    /// The class that a rule gives to a hunk of its own; nothing where it has its file's.
    pub(super) fn of_hunk<'t>(
        &self,
        path: &str,
        added: impl Iterator<Item = &'t [u8]> + Clone,
    ) -> Option<Verdict> {
        let holds = |needle: &String| {
            added.clone().any(|line| memchr::memmem::find(line, needle.as_bytes()).is_some())
        };
        let fits =
            |rule: &Rule| !rule.added.is_empty() && rule.path.matches(path) && rule.added.iter().any(holds);
        self.all().find(|(_, rule)| fits(rule)).map(|(index, rule)| (rule.class, self.reason(index, rule)))
    }
}

/// A file of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    classify: Vec<Rule>,
}

/// The rules of `templates/classify.toml`.
pub fn built_in() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let file: File = toml::from_str(include_str!("../../templates/classify.toml"))
            .expect("the built-in rules are part of the program, and a test reads them");
        file.classify
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(path: &str) -> Facts<'_> {
        Facts {
            path,
            action: Action::Modified,
            text: "",
            defines_module: false,
            beside_module: false,
            new_module: false,
        }
    }

    #[test]
    fn the_built_in_rules_have_names_and_an_end() {
        let rules = built_in();
        assert!(rules.iter().all(|rule| rule.name.is_some()), "each built-in rule has a name");
        let mut names: Vec<_> = rules.iter().map(|rule| rule.name.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), rules.len(), "names are unique");
        assert_eq!(Rules::new(&[]).of_file(facts("any/thing.at-all")).1.rule.as_ref(), "other");
    }

    #[test]
    fn what_upstream_calls_build_system_and_documentation_is_stripped() {
        use Class::{BuildSystem, Documentation, Other, SharedHeader, SharedSource, Test};
        for (path, class) in [
            ("Apache.dsw", BuildSystem),
            ("modules/proxy/mod_proxy_wstunnel.dsp", BuildSystem),
            ("modules/x/mod_x.mak", BuildSystem),
            ("modules/x/x.mk", BuildSystem),
            ("Makefile.win", BuildSystem),
            ("modules/proxy/Makefile.in", BuildSystem),
            ("modules/proxy/NWGNUproxywstunnel", BuildSystem),
            ("modules/proxy/config.m4", BuildSystem),
            ("modules/arch/win32/config9.m4", BuildSystem),
            ("configure.in", BuildSystem),
            ("acinclude.m4", BuildSystem),
            ("CMakeLists.txt", BuildSystem),
            ("modules/x/foo.cmake", BuildSystem),
            ("build/installwinconf.awk", BuildSystem),
            ("build/rpm/httpd.spec.in", BuildSystem),
            ("os/win32/BaseAddr.ref", BuildSystem),
            (".gdbinit", BuildSystem),
            ("support/httpd.exp", BuildSystem),
            ("modules/dav/main/mod_dav.def", BuildSystem),
            ("libhttpd.dep", BuildSystem),
            ("config.layout", BuildSystem),
            (".github/workflows/linux.yml", BuildSystem),
            ("include/ap_mmn.h", BuildSystem),
            ("docs/manual/mod/mod_x.xml", Documentation),
            ("docs/conf/httpd.conf.in", Documentation),
            ("CHANGES", Documentation),
            ("STATUS", Documentation),
            ("changes-entries/pr1.txt", Documentation),
            ("README.cmake", Documentation),
            ("modules/x/README", Documentation),
            ("LICENSE", Documentation),
            ("test/modules/md/conftest.py", Test),
            ("tests/x.c", Test),
            ("support/ab.c", Other),
            ("os/netware/util_nw.c", Other),
            ("modules/lua/x.lua", Other),
            ("modules/proxy/proxy_util.c", SharedSource),
            ("modules/proxy/mod_proxy.h", SharedHeader),
            ("os/unix/unixd.c", SharedSource),
        ] {
            let (found, reason) = Rules::new(&[]).of_file(facts(path));
            assert_eq!(found, class, "{path} by {}", reason.rule);
        }
    }

    #[test]
    fn a_recipe_is_asked_first() {
        let own: Vec<Rule> = toml::from_str::<File>(
            "[[classify]]\npath = [\"CHANGES\", \"**/x.def\"]\nclass = \"shared-source\"\nwhy = \"for the test\"\n",
        )
        .unwrap()
        .classify;
        assert_eq!(Rules::new(&own).by_path("a/x.def"), Some(Class::SharedSource));
        let (class, reason) = Rules::new(&own).of_file(facts("a/x.def"));
        assert_eq!(
            (class, reason.rule.as_ref(), reason.why.as_ref()),
            (Class::SharedSource, "recipe.1", "for the test")
        );
    }

    #[test]
    fn mistakes_in_a_rule_are_told() {
        let read = |text: &str| toml::from_str::<File>(text).map(|_| ()).unwrap_err().to_string();
        let unknown = read("[[classify]]\npath = \"x\"\nclas = \"test\"\nwhy = \"\"\n");
        assert!(unknown.contains("unknown field `clas`"), "{unknown}");
        let class = read("[[classify]]\npath = \"x\"\nclass = \"tests\"\nwhy = \"\"\n");
        assert!(class.contains("unknown variant `tests`"), "{class}");
        let glob = read("[[classify]]\npath = \"[x\"\nclass = \"test\"\nwhy = \"\"\n");
        assert!(glob.contains("expected a glob"), "{glob}");
    }
}
