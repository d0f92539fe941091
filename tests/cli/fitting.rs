//! A module that this machine's httpd does not take as it is: rules, risks and overlays, from the recipe to the package.

use std::path::Path;
use std::process::Command;

use super::run::{Place, Run, added};

/// Uses httpd 2.2's name of an address, and what no httpd has.
const SOURCE: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"

static int fit_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "fit")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "from %s, %d\n",
               r->connection->remote_ip,
               FIT_INVENTED);
    return OK;
}

static void fit_hooks(apr_pool_t *p)
{
    ap_hook_handler(fit_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(fit) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, fit_hooks };
"#;

const RECIPE: &str = r#"name = "mod_fit"
summary = "Fits *nearly*"
license = "Apache-2.0"
version = "1.0"
KEYS
[source]
patches = ["0001-fit.patch"]
[[check]]
name = "answers"
config = "SetHandler fit"
request = { path = "/" }
expect = { status = 200, body-contains = "from 127.0.0.1, 7" }
"#;

const PACK: &str = include_str!("../fixtures/invented-pack.toml");

fn recipe(place: &Place, keys: &str) {
    place.write("modules/mod_fit/module.toml", RECIPE.replace("KEYS", keys));
    place.write("modules/mod_fit/0001-fit.patch", added("modules/fit/mod_fit.c", SOURCE));
    place.write("modules/mod_fit/own.toml", PACK);
}

fn good(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn refused(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "{part:?} is not in:\n{}", run.stderr);
    }
}

fn report(place: &Place) -> serde_json::Value {
    serde_json::from_slice(&fs_err::read(place.path("out/report.json")).unwrap()).unwrap()
}

