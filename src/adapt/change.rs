//! What a rule puts in place of what: changes of the text, by byte ranges.

use std::ops::Range;

use super::declines;
use super::draft::Change;
use super::finding::{Finding, Kind};
use super::pack::{Action, Also, Dropped, Passes, Rule};
use super::template;
use crate::c::expression::{Call, Code};

/// Changes that are made together or not at all, each with the bytes that a reader is shown.
pub type Together = Vec<(Change, Range<usize>)>;

/// The changes that a rule makes about a finding; none for a rule that only puts something into the unit. Nothing where it
/// cannot: the place is in no text of the unit, or its template has no value for a name.
pub fn of(rule: &Rule, finding: &Finding, code: &Code<'_>, text: &str) -> Option<Vec<Together>> {
    if rule.when.declines.is_some_and(|number| !declines::only(&finding.name, number, code)) {
        return None;
    }
    let mut changes = match &rule.r#do {
        Action::Replace(template) | Action::Constant(template) => {
            replaced(finding, rule.when.passes.as_ref(), template, code)?
        }
        Action::Argument(argument) => {
            let at = finding.at.clone()?;
            // A macro of the target's may stand between: its function has another name, and more arguments.
            let names = [finding.name.as_str(), finding.name.trim_end_matches('_')];
            let calls = names.iter().flat_map(|name| code.calls(name));
            let call =
                calls.filter(|call| call.range.contains(&at.start)).min_by_key(|call| call.range.len())?;
            let mut written =
                call.arguments.iter().enumerate().filter(|(_, one)| code.text(one) == argument.from);
            let (at, range) = written.next().filter(|_| written.next().is_none())?;
            let (range, to) = match (&argument.to, call.arguments.get(at + 1)) {
                (Some(to), _) => (range.clone(), to.clone()),
                (None, Some(next)) => (range.start..next.start, String::new()),
                (None, None) => return None,
            };
            vec![vec![(Change { range: range.clone(), text: to }, range)]]
        }
        Action::Drop(Dropped::Statement) => {
            let at = finding.at.clone()?;
            let whole = code.member_at(at.start).map_or(at, |access| access.range);
            let statement = code.statement(&whole)?;
            vec![vec![(Change { range: statement.clone(), text: ";".to_owned() }, statement)]]
        }
        Action::Drop(Dropped::Registration) => {
            let calls = code.calls(&finding.name);
            let gone = calls.into_iter().map(|call| {
                let callback = call.arguments.first().map_or("0", |first| code.text(first));
                vec![(Change { range: call.range.clone(), text: format!("(void) {callback}") }, call.range)]
            });
            gone.collect()
        }
        Action::Drop(Dropped::Include) => {
            let at = finding.at.clone()?;
            let start = text.get(..at.start)?.rfind('\n').map_or(0, |end| end + 1);
            let end = text.get(at.start..)?.find('\n').map_or(text.len(), |end| at.start + end);
            vec![vec![(Change { range: start..end, text: String::new() }, start..end)]]
        }
        Action::Adapter(adapter) => adapted(finding, &adapter.text, code)?,
        Action::Include(_)
        | Action::Shim(_)
        | Action::Expose(_)
        | Action::Subsystem(_)
        | Action::Refuse(_) => Vec::new(),
    };
    if let Some(after) = &rule.after {
        let changed = changes.into_iter().flatten().collect();
        changes = vec![followed(finding, changed, after, code)?];
    }
    // What has to follow must not be left behind: the finding would be gone, and nobody would ask for it.
    for also in &rule.also {
        let following = followers(also, code)?;
        if following.is_empty() && also.is_required() {
            return None;
        }
        match changes.first_mut() {
            Some(first) => first.extend(following),
            None => changes.push(following),
        }
    }
    // What stands there already does not help.
    let is_there =
        |(change, _): &(Change, Range<usize>)| text.get(change.range.clone()) == Some(change.text.as_str());
    changes.retain(|group| !group.iter().all(is_there));
    Some(changes)
}

/// The change of the whole statement: what was changed in it, and another statement behind it.
fn followed(finding: &Finding, changes: Together, after: &str, code: &Code<'_>) -> Option<Together> {
    let [(inner, shown)] = <[_; 1]>::try_from(changes).ok()?;
    let access = code.member_at(finding.at.clone()?.start)?;
    let statement = code.enclosing_statement(&access.range)?;
    let values = template::of_access(&access, code);
    let after = template::fill(after, &values, code, access.range.start)?;
    let (before, behind) = (statement.start..inner.range.start, inner.range.end..statement.end);
    let text = format!("{{ {}{}{} {after} }}", code.text(&before), inner.text, code.text(&behind));
    Some(vec![(Change { range: statement, text }, shown)])
}

