//! One rule: what it is about, what it does, and what that costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapt::finding::{Finding, Kind};
use crate::c::expression::{Access, Code};
use crate::target::Mmn;

/// The beginning of a pack file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// The pack's name: the first part of its rules' ids.
    pub name: String,
    /// What it is for, in a sentence.
    pub about: String,
    /// The major part of the module magic number that it is for; any where it is missing.
    pub mmn: Option<u32>,
}

/// What to do about one kind of finding.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// `PACK/NAME`: stable, for reports and `--accept-risk`.
    pub id: String,
    /// The finding that it is for.
    pub when: When,
    /// Only for targets of a lower module magic number: from that on httpd's own code does what the rule makes up for, and no
    /// name tells it.
    pub before: Option<Mmn>,
    /// What to do.
    pub r#do: Action,
    /// C text that the replacement needs behind the includes.
    pub with: Option<Shim>,
    /// A statement that has to follow the one with the access; a template. Where there is no such statement, the rule does not
    /// apply.
    pub after: Option<String>,
    /// Uses of other names that have to follow, as the finding tells something of the whole target.
    #[serde(default)]
    pub also: Vec<Also>,
    /// What it costs.
    #[serde(default)]
    pub risk: Risk,
    /// Why it is right, or what is lost, for the report.
    pub note: String,
    /// The document or experiment that it rests on.
    pub source: String,
}

impl Rule {
    /// Whether it is for a finding.
    pub fn fits(&self, finding: &Finding) -> bool {
        self.when.fits(finding) && self.provides(&finding.name)
    }

    /// Whether it has something for a name that [`When::name`] stands for: a shim for all names of one beginning has those
    /// that are in its text, and the others may be found elsewhere.
    pub fn provides(&self, name: &str) -> bool {
        let Action::Shim(shim) = &self.r#do else { return true };
        self.when.name.all().iter().any(|stated| stated == name)
            || Code::new(&shim.text).identifiers().contains(name)
    }
}

/// What a rule costs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// The module does what it does upstream.
    #[default]
    None,
    /// It does less, and says so.
    LosesFunction,
    /// It does something else: a person has to accept that.
    ChangesBehaviour,
}

impl Risk {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Risk::None => "none",
            Risk::LosesFunction => "loses a function",
            Risk::ChangesBehaviour => "changes behaviour",
        }
    }
}

/// The findings that a rule is for. All that is stated must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct When {
    /// What sort of thing is missing.
    pub kind: Kind,
    /// Its name, or names, each with `*` at an end for any beginning or ending.
    pub name: Names,
    /// Of a member, and of elements: the name of its structure's type, with or without typedef.
    pub owner: Option<Names>,
    /// Of a member: what is done with it; either where it is missing.
    pub access: Option<Touch>,
    /// Of a member that is assigned: the value, as it is written, with `*` at an end for any beginning or ending. Of elements:
    /// the type that they are taken for, `TYPE *` being any pointer to it. Of a sum: what is added, where that is all that is
    /// done with the constant.
    pub value: Option<Names>,
    /// Of a function: the argument, from 1, that must be a function of the module which changes nothing and only
    /// ever declines.
    pub declines: Option<usize>,
    /// Of an argument: which, from 1; as it is written where `value` is stated. Of a call both are stated.
    pub argument: Option<usize>,
    /// Of a function that is replaced: only its calls that pass this are. The others are left to further rules.
    pub passes: Option<Passes>,
}

/// An argument of a call, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Passes {
    /// Which, from 1.
    pub argument: usize,
    /// What stands there, with `*` at an end for any beginning or ending.
    pub value: Names,
}

/// What is done with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// Its value is used.
    Read,
    /// It is assigned, or could be by its address.
    Write,
}

/// One name or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name or a list of names")]
pub enum Names {
    /// One.
    One(String),
    /// Any of these.
    Many(Vec<String>),
}

impl Names {
    /// All of them, as written.
    pub fn all(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        }
    }

    /// Whether one of them is, or stands for, `name`.
    pub fn fits(&self, name: &str) -> bool {
        self.all().iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (_, Some(start)) => name.starts_with(start),
            (Some(end), _) => name.ends_with(end),
            _ => pattern == name,
        })
    }
}

