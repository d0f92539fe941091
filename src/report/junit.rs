//! A run of many jobs as JUnit XML, which GitHub's and GitLab's pages, Jenkins and others show: a suite for each target, a case
//! for each module. (There is no standard; these elements and attributes are what all of them read.)

use std::time::Duration;

use crate::pipeline::{Ended, Outcome, Outcomes};
use crate::xml::Xml;

/// The file's text.
pub fn render(outcomes: &Outcomes) -> String {
    let mut targets: Vec<&str> = Vec::new();
    for ended in &outcomes.ended {
        if !targets.contains(&ended.job.target.as_str()) {
            targets.push(&ended.job.target);
        }
    }
    let mut xml = Xml::new();
    counted(&mut xml, "testsuites", "modgraft", &outcomes.ended.iter().collect::<Vec<_>>(), outcomes.elapsed);
    for target in targets {
        let of: Vec<&Ended> = outcomes.ended.iter().filter(|ended| ended.job.target == target).collect();
        counted(&mut xml, "testsuite", target, &of, of.iter().map(|ended| ended.elapsed).sum());
        for ended in of {
            case(&mut xml, ended);
        }
        xml.end("testsuite");
    }
    xml.end("testsuites");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
}

fn counted(xml: &mut Xml, element: &str, name: &str, all: &[&Ended], time: Duration) {
    let count = |outcome| all.iter().filter(|ended| ended.outcome == outcome).count().to_string();
    let attributes = [
        ("name", name.to_owned()),
        ("tests", all.len().to_string()),
        ("failures", count(Outcome::Refused)),
        ("errors", count(Outcome::Failed)),
        ("skipped", count(Outcome::Skipped)),
        ("time", seconds(time)),
    ];
    xml.start(element, &attributes.each_ref().map(|(name, value)| (*name, value.as_str())));
}

fn case(xml: &mut Xml, ended: &Ended) {
    let time = seconds(ended.elapsed);
    let attributes = [("name", &*ended.job.module), ("classname", &ended.job.target), ("time", &time)];
    xml.start("testcase", &attributes);
    if let Some(reason) = &ended.reason {
        let element = if ended.outcome == Outcome::Refused { "failure" } else { "error" };
        xml.text(element, &[("message", &reason.message), ("type", &reason.code)], &reason.text);
    }
    if ended.outcome == Outcome::Skipped {
        xml.empty("skipped", &[("message", "another job had failed")]);
    }
    let names = ended.packages.iter().filter_map(|package| package.file_name());
    let told: Vec<String> = std::iter::once(ended.outcome.word().to_owned())
        .chain(names.map(|name| name.to_string_lossy().into_owned()))
        .chain(ended.notes.iter().map(|note| format!("warning: {note}")))
        .collect();
    xml.text("system-out", &[], &told.join("\n"));
    xml.end("testcase");
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}
