//! One module for several targets in one run.

use super::run::{Place, finish};

#[test]
fn what_fails_for_one_target_hinders_no_other() {
    let place = Place::new();
    let build = ["build-module", "--no-check", "--sign-key", "none", "--json"];
    let run = place.run([&build[..], &["--target", "./nothing", "--target", "local"]].concat());
    // The kind of the first failure.
    assert_eq!(run.code, 2, "{}", run.stdout);
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &'static str| events.iter().filter(move |event| event["event"] == name);
    assert!(of("finished").all(|event| ["local", "./nothing"].contains(&event["target"].as_str().unwrap())));
    let messages: Vec<&str> =
        of("error").map(|event| event["diagnostic"]["message"].as_str().unwrap()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].contains("./nothing is no httpd to build for"), "{messages:?}");
    assert_eq!(messages[1], "nothing was built for 1 of 2 targets: ./nothing");
    let files: Vec<&str> = of("results")
        .flat_map(|event| event["files"].as_array().unwrap())
        .map(|file| file.as_str().unwrap())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files.iter().all(|file| file.starts_with("out/local/") && place.path(file).is_file()),
        "{files:?}"
    );
    assert!(!place.path("out/nothing").exists());
}

#[test]
fn what_one_folder_would_have_to_hold_twice_is_refused() {
    let place = Place::new();
    let run = place.run(["build-module", "--target", "local", "--target", "local"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("two targets are called `local`"), "{}", run.stderr);
    let run = place.run(["flatten", "--target", "local", "--target", "el8"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("this command is for one target"), "{}", run.stderr);
}

/// A unit that fits as it is needs no question to the compiler before it is compiled.
#[test]
fn what_fits_is_compiled_once_and_not_read_twice() {
    let place = Place::new();
    let log = place.path("calls");
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\nexec gcc \"$@\"\n", log.display());
    let wrapper = place.write("gcc-that-tells", script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(&wrapper, executable).unwrap();
    let mut command = place.command();
    command.env("CC", &wrapper).args(["build-module", "--no-check", "--sign-key", "none"]);
    let run = finish(&mut command);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("fits as it is"), "{}", run.stderr);
    let calls = fs_err::read_to_string(log).unwrap();
    let of_the_module: Vec<&str> =
        calls.lines().filter(|call| call.contains("mod_proxy_wstunnel.c")).collect();
    let [call] = of_the_module[..] else { panic!("one call, not {of_the_module:#?}") };
    assert!(call.contains(" -shared ") && !call.contains("-fsyntax-only"), "{call}");
}
