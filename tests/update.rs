//! `modgraft update`, the lock file, and `--locked`: with a git repository and a package repository of the test's own.

#[allow(dead_code, reason = "the tests of the command use the rest")]
#[path = "cli/run.rs"]
mod run;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use run::{Place, Run, added, finish};
use serde_json::{Value, json};
use support::el;

const SOURCE: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"

static int lag_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "lag")) {
        return DECLINED;
    }
    ap_rprintf(r, "%s 1\n", r->uri);
    return OK;
}

static void lag_hooks(apr_pool_t *p)
{
    ap_hook_handler(lag_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(lag) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, lag_hooks };
"#;

const FILE: &str = "modules/lag/mod_lag.c";

/// A repository with three commits on `main`: the first brings the module, the third changes it, the second something else. A
/// branch that was worked on later has the first one too.
struct Upstream {
    folder: PathBuf,
    first: String,
    third: String,
}

fn git(folder: &Path, day: u32, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let date = format!("2013-06-{day:02} 12:00:00 +0000");
    command.envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)]);
    command.args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"]);
    support::run(command.args(args)).trim().to_owned()
}

impl Upstream {
    fn new(place: &Place) -> Self {
        let folder = place.path("upstream");
        fs_err::create_dir(&folder).unwrap();
        git(&folder, 1, &["init", "-q", "-b", "main", "."]);
        let upstream = Upstream { folder, first: String::new(), third: String::new() };
        upstream.commit(1, "server/core.c", "int core;\n", "begin");
        let first = upstream.commit(2, FILE, SOURCE, "mod_lag: bring it");
        upstream.commit(3, "server/core.c", "int core = 1;\n", "not the module's");
        let third = upstream.commit(4, FILE, &SOURCE.replace("%s 1", "%s 2"), "mod_lag: say 2");
        git(&upstream.folder, 5, &["checkout", "-q", "-b", "later", &first]);
        upstream.commit(5, FILE, &SOURCE.replace("%s 1", "%s 3"), "mod_lag: say 3");
        git(&upstream.folder, 5, &["checkout", "-q", "main"]);
        Upstream { first, third, ..upstream }
    }

    fn commit(&self, day: u32, path: &str, text: &str, subject: &str) -> String {
        let file = self.folder.join(path);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
        git(&self.folder, day, &["add", "-A"]);
        git(&self.folder, day, &["commit", "-q", "-m", subject]);
        git(&self.folder, day, &["rev-parse", "HEAD"])
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }
}

fn recipe(place: &Place, source: &str) -> PathBuf {
    let text = format!(
        "# Ours.\nname = \"mod_lag\"\nsummary = \"Lags\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\n\n[source] # where\n{source}\n\n\
         [[changelog]]\ndate = 2026-11-22\nauthor = \"A <a@example.org>\"\nnotes = [\"First.\"]\n"
    );
    place.write("modules/mod_lag/module.toml", text)
}

fn good(run: &Run) -> &str {
    assert_eq!(run.code, 0, "{}", run.stderr);
    &run.stdout
}

fn refused(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in:\n{}", run.stderr);
    }
}

fn read(path: &Path) -> String {
    fs_err::read_to_string(path).unwrap()
}

#[test]
fn newer_commits_of_a_modules_files_are_shown_and_taken() {
    let place = Place::new();
    let upstream = Upstream::new(&place);
    let (url, first, third) = (upstream.url(), &upstream.first, &upstream.third);
    let source = format!("git = '{url}'  # upstream's\ncommit   = \"{first}\" # r1\nfiles = [ \"{FILE}\" ]");
    let file = recipe(&place, &source);
    let before = read(&file);

    let run = place.run(["update"]);
    let expected =
        format!("modules/mod_lag: 1 newer commit on main\n  {} 2013-06-04 mod_lag: say 2\n", &third[..12]);
    assert_eq!(good(&run), expected);
    let said: Value = serde_json::from_str(good(&place.run(["update", "mod_lag", "--json"]))).unwrap();
    assert_eq!(
        said["recipes"][0]["newer"],
        json!([{ "commit": third, "date": "2013-06-04", "subject": "mod_lag: say 2" }])
    );
    assert_eq!((&said["written"], &said["targets"]), (&json!([]), &json!([])));
    let later = place.run(["update", "--branch", "later"]);
    assert!(good(&later).contains("on later") && later.stdout.contains("say 3"), "{}", later.stdout);
    assert_eq!((read(&file), place.path("modgraft.lock").exists()), (before.clone(), false));

    let run = place.run(["update", "--write"]);
    assert!(
        good(&run).ends_with("wrote modules/mod_lag/module.toml\nwrote modgraft.lock\n"),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("version, release and changelog stay"), "{}", run.stderr);
    assert_eq!(read(&file), before.replace(first, third));
    let tree = git(&upstream.folder, 1, &["rev-parse", &format!("{third}^{{tree}}")]);
    let lock = read(&place.path("modgraft.lock"));
    let entry = format!(
        "[[recipe]]\npath = \"modules/mod_lag\"\n\n[[recipe.source]]\nrole = \"commit\"\nfrom = \"{url}\"\nasked = \"{third}\"\ncommit = \"{third}\"\ntree = \"{tree}\"\n"
    );
    assert!(lock.contains("version = 2\n") && lock.ends_with(&entry), "{lock}");

    // Nothing is newer by now, and nothing is written again.
    let run = place.run(["update", "--write"]);
    assert_eq!(good(&run), "modules/mod_lag: nothing newer on main\n");
    assert_eq!(read(&place.path("modgraft.lock")), lock);
    // Upstream goes on.
    upstream.commit(6, FILE, &SOURCE.replace("%s 1", "%s 4"), "mod_lag: say 4");
    assert!(good(&place.run(["update"])).contains("1 newer commit on main"));
}

