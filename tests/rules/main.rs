//! Every rule of the built-in packs does what it says, and is needed for it.
//!
//! `PACK.toml` beside this file has a case, or several, for each rule of the pack. A rule without one fails
//! [`every_rule_has_a_case`]. Of a case, [`every_rule_is_needed`] shows that
//!
//! - the module is adapted to the target, which its compiler then takes, and the record names the rule; or that it is
//!   refused with the rule's words,
//! - the adapted C has what it must have, and a program made of it prints what it must print,
//! - without the rule it is refused, or adapted otherwise.
//!
//! `RULE=PACK/NAME cargo test --test rules` runs the cases of one rule, and prints what each comes to with `-- --nocapture`.
//! The keys of a `[[case]]`:
//!
//! | key | |
//! |---|---|
//! | `rule` | the rule's id |
//! | `target` | `"2.2"`: the fixtures in tests/fixtures/httpd-2.2; `"2.4"`: this machine's headers without the names that came behind 2.4.6; `"local"`: this machine's httpd, for modules older than it |
//! | `lacks` | with `"2.4"`: further names that the target lacks, `name` or `owner.member` |
//! | `headers` | what the module includes; `httpd.h`, `http_config.h` and `http_log.h` where it is missing |
//! | `code` | the module's C, without includes and module structure |
//! | `hooks` | statements that register hooks; they may use `pool` |
//! | `whole` | the module's whole file instead of these three; its structure is `sample_module` |
//! | `files` | other files of upstream's tree: `{ path, text }` |
//! | `has`, `has-not` | texts that the adapted C must have, or must not |
//! | `refused` | text that the error must have; the module is not adapted then |
//! | `risk` | what the rule's edits cost |
//! | `main`, `stubs` | a program's statements, which may use `pool` and all of the module's functions; functions of httpd that it needs |
//! | `prints` | what that program prints |
//! | `[[case.check]]` | with `"local"`: a recipe's check, made in the real httpd |

mod case;

#[path = "../adapt_support/mod.rs"]
mod adapt_support;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use adapt_support::{Source, built_in, execute, prefix, support, toolchain, words};
use case::{Case, Cases, On};
use modgraft::adapt::pack;
use modgraft::adapt::{Adapted, Error};
use modgraft::target::Target;
use modgraft::{check, compile};

const FILES: &[(&str, &str)] = &[
    ("common", include_str!("common.toml")),
    ("httpd-2.2", include_str!("httpd-2.2.toml")),
    ("httpd-2.4", include_str!("httpd-2.4.toml")),
];

fn cases() -> Vec<Case> {
    let read = |(name, text): &(&str, &str)| {
        let cases: Cases =
            toml::from_str(text).unwrap_or_else(|error| panic!("tests/rules/{name}.toml: {error}"));
        for case in &cases.cases {
            assert!(case.rule.starts_with(&format!("{name}/")), "{} stands in {name}.toml", case.rule);
        }
        cases.cases
    };
    FILES.iter().flat_map(read).collect()
}

#[test]
fn every_rule_has_a_case() {
    let cases = cases();
    let covered: BTreeSet<&str> = cases.iter().map(|case| case.rule.as_str()).collect();
    let rules = pack::built_in().iter().flat_map(|pack| &pack.rules);
    let known: BTreeSet<&str> = rules.map(|rule| rule.id.as_str()).collect();
    let missing: Vec<_> = known.difference(&covered).collect();
    assert!(missing.is_empty(), "rules without a case in tests/rules/*.toml: {missing:#?}");
    let gone: Vec<_> = covered.difference(&known).collect();
    assert!(gone.is_empty(), "cases of rules that no pack has: {gone:#?}");
}

#[test]
fn every_rule_is_needed() {
    let wanted = std::env::var("RULE").ok();
    let mut cases = cases();
    cases.retain(|case| wanted.as_ref().is_none_or(|wanted| case.rule == *wanted));
    assert!(!cases.is_empty(), "there is no case of {wanted:?}");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, |count| count.get().max(2));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let run = panic::catch_unwind(AssertUnwindSafe(|| shown(case, wanted.is_some())));
                    let said = match run {
                        Ok(Ok(())) => continue,
                        Ok(Err(said)) => said,
                        Err(panic) => {
                            let text = panic.downcast_ref::<String>().cloned();
                            text.unwrap_or_else(|| "it panicked".to_owned())
                        }
                    };
                    failures.lock().unwrap().push(format!("{}: {said}", case.rule));
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cases:\n\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

