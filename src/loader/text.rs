//! A simulation for a person to read.

use std::fmt::Write as _;

use super::{Directive, Outcome, Simulation, Verdict};

impl Simulation {
    /// The order of loading and the verdict, a line each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: std::fmt::Arguments<'_>| {
            // Writing to a String does not fail.
            let _ = text.write_fmt(words);
            text.push('\n');
        };
        line(format_args!("configuration: {} ({} files read)", self.config, self.files.len()));
        line(format_args!("built in: {}", self.built_in.join(" ")));
        let mut number = 0;
        for load in &self.loads {
            let name = load.module.as_deref().unwrap_or("(LoadFile)");
            let place = format!("{}:{}", load.place.file, load.place.line);
            match &load.outcome {
                Outcome::Loaded { bound } => {
                    number += 1;
                    let mut providers: Vec<&str> = bound
                        .iter()
                        .map(|bound| bound.provider.rsplit('/').next().unwrap_or_default())
                        .collect();
                    providers.dedup();
                    let uses = if providers.is_empty() {
                        String::new()
                    } else {
                        format!("  uses {}", providers.join(", "))
                    };
                    line(format_args!("{number:4} {name:<28} {place}{uses}"));
                }
                Outcome::Skipped => line(format_args!("   - {name:<28} {place}  is loaded already")),
                Outcome::Refused => line(format_args!("   ! {name:<28} {place}")),
            }
        }
        for warning in &self.warnings {
            line(format_args!("warning: {warning}"));
        }
        for note in &self.notes {
            line(format_args!("note: {note}"));
        }
        for limit in &self.limits {
            line(format_args!("not simulated: {limit}"));
        }
        if self.verdict == Verdict::Accepted {
            let modules = self.loads.iter().filter(|load| load.directive == Directive::LoadModule);
            let loaded = modules.filter(|load| matches!(load.outcome, Outcome::Loaded { .. })).count();
            line(format_args!("httpd would load all {loaded} modules"));
        }
        text
    }
}
