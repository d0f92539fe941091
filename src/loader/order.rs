//! The digits in front of a drop-in's name: httpd reads `conf.modules.d/*.conf` by the alphabet, so they decide what is
//! loaded first. Files of httpd's own packages are 00- and 01-, those of others 10- (Fedora's packaging guidelines).

use std::collections::BTreeMap;

use super::files::Files;
use super::outcome::{Load, Outcome, Place, Simulation, Verdict};
use super::reader::Server;
use super::variables::Variables;
use super::{Laid, Options, paths, survey};
use crate::target::Target;

const USUAL: u8 = 10;
const LAST: u8 = 99;

/// Where a module's drop-in goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// 00 to 99: the usual 10, or the next after the file that loads the last of its prerequisites.
    pub order: u8,
    /// What no number can do.
    pub findings: Vec<Finding>,
}

/// A prerequisite that a drop-in's number does not bring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// No file loads it.
    #[error(
        "prerequisite {module} is not loaded by the target's configuration: an administrator must switch it on"
    )]
    NotLoaded {
        /// Its structure.
        module: String,
    },
    /// It is loaded after all drop-ins.
    #[error("prerequisite {module} is loaded at line {} of {}, which the target reads after all drop-ins", place.line, place.file)]
    Later {
        /// Its structure.
        module: String,
        /// The line that loads it.
        place: Place,
    },
    /// A file's name comes after all numbers.
    #[error("prerequisite {module} is loaded by {}, whose name no number comes after", place.file)]
    NoNumber {
        /// Its structure.
        module: String,
        /// The line that loads it.
        place: Place,
    },
}

/// Finds the place of the drop-in of a module (its name without `mod_`) that needs these structures loaded before.
pub fn place(target: &Target, name: &str, after: &[&str]) -> Placed {
    if after.is_empty() {
        // Wherever it is read.
        return Placed { order: USUAL, findings: Vec::new() };
    }
    let layout = &target.layout;
    let own = layout.load_file_for(name, 0);
    let numbered = layout.load_file.contains("{order}");
    let laid = BTreeMap::from([(own.clone(), Laid::Text(String::new()))]);
    let options = Options { laid, ..Options::default() };
    let survey = survey(target, &options).ok().or_else(|| without_main(target, &own));
    match survey {
        // Where a tool or a person switches the module on, that decides on its place.
        Some(survey) if numbered => decide(&survey, &own, after),
        Some(survey) if layout.dependency_line.is_none() => {
            Placed { order: USUAL, findings: not_loaded(&survey, after) }
        }
        _ => Placed { order: USUAL, findings: Vec::new() },
    }
}

/// A target with numbered drop-ins and no main configuration: what those in the folder of `own` load, by the alphabet.
pub(super) fn without_main(target: &Target, own: &str) -> Option<Simulation> {
    if !target.layout.load_file.contains("{order}") {
        return None;
    }
    let files = Files::new(target.roots(), &BTreeMap::new());
    let variables = Variables::new(&[], &BTreeMap::new());
    let mut server = Server::new(target, files, String::new(), "/".to_owned(), variables);
    let folder = paths::split(own).0;
    // A file in it that cannot be read loads nothing.
    let _ = server.commands(&[format!("Include \"{folder}/*.conf\"")]);
    Some(Simulation {
        config: String::new(),
        files: server.read,
        built_in: super::built_in(target).into_iter().map(|module| module.symbol).collect(),
        loads: server.loads,
        warnings: Vec::new(),
        notes: Vec::new(),
        limits: Vec::new(),
        verdict: Verdict::Accepted,
    })
}

fn load_of<'s>(survey: &'s Simulation, module: &str) -> Option<&'s Load> {
    let loads = survey.loads.iter().filter(|load| !matches!(load.outcome, Outcome::Skipped));
    loads.into_iter().find(|load| load.module.as_deref() == Some(module))
}

fn not_loaded(survey: &Simulation, after: &[&str]) -> Vec<Finding> {
    let missing = after.iter().filter(|module| {
        load_of(survey, module).is_none() && !survey.built_in.iter().any(|known| known == *module)
    });
    missing.map(|module| Finding::NotLoaded { module: (*module).to_owned() }).collect()
}

