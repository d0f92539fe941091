//! The check stage with a real httpd, and modules that go wrong in each way that has its own error.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use miette::Diagnostic;
use modgraft::Kind;
use modgraft::audit::Prerequisite;
use modgraft::check::{CheckResult, DropIn, Error, Outcome, Plan, run};
use modgraft::recipe::check::Check;
use serde::Deserialize;
use support::{compile_module, local_httpd, processes, scratch};

#[derive(Deserialize)]
struct Recipe {
    #[serde(default)]
    check: Vec<Check>,
}

fn checks(text: &str) -> Vec<Check> {
    toml::from_str::<Recipe>(text).unwrap_or_else(|error| panic!("{error}")).check
}

/// The module that does what it is told.
fn misbehave() -> &'static Path {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| {
        let module = scratch("check").join("mod_misbehave.so");
        compile_module(
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/misbehave.c")),
            &module,
            &[],
        );
        module
    })
}

/// A plan whose httpd can be found by its folder, for [`Checked::run`] to see that none is left.
struct Checked {
    folder: tempfile::TempDir,
    plan: Plan,
}

impl Checked {
    fn new(module: &Path, symbol: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let plan = Plan { keep_in: Some(folder.path().to_owned()), ..support::plan(module, symbol) };
        Checked { folder, plan }
    }

    fn misbehave() -> Self {
        Checked::new(misbehave(), "misbehave_module")
    }

    fn run(&self, text: &str) -> Result<CheckResult, Error> {
        let result = run(&checks(text), &self.plan);
        let left = processes::with_path(self.folder.path());
        assert!(left.is_empty(), "left running: {left:?}");
        result
    }

    fn error(&self, text: &str) -> String {
        let error = self.run(text).expect_err("the check must fail");
        assert_eq!(error.kind(), Kind::Check, "{error}");
        error.to_string()
    }
}

const SAY: &str = r#"
    [[check]]
    name = "it says what it is told"
    config = "SayText hello"
    request = { path = "/say" }
    expect = { headers = { X-Said = "hello" }, absent-headers = ["X-Other"], body-contains = "hello" }
"#;

#[test]
fn a_module_that_works_passes() {
    let checked = Checked::misbehave();
    let result = checked
        .run(&format!(
            r#"{SAY}
            [[check]]
            name = "a directive is accepted"
            directive = "SayText hello"
            [[check]]
            name = "a long text is refused"
            directive = "SayText aaaaaaaaaaaaaaaaaaaaaaaaa"
            rejected = "20 characters at most"
            [[check]]
            name = "a static page"
            mpm = "prefork"
            modules = ["mime"]
            request = {{ method = "HEAD", path = "/index.html" }}
            expect = {{ headers = {{ Content-Length = "28", Content-Type = "text/html" }} }}
            "#
        ))
        .unwrap();
    assert_eq!((result.passed(), result.checks.len(), result.starts), (4, 4, 2));
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(json["checks"][2]["outcome"], "passed");
    assert!(json["checks"][2]["duration"].as_f64().unwrap() > 0.0, "{json}");
}

#[test]
fn without_checks_httpd_is_started_all_the_same() {
    let result = Checked::misbehave().run("").unwrap();
    assert_eq!((result.starts, result.checks.len()), (1, 0));
}