/// The targets, each made once: their headers are read once then.
fn target(case: &Case) -> Target {
    static OLDER_22: OnceLock<Target> = OnceLock::new();
    static LOCAL: OnceLock<Target> = OnceLock::new();
    static OLDER_24: Mutex<BTreeMap<Vec<String>, Target>> = Mutex::new(BTreeMap::new());
    match case.target {
        On::Older22 => OLDER_22.get_or_init(prefix::httpd_2_2).clone(),
        On::Local => LOCAL.get_or_init(prefix::local).clone(),
        On::Older24 => {
            let mut made = OLDER_24.lock().unwrap();
            made.entry(case.lacks.clone()).or_insert_with(|| prefix::older_2_4(&case.lacks)).clone()
        }
    }
}

fn source(case: &Case) -> Source {
    let mut headers: Vec<&str> = case.headers.iter().map(String::as_str).collect();
    if headers.is_empty() {
        headers = vec!["httpd.h", "http_config.h", "http_log.h"];
    }
    let source = match &case.whole {
        Some(text) => Source::new(text.clone()),
        None => Source::module(&headers, &case.code, &case.hooks),
    };
    case.files.iter().fold(source, |source, file| source.with(&file.path, &file.text))
}

/// Shows that the rule of a case does what the case says, and is needed for it; else what went otherwise.
fn shown(case: &Case, aloud: bool) -> Result<(), String> {
    let (target, source) = (target(case), source(case));
    let rules = built_in(&target);
    let with = source.adapt(&target, &rules);
    let without = source.adapt(&target, &rules.without(&case.rule));
    if aloud {
        println!("{}", told(&with));
        println!("--- without the rule:\n{}", told(&without));
    }
    match (&case.refused, &with) {
        (Some(refused), Err(error)) => {
            let said = words(error);
            if !said.contains(refused) {
                return Err(format!("{refused:?} is not in the refusal:\n{said}"));
            }
            if without.as_ref().is_err_and(|error| words(error).contains(refused)) {
                return Err("it is refused with the same words without the rule".to_owned());
            }
        }
        (None, Ok(adapted)) => {
            adapted_as_it_must_be(case, adapted)?;
            // A rule may be there to say what another's edit costs.
            let came = |one: &Adapted| (one.unit.render(false), one.edits.iter().map(|edit| edit.risk).max());
            if without.is_ok_and(|other| came(&other) == came(adapted)) {
                return Err("the same comes of it without the rule".to_owned());
            }
            if let Some(prints) = &case.prints {
                let printed = execute(adapted, &target, &case.stubs, &case.main);
                if printed != *prints {
                    return Err(format!("it prints {printed:?}"));
                }
            }
            if !case.checks.is_empty() {
                checked(case, adapted, &target)?;
            }
        }
        (Some(_), Ok(_)) => return Err(format!("it is not refused:\n{}", told(&with))),
        (None, Err(_)) => return Err(format!("it is refused:\n{}", told(&with))),
    }
    Ok(())
}

fn adapted_as_it_must_be(case: &Case, adapted: &Adapted) -> Result<(), String> {
    let text = adapted.unit.render(false);
    let Some(edit) = adapted.edits.iter().find(|edit| edit.rule == case.rule) else {
        return Err(format!("the record does not name the rule: {:#?}\n{text}", adapted.edits));
    };
    if case.risk.is_some_and(|risk| risk != edit.risk) {
        return Err(format!("its edits are recorded as {:?}", edit.risk));
    }
    if let Some(lacking) = case.has.iter().find(|has| !text.contains(has.as_str())) {
        return Err(format!("{lacking:?} is not in:\n{text}"));
    }
    if let Some(found) = case.has_not.iter().find(|has| text.contains(has.as_str())) {
        return Err(format!("{found:?} is in:\n{text}"));
    }
    Ok(())
}

/// Makes the module, and the case's checks in the real httpd.
fn checked(case: &Case, adapted: &Adapted, target: &Target) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let text = adapted.unit.render(false);
    let unit = compile::Unit { module: &adapted.unit.module, symbol: &adapted.unit.symbol, text: &text };
    let options = compile::Options {
        libraries: Vec::new(),
        exports: Vec::new(),
        out_dir: folder.path().to_owned(),
        nevra: "mod_sample-1-1.x86_64".to_owned(),
        source_date_epoch: None,
        limit: Duration::from_secs(60),
    };
    let object =
        compile::compile(&unit, target, &toolchain(target), &options).map_err(|error| words(&error))?;
    let plan = support::plan(&object.file, &adapted.unit.symbol);
    check::run(&case.checks, &plan).map(|_| ()).map_err(|error| words(&error))
}

fn told(result: &Result<Adapted, Error>) -> String {
    match result {
        Ok(adapted) => {
            let rules: Vec<&str> = adapted.edits.iter().map(|edit| edit.rule.as_str()).collect();
            format!("{} rounds, {rules:?}\n{}", adapted.rounds, adapted.unit.render(false))
        }
        Err(error) => words(error),
    }
}
