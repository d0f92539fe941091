//! What came of the trials: for people as Markdown, for programs as a table with tabs and as JSON.

use std::fmt::Write;
use std::sync::Arc;

use super::run::Row;
use super::verdict::{Expected, Outcome};
use crate::target::Target;

/// As much of a commit's id as history needs.
const SHORT: usize = 12;

/// One trial in one line.
pub fn line(row: &Row) -> String {
    let told = [row.code.as_str(), if row.reason.is_empty() { &row.message } else { &row.reason }];
    let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
    let (module, commit, differs) =
        (named(row), short(&row.commit), row.differs.as_ref().map_or("", |_| "  (!)"));
    let (outcome, seconds) = (row.outcome.word(), row.seconds);
    format!(
        "{commit} {module:<24} {:<8} {outcome:<8} {seconds:>6.1} s{differs}  {}",
        row.httpd,
        told.join(": ")
    )
}

/// The table of commits and targets, the sums, what is not as expected, and the reasons.
pub fn markdown(rows: &[Row], targets: &[Arc<Target>]) -> String {
    let mut page = String::new();
    let names: Vec<(&str, String)> =
        targets.iter().map(|target| (target.name.as_str(), heading(target, targets))).collect();
    write_tables(&mut page, rows, &names).expect("writing to a String cannot fail");
    page
}

fn write_tables(page: &mut String, rows: &[Row], targets: &[(&str, String)]) -> std::fmt::Result {
    writeln!(
        page,
        "| commit | date | branch | module |{}",
        cells(targets.iter().map(|(_, name)| escaped(name)))
    )?;
    writeln!(page, "|---|---|---|---|{}", "---|".repeat(targets.len()))?;
    // The trials of one commit and module stand together, one for each target.
    for of_one in rows.chunks(targets.len().max(1)) {
        let Some(first) = of_one.first() else { continue };
        let known = [short(&first.commit), &first.date, &first.branch, named(first)].map(escaped);
        writeln!(page, "|{}{}", cells(known.into_iter()), cells(of_one.iter().map(cell)))?;
    }
    writeln!(page, "\n| |{}", cells(targets.iter().map(|(_, name)| escaped(name))))?;
    writeln!(page, "|---|{}", "---:|".repeat(targets.len()))?;
    let count = |of: &str, fits: &dyn Fn(&&Row) -> bool| {
        rows.iter().filter(|row| row.target == of).filter(fits).count()
    };
    for outcome in Outcome::ALL {
        let sums = targets.iter().map(|(of, _)| count(of, &|row| row.outcome == outcome).to_string());
        writeln!(page, "| {} |{}", outcome.word(), cells(sums))?;
    }
    for expected in Expected::ALL {
        let of_word = |row: &&Row| row.expected == Some(expected);
        if !rows.iter().any(|row| of_word(&row)) {
            continue;
        }
        let sums = targets.iter().map(|(of, _)| {
            let made =
                |row: &&Row| of_word(row) && !matches!(row.outcome, Outcome::Refused | Outcome::Failed);
            format!("{} of {}", count(of, &made), count(of, &of_word))
        });
        writeln!(page, "| `{}`, made |{}", expected.word(), cells(sums))?;
    }
    let differing: Vec<&Row> = rows.iter().filter(|row| row.differs.is_some()).collect();
    if rows.iter().any(|row| row.expected.is_some()) || !differing.is_empty() {
        writeln!(page, "\n## Not as expected: {} of {}\n", differing.len(), rows.len())?;
    }
    for row in differing {
        writeln!(page, "- {}: {}", place(row, targets), escaped(row.differs.as_deref().unwrap_or_default()))?;
    }
    for (title, outcome) in [("Failed", Outcome::Failed), ("Refused", Outcome::Refused)] {
        let all: Vec<&Row> = rows.iter().filter(|row| row.outcome == outcome).collect();
        if !all.is_empty() {
            writeln!(page, "\n## {title}: {}\n", all.len())?;
        }
        for row in all {
            let reason = if row.reason.is_empty() { &row.message } else { &row.reason };
            writeln!(page, "- {}: `{}`: {}", place(row, targets), row.code, escaped(reason))?;
        }
    }
    Ok(())
}

/// What a target is called: its httpd's version, and its name where another has that version too.
fn heading(target: &Target, targets: &[Arc<Target>]) -> String {
    let version = &target.httpd_version;
    match targets.iter().filter(|other| other.httpd_version == *version).count() {
        0 | 1 if target.name.contains('/') => version.clone(),
        _ => format!("{version} ({})", target.name),
    }
}

fn cell(row: &Row) -> String {
    let mut text = match row.differs {
        Some(_) => format!("**{}**", row.outcome.word()),
        None => row.outcome.word().to_owned(),
    };
    if let (Some(_), Some(expected)) = (&row.differs, row.expected) {
        let _ = write!(text, ", not {}", escaped(expected.word()));
    }
    if !row.risky.is_empty() {
        let _ = write!(text, "; risk: {}", row.risky.join(", "));
    }
    text
}

fn place(row: &Row, targets: &[(&str, String)]) -> String {
    let target =
        targets.iter().find(|(name, _)| *name == row.target).map_or(row.httpd.as_str(), |(_, name)| name);
    format!("`{}` {} on {}", short(&row.commit), escaped(named(row)), escaped(target))
}

fn cells(all: impl Iterator<Item = String>) -> String {
    all.map(|cell| format!(" {cell} |")).collect()
}

fn named(row: &Row) -> &str {
    if row.module.is_empty() { "no module" } else { &row.module }
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// Text of upstream's or a person's, as it is to be read in Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\|*_`<>[]".contains(c) {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

/// One line a trial, under the names of the columns.
pub fn tsv(rows: &[Row]) -> String {
    const COLUMNS: &str = "commit\tdate\tbranch\tmodule\ttarget\thttpd\toutcome\texpected\tdiffers\trisky\tedits\tcopied or noted\t\
                           rounds\trequired\tchecks\tlines\tseconds\tcode\tmessage\treason\n";
    let mut text = COLUMNS.to_owned();
    for row in rows {
        let cells = [
            row.commit.clone(),
            row.date.clone(),
            row.branch.clone(),
            row.module.clone(),
            row.target.clone(),
            row.httpd.clone(),
            row.outcome.word().to_owned(),
            row.expected.map_or("", Expected::word).to_owned(),
            row.differs.clone().unwrap_or_default(),
            row.risky.join(","),
            row.edits.len().to_string(),
            row.notable.len().to_string(),
            row.rounds.to_string(),
            row.required.join(","),
            row.checks.to_string(),
            row.lines.to_string(),
            row.seconds.to_string(),
            row.code.clone(),
            row.message.clone(),
            row.reason.clone(),
        ];
        text.push_str(&cells.map(|cell| cell.replace(|c: char| c.is_control(), " ")).join("\t"));
        text.push('\n');
    }
    text
}

/// Everything.
pub fn json(rows: &[Row]) -> String {
    let mut text = serde_json::to_string_pretty(rows).expect("rows are plain data");
    text.push('\n');
    text
}