#[test]
fn a_commit_that_brings_a_module_becomes_its_files_in_a_later_one() {
    let place = Place::new();
    let upstream = Upstream::new(&place);
    let file = recipe(&place, &format!("git = \"{}\"\ncommit = \"{}\"", upstream.url(), upstream.first));
    let before = read(&file);
    assert!(good(&place.run(["update"])).contains("say 2"));
    good(&place.run(["update", "--write"]));
    let expected = before.replace(
        &format!("commit = \"{}\"\n", upstream.first),
        &format!("commit = \"{}\"\nfiles = [\"{FILE}\"]\n", upstream.third),
    );
    assert_eq!(read(&file), expected);
    good(&place.run(["build-module", "mod_lag", "--no-check", "--sign-key", "none"]));
    assert!(read(&place.path("out/mod_lag.c")).contains("%s 2"));
}

#[test]
fn a_commit_that_has_a_recipes_file_elsewhere_is_not_taken() {
    let place = Place::new();
    let upstream = Upstream::new(&place);
    let source =
        |commit: &str| format!("git = \"{}\"\ncommit = \"{commit}\"\nfiles = [\"{FILE}\"]", upstream.url());
    let file = recipe(&place, &source(&upstream.first));
    git(&upstream.folder, 6, &["mv", FILE, "server/mod_lag.c"]);
    git(&upstream.folder, 6, &["commit", "-q", "-m", "mod_lag: move it"]);
    let before = read(&file);
    let run = place.run(["update", "--write"]);
    refused(&run, 3, &["modules/mod_lag/module.toml cannot go on to", "nothing is written", FILE]);
    assert_eq!((read(&file), place.path("modgraft.lock").exists()), (before, false));
}

#[test]
fn what_cannot_be_asked_is_told() {
    let place = Place::new();
    let upstream = Upstream::new(&place);
    let (url, first) = (upstream.url(), &upstream.first);
    let with = |url: &str, commit: &str| {
        recipe(&place, &format!("git = \"{url}\"\ncommit = \"{commit}\"\nfiles = [\"{FILE}\"]"))
    };
    with("https://upstream.example/httpd.git", first);
    refused(
        &place.run(["update", "--offline"]),
        5,
        &["--offline forbids", "the history of https://upstream.example/httpd.git"],
    );
    with(&url, &"0".repeat(40));
    refused(&place.run(["update"]), 3, &["has no commit 0000"]);
    with(&url, first);
    refused(&place.run(["update", "--branch", "none"]), 3, &["has no revision `refs/heads/none`"]);
    git(&upstream.folder, 6, &["checkout", "-q", "--orphan", "other"]);
    git(&upstream.folder, 6, &["commit", "-q", "-m", "other"]);
    git(&upstream.folder, 6, &["checkout", "-q", "main"]);
    refused(&place.run(["update", "--branch", "other"]), 5, &["the branch other does not have the commit"]);
    refused(
        &place.run(["update", "--target", "el8"]),
        2,
        &["modgraft.lock does not have the target `el8`", "`modgraft target add` locks targets"],
    );
    refused(&place.run(["update", "nothing"]), 2, &["nothing"]);
    place.write("modgraft.lock", "version = 4\n");
    refused(&place.run(["update", "--write"]), 3, &["has the form 4, and this modgraft reads 3"]);
    place.write("modgraft.lock", "version = \n");
    refused(&place.run(["update"]), 3, &["modgraft.lock:1"]);
    fs_err::remove_file(place.path("modgraft.lock")).unwrap();
    // What a person has made, there is nothing to look for.
    place.write("modules/mod_lag/a.patch", added(FILE, SOURCE));
    recipe(&place, "patches = [\"a.patch\"]");
    assert_eq!(
        good(&place.run(["update", "--offline"])),
        "modules/mod_lag: the source is the recipe's own\n"
    );
    // From elsewhere, the lock file is the recipes'.
    let other = place.path("other");
    fs_err::create_dir(&other).unwrap();
    let mut command = place.command();
    command.current_dir(&other).args(["update", "../modules", "--write", "--lock", "x.lock"]);
    refused(&finish(&mut command), 2, &["is not beneath the folder of x.lock"]);
    let mut command = place.command();
    command.current_dir(&other).args(["update", "../modules", "--write"]);
    good(&finish(&mut command));
    assert!(place.path("modules/modgraft.lock").is_file());
}

