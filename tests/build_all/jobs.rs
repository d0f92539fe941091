//! How jobs end, and how that is told.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::place::{Place, finish, jobs, outcomes};
use crate::support::recipes::Answering;
use crate::support::run;

/// A recipe whose module calls what no httpd has, and one whose recipe is none.
fn break_two(place: &Place) {
    let folder = Answering::new("lost").write(&place.modules());
    let source = fs_err::read_to_string(folder.join("0001.patch")).unwrap();
    fs_err::write(folder.join("0001.patch"), source.replace("return OK;", "return ap_of_another_world(r);"))
        .unwrap();
    let folder = Answering::new("odd").write(&place.modules());
    fs_err::write(folder.join("module.toml"), "name = 1\n").unwrap();
}

#[test]
fn one_failure_spoils_no_other_and_each_is_told() {
    let place = Place::new(&["one", "two"]);
    break_two(&place);
    let told = place.run(&[
        "--json",
        "--junit",
        "junit.xml",
        "--summary",
        "summary.md",
        "--annotations",
        "links.json",
        "--job-url",
        "https://ci.example/jobs/7",
        "--keep-going",
    ]);
    let ended =
        ["mod_lost local refused", "mod_odd local failed", "mod_one local built", "mod_two local built"];
    assert_eq!(outcomes(&told), ended, "{}", told.stderr);
    // Of what kind the first was, in the order of the names.
    assert_eq!(told.code, Some(4));
    let of = |module: &str| jobs(&told).into_iter().find(|job| job["module"] == module).unwrap();
    let lost = of("mod_lost");
    assert!(lost["reason"]["message"].as_str().unwrap().contains("ap_of_another_world"), "{lost}");
    assert_eq!(lost["reason"]["exit_code"], 4);
    assert!(of("mod_odd")["reason"]["text"].as_str().unwrap().contains("module.toml:1"));
    assert_eq!(of("mod_one")["packages"].as_array().unwrap().len(), 3);

    // As xmllint and a reader of JUnit see it.
    run(Command::new("xmllint").arg("--noout").arg(place.path("junit.xml")));
    let count = |path: &str| {
        let counted = Command::new("xmllint")
            .args(["--xpath", &format!("count({path})")])
            .arg(place.path("junit.xml"))
            .output()
            .unwrap();
        String::from_utf8(counted.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(
        count("/testsuites[@tests='4'][@failures='1'][@errors='1']/testsuite[@name='local']/testcase"),
        "4"
    );
    assert_eq!(count("//testcase[@name='mod_lost']/failure[contains(@message,'ap_of_another_world')]"), "1");
    assert_eq!(count("//testcase[@name='mod_odd']/error"), "1");

    let summary = fs_err::read_to_string(place.path("summary.md")).unwrap();
    assert!(summary.starts_with("## modgraft: 2 built, 1 refused, 1 failed in "), "{summary}");
    assert!(summary.contains("| mod\\_lost | **refused** |") && summary.contains("| mod\\_one | built |"));
    assert!(summary.contains("<summary>mod_lost for local: refused</summary>"), "{summary}");
    let links: Value =
        serde_json::from_str(&fs_err::read_to_string(place.path("links.json")).unwrap()).unwrap();
    let link = &links["modgraft"].as_array().unwrap()[2]["external_link"];
    assert_eq!(link["label"], "mod_one for local: built");
    assert_eq!(link["url"], "https://ci.example/jobs/7/artifacts/browse/out/local/mod_one");

    // A person reads the same.
    let again = place.run(&[]);
    for line in ["  refused  mod_lost for local", "   failed  mod_odd for local", "unchanged  mod_one-1.0-1."]
    {
        assert!(again.stderr.contains(line), "{line}: {}", again.stderr);
    }
    assert!(again.stderr.contains("2 unchanged, 1 refused, 1 failed in"), "{}", again.stderr);
    assert_eq!(again.stdout.lines().count(), 6, "{}", again.stdout);
}

#[test]
fn with_fail_fast_nothing_more_is_begun() {
    let place = Place::new(&["one", "two"]);
    break_two(&place);
    let told = place.run(&["--json", "--fail-fast", "--jobs", "1"]);
    let ended =
        ["mod_lost local refused", "mod_odd local skipped", "mod_one local skipped", "mod_two local skipped"];
    assert_eq!((outcomes(&told), told.code), (ended.map(str::to_owned).to_vec(), Some(4)));
}

#[test]
fn the_bytes_are_the_same_for_one_job_and_for_many_here_and_elsewhere() {
    let names = ["a", "b", "c", "d"];
    let (one, other) = (Place::new(&names), Place::new(&names));
    one.run(&["--jobs", "1", "--cache", "none", "--out", "first"]);
    let packages = one.packages("first");
    assert_eq!(packages.len(), 12);
    // In another folder, by many jobs, with an empty cache, as another user.
    let folder = other.path("");
    run(Command::new("chown").args(["-R", "65534:65534"]).arg(&folder));
    let mut command = other.command(&["--jobs", "8", "--out", "second"]);
    // The key is root's own.
    command.args(["--sign-key", "none"]).uid(65534).gid(65534).env("HOME", &folder);
    let by_other = finish(&mut command);
    assert_eq!(by_other.code, Some(0), "{}", by_other.stderr);
    one.run(&["--sign-key", "none", "--cache", "none", "--out", "unsigned"]);
    assert_eq!(other.packages("second"), one.packages("unsigned"));
    // At another date: compilers, linkers, compressors and signers see it too.
    let at_another_date = || {
        let mut command = Command::new("faketime");
        command.arg("2031-05-06 07:08:09");
        command
    };
    assert_eq!(run(at_another_date().args(["sh", "-c", "date +%Y"])), "2031\n");
    let command = one.command(&["--cache", "none", "--no-check", "--out", "later"]);
    let mut later = at_another_date();
    later.arg(command.get_program()).args(command.get_args()).current_dir(one.path(""));
    later.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let later = finish(&mut later);
    assert_eq!(later.code, Some(0), "{}", later.stderr);
    assert_eq!(one.packages("later"), packages);
    // And from a full cache.
    one.run(&["--out", "third"]);
    assert_eq!(
        one.outcomes(&["--out", "fourth"]).iter().filter(|line| line.ends_with(" unchanged")).count(),
        4
    );
    assert_eq!(one.packages("third"), packages);
    assert_eq!(one.packages("fourth"), packages);
}

#[test]
fn only_what_changed_is_built_and_older_versions_leave() {
    let place = Place::new(&["a", "b", "c"]);
    let compiler = Counting::new(&place);
    let built = place.outcomes_with(&compiler, &[]);
    assert!(built.iter().all(|line| line.ends_with(" built")), "{built:?}");
    assert!(compiler.calls() >= 3);
    let before = place.packages("out");

    compiler.reset();
    let again = place.outcomes_with(&compiler, &[]);
    assert!(again.iter().all(|line| line.ends_with(" unchanged")), "{again:?}");
    // Not even asked what it is called: nothing is compiled.
    assert_eq!(compiler.compiled(), 0);

    Answering { text: "good day", version: "1.1", ..Answering::new("b") }.write(&place.modules());
    let third = place.outcomes_with(&compiler, &[]);
    assert_eq!(third, ["mod_a local unchanged", "mod_b local built", "mod_c local unchanged"]);
    let after = place.packages("out");
    assert_eq!(before.len(), after.len());
    let of_b = |all: &[(String, String)]| -> Vec<String> {
        all.iter().map(|(name, _)| name.clone()).filter(|name| name.contains("mod_b")).collect()
    };
    assert!(of_b(&before).iter().all(|name| name.contains("-1.0-1")));
    assert!(of_b(&after).iter().all(|name| name.contains("-1.1-1")), "{:?}", of_b(&after));
    let others = |all: &[(String, String)]| -> Vec<(String, String)> {
        all.iter().filter(|(name, _)| !name.contains("mod_b")).cloned().collect()
    };
    assert_eq!(others(&before), others(&after));
}

#[test]
fn make_says_how_many_jobs_run() {
    let place = Place::new(&["a", "b", "c", "d", "e", "f"]);
    let compiler = Counting::new(&place);
    let mut command = place.command(&["--jobs", "6", "--sign-key", "none", "--no-check"]);
    let call = format!(
        "all:\n\t+{}\n",
        std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    );
    fs_err::write(place.path("Makefile"), call).unwrap();
    let environment: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command = Command::new("make");
    command.args(["-j2", "all"]).current_dir(place.path("")).envs(environment).env("CC", &compiler.program);
    command.env_remove("MAKEFLAGS");
    let made = finish(&mut command);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(place.packages("out").len(), 18);
    assert!(compiler.most_at_once() <= 2, "{}", compiler.most_at_once());
    assert!(compiler.compiled() >= 6);
}

#[test]
fn nothing_waits_for_make_once_the_last_job_is_done() {
    let place = Place::new(&["a"]);
    Answering::new("b").write(&place.modules());
    let command = place.command(&["--jobs", "4", "--sign-key", "none", "--no-check"]);
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_str().unwrap())
        .collect();
    // The other target has the only token until this one is done.
    let call = format!(
        "all: build hold\nbuild:\n\t+{} && touch done\nhold:\n\ti=0; until test -e done; do sleep 0.1; i=$$((i+1)); test $$i -lt 600; done\n",
        words.join(" ")
    );
    fs_err::write(place.path("Makefile"), call).unwrap();
    let mut make = Command::new("make");
    make.args(["-j2", "all"]).current_dir(place.path("")).env_remove("MAKEFLAGS");
    make.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let made = finish(&mut make);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(place.packages("out").len(), 6);
}

#[test]
fn what_was_killed_in_the_middle_goes_on_from_what_is_whole() {
    let place = Place::new(&["a", "b", "c", "d", "e"]);
    let mut child = place
        .command(&["--json", "--jobs", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    // After the second job, in the middle of the third.
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut ended = 0;
    for line in lines {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        ended += usize::from(line["event"] == "job");
        if ended == 2 && line["event"] == "started" && line["stage"] == "compile" {
            break;
        }
        if ended == 2 && line["event"] == "finished" && line["stage"] == "adapt" {
            break;
        }
    }
    run(Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]));
    child.wait().unwrap();

    let again = place.outcomes(&[]);
    let count = |outcome: &str| again.iter().filter(|line| line.ends_with(outcome)).count();
    assert_eq!((count(" unchanged"), count(" built")), (2, 3), "{again:?}");
    let left: Vec<String> = walkdir::WalkDir::new(place.path("out"))
        .into_iter()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [] as [&str; 0]);
    assert_eq!(place.packages("out").len(), 15);
}

