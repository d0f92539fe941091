//! A rule in words.

use serde::Serialize;

use super::rule::Names;
use super::{Action, Also, Dropped, Pack, Risk, Rule, Touch, When};
use crate::adapt::finding::Kind;

/// A rule as `modgraft explain` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `PACK/NAME`.
    pub id: String,
    /// The pack's name.
    pub pack: String,
    /// What the pack is for.
    pub about: String,
    /// The finding that it is for.
    pub when: String,
    /// What it does.
    pub does: String,
    /// C text, a template or a reason that belongs to what it does; may be empty.
    pub text: String,
    /// What else it rewrites.
    pub also: Vec<String>,
    /// What it costs.
    pub risk: Risk,
    /// Why it is right, or what is lost.
    pub note: String,
    /// What it rests on.
    pub source: String,
}

impl Explanation {
    /// Puts a rule in words.
    pub fn of(pack: &Pack, rule: &Rule) -> Self {
        let (does, text) = action(&rule.r#do);
        let with = rule.with.iter().map(|shim| format!("behind the includes stands:\n{}", shim.text.trim()));
        let also = with.chain(rule.after.iter().map(|after| format!("behind the statement stands {after}")));
        let also = also.chain(rule.also.iter().map(|also| match also {
            Also::Call(also) => {
                let arguments =
                    if also.arguments.is_empty() { "…".to_owned() } else { also.arguments.join(", ") };
                let only = if also.required { "; without such a call the rule does not apply" } else { "" };
                format!("{}({arguments}) becomes {}{only}", also.call, also.replace)
            }
            Also::Define(also) => format!("the macro {} becomes {}", also.define, also.replace),
        }));
        Explanation {
            id: rule.id.clone(),
            pack: pack.name.clone(),
            about: pack.about.clone(),
            when: match rule.before {
                Some(mmn) => format!("{}, and the target's MMN is below {mmn}", when(&rule.when)),
                None => when(&rule.when),
            },
            does,
            text,
            also: also.collect(),
            risk: rule.risk,
            note: rule.note.clone(),
            source: rule.source.clone(),
        }
    }

    /// Lines for a person.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.id);
        let mut line = |label: &str, value: &str| {
            for (index, part) in value.lines().enumerate() {
                let label = if index == 0 { label } else { "" };
                text.push_str(format!("  {label:<8}{part}").trim_end());
                text.push('\n');
            }
        };
        line("when", &self.when);
        line("does", &self.does);
        line("", &self.text);
        for also in &self.also {
            line("also", also);
        }
        line("risk", self.risk.words());
        line("note", &self.note);
        line("source", &self.source);
        line("pack", &format!("{}: {}", self.pack, self.about));
        text
    }
}

/// One line for each: id, risk, note.
pub fn table(all: &[Explanation]) -> String {
    let widest = all.iter().map(|one| one.id.chars().count()).max().unwrap_or_default();
    let risk = |one: &Explanation| if one.risk == Risk::None { "" } else { one.risk.words() };
    let risks = all.iter().map(|one| risk(one).len()).max().unwrap_or_default();
    let row = |one: &Explanation| {
        let note = one.note.lines().next().unwrap_or_default();
        format!("{:<widest$}  {:<risks$}  {note}", one.id, risk(one)).trim_end().to_owned() + "\n"
    };
    all.iter().map(row).collect()
}

