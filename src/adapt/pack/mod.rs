//! Compat packs: rules that say what to do about what a target does not have. Data, in `templates/compat/*.toml`; a recipe
//! can bring its own.

mod explain;
mod read;
mod rule;

use std::sync::{Arc, LazyLock};

pub use explain::{Explanation, table};
pub use read::{Error, read};
pub use rule::{
    Action, Adapter, Also, AlsoCall, AlsoDefine, Argument, Dropped, Exposed, Header, Names, Passes, Risk,
    Rule, Shim, Subsystem, Touch, When,
};

use super::finding::{Finding, Kind};
use crate::target::Mmn;

/// A pack: rules in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Its name, the first part of its rules' ids.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The major part of the MMN that it is for; any where it is missing.
    pub mmn: Option<u32>,
    /// Its rules.
    pub rules: Vec<Arc<Rule>>,
}

/// The packs that are built in.
const BUILT_IN: &[(&str, &str)] = &[
    ("httpd-2.2.toml", include_str!("../../../templates/compat/httpd-2.2.toml")),
    ("httpd-2.4.toml", include_str!("../../../templates/compat/httpd-2.4.toml")),
    ("common.toml", include_str!("../../../templates/compat/common.toml")),
];

static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| {
        read(text, name).unwrap_or_else(|error| panic!("{name} is embedded and tested: {error}"))
    };
    BUILT_IN.iter().map(read).collect()
});

/// File name and text of a built-in pack.
pub fn built_in_file(name: &str) -> Option<(&'static str, &'static str)> {
    let file = format!("{name}.toml");
    BUILT_IN.iter().find(|(known, _)| *known == file).copied()
}

/// The packs that are built in, in the order in which they are asked.
pub fn built_in() -> &'static [Pack] {
    &PACKS
}

/// The rules for one target: a recipe's own first.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Arc<Rule>>,
}

impl Rules {
    /// The rules of the recipe's packs and of the built-in ones that are for a target of this MMN.
    pub fn of(own: &[Pack], mmn: Mmn) -> Self {
        let packs =
            own.iter().chain(built_in()).filter(|pack| pack.mmn.is_none_or(|major| major == mmn.major));
        let rules = packs.flat_map(|pack| &pack.rules);
        Rules { rules: rules.filter(|rule| rule.before.is_none_or(|before| mmn < before)).cloned().collect() }
    }

    /// The same rules but the one of this id, for tests that ask what a rule is good for.
    #[must_use]
    pub fn without(mut self, id: &str) -> Self {
        self.rules.retain(|rule| rule.id != id);
        self
    }

    /// The rules that fit a finding, in order.
    pub fn fitting(&self, finding: &Finding) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter().filter(|rule| rule.fits(finding))
    }

    /// The rules for findings of a kind, in order.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter().filter(move |rule| rule.when.kind == kind)
    }

    /// The first rule that is about `name` being missing, as a function, type or other name.
    pub fn about(&self, name: &str) -> Option<&Arc<Rule>> {
        let kinds = [Kind::Function, Kind::Type, Kind::Identifier];
        let named = |rule: &&Arc<Rule>| kinds.contains(&rule.when.kind) && rule.when.name.fits(name);
        self.rules.iter().filter(named).find(|rule| rule.provides(name))
    }
}

/// The rule of this id, and its pack, among the recipe's and all built-in ones.
pub fn find<'a>(own: &'a [Pack], id: &str) -> Option<(&'a Pack, &'a Arc<Rule>)> {
    let packs = own.iter().chain(built_in());
    packs.flat_map(|pack| pack.rules.iter().map(move |rule| (pack, rule))).find(|(_, rule)| rule.id == id)
}

/// What to say where there is no rule of this id.
pub fn suggestion(own: &[Pack], id: &str) -> String {
    let ids = || own.iter().chain(built_in()).flat_map(|pack| &pack.rules).map(|rule| rule.id.as_str());
    let nearest = ids().max_by(|one, two| {
        let near = |other: &str| strsim::jaro_winkler(id, other);
        near(one).total_cmp(&near(two))
    });
    match nearest.filter(|nearest| strsim::jaro_winkler(id, nearest) > 0.85) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "`modgraft explain` lists all rules".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c::expression::Code;

    #[test]
    fn a_shim_has_what_its_rule_is_for() {
        let rules = built_in().iter().flat_map(|pack| &pack.rules);
        for rule in rules.filter(|rule| rule.when.kind != Kind::Member) {
            let Action::Shim(shim) = &rule.r#do else { continue };
            let code = Code::new(&shim.text);
            for stated in rule.when.name.all() {
                // The type of an optional function is made by the macro that declares the function.
                let function = stated.strip_prefix("apr_OFN_").and_then(|rest| rest.strip_suffix("_t"));
                let names = Names::One(function.unwrap_or(stated).to_owned());
                let has = code.identifiers().into_iter().any(|name| names.fits(name));
                assert!(has, "{} has no {stated}", rule.id);
            }
        }
    }

    #[test]
    fn a_shim_for_many_names_is_about_those_that_it_has() {
        let rules = Rules::of(&[], Mmn { major: 20051115, minor: 15 });
        let about = |name: &str| rules.about(name).map(|rule| rule.id.as_str());
        for start in ["APLOGtrace", "APLOGctrace", "APLOGrtrace"] {
            for level in 1..=8 {
                assert_eq!(about(&format!("{start}{level}")), Some("httpd-2.2/is-level"));
            }
            assert_eq!(about(&format!("{start}9")), None);
        }
    }
}
