//! Publications that are killed, that run into a full disk, and that meet each other.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use support::publisher::{Publisher, finish, listed, text};
use support::repository::{Spec, rpms};
use support::run;

const KILLS: usize = 50;
/// So that a failure can be had again.
const SEED: u64 = 20_261_123;

fn spec(names: &[&str]) -> Spec {
    let one = |spec: Spec, name: &&str| spec.package(name, "1", &[], &[&format!("/usr/share/{name}")]);
    names.iter().fold(Spec::new(), one)
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// kill -9 at 50 moments, spread over all of a publication that adds, replaces and removes. What is there then is the old
/// state or the new one; and the next publication makes the new one, and cleans up.
#[test]
fn a_killed_publisher_leaves_the_old_state_or_the_new_one() {
    let me = Publisher::new();
    let before = me.packages("before", &spec(&["a", "b", "c"]));
    let more = me.packages("more", &spec(&["d", "e"]));
    let other = Spec::new().package("b", "1", &["Summary: another"], &["/usr/share/other"]);
    let replaced = me.packages("replaced", &other);
    let start = me.path("start");
    me.good(&["publish", text(&start), text(&before), "--name", "mods", "--base-url", "https://x.example"]);
    let publish = |folder: &Path| {
        let packages = [text(folder), text(&more), text(&replaced)].map(str::to_owned);
        let options = ["--replace", "--remove", "c-1-1.x86_64", "--keep", "0"].map(str::to_owned);
        let mut command = me.repo(&["publish"]);
        command.args(packages).args(options).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    // How long it takes, and what comes of it.
    let whole = me.path("whole");
    copy(&start, &whole);
    let began = Instant::now();
    run(&mut publish(&whole));
    let took = began.elapsed();
    me.demand_whole(&whole);
    let (old, new) = (listed(&start), listed(&whole));
    assert_ne!(old, new);

    let mut random = StdRng::seed_from_u64(SEED);
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..KILLS {
        let folder = me.path("killed");
        copy(&start, &folder);
        // Each in its own part of the whole time.
        let part = (number as f64 + random.r#gen::<f64>()) / KILLS as f64;
        let mut child = publish(&folder).spawn().unwrap();
        thread::sleep(Duration::from_secs_f64(took.as_secs_f64() * part * 1.1));
        child.kill().unwrap();
        child.wait().unwrap();

        let found = me.check(&folder);
        let problems = found["problems"].as_array().unwrap();
        let harmless = |kind: &str| kind == "leftover" || kind == "unlisted";
        let kinds: Vec<&str> = problems.iter().map(|problem| problem["kind"].as_str().unwrap()).collect();
        assert!(kinds.iter().all(|kind| harmless(kind)), "{number}: {found:#}");
        let there = listed(&folder);
        assert!(there == old || there == new, "{number}: {there:?}");
        let state = if there == new { "new" } else { "old" };
        *outcomes
            .entry(format!("{state}, {} left", if kinds.is_empty() { "nothing" } else { "something" }))
            .or_default() += 1;

        // The next one. What is to be removed may be gone already.
        let mut next =
            me.repo(&["publish", text(&folder), text(&more), text(&replaced), "--replace", "--keep", "0"]);
        if there == old {
            next.args(["--remove", "c-1-1.x86_64"]);
        }
        let next = finish(&mut next);
        assert_eq!(next.code, 0, "{number}: {next:?}");
        me.demand_whole(&folder);
        assert_eq!(listed(&folder), new, "{number}");
        let names = |folder: &Path| {
            let files = support::publisher::contents(folder);
            files.into_iter().map(|(name, _)| name).filter(|name| name.ends_with(".rpm")).collect::<Vec<_>>()
        };
        assert_eq!(names(&folder), names(&whole), "{number}");
        fs_err::remove_dir_all(folder).unwrap();
    }
    // The moments were not all of one kind, or nothing was shown.
    assert!(outcomes.contains_key("old, something left"), "{outcomes:?}");
    println!("{outcomes:?}");
}

#[test]
fn a_full_disk_leaves_the_old_state() {
    let me = Publisher::new();
    let small = me.packages("small", &spec(&["a", "b"]));
    // Of 2 MB that cannot be compressed.
    let large = me.packages("large", &spec(&["c"]));
    let noise = me.path("noise.rpm");
    let mut bytes = vec![0; 2 << 20];
    StdRng::seed_from_u64(SEED).fill(&mut bytes[..]);
    let file = rpm::FileOptions::new("/usr/share/noise");
    let mut package = rpm::PackageBuilder::new("noise", "1", "MIT", "noarch", "noise");
    package.with_file_contents(bytes, file).unwrap();
    package.build().unwrap().write_file(&noise).unwrap();
    me.sign(std::slice::from_ref(&noise));
    fs_err::create_dir(me.path("repo")).unwrap();
    let mut command = Command::new("unshare");
    command.args(support::mount_namespace()).args(["sh", "-c"]).arg(
        "mount -t tmpfs -o size=512k tmpfs repo || exit 99\n\
         \"$0\" repo publish repo \"$1\" >&2 || exit 98\n\
         find repo -type f -not -name .modgraft-lock -exec sha256sum {} + | sort > before\n\
         \"$0\" repo publish repo \"$2\" \"$3\"; code=$?\n\
         find repo -type f -not -name .modgraft-lock -exec sha256sum {} + | sort > after\n\
         \"$0\" repo check repo || exit 97\n\
         \"$0\" repo publish repo \"$2\" >&2 || exit 96\n\
         \"$0\" repo check repo || exit 95\n\
         exit $code",
    );
    command.arg(env!("CARGO_BIN_EXE_modgraft")).args([&small, &large, &noise]).current_dir(me.path(""));
    command.env("MODGRAFT_SIGN_KEY", &me.key).env("NO_COLOR", "1");
    let run = finish(&mut command);
    assert_ne!(run.code, 99, "a tmpfs cannot be mounted here: {run:?}");
    assert_eq!(run.code, 5, "{run:?}");
    assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("the disk is full"), "{}", run.stderr);
    let read = |name: &str| fs_err::read_to_string(me.path(name)).unwrap();
    assert_eq!(
        read("before").replace(char::is_whitespace, ""),
        read("after").replace(char::is_whitespace, "")
    );
}

#[test]
fn two_publishers_never_mix() {
    let me = Publisher::new();
    let first = me.packages("first", &spec(&["a"]));
    let folder = me.path("repo");
    me.good(&["publish", text(&folder), text(&first)]);
    let lock = fs_err::File::options().read(true).write(true).open(folder.join(".modgraft-lock")).unwrap();
    lock.lock().unwrap();
    let said = fs_err::read_to_string(folder.join(".modgraft-lock")).unwrap();
    assert!(said.starts_with("process "), "{said}");
    for command in ["publish", "check"] {
        let told = me.refused(&[command, text(&folder)], 5, "is being published to by process ");
        assert!(told.contains("--wait"), "{told}");
    }
    // One that waits goes on when the other has ended.
    let second = me.packages("second", &spec(&["b"]));
    let mut waiting = me.repo(&["publish", text(&folder), text(&second), "--wait"]);
    let mut waiting = waiting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(waiting.try_wait().unwrap().is_none());
    drop(lock);
    assert!(waiting.wait().unwrap().success());
    me.demand_whole(&folder);

    // Eight at once, each with a package of its own: all are there in the end.
    let given: Vec<PathBuf> = (0..8)
        .map(|number| rpms(&me.packages(&format!("of-{number}"), &spec(&[&format!("p{number}")])))[0].clone())
        .collect();
    let children: Vec<_> = given
        .iter()
        .map(|package| {
            let mut command = me.repo(&["publish", text(&folder), text(package), "--wait"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    me.demand_whole(&folder);
    assert_eq!(listed(&folder).len(), 10);
}
