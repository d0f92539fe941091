//! A run of many jobs as Markdown, as GitHub shows it on the page of a job.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::pipeline::{Ended, Outcome, Outcomes};

/// The text: the counts, a table of modules and targets, and each reason.
pub fn render(outcomes: &Outcomes) -> String {
    let (mut modules, mut targets): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut cells: BTreeMap<(&str, &str), &Ended> = BTreeMap::new();
    for ended in &outcomes.ended {
        let (module, target) = (ended.job.module.as_str(), ended.job.target.as_str());
        for (names, name) in [(&mut modules, module), (&mut targets, target)] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        cells.insert((module, target), ended);
    }
    let lines = outcomes.lines();
    let mut text = format!("## modgraft: {}\n\n", lines.first().map_or("", String::as_str));
    row(&mut text, std::iter::once("Module").chain(targets.iter().copied()).map(plain));
    row(&mut text, std::iter::repeat_n("---".to_owned(), targets.len() + 1));
    for module in modules {
        let cell = |target: &&str| match cells.get(&(module, *target)) {
            Some(ended) if ended.outcome.is_failure() => format!("**{}**", ended.outcome.word()),
            Some(ended) if ended.notes.is_empty() => ended.outcome.word().to_owned(),
            Some(ended) => format!("{} (warnings)", ended.outcome.word()),
            None => String::new(),
        };
        row(&mut text, std::iter::once(plain(module)).chain(targets.iter().map(cell)));
    }
    for ended in outcomes.ended.iter().filter(|ended| told(ended)) {
        // Where a line begins with a tag, Markdown is none.
        let [module, target] =
            [&ended.job.module, &ended.job.target].map(|name| handlebars::html_escape(name));
        let open = if ended.outcome.is_failure() { " open" } else { "" };
        let word = ended.outcome.word();
        let mut about: Vec<String> = ended.notes.iter().map(|note| format!("warning: {note}")).collect();
        about.extend(ended.reason.iter().map(|reason| reason.text.trim_end().to_owned()));
        let about = handlebars::html_escape(&about.join("\n"));
        writeln!(
            text,
            "\n<details{open}><summary>{module} for {target}: {word}</summary>\n\n<pre>{about}</pre>\n</details>"
        )
        .expect("writing into memory cannot fail");
    }
    text
}

fn told(ended: &Ended) -> bool {
    ended.outcome != Outcome::Skipped && (ended.reason.is_some() || !ended.notes.is_empty())
}

fn row(text: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    writeln!(text, "| {} |", cells.join(" | ")).expect("writing into memory cannot fail");
}

/// As text, whatever is in it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => out.push(' '),
            letter if letter.is_ascii_punctuation() && !"-./,:()".contains(letter) => {
                out.extend(['\\', letter])
            }
            letter => out.push(letter),
        }
    }
    out
}
