//! Results that are kept.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::place::{Place, Run, finish, jobs, key};
use crate::support::repository::sha256;
use crate::support::{apxs, mount_namespace, run};

/// The archive of the only result that is kept.
fn kept(place: &Place) -> PathBuf {
    let entries = fs_err::read_dir(place.path("cache/results/v2")).unwrap();
    let mut archives: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(archives.len(), 1, "{archives:?}");
    archives.remove(0)
}

/// Does `harm` to the files of what is kept.
fn harmed(place: &Place, harm: impl FnOnce(&Path)) {
    let (archive, folder) = (kept(place), tempfile::tempdir_in(place.path("")).unwrap());
    let names = run(Command::new("tar").arg("-tf").arg(&archive));
    run(Command::new("tar").arg("-C").arg(folder.path()).arg("-xf").arg(&archive));
    harm(folder.path());
    let left = names.lines().filter(|name| folder.path().join(name).exists());
    run(Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(&archive).args(left));
}

fn package(folder: &Path) -> PathBuf {
    let is_package = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".rpm") && !name.contains("debuginfo") && !name.ends_with(".src.rpm")
    };
    fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(is_package).unwrap()
}

/// Writes the digests of the files that there are into `entry.json`, as somebody would who means harm.
fn restate(folder: &Path) {
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
fn is_made_anew(harm: impl Fn(&Place), why: &str) {
    let place = Place::new(&["a"]);
    place.outcomes(&["--out", "first", "--no-check"]);
    harm(&place);
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
    let flip = |folder: &Path| {
        let file = package(folder);
        let mut bytes = fs_err::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs_err::write(&file, bytes).unwrap();
    };
    is_made_anew(|place| harmed(place, flip), "has other bytes than were kept");
    // Neither with the digest of that.
    let and_digest = |folder: &Path| {
        flip(folder);
        restate(folder);
    };
    is_made_anew(|place| harmed(place, and_digest), "mod_a-1.0-1");
}

#[test]
fn what_is_cut_short_or_missing_is_made_anew() {
    let cut = |file: &Path, divisor: usize| {
        let bytes = fs_err::read(file).unwrap();
        fs_err::write(file, &bytes[..bytes.len() / divisor]).unwrap();
    };
    let of_files = |harm: &dyn Fn(&Path), why: &str| is_made_anew(|place| harmed(place, harm), why);
    of_files(&|folder| cut(&package(folder), 3), "bytes, and had");
    of_files(&|folder| cut(&folder.join("entry.json"), 3), "entry.json");
    of_files(&|folder| fs_err::remove_file(package(folder)).unwrap(), "it has no mod_a-1.0-1");
    of_files(&|folder| fs_err::remove_file(folder.join("entry.json")).unwrap(), "it has no entry.json");
    is_made_anew(|place| cut(&kept(place), 2), "bytes, and had");
    is_made_anew(|place| cut(&kept(place), 1000), "is damaged");
    is_made_anew(|place| fs_err::write(kept(place), "").unwrap(), "it has no entry.json");
}

#[test]
fn a_package_by_another_key_is_made_anew() {
    is_made_anew(
        |place| {
            harmed(place, |folder| {
                let key = key(folder.parent().unwrap(), None);
                let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
                command.arg("resign").arg("--sign-key").arg(key).arg(package(folder));
                run(&mut command);
                restate(folder);
            });
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
    // What lies in its place already is not read from there, but when all is to be verified.
    let torn = kept(&place);
    let bytes = fs_err::read(&torn).unwrap();
    fs_err::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(place.outcomes(&unsigned), ["mod_a local unchanged"]);
    assert_eq!(place.outcomes(&[&unsigned[..], &["--verify-cache"]].concat()), ["mod_a local built"]);
    // Nothing but the digests says what an unsigned package has to be.
    harmed(&place, |folder| {
        fs_err::write(folder.join("GRAFT.md"), "nothing was changed").unwrap();
        restate(folder);
    });
    assert_eq!(place.outcomes(&unsigned), ["mod_a local unchanged"]);
    let verified = place.run(&[&unsigned[..], &["--verify-cache", "--json"]].concat());
    assert_eq!((verified.code, jobs(&verified)[0]["outcome"].clone()), (Some(70), json!("failed")));
    let reason = jobs(&verified)[0]["reason"]["message"].as_str().unwrap().to_owned();
    assert!(reason.ends_with(": GRAFT.md"), "{reason}");
}

#[test]
fn what_is_refused_is_refused_again_without_being_tried() {
    let place = Place::new(&["a"]);
    let patch = place.modules().join("mod_a/0001.patch");
    let text = fs_err::read_to_string(&patch).unwrap();
    fs_err::write(&patch, text.replace("ap_rputs(", "ap_of_another_world(")).unwrap();
    let message = |arguments: &[&str]| {
        let run = place.run(&[&["--json", "--no-check"], arguments].concat());
        let job = jobs(&run).remove(0);
        (run.code, job["outcome"].clone(), job["reason"]["message"].as_str().unwrap().to_owned())
    };
    let first = message(&[]);
    assert_eq!((first.0, &first.1), (Some(4), &json!("refused")), "{}", first.2);
    assert_eq!(message(&[]), first);
    assert_eq!(message(&["--verify-cache"]), first);
    let changed = |folder: &Path| {
        let manifest = folder.join("entry.json");
        let text = fs_err::read_to_string(&manifest).unwrap();
        fs_err::write(manifest, text.replace("ap_of_another_world", "ap_of_a_third_world")).unwrap();
    };
    harmed(&place, changed);
    assert!(message(&[]).2.contains("ap_of_a_third_world"));
    assert_eq!(message(&["--verify-cache"]).0, Some(70));
    // What is mended is built.
    fs_err::write(&patch, text).unwrap();
    assert_eq!(place.outcomes(&["--no-check"]), ["mod_a local built"]);
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
        (&none, Some(("COMPILER_PATH", "/nonexistent"))),
        (&none, Some(("LD_LIBRARY_PATH", "/nonexistent"))),
    ] {
        assert_eq!(run_with(arguments, variable), "built", "{arguments:?} {variable:?}");
        assert_eq!(run_with(arguments, variable), "unchanged", "{arguments:?} {variable:?}");
    }
    // Nothing was lost for that.
    assert_eq!(run_with(&none, None), "unchanged");
    // What the compiler is not told of.
    for variable in [("CPATH", "/nonexistent"), ("LIBRARY_PATH", "/nonexistent"), ("LANG", "C.UTF-8")] {
        assert_eq!(run_with(&none, Some(variable)), "unchanged", "{variable:?}");
    }
    assert_eq!(run_with(&["--sign-key", "none", "--cache", "none"], None), "built");
    // What the compiler is told to read.
    fs_err::create_dir(place.path("include")).unwrap();
    let flag = format!("-I{}", place.path("include").display());
    let told = Some(("CFLAGS", flag.as_str()));
    assert_eq!(run_with(&none, told), "built");
    assert_eq!(run_with(&none, told), "unchanged");
    fs_err::write(place.path("include/ap_hooks.h"), "#include_next <ap_hooks.h>\n").unwrap();
    assert_eq!(run_with(&none, told), "built");
}

/// The notes of the only job of a run.
fn notes(run: &Run) -> Vec<String> {
    let notes = jobs(run)[0]["notes"].as_array().cloned().unwrap_or_default();
    notes.iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_changes_while_it_is_built_is_not_kept() {
    let place = Place::new(&["a"]);
    let patch = place.modules().join("mod_a/0001.patch");
    let text = fs_err::read_to_string(&patch).unwrap();
    // Somebody saves the patch while the compiler runs.
    let compiler = place.path("cc-and-editor");
    let editor = format!("#!/bin/sh\nsed -i s/hello/good-day/ {}\nexec cc \"$@\"\n", patch.display());
    fs_err::write(&compiler, editor).unwrap();
    fs_err::set_permissions(&compiler, PermissionsExt::from_mode(0o755)).unwrap();
    let run = || {
        let mut command = place.command(&["--json", "--no-check", "--sign-key", "none"]);
        finish(command.env("CC", &compiler))
    };
    let first = run();
    assert_eq!(jobs(&first)[0]["outcome"], "built", "{}{}", first.stdout, first.stderr);
    let why = "the result is not kept: what the recipe brings has changed since the run began";
    assert_eq!(notes(&first), [why]);
    // And takes it back.
    fs_err::write(&patch, &text).unwrap();
    assert_eq!(jobs(&run())[0]["outcome"], "built");
}

#[test]
fn what_was_warned_of_is_told_again() {
    let place = Place::new(&["a"]);
    let patch = place.modules().join("mod_a/0001.patch");
    let text = fs_err::read_to_string(&patch).unwrap();
    let odd = text.replace("return OK;", "ap_rprintf(r, \"%d\", config->text); return OK;");
    fs_err::write(&patch, odd).unwrap();
    let unsigned = ["--json", "--no-check", "--sign-key", "none"];
    let run = |more: &[&str]| place.run(&[&unsigned[..], more].concat());
    let first = run(&[]);
    assert!(notes(&first).iter().any(|note| note.contains("%d")), "{}{}", first.stdout, first.stderr);
    for more in [&[][..], &["--out", "elsewhere"], &["--verify-cache"]] {
        let again = run(more);
        assert_eq!(jobs(&again)[0]["outcome"], "unchanged", "{}", again.stdout);
        assert_eq!(notes(&again), notes(&first));
    }
    // A person reads it, too.
    assert!(place.run(&unsigned[1..]).stderr.contains("%d"));
}

#[test]
fn the_targets_own_configuration_counts() {
    let place = Place::new(&["a"]);
    // Its drop-in's number and whether httpd would take it depend on that.
    let (etc, call) = (place.path("etc"), place.command(&["--json", "--no-check", "--sign-key", "none"]));
    fs_err::create_dir(&etc).unwrap();
    let root = apxs("SYSCONFDIR");
    let run = |configuration: &str| {
        fs_err::write(etc.join("apache2.conf"), configuration).unwrap();
        let script = format!("mount --bind {} {root} || exit 99\nexec \"$0\" \"$@\"", etc.display());
        let mut command = std::process::Command::new("unshare");
        command.args(mount_namespace()).args(["sh", "-c", &script]).arg(call.get_program());
        command.args(call.get_args()).current_dir(place.path(""));
        command.envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let run = finish(&mut command);
        jobs(&run)[0]["outcome"].as_str().unwrap().to_owned()
    };
    let proxy = "LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n";
    assert_eq!(run(""), "built");
    assert_eq!(run(""), "unchanged");
    assert_eq!(run(proxy), "built");
    assert_eq!(run(proxy), "unchanged");
}

#[test]
fn packages_of_older_versions_leave_where_nothing_is_made_either() {
    let place = Place::new(&["a"]);
    place.outcomes(&["--no-check"]);
    // As if the run that replaced it had been killed right then.
    let older = place.path("out/local/mod_a/mod_a-0.9-1.x86_64.rpm");
    fs_err::write(&older, "").unwrap();
    assert_eq!(place.outcomes(&["--no-check"]), ["mod_a local unchanged"]);
    assert!(!older.exists());
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
    // A lower bound holds also where nothing has to be built.
    let lower = ["--no-check", "--cache-size", "90K", "--out", "out-0"];
    place.outcomes(&["--no-check", "--out", "out-0"]);
    assert!(place.outcomes(&lower).iter().all(|outcome| outcome.ends_with("unchanged")));
    let told: Value = serde_json::from_str(&info(&["info", "--json"]).stdout).unwrap();
    assert!(told["size"].as_u64().unwrap() <= 90 << 10, "{told}");
    let pruned = info(&["prune", "--all"]);
    assert!(pruned.code == Some(0) && pruned.stdout.contains("results went"), "{}", pruned.stdout);
    let told: Value = serde_json::from_str(&info(&["info", "--json"]).stdout).unwrap();
    assert_eq!((told["results"].clone(), told["size"].clone()), (json!(0), json!(0)));
}