/// `own` is the drop-in as number 00.
fn decide(survey: &Simulation, own: &str, after: &[&str]) -> Placed {
    let mut placed = Placed { order: USUAL, findings: not_loaded(survey, after) };
    let folder = paths::split(own).0;
    let read_at = survey.files.iter().position(|file| file == own);
    for module in after {
        let Some(load) = load_of(survey, module) else { continue };
        let (parent, name) = paths::split(&load.place.file);
        if parent != folder {
            // A file that is read once the drop-ins have been, or goes on then.
            if read_at.is_some_and(|read_at| load.files_before > read_at) {
                placed
                    .findings
                    .push(Finding::Later { module: (*module).to_owned(), place: load.place.clone() });
            }
            continue;
        }
        let number = name.get(..2).and_then(|digits| digits.parse::<u8>().ok());
        match number {
            Some(number) if number >= placed.order => placed.order = (number + 1).min(LAST),
            None if name > ":" => {
                placed
                    .findings
                    .push(Finding::NoNumber { module: (*module).to_owned(), place: load.place.clone() });
            }
            _ => {}
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loader::outcome::Directive;

    const FOLDER: &str = "/etc/httpd/conf.modules.d";

    /// Loads in order, each with its module, its file and its line; files are read in the order of their first line, the
    /// drop-in (`own`) where it is named.
    fn survey(loads: &[(&str, &str, usize)]) -> Simulation {
        let mut files: Vec<String> = Vec::new();
        let mut all = Vec::new();
        for (module, file, line) in loads {
            let file = if file.starts_with('/') { (*file).to_owned() } else { format!("{FOLDER}/{file}") };
            if !files.contains(&file) {
                files.push(file.clone());
            }
            if module.is_empty() {
                continue;
            }
            all.push(Load {
                directive: Directive::LoadModule,
                module: Some((*module).to_owned()),
                file: String::new(),
                place: Place { file, line: *line },
                outcome: Outcome::Loaded { bound: Vec::new() },
                files_before: files.len(),
            });
        }
        Simulation {
            config: String::new(),
            files,
            built_in: vec!["core_module".to_owned()],
            loads: all,
            warnings: Vec::new(),
            notes: Vec::new(),
            limits: Vec::new(),
            verdict: Verdict::Accepted,
        }
    }

    #[test]
    fn a_module_comes_after_what_it_needs() {
        let survey = survey(&[
            ("first_module", "/etc/httpd/conf/httpd.conf", 1),
            ("proxy_module", "00-proxy.conf", 2),
            ("", "00-x.conf", 0),
            ("late_module", "20-late.conf", 1),
            ("last_module", "99-last.conf", 1),
            ("named_module", "named.conf", 3),
            ("after_module", "/etc/httpd/conf/httpd.conf", 9),
        ]);
        let place = |after: &[&str]| decide(&survey, "/etc/httpd/conf.modules.d/00-x.conf", after);
        let orders: [(&[&str], u8); 7] = [
            (&[], 10),
            (&["first_module"], 10),
            (&["core_module"], 10),
            (&["proxy_module"], 10),
            (&["proxy_module", "late_module"], 21),
            (&["late_module", "proxy_module"], 21),
            (&["last_module"], 99),
        ];
        for (after, order) in orders {
            assert_eq!(place(after), Placed { order, findings: Vec::new() }, "{after:?}");
        }
        for (module, finding) in [
            (
                "other_module",
                "prerequisite other_module is not loaded by the target's configuration: an administrator must switch it on",
            ),
            (
                "named_module",
                "prerequisite named_module is loaded by /etc/httpd/conf.modules.d/named.conf, whose name no number comes after",
            ),
            (
                "after_module",
                "prerequisite after_module is loaded at line 9 of /etc/httpd/conf/httpd.conf, which the target reads after all drop-ins",
            ),
        ] {
            let placed = place(&[module]);
            assert_eq!(placed.findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [finding]);
            assert_eq!(placed.order, 10);
        }
    }
}
