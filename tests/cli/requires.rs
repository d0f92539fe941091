//! A module that uses another new one: both are made, the packages say so, and a real httpd loads them in order.

use std::process::Command;

use super::run::{Place, Run, added, finish};

const HEADER: &str = r#"#ifndef MOD_STORE_H
#define MOD_STORE_H
#include "httpd.h"
#include "http_config.h"
#define STORE_DECLARE(type) type
typedef struct store_item { const char *name; int value; } store_item;
STORE_DECLARE(int) store_value(request_rec *r, const store_item *item);
int store_internal(void);
APR_DECLARE_EXTERNAL_HOOK(store, STORE, int, adjust, (request_rec *r, int *value))
#endif
"#;

const STORE: &str = r#"#include "mod_store.h"
#include "http_request.h"

APR_HOOK_STRUCT(
    APR_HOOK_LINK(adjust)
)
APR_IMPLEMENT_EXTERNAL_HOOK_RUN_FIRST(store, STORE, int, adjust, (request_rec *r, int *value), (r, value), DECLINED)

int store_internal(void)
{
    return 40;
}

STORE_DECLARE(int) store_value(request_rec *r, const store_item *item)
{
    int value = store_internal() + item->value;
    store_run_adjust(r, &value);
    return value;
}

AP_DECLARE_MODULE(store) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL };
"#;

const USER: &str = r#"#include "mod_store.h"
#include "http_protocol.h"

static int user_adjust(request_rec *r, int *value)
{
    *value *= 10;
    return OK;
}

static int user_handler(request_rec *r)
{
    store_item item = { "two", 2 };
    if (!r->handler || strcmp(r->handler, "store-user")) {
        return DECLINED;
    }
    ap_rprintf(r, "value %d\n", store_value(r, &item));
    return OK;
}