#[test]
fn a_websocket_and_a_mirror_through_the_targets_own_proxy() {
    let httpd = local_httpd();
    let mut checked = Checked::new(&httpd.modules_dir.join("mod_proxy_wstunnel.so"), "proxy_wstunnel_module");
    checked.plan.load_after =
        vec![Prerequisite { symbol: "proxy_module".to_owned(), file: "mod_proxy.so".to_owned() }];
    checked.plan.drop_ins = vec![DropIn {
        path: "/etc/httpd/conf.modules.d/10-proxy_wstunnel.conf".to_owned(),
        text: "# needs mod_proxy\nLoadModule proxy_wstunnel_module modules/mod_proxy_wstunnel.so\n"
            .to_owned(),
    }];
    let result = checked.run(
        r#"
        [[check]]
        name = "an echo"
        modules = ["proxy_http"]
        config = """
        ProxyPass "/ws" "ws://{{backend.websocket}}/"
        ProxyPass "/closed" "ws://{{backend.closed}}/"
        ProxyPass "/http" "http://{{backend.http}}/at"
        """
        [check.websocket]
        path = "/ws"
        subprotocol = "chat"
        messages = [{ bytes = 0 }, { text = "hello" }, { bytes = 70000 }, { bytes = 1048576, kind = "text" }]

        [[check]]
        name = "nobody there"
        modules = ["proxy_http"]
        config = """
        ProxyPass "/ws" "ws://{{backend.websocket}}/"
        ProxyPass "/closed" "ws://{{backend.closed}}/"
        ProxyPass "/http" "http://{{backend.http}}/at"
        """
        websocket = { path = "/closed" }
        expect = { status = 503, body-contains = "Service Unavailable" }

        [[check]]
        name = "a mirror"
        modules = ["proxy_http"]
        config = """
        ProxyPass "/ws" "ws://{{backend.websocket}}/"
        ProxyPass "/closed" "ws://{{backend.closed}}/"
        ProxyPass "/http" "http://{{backend.http}}/at"
        """
        request = { method = "POST", path = "/http/x", headers = { X-A = "b" }, body = "told" }
        expect = { body-contains = "POST /at/x\n" }
        "#,
    );
    let result = result.unwrap();
    assert_eq!((result.passed(), result.starts), (3, 1));
}

#[test]
fn what_is_wrong_is_expected_and_found() {
    let error = Checked::misbehave().error(
        r#"
        [[check]]
        name = "a page that is not there"
        request = { path = "/no" }
        [[check]]
        name = "a page that is"
        request = { path = "/index.html" }
        [[check]]
        name = "accepted"
        directive = "SayText aaaaaaaaaaaaaaaaaaaaaaaaa"
        [[check]]
        name = "refused"
        directive = "SayText a"
        rejected = "characters"
        [[check]]
        name = "refused for another reason"
        directive = "SayTxt a"
        rejected = "characters"
        "#,
    );
    let (first, rest) = error.split_once("\n  accepted").unwrap();
    assert_eq!(first, "4 of 5 checks failed: a page that is not there: expected status 200, found 404");
    assert!(rest.starts_with(": expected httpd to accept the directive, found (exit status: 1) "), "{error}");
    assert!(rest.contains("SayText takes 20 characters at most"), "{error}");
    assert!(error.contains(
        "\n  refused: expected httpd to refuse the directive with \"characters\", and it accepts it"
    ));
    assert!(error.contains("Invalid command 'SayTxt'"), "{error}");
}

#[test]
fn a_file_that_is_no_module_gets_httpds_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mod_garbage.so");
    fs_err::write(&file, "not an ELF file, and long enough to look at: ".repeat(100)).unwrap();
    let error = Checked::new(&file, "garbage_module").error("");
    assert!(
        error.starts_with("httpd refuses its configuration with the module (exit status: 1):\n"),
        "{error}"
    );
    assert!(error.contains("invalid ELF header"), "{error}");
}

#[test]
fn a_module_without_its_structure_gets_httpds_reason_and_place() {
    let mut checked = Checked::new(misbehave(), "other_module");
    checked.plan.drop_ins = vec![DropIn {
        path: "/etc/10-other.conf".to_owned(),
        text: "# first\nLoadModule other_module modules/mod_other.so\n".to_owned(),
    }];
    let error = checked.run("").unwrap_err();
    assert!(error.to_string().contains("Can't locate API module structure `other_module'"), "{error}");
    let Error::Refused { text, place, .. } = error else { panic!("{error:?}") };
    let place = place.expect("httpd names the line");
    assert_eq!((text.name(), place.offset()), ("0-10-other.conf", "# first\n".len()));
}

