//! The program `replay`, on a small history of httpd's layout and this machine's httpd.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

#[path = "source_support/mod.rs"]
mod source_support;

use source_support::{git, write};

/// A module that answers at its own name.
fn module(name: &str, includes: &str, value: &str) -> String {
    format!(
        r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
{includes}
static int {name}_handler(request_rec *r)
{{
    if (!r->handler || strcmp(r->handler, "{name}")) {{
        return DECLINED;
    }}
    ap_rprintf(r, "value %d\n", {value});
    return OK;
}}

static void {name}_hooks(apr_pool_t *p)
{{
    ap_hook_handler({name}_handler, NULL, NULL, APR_HOOK_MIDDLE);
}}

AP_DECLARE_MODULE({name}) = {{ STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, {name}_hooks }};
"#
    )
}

/// Crashes httpd as soon as it is loaded.
const CRASH: &str = r#"#include "httpd.h"
#include "http_config.h"

static void crash_hooks(apr_pool_t *p)
{
    abort();
}

AP_DECLARE_MODULE(crash) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, crash_hooks };
"#;

/// State of httpd that no copy can stand for: in a source of which every httpd has a part.
const STATE: &str = r#"#include "httpd.h"
#include "replay_state.h"

static int replay_counter;

AP_DECLARE(int) ap_replay_next(void)
{
    return ++replay_counter;
}

AP_DECLARE(int) ap_is_initial_req(request_rec *r)
{
    return replay_counter > 0;
}
"#;

const STATE_HEADER: &str = r#"#ifndef REPLAY_STATE_H
#define REPLAY_STATE_H
#include "httpd.h"
AP_DECLARE(int) ap_replay_next(void);
#endif
"#;

const STORE_HEADER: &str = r#"#ifndef MOD_STORE_H
#define MOD_STORE_H
#include "httpd.h"
#define STORE_DECLARE(type) type
STORE_DECLARE(int) store_value(request_rec *r);
#endif
"#;

const STORE: &str = r#"#include "mod_store.h"
#include "http_config.h"

STORE_DECLARE(int) store_value(request_rec *r)
{
    return 40;
}

AP_DECLARE_MODULE(store) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL };
"#;

const PACK: &str = include_str!("fixtures/invented-pack.toml");

/// A history, and the recipes for some of its commits.
struct Upstream {
    folder: TempDir,
    good: String,
    wall: String,
    pair: String,
    crash: String,
    risky: String,
    user: String,
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Upstream {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("httpd");
        fs_err::create_dir(&root).unwrap();
        git(&root, &["init", "-q", "-b", "trunk", "."]);
        let commit = |files: &[(&str, &str)], message: &str| {
            for (path, text) in files {
                write(&root, path, text);
            }
            git(&root, &["add", "-A"]);
            git(&root, &["commit", "-q", "--no-gpg-sign", "-m", message]);
            git(&root, &["rev-parse", "HEAD"])
        };
        commit(&[("server/replay_state.c", STATE), ("include/replay_state.h", STATE_HEADER)], "httpd");
        let good = commit(&[("modules/x/mod_good.c", &module("good", "", "1"))], "good");
        let wall = module("wall", "#include \"replay_state.h\"", "ap_replay_next()");
        let wall = commit(&[("modules/x/mod_wall.c", &wall)], "wall");
        let (one, two) = (module("one", "", "1"), module("two", "", "2"));
        let pair = commit(&[("modules/x/mod_one.c", &one), ("modules/x/mod_two.c", &two)], "pair");
        let crash = commit(&[("modules/x/mod_crash.c", CRASH)], "crash");
        let risky = commit(&[("modules/x/mod_risky.c", &module("risky", "", "FIT_INVENTED"))], "risky");
        commit(&[("modules/s/mod_store.c", STORE), ("modules/s/mod_store.h", STORE_HEADER)], "store");
        let user = module("user", "#include \"mod_store.h\"", "store_value(r)");
        let user = commit(&[("modules/s/mod_user.c", &user)], "user");
        let upstream = Upstream { folder, good, wall, pair, crash, risky, user };
        upstream.recipe("good", &upstream.good, "", "value 1");
        upstream.recipe("risky", &upstream.risky, "compat = [\"own.toml\"]", "value 7");
        write(upstream.folder.path(), "modules/mod_risky/own.toml", PACK);
        upstream
    }