static void user_hooks(apr_pool_t *p)
{
    store_hook_adjust(user_adjust, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(user_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(store_user) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, user_hooks };
"#;

const FOLDER: &str = "modules/store";

fn recipe(name: &str, keys: &str, source: &str, rest: &str) -> String {
    format!(
        "name = \"{name}\"\nsummary = \"x\"\nlicense = \"Apache-2.0\"\nversion = \"1.0\"\n{keys}\n[source]\n{source}\n{rest}"
    )
}

const CHECK: &str = "[[check]]\nname = \"is answered from the store\"\nconfig = \"SetHandler store-user\"\nrequest = { path = \"/\" }\n\
                     expect = { status = 200, body-contains = \"value 420\" }\n";

/// Both modules in one tree, and a recipe for the one that uses the other.
fn tree(place: &Place, keys: &str) {
    for (name, text) in [("mod_store.h", HEADER), ("mod_store.c", STORE), ("mod_store_user.c", USER)] {
        place.write(&format!("tree/{FOLDER}/{name}"), text);
    }
    let source = format!("directory = \"../../tree\"\nfiles = [\"{FOLDER}/mod_store_user.c\"]");
    place.write("modules/mod_store_user/module.toml", recipe("mod_store_user", keys, &source, CHECK));
}

fn good(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn build(place: &Place, name: &str) -> Run {
    place.run(["build-module", name, "--sign-key", "none"])
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("the test needs {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the module of a package exports.
fn exports(place: &Place, package: &std::path::Path, name: &str) -> Vec<String> {
    let root = place.path(&format!("{name}-root"));
    fs_err::create_dir_all(&root).unwrap();
    let unpack = ["-c", "rpm2archive - < \"$1\" | tar -xz -C \"$2\"", "sh"];
    output(Command::new("sh").args(unpack).arg(package).arg(&root));
    let module = output(Command::new("find").arg(&root).args(["-name", &format!("{name}.so")]));
    let listed =
        output(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(module.trim()));
    let mut names: Vec<String> =
        listed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort();
    names
}

fn used_and_checked(place: &Place) {
    let run = build(place, "mod_store_user");
    good(&run);
    assert!(run.stderr.contains("mod_store must be there first"), "{}", run.stderr);
    let package = place.path("out/mod_store_user-1.0-1.x86_64.rpm");
    let requires = output(Command::new("rpm").args(["-qpR", "--nosignature"]).arg(&package));
    assert!(requires.lines().any(|line| line == "mod_store"), "{requires}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs_err::read(place.path("out/report.json")).unwrap()).unwrap();
    assert_eq!(report["adapt"]["requires"], serde_json::json!(["mod_store"]));
    assert_eq!(report["audit"]["load_after"][0]["file"], "mod_store.so");
    let imports = report["audit"]["imports"].as_array().unwrap();
    let provider =
        |name: &str| imports.iter().find(|import| import["symbol"] == name).unwrap()["provider"].clone();
    assert_eq!(
        (provider("store_value"), provider("store_hook_adjust")),
        ("mod_store.so".into(), "mod_store.so".into())
    );
    assert_eq!(exports(place, &package, "mod_store_user"), ["store_user_module"]);
    let spec = fs_err::read_to_string(place.path("out/mod_store_user.spec")).unwrap();
    assert!(spec.contains("\nRequires: mod_store\n"), "{spec}");
    let notes = fs_err::read_to_string(place.path("out/GRAFT.md")).unwrap();
    assert!(notes.contains("## Modules that must be there first\n\n- `mod_store`\n"), "{notes}");
}

/// The source package alone is enough for the same bytes: nothing of the recipe is there any more, nor of what it uses.
fn is_built_again(place: &Place, name: &str) {
    for folder in ["modules", "tree"] {
        let _ = fs_err::remove_dir_all(place.path(folder));
    }
    for ending in ["x86_64", "src"] {
        let package = place.path(&format!("out/{name}-1.0-1.{ending}.rpm"));
        let run = place.run(["rebuild".as_ref(), package.as_os_str()]);
        good(&run);
        assert!(run.stdout.ends_with(": the same bytes\n"), "{}", run.stdout);
    }
}

#[test]
fn a_required_module_is_made_from_the_same_tree() {
    let place = Place::new();
    tree(&place, "requires = [\"mod_store\"]");
    used_and_checked(&place);
    let load = output(
        Command::new("rpm")
            .args(["-qpl", "--nosignature"])
            .arg(place.path("out/mod_store_user-1.0-1.x86_64.rpm")),
    );
    let load =
        load.lines().find(|line| line.ends_with(".load")).expect("the test needs a system with .load files");
    let root = place.path("mod_store_user-root");
    let text = fs_err::read_to_string(root.join(load.trim_start_matches('/'))).unwrap();
    assert!(text.contains("# Depends: store\n"), "{text}");
    is_built_again(&place, "mod_store_user");
}

#[test]
fn a_required_module_is_made_from_its_own_recipe() {
    let place = Place::new();
    let patches = "patches = [\"1.patch\"]";
    let store =
        added(&format!("{FOLDER}/mod_store.h"), HEADER) + &added(&format!("{FOLDER}/mod_store.c"), STORE);
    place.write("modules/mod_store/1.patch", store);
    place.write("modules/mod_store/module.toml", recipe("mod_store", "", patches, ""));
    place.write("modules/mod_store_user/1.patch", added(&format!("{FOLDER}/mod_store_user.c"), USER));
    let keys = "requires = [\"mod_store\"]";
    place.write("modules/mod_store_user/module.toml", recipe("mod_store_user", keys, patches, CHECK));
    used_and_checked(&place);
    // From inside the recipe's folder it is as near.
    let mut inside = place.command();
    inside.current_dir(place.path("modules/mod_store_user"));
    let inside = finish(inside.args(["build-module", ".", "--sign-key", "none", "--no-check"]));
    good(&inside);
    assert!(inside.stderr.contains("mod_store/module.toml"), "{}", inside.stderr);
}

#[test]
fn a_module_exports_what_its_header_promises_and_no_more() {
    let place = Place::new();
    tree(&place, "");
    let source = format!("directory = \"../../tree\"\nfiles = [\"{FOLDER}/mod_store.c\"]");
    place.write("modules/mod_store/module.toml", recipe("mod_store", "", &source, ""));
    good(&build(&place, "mod_store"));
    let promised =
        ["store_hook_adjust", "store_hook_get_adjust", "store_module", "store_run_adjust", "store_value"];
    assert_eq!(exports(&place, &place.path("out/mod_store-1.0-1.x86_64.rpm"), "mod_store"), promised);
    // The spec builds the same.
    let top = place.path("top");
    output(
        Command::new("rpmbuild")
            .args(["--rebuild", "--nodeps", "--define"])
            .arg(format!("_topdir {}", top.display()))
            .arg(place.path("out/mod_store-1.0-1.src.rpm")),
    );
    let rebuilt = output(Command::new("find").arg(&top).args([
        "-name",
        "mod_store-1.0-1.*.rpm",
        "-not",
        "-name",
        "*.src.rpm",
    ]));
    let again = Place::new();
    assert_eq!(exports(&again, rebuilt.trim().as_ref(), "mod_store"), promised);
    is_built_again(&place, "mod_store");
}

#[test]
fn what_is_not_required_is_refused_with_the_key_that_helps() {
    let place = Place::new();
    tree(&place, "");
    let run = build(&place, "mod_store_user");
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("requires = [\"mod_store\"]"), "{}", run.stderr);
    tree(&place, "requires = [\"mod_nowhere\"]");
    let run = build(&place, "mod_store_user");
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("modgraft::requires::unknown") && run.stderr.contains("modules/mod_nowhere/"),
        "{}",
        run.stderr
    );
    assert!(!place.path("out").exists());
}

#[test]
fn a_module_that_the_target_has_is_only_loaded_first() {
    let place = Place::new();
    tree(&place, "");
    let source = format!("directory = \"../../tree\"\nfiles = [\"{FOLDER}/mod_store.c\"]");
    place.write(
        "modules/mod_store/module.toml",
        recipe("mod_store", "requires = [\"mod_headers\"]", &source, ""),
    );
    good(&build(&place, "mod_store"));
    let package = place.path("out/mod_store-1.0-1.x86_64.rpm");
    let requires = output(Command::new("rpm").args(["-qpR", "--nosignature"]).arg(&package));
    assert!(!requires.contains("mod_headers"), "{requires}");
    let report = fs_err::read_to_string(place.path("out/report.json")).unwrap();
    assert!(report.contains("\"headers_module\""), "{report}");
}

#[test]
fn modules_that_require_each_other_are_refused() {
    let place = Place::new();
    tree(&place, "requires = [\"mod_store\"]");
    let source = format!("directory = \"../../tree\"\nfiles = [\"{FOLDER}/mod_store.c\"]");
    place.write(
        "modules/mod_store/module.toml",
        recipe("mod_store", "requires = [\"mod_store_user\"]", &source, ""),
    );
    let run = build(&place, "mod_store_user");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("mod_store_user → mod_store → mod_store_user"), "{}", run.stderr);
}

/// By itself it would load and do nothing; the package of the module that requires it says to build this one too.
#[test]
fn a_provider_that_only_another_new_module_asks_for_is_built_beside_its_recipe() {
    let place = Place::new();
    let module = "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"ap_provider.h\"\n#include \"ap_sample.h\"\n\
                  static int sample;\nstatic void hooks(apr_pool_t *p)\n{\n    \
                  ap_register_provider(p, AP_SAMPLE_GROUP, \"one\", \"0\", &sample);\n}\n\
                  AP_DECLARE_MODULE(sample) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks };\n";
    place.write("tree/include/ap_sample.h", "#define AP_SAMPLE_GROUP \"sample group\"\n");
    place.write("tree/modules/sample/mod_sample.c", module);
    let source = |file: &str| format!("directory = \"../../tree\"\nfiles = [\"modules/sample/{file}\"]");
    place.write("modules/mod_sample/module.toml", recipe("mod_sample", "", &source("mod_sample.c"), ""));
    let run = build(&place, "mod_sample");
    assert!(run.code != 0 && run.stderr.contains("modgraft::flatten::nobody_asks"), "{}", run.stderr);
    assert!(run.stderr.contains("`requires`"), "{}", run.stderr);
    let keys = "requires = [\"mod_sample\"]";
    place.write("modules/mod_asks/module.toml", recipe("mod_asks", keys, &source("mod_asks.c"), ""));
    good(&build(&place, "mod_sample"));
    let mut beside = place.command();
    beside.current_dir(place.path("modules"));
    good(&finish(beside.args(["build-module", "mod_sample", "--sign-key", "none", "--no-check"])));
}
