//! Ctrl-C at any stage, and a disk that is full: nothing half-made stays, nothing goes on running.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::run::{Place, Run, finish, reference};

/// Sends a signal when the stage `stage` begins, and returns the exit code and whether packages were announced.
fn interrupted_at(place: &Place, stage: &str, signal: Signal) -> (Option<i32>, bool) {
    let command = place.command();
    interrupted(command, stage, signal)
}

fn interrupted(mut command: Command, stage: &str, signal: Signal) -> (Option<i32>, bool) {
    command.args(["build-module", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("modgraft can be started");
    let pid = Pid::from_child(&child);
    let mut done = false;
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
        let event: serde_json::Value = serde_json::from_str(&line.expect("UTF-8")).expect("a JSON object");
        if event["event"] == "started" && event["stage"] == stage {
            kill_process(pid, signal).expect("the process is alive");
        }
        done |= event["event"] == "results";
    }
    (child.wait().expect("it ends").code(), done)
}

#[test]
fn an_interruption_in_any_stage_leaves_nothing() {
    // A first build fetches what is to be fetched, so that the stages below are the real ones and not the download.
    let first = Place::new().run(["build-module", "--no-check"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    for stage in
        ["recipe", "source", "changeset", "target", "flatten", "compile", "audit", "package", "check"]
    {
        let place = Place::new();
        let (code, done) = interrupted_at(&place, stage, Signal::INT);
        assert_eq!((code, done), (Some(130), false), "in stage {stage}");
        assert_eq!(place.names("out"), [] as [&str; 0], "in stage {stage}");
        assert!(!place.path("out").exists(), "in stage {stage}");
        assert_eq!(place.names("tmp"), [] as [&str; 0], "in stage {stage}");
        let using =
            Command::new("pgrep").arg("-f").arg(place.path("")).output().expect("pgrep (procps) is needed");
        assert_eq!(String::from_utf8_lossy(&using.stdout), "", "processes go on after stage {stage}");
    }
}

/// modgraft, started by another program that becomes it.
fn started_by(place: &Place, program: &str, arguments: &[&str]) -> Command {
    let plain = place.command();
    let mut command = Command::new(program);
    command.args(arguments).arg(plain.get_program()).stdin(Stdio::null());
    if let Some(folder) = plain.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// The terminal goes; and `nohup` is how one says that a run is to go on all the same, be it the tests' own.
#[test]
fn a_hang_up_is_an_interruption_unless_it_is_ignored() {
    let place = Place::new();
    let command = started_by(&place, "env", &["--default-signal=HUP"]);
    assert_eq!(interrupted(command, "compile", Signal::HUP), (Some(130), false));
    assert_eq!((place.names("out"), place.names("tmp")), (Vec::new(), Vec::new()));
    let command = started_by(&place, "nohup", &[]);
    assert_eq!(interrupted(command, "compile", Signal::HUP), (Some(0), true));
}

/// How a mount namespace is had here: as anybody, or, where user namespaces are not allowed, as root.
fn mount_namespace() -> &'static [&'static str] {
    let ways: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];
    let works = |way: &&&[&str]| {
        let done = Command::new("unshare").args(**way).arg("true").output();
        done.expect("unshare (util-linux) is needed").status.success()
    };
    ways.iter().find(works).expect("the test needs a mount namespace: user namespaces, or root")
}

/// Runs modgraft where `out` is a file system of `size`, in a mount namespace of its own.
fn on_a_small_disk(place: &Place, size: &str) -> Run {
    fs_err::create_dir_all(place.path("out")).unwrap();
    // What is left on the small disk is printed on stdout after the run, since the disk goes with the namespace.
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs out || exit 99; \"$0\" build-module --no-check; code=$?; ls -A out; exit $code"
    );
    let arguments = [mount_namespace(), &["sh", "-c", &script]].concat();
    let mut command = started_by(place, "unshare", &arguments);
    finish(&mut command)
}

/// Runs a script of modgraft's commands, `$M`, in a mount namespace of its own.
fn in_a_namespace(place: &Place, script: &str) -> Run {
    let script = format!("M=$0; {script}");
    let arguments = [mount_namespace(), &["sh", "-c", &script]].concat();
    finish(&mut started_by(place, "unshare", &arguments))
}

#[test]
fn a_place_that_cannot_be_written_to_is_told_with_what_helps() {
    let place = Place::new();
    fs_err::create_dir_all(place.path("ro")).unwrap();
    let read_only =
        "mount -t tmpfs tmpfs ro || exit 99; mkdir ro/modules; mount -o remount,ro ro || exit 99;";
    let patch = reference().join("0001-mod_proxy_wstunnel.patch");
    let patch = patch.display();
    for command in [
        "$M build-module --no-check --out ro/out".to_owned(),
        "TMPDIR=$PWD/ro $M build-module --no-check".to_owned(),
        "MODGRAFT_DATA=$PWD/ro/data $M build-module --no-check".to_owned(),
        "MODGRAFT_CACHE=$PWD/ro/cache $M target add x --prefix /".to_owned(),
        "$M key new --user-id x --out ro/key.asc".to_owned(),
        format!("$M new {patch} --out ro/modules"),
    ] {
        let run = in_a_namespace(&place, &format!("{read_only} {command}"));
        assert_ne!(run.code, 99, "a tmpfs cannot be mounted here: {}", run.stderr);
        assert!(
            run.code == 5 && run.stderr.contains("choose a place that you may write to"),
            "{command}: {}",
            run.stderr
        );
    }
    let full = "mkdir small; mount -t tmpfs -o size=20k tmpfs small || exit 99; TMPDIR=$PWD/small $M build-module --no-check";
    let run = in_a_namespace(&place, full);
    assert_ne!(run.code, 99, "a tmpfs cannot be mounted here: {}", run.stderr);
    assert!(run.code == 5 && run.stderr.contains("the disk is full: make room"), "{}", run.stderr);
}

#[test]
fn a_full_disk_is_told_where_git_writes_too_and_what_it_wrote_goes() {
    let place = Place::new();
    let script = "mkdir small up; mount -t tmpfs -o size=200k tmpfs small || exit 99; cd up; git init -q -b main;
        head -c 400000 /dev/urandom > a; git add a; git -c user.name=x -c user.email=x commit -q -m x; cd ..;
        MODGRAFT_CACHE=$PWD/small $M new --commit file://$PWD/up@main; code=$?; find small -name 'tmp_*'; exit $code";
    let run = in_a_namespace(&place, script);
    assert_ne!(run.code, 99, "a tmpfs cannot be mounted here: {}", run.stderr);
    assert!(run.code == 5 && run.stderr.contains("the disk is full: make room"), "{}", run.stderr);
    assert_eq!(run.stdout, "", "nothing is left of what could not be fetched");
}

#[test]
fn results_that_cannot_be_told_are_no_success() {
    let place = Place::new();
    for more in ["", "--json"] {
        let script = format!("\"$0\" build-module --no-check --sign-key none {more} > /dev/full");
        let run = finish(&mut started_by(&place, "sh", &["-c", &script]));
        assert!(run.code == 5 && run.stderr.contains("stdout cannot be written to"), "{}", run.stderr);
        assert!(place.names("out").iter().any(|name| name.ends_with(".rpm")), "the packages are there");
    }
}

#[test]
fn a_full_disk_is_one_clear_error_and_leaves_nothing() {
    let place = Place::new();
    let run = on_a_small_disk(&place, "16k");
    assert_ne!(run.code, 99, "a tmpfs cannot be mounted here: {}", run.stderr);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("the disk is full: make room"), "{}", run.stderr);
    assert_eq!(run.stdout, "", "nothing is left in the output folder");
}