fn names(names: &Names) -> String {
    names.all().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

fn when(when: &When) -> String {
    let name = names(&when.name);
    let owner = when.owner.as_ref().map(|owner| format!(" of {}", names(owner))).unwrap_or_default();
    let access = match when.access {
        Some(Touch::Read) => ", where it is read",
        Some(Touch::Write) => ", where it is set",
        None => "",
    };
    let value =
        when.value.as_ref().map(|value| format!(" and the value is {}", names(value))).unwrap_or_default();
    match when.kind {
        Kind::Function => match (when.declines, &when.passes) {
            (Some(number), _) => {
                format!(
                    "the target has no function {name}, and its argument {number} is a function that changes nothing and only declines"
                )
            }
            (None, Some(passes)) => {
                let (number, value) = (passes.argument, names(&passes.value));
                format!("the target has no function {name}, and the call passes {value} as argument {number}")
            }
            (None, None) => format!("the target has no function {name}"),
        },
        Kind::Type => format!("the target has no type {name}, or does not show what is in it"),
        Kind::Identifier => format!("the target has no macro, constant or variable {name}"),
        Kind::Header => format!("the target has no header {name}"),
        Kind::Member => format!("the target has no member {name}{owner}{access}{value}"),
        Kind::Arity => format!("the target's {name} takes another number of arguments"),
        Kind::Argument => {
            let which =
                when.argument.map(|number| format!("argument {number}")).unwrap_or("an argument".to_owned());
            format!("the target's {name} takes another type as {which}{value}")
        }
        Kind::Value => format!("a value is of a type that its place does not take: {name}"),
        Kind::Conflict => format!("the target gives {name} another meaning"),
        Kind::ConstModule => "the module structure is `const`".to_owned(),
        Kind::ModuleName => "the module structure has another name than the module's code uses".to_owned(),
        Kind::Elements => {
            let element = when.value.as_ref().map(names).unwrap_or_default();
            format!("the module takes the elements of {name}{owner} for {element}")
        }
        Kind::Sum => format!("the module adds to {name}"),
        Kind::Call => {
            let number = when.argument.unwrap_or_default();
            let value = when.value.as_ref().map(names).unwrap_or_default();
            format!("the module calls {name} with {value} as argument {number}")
        }
        Kind::Other => format!("the compiler objects to {name}"),
    }
}

fn action(action: &Action) -> (String, String) {
    match action {
        Action::Include(header) => (format!("includes the target's header \"{header}\""), String::new()),
        Action::Shim(shim) => {
            let headers: Vec<String> = shim.headers.iter().map(|header| format!("\"{header}\"")).collect();
            let with =
                if headers.is_empty() { String::new() } else { format!(", with {}", headers.join(", ")) };
            (format!("puts behind the includes{with}:"), shim.text.trim().to_owned())
        }
        Action::Replace(text) if text.is_empty() => ("leaves the word out".to_owned(), String::new()),
        Action::Replace(text) => ("puts in its place:".to_owned(), text.trim().to_owned()),
        Action::Constant(text) => ("puts in its place the value:".to_owned(), text.trim().to_owned()),
        Action::Argument(argument) => {
            let does = match &argument.to {
                Some(to) => format!("passes {to} where the module passes {}", argument.from),
                None => format!("leaves out the argument {}", argument.from),
            };
            (does, String::new())
        }
        Action::Drop(Dropped::Statement) => ("drops the statement".to_owned(), String::new()),
        Action::Drop(Dropped::Registration) => (
            "drops the registration of the hook, whose callback is then never called".to_owned(),
            String::new(),
        ),
        Action::Drop(Dropped::Include) => ("drops the #include line".to_owned(), String::new()),
        Action::Expose(exposed) => {
            let headers: Vec<String> = exposed.headers.iter().map(|header| format!("\"{header}\"")).collect();
            (format!("defines {} while it includes {}", exposed.define, headers.join(", ")), String::new())
        }
        Action::Adapter(adapter) => {
            ("puts a function in place of the module's callback:".to_owned(), adapter.text.trim().to_owned())
        }
        Action::Subsystem(part) => {
            let files = part.files.join("\n");
            (
                format!(
                    "makes these files of upstream's tree a part of the module, started by {}:",
                    part.start
                ),
                files,
            )
        }
        Action::Refuse(why) => ("refuses:".to_owned(), why.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapt::pack;

    fn explained(id: &str) -> Explanation {
        let (pack, rule) = pack::find(&[], id).unwrap_or_else(|| panic!("there is no rule {id}"));
        Explanation::of(pack, rule)
    }

    #[test]
    fn a_rule_is_told_whole() {
        let text = explained("common/client-ip").text();
        for part in [
            "common/client-ip\n",
            "  when    the target has no member `client_ip` of `conn_rec`, where it is read\n",
            "  does    puts in its place:\n          {object}{operator}remote_ip\n",
            "  risk    none\n",
            "  source  include/ap_mmn.h",
            "  pack    common: ",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn every_rule_has_words() {
        for pack in pack::built_in() {
            for rule in &pack.rules {
                let explanation = Explanation::of(pack, rule);
                assert!(!explanation.when.is_empty() && !explanation.does.is_empty(), "{}", rule.id);
                assert!(!explanation.does.ends_with(':') || !explanation.text.is_empty(), "{}", rule.id);
                assert!(table(&[explanation]).starts_with(&rule.id));
            }
        }
    }
}