#[test]
fn a_module_that_needs_what_is_not_there_gets_httpds_reason() {
    let module = scratch("check").join("mod_undefined.so");
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/misbehave.c"));
    compile_module(source, &module, &["-DMISBEHAVE_UNDEFINED"]);
    let error = Checked::new(&module, "misbehave_module").error("");
    assert!(error.contains("undefined symbol: modgraft_test_no_such_function"), "{error}");
}

#[test]
fn a_crash_of_a_test_is_no_refusal_for_a_reason() {
    let error = Checked::misbehave()
        .error("[[check]]\nname = \"c\"\nconfig = \"Misbehave config\"\nrequest = { path = \"/\" }");
    assert!(error.contains("signal: 11 (SIGSEGV)"), "{error}");
}

#[test]
fn a_test_that_spins_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("httpd");
    fs_err::write(
        &script,
        "#!/bin/sh\n[ \"$1\" = -l ] && echo ' mod_so.c' && exit\nsleep 60 & while :; do :; done\n",
    )
    .unwrap();
    fs_err::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let mut checked = Checked::misbehave();
    checked.plan.httpd.runner.program = script;
    checked.plan.limit = Duration::from_millis(500);
    let began = Instant::now();
    let error = checked.error("");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(error.starts_with("`httpd -t` with the module did not end within 0."), "{error}");
}

/// As mod_rewrite of 2.4.63 and mod_proxy of 2.4.62: each is to come before the other.
#[test]
fn a_circle_of_hooks_is_found() {
    let module = |name: &str, after: &str| {
        let module = scratch("check").join(name);
        let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/between.c"));
        compile_module(source, &module, &[after]);
        Checked::new(&module, "between_module")
    };
    module("mod_before.so", "-DAFTER=NULL").run("").unwrap();
    let circle = module("mod_between.so", "-DAFTER=neighbour");
    let error = circle.error("");
    assert!(
        error.starts_with("with the target's mod_alias loaded as well, `httpd -t` did not end"),
        "{error}"
    );
}

#[test]
fn an_httpd_that_does_not_come_up() {
    let checked = Checked::misbehave();
    let error = checked.error(&SAY.replace("SayText hello", "Misbehave refuse-start"));
    assert!(
        error
            .starts_with("httpd with the module ended while it started (exit status: 1); its log ends with:")
    );
    assert!(error.contains("misbehave: told not to start"), "{error}");
    let error = checked.error(&SAY.replace("SayText hello", "Misbehave start"));
    assert!(error.starts_with("httpd with the module ended while it started (signal: 11"), "{error}");
    let hanging = Checked { plan: Plan { limit: Duration::from_secs(1), ..checked.plan.clone() }, ..checked };
    let error = hanging.error(&SAY.replace("SayText hello", "Misbehave hang-start"));
    assert!(error.starts_with("httpd with the module was not ready within "), "{error}");
}

#[test]
fn an_httpd_that_does_not_come_up_again() {
    let checked = Checked::misbehave();
    let error = |when: &str| {
        checked.error(&SAY.replace("SayText hello", &format!("SayText hello\\nMisbehave {when}")))
    };
    let told = error("refuse-restart");
    assert!(
        told.starts_with(
            "httpd with the module ended (exit status: 1) as it read its configuration again; its log"
        ),
        "{told}"
    );
    assert!(told.contains("misbehave: told not to restart"), "{told}");
    let told = error("restart");
    assert!(told.starts_with("httpd with the module ended (signal: 11"), "{told}");
    let told = error("request-after-restart");
    assert!(told.starts_with("httpd crashed, though all checks were answered: httpd: child pid "), "{told}");
    let hanging = Checked { plan: Plan { limit: Duration::from_secs(3), ..checked.plan.clone() }, ..checked };
    let told = hanging.error(&SAY.replace("SayText hello", "SayText hello\\nMisbehave hang-restart"));
    assert!(told.starts_with("httpd with the module was not ready within "), "{told}");
    assert!(told.contains("as it read its configuration again"), "{told}");
}

