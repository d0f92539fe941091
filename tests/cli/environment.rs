use crate::run::{Place, finish, reference};

/// All variables that name a place, a key or a page, and what CI systems set.
const EMPTY: &[&str] = &[
    "APXS",
    "CC",
    "CI_JOB_URL",
    "GITHUB_STEP_SUMMARY",
    "MODGRAFT_CACHE",
    "MODGRAFT_DATA",
    "MODGRAFT_PASSPHRASE",
    "MODGRAFT_PASSPHRASE_FD",
    "MODGRAFT_PASSPHRASE_FILE",
    "MODGRAFT_PUBLIC_KEY",
    "MODGRAFT_SIGN_KEY",
    "SOURCE_DATE_EPOCH",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
];

#[test]
fn a_variable_that_is_empty_is_one_that_is_not_set() {
    let place = Place::new();
    let mut command = place.command();
    command.env("HOME", place.path("home")).envs(EMPTY.iter().map(|name| (name, "")));
    let run = finish(command.args(["build-all"]).arg(reference()).arg("--no-check"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(place.names("."), ["home", "out", "tmp"], "nothing else lies in the current folder");
    assert_eq!(place.names("home/.local/share/modgraft").len(), 1, "the development key");
    assert!(place.path("home/.cache/modgraft/results").is_dir());
}
