//! What is wrong for all jobs is told before any begins; what is wrong for one is that one's.

use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::place::{Place, jobs, key};
use crate::support::mount_namespace;
use crate::support::recipes::Answering;

#[track_caller]
fn is_refused(place: &Place, arguments: &[&str], code: i32, words: &[&str]) {
    let told = place.run(arguments);
    assert_eq!(told.code, Some(code), "{}", told.stderr);
    for word in words {
        assert!(told.stderr.contains(word), "{word}: {}", told.stderr);
    }
    assert_eq!(told.stdout, "");
    assert!(!place.path("out").exists(), "{}", told.stderr);
}

#[test]
fn nothing_begins_where_the_call_is_wrong() {
    let place = Place::new(&["a"]);
    Answering::new("a").write(&place.path("other"));
    fs_err::create_dir(place.path("empty")).unwrap();
    is_refused(
        &place,
        &["modules", "other"],
        3,
        &["two recipes are called `mod_a`", "other/mod_a/module.toml"],
    );
    is_refused(&place, &["empty"], 2, &["there is no recipe in empty"]);
    is_refused(&place, &["nowhere"], 2, &["nowhere"]);
    is_refused(&place, &["--targets", "local,el99"], 2, &["el99"]);
    is_refused(&place, &["--targets", "local,./local"], 2, &["two targets are called `local`"]);
    is_refused(&place, &["--release"], 2, &["--release refuses the development key"]);
    is_refused(&place, &["--sign-key", "missing.asc"], 9, &["missing.asc"]);
    is_refused(&place, &["--cache-size", "2X"], 2, &["`X` is no unit"]);
    is_refused(&place, &["--junit", "none/x.xml"], 5, &["none/x.xml", "there is no such folder"]);
}

#[test]
fn a_report_that_cannot_be_written_does_not_hide_what_failed() {
    let place = Place::new(&["a"]);
    fs_err::create_dir(place.path("x.xml")).unwrap();
    let unsigned = ["--sign-key", "none", "--no-check", "--junit", "x.xml"];
    let built = place.run(&unsigned);
    assert_eq!(built.code, Some(5), "{}", built.stderr);
    let patch = place.modules().join("mod_a/0001.patch");
    let text = fs_err::read_to_string(&patch).unwrap();
    fs_err::write(patch, text.replace("return OK;", "return ap_of_another_world(r);")).unwrap();
    let refused = place.run(&unsigned);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("not all reports are written: "), "{}", refused.stderr);
}

#[test]
fn an_output_folder_that_is_no_utf8_is_told_all_the_same() {
    let place = Place::new(&["a"]);
    let out = std::ffi::OsStr::from_bytes(b"o\xff");
    let mut command = place.command(&["--json", "--sign-key", "none", "--no-check", "--out"]);
    let told = crate::place::finish(command.arg(out));
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let packages = jobs(&told)[0]["packages"].clone();
    assert!(packages[0].as_str().unwrap().starts_with("o\u{fffd}/local/mod_a/"), "{packages}");
}

#[test]
fn a_wrong_secret_stops_all_and_is_in_no_log() {
    let place = Place::new(&["a"]);
    let key = key(&place.path(""), Some("correct horse"));
    let secret = "battery staple";
    fs_err::write(place.path("secret"), format!("{secret}\n")).unwrap();
    let arguments = ["--sign-key", key.to_str().unwrap(), "--passphrase-file", "secret", "--verbose"];
    is_refused(&place, &arguments, 9, &["passphrase"]);
    assert!(!place.run(&arguments).stderr.contains(secret));
    is_refused(&place, &arguments[..2], 9, &["passphrase"]);

    let secret = "correct horse";
    fs_err::write(place.path("secret"), format!("{secret}\n")).unwrap();
    let good =
        place.run(&[&arguments[..], &["--json", "--no-check", "--junit", "j", "--summary", "s"]].concat());
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    // Neither in what is told nor in what is kept.
    assert!(!good.stdout.contains(secret) && !good.stderr.contains(secret));
    for entry in walkdir::WalkDir::new(place.path("")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() && entry.file_name() != "secret" {
            let bytes = fs_err::read(entry.path()).unwrap();
            let has = memchr::memmem::find(&bytes, secret.as_bytes()).is_some();
            assert!(!has, "{}", entry.path().display());
        }
    }
}

#[test]
fn a_full_disk_fails_what_does_not_fit_and_leaves_no_part_of_it() {
    let place = Place::new(&["a", "b", "c", "d"]);
    // Room for the packages of one or two.
    let script = "mkdir out && mount -t tmpfs -o size=200k tmpfs out || exit 99\n\
                  \"$0\" \"$@\"; code=$?\n\
                  find out -name '*.rpm' | sort > listing; find out -name '.*' >> listing; exit $code";
    let call = place.command(&["--json", "--jobs", "1", "--no-check", "--sign-key", "none"]);
    let mut command = Command::new("unshare");
    command.args(mount_namespace()).args(["sh", "-c", script]).arg(call.get_program()).args(call.get_args());
    command.current_dir(place.path(""));
    for (name, value) in call.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let told = crate::place::finish(&mut command);
    assert_ne!(told.code, Some(99), "a tmpfs cannot be mounted here: {}", told.stderr);
    assert_eq!(told.code, Some(5), "{}{}", told.stdout, told.stderr);
    let failed: Vec<_> = jobs(&told).into_iter().filter(|job| job["outcome"] == "failed").collect();
    assert!(!failed.is_empty() && failed.len() < 4, "{}", told.stdout);
    assert!(failed.iter().all(|job| job["reason"]["message"].as_str().unwrap().contains("No space left")));
    let listing = fs_err::read_to_string(place.path("listing")).unwrap();
    assert_eq!(listing.lines().count(), 3 * (4 - failed.len()), "{listing}");
    // There is room now, and what was whole is not made again.
    fs_err::remove_dir(place.path("out")).unwrap();
    let again = place.outcomes(&["--no-check", "--sign-key", "none"]);
    let built = again.iter().filter(|line| line.ends_with(" built")).count();
    assert_eq!(built, failed.len(), "{again:?}");
}