#[test]
fn a_module_that_was_not_loaded_is_named() {
    let checked = Checked::misbehave();
    let miss = SAY.replace("SayText hello", "Misbehave miss-modules");
    let named = |text: &str| match checked.run(text).unwrap_err() {
        Error::Ended { named, .. } => named,
        other => panic!("{other}"),
    };
    assert_eq!(named(&miss), ["mod_status"]);
    let help = |text: &str| checked.run(text).unwrap_err().help().unwrap().to_string();
    assert!(help(&miss).contains("`requires = [\"mod_status\"]`"), "{}", help(&miss));
    // One that is there was not what it lacked.
    let loaded = miss.replace("config =", "modules = [\"status\"]\n    config =");
    assert!(named(&loaded).is_empty());
    assert!(help(&loaded).starts_with("the reason is in httpd's log"));
}

#[test]
fn a_request_that_hangs_ends_with_the_limit() {
    let mut checked = Checked::misbehave();
    checked.plan.limit = Duration::from_secs(1);
    let began = Instant::now();
    let error = checked.error(&SAY.replace("SayText hello", "Misbehave hang-request"));
    assert!(error.contains("expected status 200, found none: no answer came in time"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_crash_is_a_failure() {
    let error = Checked::misbehave().error(&SAY.replace("SayText hello", "Misbehave request"));
    assert!(error.contains("expected status 200, found none: "), "{error}");
    assert!(error.contains("exit signal Segmentation fault (11)"), "{error}");
}

#[test]
fn a_crash_behind_the_answer_is_a_failure() {
    let config = "SayText hello\\nMisbehave log";
    let error = Checked::misbehave().run(&SAY.replace("SayText hello", config)).unwrap_err();
    assert!(
        error.to_string().starts_with("httpd crashed, though all checks were answered: httpd: child pid "),
        "{error}"
    );
    let Error::Failed { result, .. } = error else { panic!("{error:?}") };
    assert_eq!(result.checks[0].outcome, Outcome::Passed);
}

#[test]
fn a_package_that_does_not_load_its_module() {
    let mut checked = Checked::misbehave();
    checked.plan.drop_ins = vec![DropIn { path: "/etc/x.conf".to_owned(), text: "SayText a\n".to_owned() }];
    assert_eq!(
        checked.error(""),
        "the package's configuration has no `LoadModule misbehave_module …`, so httpd would never load the module"
    );
}

#[test]
fn a_recipe_that_asks_for_what_is_not_there() {
    let checked = Checked::misbehave();
    let error = checked.run(&SAY.replace("hello\"", "{{backend.ftp}}\"")).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (Kind::Input, "check `it says what it is told`: there is no {{backend.ftp}}".to_owned(),)
    );
    let error = checked.error(&SAY.replace("config =", "modules = [\"nosuch\"]\nconfig ="));
    assert!(
        error.starts_with(
            "check `it says what it is told` needs mod_nosuch.so, which the target does not have"
        )
    );
}

#[test]
fn an_httpd_that_is_not_there() {
    let mut checked = Checked::misbehave();
    checked.plan.httpd.runner.program = "/nonexistent/httpd".into();
    let error = checked.run("").unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert_eq!(
        error.to_string(),
        "the target's httpd cannot be run here: `/nonexistent/httpd` is not installed"
    );
}

/// The same as a user who is not root: this test binary runs itself as nobody.
#[test]
fn an_ordinary_user_can_check() {
    if !rustix::process::geteuid().is_root() {
        Checked::misbehave().run(SAY).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let module = folder.path().join("mod_misbehave.so");
    fs_err::copy(misbehave(), &module).unwrap();
    let binary = folder.path().join("test");
    fs_err::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let said = support::run(
        Command::new(binary)
            .args(["--exact", "an_ordinary_user_can_check_here", "--ignored", "--nocapture"])
            .env("MISBEHAVE", module)
            .current_dir("/")
            .uid(65_534)
            .gid(65_534),
    );
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by an_ordinary_user_can_check, as nobody"]
fn an_ordinary_user_can_check_here() {
    assert!(!rustix::process::geteuid().is_root());
    let module = PathBuf::from(std::env::var_os("MISBEHAVE").expect("set by the test that runs this one"));
    Checked::new(&module, "misbehave_module").run(SAY).unwrap();
}