impl When {
    /// Whether a finding is one of these.
    pub fn fits(&self, finding: &Finding) -> bool {
        // What a call of gcc's names a function, an initialiser's names an undeclared identifier.
        let alike = |one: Kind, two: Kind| {
            one == two
                || matches!(
                    (one, two),
                    (Kind::Function, Kind::Identifier) | (Kind::Identifier, Kind::Function)
                )
        };
        alike(self.kind, finding.kind)
            && self.name.fits(&finding.name)
            && self.owner.as_ref().is_none_or(|owner| finding.owners.iter().any(|name| owner.fits(name)))
            && self
                .value
                .as_ref()
                .is_none_or(|value| finding.value.as_deref().is_some_and(|is| value.fits(is)))
            && self.argument.is_none_or(|argument| finding.argument == Some(argument))
            && self.access.is_none_or(|access| match finding.access {
                Some(Access::Read) => access == Touch::Read,
                Some(Access::Written) => access == Touch::Write,
                None => false,
            })
    }
}

/// What a rule does.
///
/// In templates, of a member access `OBJECT->MEMBER`: `{object}`, `{operator}`, `{member}`, `{outer}` (of `A->B->MEMBER` the
/// `A`), `{value}` (what is assigned), `{request}` (of a connection the request in scope that it is the connection of); of a
/// call: `{1}`, `{2}` and so on, `{arguments}`, `{name}` (what is called, as it is written); of a sum: `{value}` (what is added); of member and call:
/// `{pointer TYPE}`, the name of a parameter or variable of type `TYPE *` in scope that surely points at something, without which
/// the rule does not apply.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Action {
    /// Include this header of the target.
    Include(String),
    /// Put this C text behind the includes.
    Shim(Shim),
    /// Put this in place of the access, the call or the name.
    Replace(String),
    /// Put this value in place of the access, the call or the name.
    Constant(String),
    /// Put another value in place of the one argument of the call that is written so.
    Argument(Argument),
    /// Leave something out.
    Drop(Dropped),
    /// Include headers with a macro defined that shows more of them.
    Expose(Exposed),
    /// Put a function in place of a callback.
    Adapter(Adapter),
    /// Make files of upstream's tree a part of the module: a part of httpd that the target does not have at all.
    Subsystem(Subsystem),
    /// It cannot be done; this is why.
    Refuse(String),
}

/// C text that stands behind the includes, once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shim {
    /// The text.
    pub text: String,
    /// Headers of the target that it needs.
    #[serde(default)]
    pub headers: Vec<String>,
}

/// An argument that is passed otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Argument {
    /// As the module writes it.
    pub from: String,
    /// What is passed instead; where it is missing, the function does not take the argument at all.
    pub to: Option<String>,
}

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dropped {
    /// The expression statement around it.
    Statement,
    /// The registration of a hook: nothing of the call is evaluated, and its callback counts as used.
    Registration,
    /// The `#include` line.
    Include,
}

/// A macro that shows more of some headers. It is undefined behind them: other headers would change as well.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exposed {
    /// The macro.
    pub define: String,
    /// The headers, in order, in front of all others.
    pub headers: Vec<String>,
}

/// A part of httpd that becomes a part of the module, as the target has none of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Subsystem {
    /// Its C files in upstream's tree.
    pub files: Vec<String>,
    /// What httpd's core would do to start it, as a statement; `pool` is the pool that the module's hooks are registered with.
    pub start: String,
}

/// A function that takes what the target passes and calls what the module has.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Adapter {
    /// Its text: `{adapter}` is its name, `{argument}` the module's own callback.
    pub text: String,
}

/// Another place that a rule rewrites, wherever its finding occurs once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `call` or `define`, and `replace`")]
pub enum Also {
    /// Calls of a function.
    Call(AlsoCall),
    /// The definition of a macro.
    Define(AlsoDefine),
}

impl Also {
    /// Whether the rule is only for modules that have such a place.
    pub fn is_required(&self) -> bool {
        matches!(self, Also::Call(also) if also.required)
    }
}

/// Calls that a rule rewrites.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlsoCall {
    /// The function.
    pub call: String,
    /// Only calls with these arguments, as they are written.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// What stands in their place; a template.
    pub replace: String,
    /// Without such a call the rule does not apply: what the finding is for, they tell.
    #[serde(default)]
    pub required: bool,
}

/// A macro that a rule defines otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlsoDefine {
    /// The macro.
    pub define: String,
    /// What it stands for instead.
    pub replace: String,
}