#[test]
fn a_signal_stops_all_and_what_is_whole_stays() {
    let place = Place::new(&["a", "b", "c", "d"]);
    let mut command = place.command(&["--json", "--jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let is = |line: &Value, event: &str| line["event"] == event;
    let mut next = || lines.next().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    while !is(&next().unwrap(), "job") {}
    while !is(&next().unwrap(), "started") {}
    run(Command::new("kill").args(["-INT", &child.id().to_string()]));
    let last = std::iter::from_fn(next).last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(last["diagnostic"]["message"], "interrupted, when 1 of 4 jobs had ended", "{last}");
    assert_eq!(place.packages("out").len(), 3);
    let again = place.outcomes(&["--no-check", "--jobs", "2"]);
    assert_eq!(again.len(), 4);
}

#[test]
fn a_module_that_requires_another_is_built_anew_with_it() {
    let place = Place::new(&["base", "above"]);
    let recipe = place.modules().join("mod_above/module.toml");
    let text = fs_err::read_to_string(&recipe).unwrap();
    fs_err::write(&recipe, text.replacen("[source]", "requires = [\"mod_base\"]\n\n[source]", 1)).unwrap();
    place.outcomes(&["--no-check"]);
    let file = place.modules().join("mod_base/0001.patch");
    let changed = fs_err::read_to_string(&file).unwrap().replace("hello", "good morning");
    fs_err::write(file, changed).unwrap();
    assert_eq!(place.outcomes(&["--no-check"]), ["mod_above local built", "mod_base local built"]);
}

/// A compiler that notes when it is called, and when it ends.
struct Counting {
    program: std::path::PathBuf,
    log: std::path::PathBuf,
}

impl Counting {
    fn new(place: &Place) -> Self {
        let (program, log) = (place.path("counting-cc"), place.path("counting-cc.log"));
        let text = format!(
            "#!/bin/sh\necho \"begin $*\" >> {log}\ncc \"$@\"\nstatus=$?\necho \"end $*\" >> {log}\nexit $status\n",
            log = log.display()
        );
        fs_err::write(&program, text).unwrap();
        fs_err::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        fs_err::write(&log, "").unwrap();
        Counting { program, log }
    }

    fn lines(&self) -> Vec<String> {
        fs_err::read_to_string(&self.log).unwrap().lines().map(str::to_owned).collect()
    }

    fn calls(&self) -> usize {
        self.lines().iter().filter(|line| line.starts_with("begin ")).count()
    }

    /// Calls that make something of a C file.
    fn compiled(&self) -> usize {
        self.lines().iter().filter(|line| line.starts_with("begin ") && line.contains(" mod_")).count()
    }

    fn most_at_once(&self) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for line in self.lines().iter().filter(|line| line.contains(" mod_")) {
            now = if line.starts_with("begin ") { now + 1 } else { now.saturating_sub(1) };
            most = most.max(now);
        }
        most
    }

    fn reset(&self) {
        fs_err::write(&self.log, "").unwrap();
    }
}

impl Place {
    fn outcomes_with(&self, compiler: &Counting, arguments: &[&str]) -> Vec<String> {
        let mut command = self.command(arguments);
        command.arg("--json").env("CC", &compiler.program);
        outcomes(&finish(&mut command))
    }
}