/// A target from a repository like that of Enterprise Linux 8, and all that a build for it uses locked.
#[test]
fn a_locked_build_takes_what_is_locked_and_nothing_else() {
    let place = Place::new();
    let upstream = Upstream::new(&place);
    let (url, first, third) = (upstream.url(), &upstream.first, &upstream.third);
    let source = |commit: &str| format!("git = \"{url}\"\ncommit = \"{commit}\"\nfiles = [\"{FILE}\"]");
    let file = recipe(&place, &source(first));
    let cache = place.path("cache");
    let run = |args: &[&str]| finish(place.command().env("MODGRAFT_CACHE", &cache).args(args));
    let build =
        ["build-module", "mod_lag", "--no-check", "--sign-key", "none", "--locked", "--target", "el8"];

    refused(&run(&build), 2, &["there is no lock file modgraft.lock"]);
    let repository = el::Release::El8.repository();
    let folder = repository.folder.to_str().unwrap();
    let key = repository.key.to_str().unwrap();
    good(&run(&["target", "add", "el8", "--repo", folder, "--profile", "el8", "--key", key]));
    refused(&run(&build), 3, &["modgraft.lock does not have", first]);
    assert!(!place.path("out").exists());

    let written = run(&["update", "--write", "--branch", "main", "--key", key]);
    assert!(good(&written).contains("target el8: nothing newer"), "{}", written.stdout);
    good(&run(&build));
    assert!(read(&place.path("out/mod_lag.c")).contains("%s 2"));
    let statement: Value = serde_json::from_str(&read(&place.path("out/mod_lag-1-1.x86_64.intoto.json")))
        .unwrap_or_else(|error| panic!("{error}: {:?}", place.names("out")));
    let inputs = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let package =
        inputs.iter().find(|one| one["name"].as_str().unwrap().starts_with("target/package/httpd-devel-"));
    let sum = package.unwrap()["digest"]["sha256"].as_str().unwrap().to_owned();
    let lock = read(&place.path("modgraft.lock"));
    assert!(lock.contains(&sum));
    let all =
        ["build-all", "--targets", "el8", "--no-check", "--sign-key", "none", "--locked", "--out", "all"];
    good(&run(&all));
    let rebuilt = run(&["rebuild", "out/mod_lag-1-1.x86_64.rpm"]);
    assert!(good(&rebuilt).contains("the same bytes"), "{}", rebuilt.stdout);

    // Another commit; this machine's own httpd; a lock that is another's.
    fs_err::remove_dir_all(place.path("out")).unwrap();
    fs_err::write(&file, read(&file).replace(third, first)).unwrap();
    let differs: &[&str] = &["the revision of file:", first, "modgraft.lock has commit", third];
    refused(&run(&build), 3, differs);
    refused(&run(&all), 3, differs);
    fs_err::write(&file, read(&file).replace(first, third)).unwrap();
    // The same commit with another tree.
    let at = lock.find("\ntree = \"").unwrap() + "\ntree = \"".len();
    let tree = &lock[at..at + 40];
    place.write("modgraft.lock", lock.replace(tree, &"0".repeat(40)));
    refused(&run(&build), 3, &["its tree", tree, &"0".repeat(40)]);
    place.write("modgraft.lock", &lock);
    let local = [&build[..6], &["--target", "local"]].concat();
    refused(&run(&local), 3, &["does not have the target `local`"]);
    place.write("modgraft.lock", lock.replace(&sum, &"0".repeat(64)));
    refused(&run(&build), 3, &["a package of the target `el8` is httpd-devel", &sum, "add el8 --locked"]);
    refused(&run(&all), 3, &["a package of the target `el8` is httpd-devel"]);
    place.write("modgraft.lock", &lock);
    refused(
        &run(&["update", "--target", "nope"]),
        2,
        &["modgraft.lock does not have the target `nope`", "it has el8;"],
    );
    place.write("modgraft.lock", lock.replace("version = 3", "version = 9"));
    refused(&run(&build), 3, &["has the form 9"]);
    place.write("modgraft.lock", &lock[..lock.len() / 2]);
    refused(&run(&build), 3, &["modgraft.lock:"]);
    assert!(!place.path("out").exists());

    // As if the repository had got a newer httpd since.
    let at = lock.find("name = \"httpd\"\nversion = \"").unwrap() + "name = \"httpd\"\nversion = \"".len();
    let end = at + lock[at..].find('"').unwrap();
    let old = format!("{}0:2.4.1-1{}", &lock[..at], &lock[end..]);
    place.write("modgraft.lock", &old);
    let shown = run(&["update", "--key", key]);
    let evr = lock[at..end].trim_start_matches("0:");
    let expected = format!("target el8: 1 other package\n  httpd 2.4.1-1 → {evr}\n");
    assert!(good(&shown).ends_with(&expected), "{}", shown.stdout);
    assert_eq!(read(&place.path("modgraft.lock")), old);
    // What was checked by a key when it was added, is not replaced by what nobody checked: nothing is written.
    let recipe = read(&file);
    let (no_key, keys) = ("no key is given", lock.lines().find(|line| line.starts_with("keys = [")).unwrap());
    refused(&run(&["update", "--write"]), 2, &[no_key, &keys[9..49], "--key FILE"]);
    let again = ["target", "add", "el8", "--repo", folder, "--profile", "el8", "--force"];
    refused(&run(&again), 2, &[no_key, "modgraft.lock"]);
    assert_eq!((read(&place.path("modgraft.lock")), read(&file)), (old, recipe));
    good(&run(&["update", "--write", "--target", "el8", "--key", key]));
    assert_eq!(read(&place.path("modgraft.lock")), lock);
    good(&run(&build));
    // The digests of what was checked are enough; and with a key for the first time, what is there is checked.
    good(&run(&[&again[..], &["--locked"]].concat()));
    assert_eq!(read(&place.path("modgraft.lock")), lock);
    place
        .write("modgraft.lock", lock.replace(&format!("{keys}\n"), "").replace("version = 3", "version = 2"));
    good(&run(&["update", "--write", "--target", "el8"]));
    assert!(read(&place.path("modgraft.lock")).contains("version = 2\n"));
    good(&run(&["update", "--write", "--target", "el8", "--key", key]));
    assert_eq!(read(&place.path("modgraft.lock")), lock);
}

