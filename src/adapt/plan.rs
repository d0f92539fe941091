//! From findings to edits: which rule, which bytes, what stands there instead.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::change::{self, Together};
use super::draft::{Change, Draft};
use super::edit::Edit;
use super::finding::{Finding, Kind};
use super::pack::{Action, Dropped, Exposed, Risk, Rule, Rules, Shim};
use crate::c::expression::Code;
use crate::c::lex::harmless;
use crate::c::library;
use crate::c::{self, DeclarationKind};
use crate::flatten::{Interface, Outcome as Fate};

/// Decides and edits; remembers what was put in once, and records all.
pub struct Planner<'a> {
    rules: &'a Rules,
    offered: &'a dyn Interface,
    /// Rules that put something into the unit once, and headers that were included: they cannot help a second time.
    spent: BTreeSet<String>,
    /// Every edit so far.
    pub edits: Vec<Edit>,
}

/// What a round came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many edits were made.
    pub changed: usize,
    /// Names that a header of the target has and the compiler does not see.
    pub denied: BTreeSet<String>,
    /// Findings that nothing helps against.
    pub left: Vec<Left>,
}

/// A finding that nothing helps against, with the rule that refuses it.
pub type Left = (Finding, Option<Arc<Rule>>);

/// What one rule does about one finding.
enum Step {
    /// Changes of the text.
    Changes(Vec<Together>),
    /// A header of the target.
    Include(String),
    Shim(Shim),
    Expose(Exposed),
}

/// What helps against one finding.
enum Help {
    /// What is put in for another finding of the round.
    Done,
    /// Something that is put in once.
    Once(Step, Edit),
    /// Changes of the text, each group together, and what is put in for them.
    Changes(Vec<Vec<(Change, Edit)>>, Option<(Step, Edit)>),
    /// Nothing; the rule that refuses it, if there is one.
    None(Option<Arc<Rule>>),
}

impl<'a> Planner<'a> {
    /// Begins with nothing done.
    pub fn new(rules: &'a Rules, offered: &'a dyn Interface) -> Self {
        Planner { rules, offered, spent: BTreeSet::new(), edits: Vec::new() }
    }