/// What has to follow elsewhere.
pub fn followers(also: &Also, code: &Code<'_>) -> Option<Together> {
    let mut changes = Vec::new();
    match also {
        Also::Call(also) => {
            for call in code.calls(&also.call).into_iter().filter(|call| !code.is_head(call)) {
                let written: Vec<&str> = call.arguments.iter().map(|argument| code.text(argument)).collect();
                if also.arguments.is_empty() || also.arguments.iter().eq(written.iter()) {
                    let values = template::of_call(&also.call, &call, code);
                    let text = template::fill(&also.replace, &values, code, call.range.start)?;
                    changes.push((Change { range: call.range.clone(), text }, call.range));
                }
            }
        }
        Also::Define(also) => {
            for body in code.macro_bodies(&also.define) {
                changes.push((Change { range: body.clone(), text: also.replace.clone() }, body));
            }
        }
    }
    Some(changes)
}

/// The changes that put a template in place of what a finding is about, wherever it occurs; of a function, in place of the
/// calls that pass what they must.
fn replaced(
    finding: &Finding,
    passes: Option<&Passes>,
    text: &str,
    code: &Code<'_>,
) -> Option<Vec<Together>> {
    let change = |range: Range<usize>, new: String| vec![(Change { range: range.clone(), text: new }, range)];
    match finding.kind {
        Kind::Member => {
            let access = code.member_at(finding.at.clone()?.start)?;
            let values = template::of_access(&access, code);
            let new = template::fill(text, &values, code, access.range.start)?;
            let range = match code.assigned(&access).filter(|_| text.contains("{value}")) {
                Some(value) => access.range.start..value.end,
                None => access.range,
            };
            Some(vec![change(range, new)])
        }
        Kind::Arity | Kind::Argument | Kind::Value | Kind::Call => {
            let at = finding.at.clone()?;
            let around = code.calls(&finding.name).into_iter().filter(|call| call.range.contains(&at.start));
            let from = || code.call_from(at.start).map(|(_, call)| call);
            let call = around.min_by_key(|call| call.range.len()).or_else(from)?;
            let values = template::of_call(&finding.name, &call, code);
            let new = template::fill(text, &values, code, call.range.start)?;
            Some(vec![change(call.range, new)])
        }
        Kind::Function | Kind::Identifier | Kind::Type => {
            let mut changes = Vec::new();
            for at in code.uses(&finding.name) {
                let called = code.call_at(at.start);
                if !passes
                    .is_none_or(|passes| called.as_ref().is_some_and(|call| is_passed(passes, call, code)))
                {
                    continue;
                }
                let (range, values) = match &called {
                    Some(call) => (call.range.clone(), template::of_call(&finding.name, call, code)),
                    None => (at, template::Values::from([("name".to_owned(), finding.name.clone())])),
                };
                // A bare name, as in a table of functions, may have no value for an argument.
                if let Some(new) = template::fill(text, &values, code, range.start) {
                    changes.push(change(range, new));
                }
            }
            Some(changes)
        }
        _ => {
            let at = finding.at.clone()?;
            let mut values = template::Values::from([("name".to_owned(), finding.name.clone())]);
            values.extend(finding.value.iter().map(|value| ("value".to_owned(), value.clone())));
            let new = template::fill(text, &values, code, at.start)?;
            Some(vec![change(at, new)])
        }
    }
}

/// Whether a call passes this.
fn is_passed(passes: &Passes, call: &Call, code: &Code<'_>) -> bool {
    let argument = passes.argument.checked_sub(1).and_then(|at| call.arguments.get(at));
    argument.is_some_and(|argument| passes.value.fits(code.text(argument)))
}

/// An adapter in front of the function that registers the callback, and its name in the callback's place.
fn adapted(finding: &Finding, text: &str, code: &Code<'_>) -> Option<Vec<Together>> {
    let at = finding.at.clone()?;
    let calls = code.calls(&finding.name).into_iter().filter(|call| call.range.contains(&at.start));
    let call = calls.min_by_key(|call| call.range.len())?;
    let argument = call.arguments.get(finding.argument?.checked_sub(1)?)?.clone();
    let callback = code.text(&argument);
    if callback.is_empty() || !callback.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let adapter = format!("graft_{callback}");
    if !code.uses(&adapter).is_empty() {
        return None;
    }
    let function = code.function_start(call.range.start)?;
    let own = text.trim().replace("{adapter}", &adapter).replace("{argument}", callback);
    Some(vec![vec![
        (Change { range: argument.clone(), text: adapter }, argument),
        (Change { range: function..function, text: format!("{own}\n\n") }, function..function),
    ]])
}