#[test]
fn a_branch_is_taken_where_it_was_locked() {
    let place = Place::new();
    let upstream = Upstream::new(&place);
    let changed = SOURCE.replace("%s 1", "%s 5");
    let line = changed.lines().position(|line| line.contains("%s 5")).unwrap() + 1;
    let patch = format!(
        "diff --git a/{FILE} b/{FILE}\n--- a/{FILE}\n+++ b/{FILE}\n@@ -{line} +{line} @@\n-    ap_rprintf(r, \"%s 3\\n\", r->uri);\n+    ap_rprintf(r, \"%s 5\\n\", r->uri);\n"
    );
    place.write("modules/mod_lag/a.patch", patch);
    recipe(&place, &format!("patches = [\"a.patch\"]\nbase = \"{}@later\"", upstream.url()));
    let run = place.run(["update", "--write"]);
    assert!(good(&run).contains("--write locks the tree that they apply to"), "{}", run.stdout);
    let locked = git(&upstream.folder, 1, &["rev-parse", "later"]);
    let lock = read(&place.path("modgraft.lock"));
    assert!(
        lock.contains("asked = \"later\"\n") && lock.contains(&format!("commit = \"{locked}\"")),
        "{lock}"
    );
    // The branch moves to where the patch does not apply any more.
    git(&upstream.folder, 6, &["checkout", "-q", "later"]);
    upstream.commit(6, FILE, SOURCE, "mod_lag: say 1 again");
    let build = ["build-module", "mod_lag", "--no-check", "--sign-key", "none"];
    assert_ne!(place.run(build).code, 0);
    // The locked one goes as far as the target, which is this machine's own.
    refused(&place.run([&build[..], &["--locked"]].concat()), 3, &["does not have the target `local`"]);
}