    /// Does what the names in the unit alone tell to be missing, so that the compiler need not be asked for it. Only what
    /// costs nothing: code behind a condition may not be compiled at all. The answer is the rules that make further parts of
    /// httpd parts of the module, other than `parts`, which are in the unit.
    ///
    /// # Errors
    /// The rule of a part that nothing would start.
    pub fn foreseen(&mut self, draft: &mut Draft, parts: &[Arc<Rule>]) -> Result<Vec<Arc<Rule>>, Arc<Rule>> {
        let mut wanted: Vec<Arc<Rule>> = Vec::new();
        let unit = draft.unit();
        let named = |outcomes: &'static [Fate]| {
            let fates = unit.record.iter().filter(|fate| outcomes.contains(&fate.outcome));
            fates.map(|fate| fate.name.as_str()).collect::<BTreeSet<&str>>()
        };
        // What a rule provides may be announced in the unit all the same, by a header that the target does not have.
        let own = &named(&[Fate::Kept, Fate::Inlined]) - &named(&[Fate::Provided]);
        // The header of a part of httpd may be in the unit without the part.
        let defined: BTreeSet<&str> = unit
            .record
            .iter()
            .filter(|fate| matches!(fate.outcome, Fate::Kept | Fate::Inlined))
            .filter(|fate| fate.kind != DeclarationKind::Prototype)
            .map(|fate| fate.name.as_str())
            .collect();
        let code = Code::new(draft.text());
        let mut findings = Vec::new();
        for name in code.identifiers() {
            let Some(rule) = self.rules.about(name) else { continue };
            if let Action::Subsystem(_) = rule.r#do {
                let known = |other: &Arc<Rule>| other.id == rule.id;
                let lacks =
                    self.offered.declared_in(name).is_none() && self.offered.exported_by(name).is_none();
                if lacks && !defined.contains(name) && !parts.iter().any(known) && !wanted.iter().any(known) {
                    wanted.push(rule.clone());
                }
                continue;
            }
            let foreseeable = matches!(
                rule.r#do,
                Action::Shim(_)
                    | Action::Replace(_)
                    | Action::Constant(_)
                    | Action::Include(_)
                    | Action::Expose(_)
            );
            if !foreseeable || rule.risk != Risk::None || own.contains(name) {
                continue;
            }
            if self.offered.declared_in(name).is_some() || self.offered.exported_by(name).is_some() {
                continue;
            }
            // A header may define a macro within a structure, and such a line is no declaration of the record.
            if !code.macro_bodies(name).is_empty() {
                continue;
            }
            findings.push(Finding {
                kind: rule.when.kind,
                name: name.to_owned(),
                owners: Vec::new(),
                access: None,
                value: None,
                argument: None,
                at: code.uses(name).into_iter().next(),
                message: format!("the target has no `{name}`"),
                place: None,
            });
        }
        if !wanted.is_empty() {
            return Ok(wanted);
        }
        self.round(&findings, draft);
        match parts.iter().find(|part| !self.start(part, draft)) {
            Some(part) => Err(part.clone()),
            None => Ok(Vec::new()),
        }
    }

    /// Starts a part of httpd that is in the unit, in front of the module's own hooks; whether that could be done.
    fn start(&mut self, rule: &Rule, draft: &mut Draft) -> bool {
        let Action::Subsystem(part) = &rule.r#do else { return true };
        let text = draft.text().to_owned();
        let code = Code::new(&text);
        let register = code.initialiser(&draft.unit().symbol).and_then(|(at, elements)| {
            // The form of struct module_struct: its seventh element, the first being STANDARD20_MODULE_STUFF.
            Some((at, elements.get(6)?.clone()))
        });
        let Some((structure, at)) = register else { return false };
        let own = code.text(&at);
        let name =
            format!("graft_start_{}", rule.id.rsplit('/').next().unwrap_or_default().replace('-', "_"));
        let call = if own == "NULL" { String::new() } else { format!("    {own}(pool);\n") };
        let wrapper = format!("static void {name}(apr_pool_t *pool)\n{{\n    {};\n{call}}}\n\n", part.start);
        let changes =
            [Change { range: at.clone(), text: name }, Change { range: structure..structure, text: wrapper }];
        let (file, line) = draft.origin(at.start).unwrap_or((Arc::from(""), 0));
        let edit = Edit {
            rule: rule.id.clone(),
            risk: rule.risk,
            finding: format!("the target has nothing of {}", part.files.join(", ")),
            file: file.to_string(),
            line,
            before: own.to_owned(),
            after: format!("{}, then {own}", part.start),
            note: rule.note.clone(),
            source: rule.source.clone(),
        };
        let mut changes = Vec::from(changes);
        for also in &rule.also {
            changes.extend(
                change::followers(also, &code).unwrap_or_default().into_iter().map(|(change, _)| change),
            );
        }
        let started = draft.change(&[changes]).iter().flatten().all(|made| *made);
        if started {
            self.edits.push(edit);
        }
        started
    }

    /// Does what can be done about these findings at once.
    pub fn round(&mut self, findings: &[Finding], draft: &mut Draft) -> Outcome {
        let mut outcome = Outcome::default();
        let mut changes: Vec<Vec<(Change, Edit)>> = Vec::new();
        let mut once: Vec<(Step, Edit)> = Vec::new();
        let text = draft.text().to_owned();
        let code = Code::new(&text);
        for finding in findings {
            match self.help(finding, draft, &code, &text, &once) {
                Help::Done => {}
                Help::Once(step, edit) => once.push((step, edit)),
                Help::Changes(groups, with) => {
                    changes.extend(groups);
                    once.extend(with);
                }
                Help::None(refusing) => {
                    let nameable = matches!(finding.kind, Kind::Function | Kind::Type | Kind::Identifier);
                    // A type that the target keeps closed is there, and upstream's members are those of another httpd.
                    let closed = finding.is_of_closed_type();
                    if nameable && !closed && refusing.is_none() && !finding.name.is_empty() {
                        outcome.denied.insert(finding.name.clone());
                    }
                    outcome.left.push((finding.clone(), refusing));
                }
            }
        }

        let (changes, edits): (Vec<Vec<Change>>, Vec<Vec<Edit>>) =
            changes.into_iter().map(|group| group.into_iter().unzip()).unzip();
        let made = draft.change(&changes);
        for (edit, _) in edits.into_iter().flatten().zip(made.into_iter().flatten()).filter(|(_, made)| *made)
        {
            self.edits.push(edit);
            outcome.changed += 1;
        }
        for (step, edit) in once {
            self.put(step, &edit, draft);
            self.edits.push(edit);
            outcome.changed += 1;
        }
        if outcome.changed == 0 {
            // What looked as if it could be helped is left as well.
            let helpless =
                findings.iter().filter(|finding| !outcome.left.iter().any(|(left, _)| left == *finding));
            let helpless: Vec<_> = helpless.map(|finding| (finding.clone(), None)).collect();
            outcome.left.extend(helpless);
        }
        outcome
    }

    /// The first of the fitting rules that can do something about a finding. `once` is what is put in for others already.
    fn help(
        &mut self,
        finding: &Finding,
        draft: &Draft,
        code: &Code<'_>,
        text: &str,
        once: &[(Step, Edit)],
    ) -> Help {
        if let Some(header) = self.header_of(finding, text) {
            self.spent.insert(format!("include {header}"));
            let edit = self.include_edit(finding, &header);
            return Help::Once(Step::Include(header), edit);
        }
        let fitting: Vec<Arc<Rule>> = self.rules.fitting(finding).cloned().collect();
        for rule in fitting {
            if let Action::Refuse(_) = rule.r#do {
                return Help::None(Some(rule));
            }
            let step = match self.step(finding, &rule, code, text) {
                None => continue,
                Some(Step::Changes(groups)) => return self.changes(finding, &rule, draft, text, groups),
                // In the same round it helps all alike; in a later one it has not helped.
                Some(_) if !self.spent.insert(rule.id.clone()) => {
                    if once.iter().any(|(_, edit)| edit.rule == rule.id) {
                        return Help::Done;
                    }
                    continue;
                }
                Some(step) => step,
            };
            let words = match &step {
                Step::Shim(shim) => shim.text.trim().to_owned(),
                Step::Include(header) => format!("#include \"{header}\""),
                Step::Expose(exposed) => format!("#define {}", exposed.define),
                Step::Changes(_) => String::new(),
            };
            let at = finding.at.clone().unwrap_or(0..0);
            let edit = Edit { before: String::new(), ..self.edit(finding, &rule, draft, text, &at, &words) };
            return Help::Once(step, edit);
        }
        Help::None(None)
    }

    /// A rule's changes with their records, and what the rule puts in with the first of them.
    fn changes(
        &mut self,
        finding: &Finding,
        rule: &Rule,
        draft: &Draft,
        text: &str,
        groups: Vec<Together>,
    ) -> Help {
        let first = |planner: &mut Self| planner.spent.insert(format!("with {}", rule.id));
        let with = rule.with.clone().filter(|_| first(self)).map(|shim| {
            let edit = self.edit(finding, rule, draft, text, &(0..0), shim.text.trim());
            (Step::Shim(shim), Edit { file: String::new(), line: 0, ..edit })
        });
        let recorded = |(change, shown): (Change, Range<usize>)| {
            let mut edit = self.edit(finding, rule, draft, text, &shown, &change.text);
            if matches!(rule.r#do, Action::Drop(Dropped::Registration)) {
                let callback = change.text.trim_start_matches("(void)").trim();
                edit.note = format!("{} ({callback} of {})", rule.note, finding.name);
            }
            (change, edit)
        };
        let groups = groups.into_iter().map(|group| group.into_iter().map(recorded).collect());
        Help::Changes(groups.collect(), with)
    }

    fn put(&mut self, step: Step, edit: &Edit, draft: &mut Draft) {
        match step {
            Step::Include(header) => {
                draft.put_behind_includes(
                    "include",
                    format!("#include \"{header}\" /* {} */\n", harmless(&edit.finding)),
                );
            }
            Step::Shim(shim) => {
                let mut text = String::new();
                for header in &shim.headers {
                    let there = draft.has_in_prologue(|text| includes(text, header));
                    if self.spent.insert(format!("include {header}")) && !there {
                        text.push_str(&format!("#include \"{header}\"\n"));
                    }
                }
                if !shim.text.trim().is_empty() {
                    text.push_str(&format!("/* {}: {} */\n", edit.rule, harmless(&edit.note)));
                    text.push_str(shim.text.trim());
                    text.push_str("\n\n");
                }
                // Macros need nothing, and a header of upstream's that stands among the includes may use them.
                if shim.headers.is_empty() && only_macros(&shim.text) {
                    draft.put_first("shim", text);
                } else {
                    draft.put_behind_includes("shim", text);
                }
            }
            Step::Expose(exposed) => {
                let mut text = format!("/* {}: {} */\n", edit.rule, harmless(&edit.note));
                text.push_str(&format!("#define {}\n", exposed.define));
                for header in &exposed.headers {
                    text.push_str(&format!("#include \"{header}\"\n"));
                }
                text.push_str(&format!("#undef {}\n\n", exposed.define));
                draft.put_first("expose", text);
            }
            Step::Changes(_) => {}
        }
    }

    /// The header of the target, or of its C library, that declares what the compiler does not find, where the unit does not
    /// include it.
    fn header_of(&self, finding: &Finding, text: &str) -> Option<String> {
        if !matches!(finding.kind, Kind::Function | Kind::Type | Kind::Identifier) {
            return None;
        }
        let of_target = self.offered.declared_in(&finding.name);
        let header = match of_target {
            Some(header) => Some(header).filter(|header| self.offered.has_header(header)),
            None => library::header(&finding.name).map(str::to_owned),
        }?;
        let fresh = !includes(text, &header) && !self.spent.contains(&format!("include {header}"));
        fresh.then_some(header)
    }

    fn include_edit(&self, finding: &Finding, header: &str) -> Edit {
        Edit {
            rule: "target/include".to_owned(),
            risk: Risk::None,
            finding: finding.message.clone(),
            file: String::new(),
            line: 0,
            before: String::new(),
            after: format!("#include \"{header}\""),
            note: format!("the target declares `{}` there", finding.name),
            source: header.to_owned(),
        }
    }

    fn edit(
        &self,
        finding: &Finding,
        rule: &Rule,
        draft: &Draft,
        text: &str,
        shown: &Range<usize>,
        after: &str,
    ) -> Edit {
        let (file, line) = draft.origin(shown.start).unwrap_or((Arc::from(""), 0));
        Edit {
            rule: rule.id.clone(),
            risk: rule.risk,
            finding: finding.message.clone(),
            file: file.to_string(),
            line,
            before: text.get(shown.clone()).unwrap_or_default().to_owned(),
            after: after.to_owned(),
            note: rule.note.clone(),
            source: rule.source.clone(),
        }
    }

    /// What a rule does about a finding; nothing where it cannot help.
    fn step(&self, finding: &Finding, rule: &Rule, code: &Code<'_>, text: &str) -> Option<Step> {
        match &rule.r#do {
            Action::Include(header) => {
                let fresh = !includes(text, header) && self.offered.has_header(header);
                fresh.then(|| Step::Include(header.clone()))
            }
            Action::Shim(shim) => Some(Step::Shim(shim.clone())),
            Action::Expose(exposed) => Some(Step::Expose(exposed.clone())),
            Action::Refuse(_) | Action::Subsystem(_) => None,
            _ => {
                change::of(rule, finding, code, text).filter(|changes| !changes.is_empty()).map(Step::Changes)
            }
        }
    }
}

/// Whether a text declares nothing but macros.
fn only_macros(text: &str) -> bool {
    use DeclarationKind::{Comment, Condition, Directive, Include, Macro};
    let kinds = [Comment, Condition, Directive, Include, Macro];
    c::declarations(text).iter().all(|declaration| kinds.contains(&declaration.kind))
}

/// Whether a text has an include of this header.
fn includes(text: &str, header: &str) -> bool {
    let mut places = memchr::memmem::find_iter(text.as_bytes(), header.as_bytes());
    places.any(|at| {
        let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let directive = line.trim_start().strip_prefix('#').map(str::trim_start).unwrap_or_default();
        directive.strip_prefix("include").is_some_and(|rest| matches!(rest.trim_start(), "\"" | "<"))
    })
}
