//! One module for several targets in one run.

use super::run::Place;

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