fn rpm(file: &Path, args: &[&str]) -> String {
    let output = Command::new("rpm").args(["-qp", "--nosignature"]).args(args).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("the test needs rpm: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_edit_that_changes_behaviour_needs_a_persons_word() {
    let place = Place::new();
    recipe(&place, "compat = [\"own.toml\"]");
    let build = ["build-module", "mod_fit", "--sign-key", "none"];
    refused(
        &place.run(build),
        4,
        &["modgraft::adapt::risk", "own/invented: seven, whatever", "--accept-risk own/invented"],
    );
    refused(&place.run([&build[..], &["--release"]].concat()), 2, &["--release refuses"]);
    refused(&place.run(["flatten", "mod_fit"]), 4, &["own/invented"]);
    assert!(!place.path("out").exists());
    let wrong = place.run([&build[..], &["--accept-risk", "own/invent"]].concat());
    refused(&wrong, 2, &["there is no rule `own/invent`", "did you mean `own/invented`?"]);

    good(&place.run([&build[..], &["--accept-risk", "own/invented"]].concat()));
    let report = report(&place);
    assert_eq!(report["adapt"]["accepted"], serde_json::json!(["own/invented"]));
    let edits = report["adapt"]["edits"].as_array().unwrap();
    let edit = edits.iter().find(|edit| edit["rule"] == "own/invented").unwrap();
    assert_eq!((edit["file"].as_str(), edit["line"].as_u64()), (Some("modules/fit/mod_fit.c"), Some(13)));
}

#[test]
fn the_recipes_word_is_enough_and_its_rules_travel_with_the_source() {
    let place = Place::new();
    recipe(&place, "compat = [\"own.toml\"]\naccept-risks = [\"own/invented\"]");
    good(&place.run(["build-module", "mod_fit", "--sign-key", "none"]));
    let source = place.path("out/mod_fit-1.0-1.src.rpm");
    let files = rpm(&source, &["-l"]);
    for name in ["own.toml", "compat-common.toml", "GRAFT.md", "0001-fit.patch", "module.toml"] {
        assert!(files.lines().any(|line| line == name), "{name} is not in the source package:\n{files}");
    }
}

#[test]
fn the_package_says_what_was_done() {
    let place = Place::new();
    recipe(&place, "compat = [\"own.toml\"]\naccept-risks = [\"own/invented\"]");
    good(&place.run(["build-module", "mod_fit", "--sign-key", "none"]));
    let package = place.path("out/mod_fit-1.0-1.x86_64.rpm");
    let documents = rpm(&package, &["-d"]);
    assert!(documents.lines().any(|line| line == "/usr/share/doc/mod_fit/GRAFT.md"), "{documents}");
    let notes = fs_err::read_to_string(place.path("out/GRAFT.md")).unwrap();
    for part in [
        "# mod_fit for httpd 2.4.",
        "Fits \\*nearly\\*.",
        "- patch `0001-fit.patch`, SHA-256 `",
        "### 1. `modules/fit/mod_fit.c:12`\n\nRule `common/remote-",
        "```c\nr->connection->remote_ip\n```\n\nbecame\n\n```c\nr->",
        "`modules/fit/mod_fit.c:13`\n\nRule `own/invented`, risk: changes behaviour. seven, whatever was meant.",
        "```c\nFIT_INVENTED\n```\n\nbecame\n\n```c\n7\n```",
        "- `own/invented` changes behaviour: seven, whatever was meant (accepted)",
        "None: nobody changed it by hand.",
        "- answers\n",
    ] {
        assert!(notes.contains(part), "{part:?} is not in:\n{notes}");
    }
    let inside = place.path("tmp").display().to_string();
    assert!(!notes.contains(&inside) && !notes.contains("/tmp/"), "a path of this machine:\n{notes}");
    // The same bytes are in the package.
    let root = place.path("root");
    fs_err::create_dir_all(&root).unwrap();
    let unpacked = Command::new("sh")
        .args(["-c", "rpm2archive - < \"$1\" | tar -xz -C \"$2\"", "sh"])
        .arg(&package)
        .arg(&root)
        .status()
        .unwrap_or_else(|error| panic!("the test needs rpm2archive and tar: {error}"));
    assert!(unpacked.success());
    assert_eq!(fs_err::read_to_string(root.join("usr/share/doc/mod_fit/GRAFT.md")).unwrap(), notes);
}

#[test]
fn a_broken_pack_is_refused_at_its_place() {
    let place = Place::new();
    recipe(&place, "compat = [\"own.toml\"]");
    place.write("modules/mod_fit/own.toml", PACK.replace("constant", "konstant"));
    let run = place.run(["build-module", "mod_fit"]);
    refused(&run, 3, &["modgraft::adapt::pack", "own.toml:8:8", "konstant"]);
    place.write("modules/mod_fit/own.toml", PACK.replace("own", "common"));
    refused(
        &place.run(["build-module", "mod_fit"]),
        3,
        &["module.toml:5:11", "another rule pack called `common`"],
    );
    recipe(&place, "compat = [\"none.toml\"]");
    refused(&place.run(["build-module", "mod_fit"]), 3, &["module.toml:5:11", "cannot be read"]);
    recipe(&place, "compat = [\"../own.toml\"]");
    refused(&place.run(["build-module", "mod_fit"]), 3, &["module.toml:5:11", "outside the recipe's folder"]);
    recipe(&place, "accept-risks = [\"common/hok\"]");
    refused(&place.run(["build-module", "mod_fit"]), 3, &["module.toml:5:17", "did you mean `common/hook`?"]);
}

#[test]
fn a_rule_is_explained() {
    let place = Place::new();
    recipe(&place, "compat = [\"own.toml\"]");
    let run = place.run(["explain", "common/remote-ip"]);
    good(&run);
    for part in [
        "no member `remote_ip` of `conn_rec`, where it is read",
        "{object}{operator}client_ip",
        "risk    none",
    ] {
        assert!(run.stdout.contains(part), "{part:?} is not in:\n{}", run.stdout);
    }
    refused(&place.run(["explain", "own/invented"]), 2, &["there is no rule `own/invented`"]);
    let run = place.run(["explain", "own/invented", "--recipe", "mod_fit", "--json"]);
    good(&run);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((json["risk"].as_str(), json["text"].as_str()), (Some("changes-behaviour"), Some("7")));
    let all = place.run(["explain", "--recipe", "mod_fit"]);
    assert!(all.stdout.starts_with("own/invented "), "the recipe's own are asked first:\n{}", all.stdout);
    assert!(
        all.stdout.contains("\ncommon/hook-that-tells ") && all.stdout.contains("  loses a function  "),
        "{}",
        all.stdout
    );
}

/// The module, refused, laid out and edited as a person would.
fn overlaid(place: &Place) -> String {
    recipe(place, "");
    let refusal = place.run(["build-module", "mod_fit", "--sign-key", "none"]);
    refused(
        &refusal,
        4,
        &[
            "no header that the module includes defines `FIT_INVENTED`",
            "modgraft overlay start modules/mod_fit --target local",
        ],
    );
    // The command line that the refusal names.
    good(&place.run("overlay start modules/mod_fit --target local".split(' ')));
    let readme = fs_err::read_to_string(place.path("mod_fit-overlay/README.txt")).unwrap();
    assert!(!readme.contains("overlay start"), "{readme}");
    assert!(readme.contains("FIT_INVENTED") && !readme.contains("remote_ip`"), "{readme}");
    let flat = fs_err::read_to_string(place.path("mod_fit-overlay/mod_fit.c")).unwrap();
    assert!(flat.contains("FIT_INVENTED") && flat.contains("remote_ip") && !flat.contains("#line"), "{flat}");
    flat
}

#[test]
fn an_overlay_goes_from_the_refusal_to_the_package() {
    let place = Place::new();
    let flat = overlaid(&place);
    let save = ["overlay", "save", "mod_fit", "--message", "Seven is what is meant\n\nSays who."];
    refused(&place.run(save), 2, &["nothing was changed", "mod_fit.c"]);
    place.write(
        "mod_fit-overlay/mod_fit.c",
        flat.replace("    ap_set_", "    (void) SEVEN_INVENTED;\n    ap_set_"),
    );
    good(&place.run(save));
    let folder = fs_err::read_dir(place.path("modules/mod_fit/overlays")).unwrap().next().unwrap().unwrap();
    let key = folder.file_name().into_string().unwrap();
    assert!(key.starts_with("httpd-2.4."), "{key}");
    let name = format!("modules/mod_fit/overlays/{key}/0001-seven-is-what-is-meant.patch");
    let first = fs_err::read_to_string(place.path(&name)).unwrap();
    assert!(
        first.starts_with("Seven is what is meant\n\nSays who.\n\n--- a/mod_fit.c\n+++ b/mod_fit.c\n@@ "),
        "{first}"
    );

    // The compiler judges the overlay, on the patch's own lines.
    let refusal = place.run(["build-module", "mod_fit", "--sign-key", "none"]);
    let line = first.lines().position(|line| line.contains("SEVEN_INVENTED")).unwrap() + 1;
    let at = format!("overlays/{key}/0001-seven-is-what-is-meant.patch:{line}:");
    refused(&refusal, 4, &["SEVEN_INVENTED", &at]);

    // Saved again, it is the same patch, with the message that it had.
    place.write("mod_fit-overlay/mod_fit.c", flat.replace("FIT_INVENTED", "3 + 4"));
    good(&place.run(["overlay", "save", "mod_fit"]));
    assert_eq!(place.names(&format!("modules/mod_fit/overlays/{key}")).len(), 1);
    good(&place.run(["build-module", "mod_fit", "--sign-key", "none"]));

    let report = report(&place);
    let rules: Vec<&str> = report["adapt"]["edits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| edit["rule"].as_str().unwrap())
        .collect();
    let [overlay, rule] = &rules[..] else { panic!("{rules:?}") };
    assert_eq!(*overlay, "overlay/0001-seven-is-what-is-meant.patch");
    assert!(rule.starts_with("common/remote-"), "{rule}");
    assert_eq!(report["adapt"]["overlays"][0]["message"], "Seven is what is meant\n\nSays who.");
    let notes = fs_err::read_to_string(place.path("out/GRAFT.md")).unwrap();
    assert!(
        notes.contains("risk: a person's to judge. decided by a person: Seven is what is meant"),
        "{notes}"
    );
    let files = rpm(&place.path("out/mod_fit-1.0-1.src.rpm"), &["-l"]);
    assert!(files.contains(&format!("overlays-{key}-0001-seven-is-what-is-meant.patch")), "{files}");

    // The tree is opened again with the overlay in it, and saves the same bytes.
    let saved = fs_err::read_to_string(place.path(&name)).unwrap();
    refused(&place.run(["overlay", "start", "mod_fit"]), 2, &["mod_fit-overlay is not empty"]);
    good(&place.run(["overlay", "start", "mod_fit", "--dir", "again"]));
    let readme = fs_err::read_to_string(place.path("again/README.txt")).unwrap();
    assert!(readme.contains("nothing is missing"), "{readme}");
    good(&place.run(["overlay", "save", "mod_fit", "--dir", "again"]));
    assert_eq!(fs_err::read_to_string(place.path(&name)).unwrap(), saved);
}

#[test]
fn an_overlay_that_does_not_apply_any_more_is_refused_and_can_be_reworked() {
    let place = Place::new();
    let flat = overlaid(&place);
    let flat = flat.replace("FIT_INVENTED", "3 + 4").replace("return DECLINED", "return (DECLINED)");
    place.write("mod_fit-overlay/mod_fit.c", &flat);
    good(&place.run(["overlay", "save", "mod_fit", "--message", "Seven"]));
    let newer = SOURCE
        .replace("return DECLINED", "return DONE")
        .replace("static int fit", "/* newer */\nstatic int fit");
    place.write("modules/mod_fit/0001-fit.patch", added("modules/fit/mod_fit.c", &newer));
    let refusal = place.run(["build-module", "mod_fit"]);
    refused(
        &refusal,
        4,
        &["modgraft::overlay::misfit", "hunk 1 of overlays/httpd-2.4.", "return D", "modgraft overlay start"],
    );
    good(&place.run(["overlay", "start", "mod_fit", "--dir", "rework"]));
    let rejected = fs_err::read_to_string(place.path("rework/0001-seven.patch.rej")).unwrap();
    assert!(rejected.starts_with("@@ ") && rejected.contains("+        return (DECLINED);"), "{rejected}");
    let flat = fs_err::read_to_string(place.path("rework/mod_fit.c")).unwrap();
    assert!(flat.contains("return DONE"), "{flat}");
    place.write("rework/mod_fit.c", flat.replace("FIT_INVENTED", "3 + 4"));
    fs_err::remove_file(place.path("rework/0001-seven.patch.rej")).unwrap();
    good(&place.run(["overlay", "save", "mod_fit", "--dir", "rework"]));
    good(&place.run(["build-module", "mod_fit", "--sign-key", "none", "--no-check"]));
}

#[test]
fn an_overlay_belongs_to_a_recipe_and_its_work_tree() {
    let place = Place::new();
    let patch = place.write("fit.patch", added("modules/fit/mod_fit.c", SOURCE));
    let patch = patch.to_str().unwrap();
    refused(&place.run(["overlay", "start", patch]), 2, &["modgraft::overlay::recipe"]);
    refused(&place.run(["build-module", patch]), 4, &["write a recipe for it, modules/mod_fit/module.toml"]);
    recipe(&place, "");
    refused(&place.run(["overlay", "save", "mod_fit"]), 2, &["modgraft::overlay::work_tree"]);
    let start = ["overlay", "start", "mod_fit", "--key", "el6"];
    refused(&place.run(start), 2, &["one of: httpd-2.4.", ", httpd-2.4\n"]);
    place.write("modules/mod_fit/overlays/httpd-2.4/1.patch", "no patch\n");
    refused(
        &place.run(["build-module", "mod_fit"]),
        3,
        &["overlays/httpd-2.4/1.patch:1:1", "there is no patch in it"],
    );
}
