//! Results that are kept.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::place::{Place, finish, jobs, key};
use crate::support::repository::sha256;
use crate::support::run;

/// The folder of the only result that is kept.
fn kept(place: &Place) -> PathBuf {
    let entries = fs_err::read_dir(place.path("cache/results/v1")).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders.remove(0)
}

fn package(folder: &std::path::Path) -> PathBuf {
    let is_package = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".rpm") && !name.contains("debuginfo") && !name.ends_with(".src.rpm")
    };
    fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(is_package).unwrap()
}

/// Writes the digests of the files that there are into `entry.json`, as somebody would who means harm.
fn restate(folder: &std::path::Path) {
    let manifest = folder.join("entry.json");
    let mut entry: Value = serde_json::from_slice(&fs_err::read(&manifest).unwrap()).unwrap();
    for file in entry["files"].as_array_mut().unwrap() {
        let bytes = fs_err::read(folder.join(file["name"].as_str().unwrap())).unwrap();
        file["size"] = bytes.len().into();
        file["sha256"] = sha256(&bytes).into();
    }
    fs_err::write(manifest, entry.to_string()).unwrap();
}

/// Builds, does `harm` to what is kept, and runs again into another folder: what comes is whole all the same.
#[track_caller]
fn is_made_anew(harm: impl Fn(&std::path::Path), why: &str) {
    let place = Place::new(&["a"]);
    place.outcomes(&["--out", "first", "--no-check"]);
    harm(&kept(&place));
    let again = place.run(&["--json", "--out", "second", "--no-check"]);
    assert_eq!(jobs(&again)[0]["outcome"], "built", "{}", again.stdout);
    let note = jobs(&again)[0]["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("is damaged, and made anew") && note.contains(why), "{note}");
    assert_eq!(again.code, Some(0));
    assert_eq!(place.packages("first"), place.packages("second"));
    // It is kept again.
    assert_eq!(place.outcomes(&["--out", "third", "--no-check"]), ["mod_a local unchanged"]);
}

#[test]
fn a_package_with_another_byte_is_made_anew() {
    let flip = |folder: &std::path::Path| {
        let file = package(folder);
        let mut bytes = fs_err::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs_err::write(&file, bytes).unwrap();
    };
    is_made_anew(flip, "has other bytes than were kept");
    // Neither with the digest of that.
    is_made_anew(
        |folder| {
            flip(folder);
            restate(folder);
        },
        "mod_a-1.0-1",
    );
}

#[test]
fn what_is_cut_short_or_missing_is_made_anew() {
    let cut = |name: &'static str| {
        move |folder: &std::path::Path| {
            let file = if name == "package" { package(folder) } else { folder.join(name) };
            let bytes = fs_err::read(&file).unwrap();
            fs_err::write(&file, &bytes[..bytes.len() / 3]).unwrap();
        }
    };
    is_made_anew(cut("package"), "bytes, and had");
    is_made_anew(cut("entry.json"), "entry.json");
    is_made_anew(|folder| fs_err::remove_file(package(folder)).unwrap(), "mod_a-1.0-1");
}

#[test]
fn a_package_by_another_key_is_made_anew() {
    is_made_anew(
        |folder| {
            let key = key(folder.parent().unwrap(), None);
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_modgraft"));
            command.arg("resign").arg("--sign-key").arg(key).arg(package(folder));
            run(&mut command);
            restate(folder);
        },
        "mod_a-1.0-1",
    );
}

#[test]
fn verifying_finds_what_is_not_what_would_be_made() {
    let place = Place::new(&["a"]);
    let unsigned = ["--sign-key", "none", "--no-check"];
    place.outcomes(&unsigned);
    let verified = place.run(&[&unsigned[..], &["--verify-cache", "--json"]].concat());
    assert_eq!((verified.code, jobs(&verified)[0]["outcome"].clone()), (Some(0), json!("unchanged")));
    // Nothing but the digests says what an unsigned package has to be.
    let folder = kept(&place);
    fs_err::write(folder.join("GRAFT.md"), "nothing was changed").unwrap();
    restate(&folder);
    assert_eq!(place.outcomes(&unsigned), ["mod_a local unchanged"]);
    let verified = place.run(&[&unsigned[..], &["--verify-cache", "--json"]].concat());
    assert_eq!((verified.code, jobs(&verified)[0]["outcome"].clone()), (Some(70), json!("failed")));
    let reason = jobs(&verified)[0]["reason"]["message"].as_str().unwrap().to_owned();
    assert!(reason.ends_with(": GRAFT.md"), "{reason}");
}

#[test]
fn each_input_counts() {
    let place = Place::new(&["a"]);
    let run_with = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = place.command(arguments);
        command.args(["--json", "--no-check"]).envs(variable);
        let done = finish(&mut command);
        jobs(&done)[0]["outcome"].as_str().unwrap().to_owned()
    };
    let none = ["--sign-key", "none"];
    assert_eq!(run_with(&none, None), "built");
    assert_eq!(run_with(&none, None), "unchanged");
    for (arguments, variable) in [
        (&[][..], None),
        (&["--sign-key", "none", "--no-line"], None),
        (&none, Some(("SOURCE_DATE_EPOCH", "1700000000"))),
        (&none, Some(("CFLAGS", "-O1"))),
        (&none, Some(("CPATH", "/nonexistent"))),
    ] {
        assert_eq!(run_with(arguments, variable), "built", "{arguments:?} {variable:?}");
        assert_eq!(run_with(arguments, variable), "unchanged", "{arguments:?} {variable:?}");
    }
    // Nothing was lost for that.
    assert_eq!(run_with(&none, None), "unchanged");
    assert_eq!(run_with(&["--sign-key", "none", "--cache", "none"], None), "built");
}

#[test]
fn many_processes_share_one() {
    let place = Place::new(&["a", "b", "c"]);
    let children: Vec<_> = (0..4)
        .map(|number| {
            let out = format!("out-{number}");
            let mut command = place.command(&["--no-check", "--json", "--cache-size", "200K", "--out", &out]);
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let first = place.packages("out-0");
    assert_eq!(first.len(), 9);
    assert!((1..4).all(|number| place.packages(&format!("out-{number}")) == first));
    // It stays within its bounds, and what is left is whole.
    let info = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.args(["cache"]).args(arguments).arg("--cache").arg(place.path("cache/results"));
        finish(&mut command)
    };
    let told: Value = serde_json::from_str(&info(&["info", "--json"]).stdout).unwrap();
    assert!(told["size"].as_u64().unwrap() <= 200 << 10, "{told}");
    let pruned = info(&["prune", "--all"]);
    assert!(pruned.code == Some(0) && pruned.stdout.contains("results went"), "{}", pruned.stdout);
    let told: Value = serde_json::from_str(&info(&["info", "--json"]).stdout).unwrap();
    assert_eq!((told["results"].clone(), told["size"].clone()), (json!(0), json!(0)));
}