    fn recipe(&self, name: &str, commit: &str, keys: &str, answer: &str) {
        let text = format!(
            "name = \"mod_{name}\"\nsummary = \"x\"\nlicense = \"Apache-2.0\"\nversion = \"1.0\"\n{keys}\n[source]\n\
             git = \"https://upstream.invalid/httpd.git\"\ncommit = \"{commit}\"\n[[check]]\nname = \"answers\"\n\
             config = \"SetHandler {name}\"\nrequest = {{ path = \"/\" }}\nexpect = {{ status = 200, body-contains = \"{answer}\" }}\n"
        );
        write(self.folder.path(), &format!("modules/mod_{name}/module.toml"), text);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replays the list on this machine's httpd.
    fn replay(&self, list: &str, more: &[&str]) -> Run {
        write(self.folder.path(), "list.tsv", list);
        let temporary = self.path("tmp");
        fs_err::create_dir_all(&temporary).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
        command
            .current_dir(self.folder.path())
            .args(["--repository", "httpd", "--commits", "list.tsv", "--out", "out"])
            .args(more)
            .env("TMPDIR", &temporary)
            .env("MODGRAFT_CACHE", self.path("cache"))
            .env("NO_COLOR", "1");
        for name in ["CC", "CFLAGS", "SOURCE_DATE_EPOCH"] {
            command.env_remove(name);
        }
        let output = command.output().expect("replay can be started");
        let text = |bytes| String::from_utf8(bytes).expect("replay prints UTF-8");
        let left = fs_err::read_dir(&temporary).unwrap().count();
        assert_eq!(left, 0, "nothing stays in the folder for temporary files");
        Run {
            code: output.status.code().expect("replay is not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// What replay.json says of a module.
    fn of(&self, module: &str) -> serde_json::Value {
        let all: serde_json::Value =
            serde_json::from_slice(&fs_err::read(self.path("out/replay.json")).unwrap()).unwrap();
        let rows = all.as_array().unwrap();
        let mut found = rows.iter().filter(|row| row["module"] == module);
        let row = found.next().unwrap_or_else(|| panic!("{module} has no row")).clone();
        assert!(found.next().is_none(), "{module} has one row");
        row
    }
}

#[test]
fn what_is_as_expected_ends_well() {
    let upstream = Upstream::new();
    let Upstream { good, wall, pair, risky, user, .. } = &upstream;
    let list = format!(
        "# comment\ncommit\tmodule\tlocal\n{good}\tmod_good\tok\n{wall}\t\timpossible\n{pair}\t\t\n{risky}\tmod_risky\tmanual\n{}\tmod_user\tauto\n",
        &user[..10]
    );
    let run = upstream.replay(&list, &["--jobs", "3"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    let word = |module: &str| upstream.of(module)["outcome"].as_str().unwrap().to_owned();
    // The recipe's check counts, where the commit is a recipe's; no network is asked for it.
    assert_eq!((word("mod_good").as_str(), upstream.of("mod_good")["checks"].as_u64()), ("checked", Some(1)));
    assert_eq!(
        (word("mod_wall"), word("mod_one"), word("mod_two")),
        ("refused".into(), "loaded".into(), "loaded".into())
    );
    let wall_row = upstream.of("mod_wall");
    assert_eq!(wall_row["code"], "modgraft::flatten::private_state");
    assert!(wall_row["message"].as_str().unwrap().contains("replay_counter"), "{wall_row}");
    // A risk that nobody took.
    assert_eq!(upstream.of("mod_risky")["code"], "modgraft::adapt::risk");
    // What must be there first is made from the same commit.
    let user_row = upstream.of("mod_user");
    assert_eq!(
        (user_row["outcome"].as_str(), user_row["commit"].as_str()),
        (Some("loaded"), Some(user.as_str()))
    );
    assert_eq!(user_row["required"], serde_json::json!(["mod_store"]));
    // The page is on stdout and in the folder, and each trial has its line in the table.
    assert_eq!(fs_err::read_to_string(upstream.path("out/replay.md")).unwrap(), run.stdout);
    assert!(
        run.stdout.contains(&format!("| {} |  |  | mod\\_wall | refused |", &wall[..12])),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("## Not as expected: 0 of 6"), "{}", run.stdout);
    let table = fs_err::read_to_string(upstream.path("out/replay.tsv")).unwrap();
    let columns = |line: &str| line.split('\t').count();
    let count = columns(table.lines().next().unwrap());
    assert_eq!(table.lines().map(columns).collect::<Vec<_>>(), vec![count; 7]);
    assert_eq!(run.stderr.lines().count(), 6, "{}", run.stderr);
}

#[test]
fn what_is_not_as_expected_is_told_and_ends_with_8() {
    let upstream = Upstream::new();
    let Upstream { good, wall, crash, .. } = &upstream;
    let list = format!(
        "commit\tmodule\tlocal\n{crash}\tmod_crash\t\n{good}\tmod_good\timpossible\n{good}\tgood_module\tok*\n{wall}\tmod_wall\tauto\n"
    );
    let run = upstream.replay(&list, &[]);
    assert_eq!(run.code, 8, "{}\n{}", run.stdout, run.stderr);
    let row = upstream.of("mod_crash");
    assert_eq!((row["outcome"].as_str(), row["differs"].as_str()), (Some("failed"), Some("failed")));
    assert!(row["code"].as_str().unwrap().starts_with("modgraft::check::"), "{row}");
    assert_eq!(upstream.of("mod_good")["differs"], "checked, expected impossible");
    assert_eq!(upstream.of("good_module")["differs"], "checked with nothing changed or noted, expected ok*");
    assert_eq!(upstream.of("mod_wall")["differs"], "refused, expected auto");
    assert!(run.stdout.contains("## Not as expected: 4 of 4"), "{}", run.stdout);
    assert!(run.stdout.contains("**refused**, not auto"), "{}", run.stdout);
}

#[test]
fn risks_are_taken_where_all_are_accepted_and_then_named() {
    let upstream = Upstream::new();
    let run = upstream.replay(&format!("{} mod_risky\n", upstream.risky), &["--accept-risks"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    let row = upstream.of("mod_risky");
    assert_eq!(
        (row["outcome"].as_str(), &row["risky"]),
        (Some("checked"), &serde_json::json!(["own/invented"]))
    );
    assert!(run.stdout.contains("| checked; risk: own/invented |"), "{}", run.stdout);
}

#[test]
fn a_list_that_is_wrong_is_refused_before_anything_is_built() {
    let upstream = Upstream::new();
    let run = upstream.replay(&format!("commit\tlocal\n{}\tok\n0123456789\tok\n", upstream.good), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.stderr);
    assert!(run.stderr.contains("list.tsv:3:1") && run.stderr.contains("0123456789"), "{}", run.stderr);
    let run = upstream.replay("commit\tlocal\nHEAD\tfine\n", &[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("list.tsv:2:6") && run.stderr.contains("impossible"), "{}", run.stderr);
    assert_eq!(upstream.replay("# nothing\n", &[]).code, 3);
    assert!(!upstream.path("out").exists());
}
