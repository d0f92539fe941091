//! What a good build leaves and prints.

use super::run::{Place, Run, added, reference};

fn good(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
}

const FILES: [&str; 14] = [
    "GRAFT.md",
    "mod_proxy_wstunnel-1.0.0-1.src.intoto.json",
    "mod_proxy_wstunnel-1.0.0-1.src.rpm",
    "mod_proxy_wstunnel-1.0.0-1.src.spdx.json",
    "mod_proxy_wstunnel-1.0.0-1.x86_64.intoto.json",
    "mod_proxy_wstunnel-1.0.0-1.x86_64.rpm",
    "mod_proxy_wstunnel-1.0.0-1.x86_64.spdx.json",
    "mod_proxy_wstunnel-debuginfo-1.0.0-1.x86_64.intoto.json",
    "mod_proxy_wstunnel-debuginfo-1.0.0-1.x86_64.rpm",
    "mod_proxy_wstunnel-debuginfo-1.0.0-1.x86_64.spdx.json",
    "mod_proxy_wstunnel.c",
    "mod_proxy_wstunnel.spec",
    "modgraft-development-key.asc",
    "report.json",
];

#[test]
fn the_reference_module_is_built_with_nothing_typed() {
    let place = Place::new();
    let run = place.run(["build-module"]);
    good(&run);
    assert_eq!(
        run.stdout.lines().collect::<Vec<_>>(),
        [
            "out/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm",
            "out/mod_proxy_wstunnel-debuginfo-1.0.0-1.x86_64.rpm",
            "out/mod_proxy_wstunnel-1.0.0-1.src.rpm",
        ]
    );
    assert_eq!(place.names("out"), FILES);
    assert_eq!(place.names("tmp"), [] as [&str; 0], "the work folder is gone");
    for stage in
        ["recipe", "source", "changeset", "target", "flatten", "compile", "audit", "package", "check"]
    {
        assert!(
            run.stderr.lines().any(|line| line.trim_start().starts_with(stage)),
            "no {stage}:\n{}",
            run.stderr
        );
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_anywhere() {
    let (one, two) = (Place::new(), Place::new());
    good(&one.run(["build-module", "--no-check"]));
    // Another folder, another recipe folder, another umask, time zone and locale.
    let copy = two.path("elsewhere/mod_proxy_wstunnel");
    fs_err::create_dir_all(&copy).unwrap();
    for entry in fs_err::read_dir(reference()).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let mut command = two.command();
    command.args(["build-module", "elsewhere/mod_proxy_wstunnel", "--no-check", "--out", "a/b"]);
    command.env("TZ", "Pacific/Auckland").env("LC_ALL", "C.UTF-8").env("LOGNAME", "somebody");
    good(&super::run::finish(&mut command));
    for name in FILES {
        let read = |path| fs_err::read(path).unwrap();
        assert!(read(one.path("out").join(name)) == read(two.path("a/b").join(name)), "{name} differs");
    }
}

#[test]
fn two_builds_into_one_folder_leave_the_files_of_one() {
    let place = Place::new();
    let start = |epoch: &str| {
        let mut command = place.command();
        command.args(["build-module", "--no-check"]).env("SOURCE_DATE_EPOCH", epoch);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut builds = [start("1000000000"), start("1100000000")];
    assert!(builds.iter_mut().all(|build| build.wait().unwrap().success()));
    assert_eq!(place.names("out"), FILES);
    let report: serde_json::Value =
        serde_json::from_slice(&fs_err::read(place.path("out/report.json")).unwrap()).unwrap();
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 3);
    for package in packages {
        let file = place.path("out").join(package["file"].as_str().unwrap());
        let sum = finish_stdout(std::process::Command::new("sha256sum").arg(file));
        assert_eq!(sum.split(' ').next(), package["sha256"].as_str(), "the files of two builds are mixed");
    }
}

fn finish_stdout(command: &mut std::process::Command) -> String {
    String::from_utf8(command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")).stdout).unwrap()
}

#[test]
fn json_is_one_object_a_line_and_nothing_else() {
    let place = Place::new();
    let run = place.run(["build-module", "--json", "--no-check", "--sign-key", "none"]);
    good(&run);
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    let last = events.last().unwrap();
    assert_eq!((last["event"].as_str(), last["files"].as_array().map(Vec::len)), (Some("results"), Some(3)));
    assert_eq!(run.stderr, "");
}

#[test]
fn flatten_stops_after_the_c_file() {
    let place = Place::new();
    let run = place.run(["flatten", "--no-line"]);
    good(&run);
    assert_eq!(
        (run.stdout.as_str(), place.names("out")),
        ("out/mod_proxy_wstunnel.c\n", vec!["mod_proxy_wstunnel.c".to_owned()])
    );
    let text = fs_err::read_to_string(place.path("out/mod_proxy_wstunnel.c")).unwrap();
    assert!(!text.contains("#line") && text.contains("proxy_wstunnel"), "{text}");
}

#[test]
fn keep_leaves_the_work_folder_and_says_where() {
    let place = Place::new();
    place.write("docs.patch", added("docs/manual/x.xml", "<x/>\n"));
    let run = place.run(["build-module", "docs.patch", "--keep"]);
    assert!(run.stderr.contains("no work folder stays"), "{}", run.stderr);
    assert_eq!(place.names("tmp"), [] as [&str; 0], "it was not needed");
    let run = place.run(["build-module", "--keep", "--no-check"]);
    good(&run);
    let kept = place.names("tmp");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(run.stderr.contains(&kept[0]), "{}", run.stderr);
}

#[test]
fn a_bare_patch_is_built_and_its_assumptions_are_told() {
    let place = Place::new();
    let patch = reference().join("0001-mod_proxy_wstunnel.patch");
    let run = place.run([std::ffi::OsStr::new("build-module"), patch.as_os_str(), "--no-check".as_ref()]);
    good(&run);
    assert!(run.stderr.contains("assumed"), "{}", run.stderr);
    assert!(run.stdout.contains("mod_proxy_wstunnel"), "{}", run.stdout);
    let refused = place.run([std::ffi::OsStr::new("build-module"), patch.as_os_str(), "--release".as_ref()]);
    assert_eq!(refused.code, 2, "--release takes no assumptions: {}", refused.stderr);
}
