//! `modgraft new` and `modgraft lint`.

use std::process::Command;

use serde_json::Value;

use super::run::{Place, added, reference};

/// A third party's module, in words of its own.
const MODULE: &str = r#"/*
 * mod_hello.c: Says hello
 *
 * SPDX-License-Identifier: MIT
 */
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"
#include "config.h"
#include "greeting.h"
#include "apr_strings.h"

static const char *set_on(cmd_parms *cmd, void *config, int on) { *(int *)config = on; return NULL; }
static void *create(apr_pool_t *pool, char *dir) { return apr_pcalloc(pool, sizeof(int)); }

static const command_rec directives[] = {
    AP_INIT_FLAG("Hello", set_on, NULL, RSRC_CONF | ACCESS_CONF, "Whether hello is said"),
    { NULL }
};

static int handler(request_rec *r)
{
    int *on = ap_get_module_config(r->per_dir_config, r->server->module_config ? NULL : NULL);
    (void)on;
    return DECLINED;
}

static int say(request_rec *r)
{
    apr_table_setn(r->headers_out, "X-Hello", hello_greeting());
    return DECLINED;
}

static void hooks(apr_pool_t *pool) { (void)handler; ap_hook_fixups(say, NULL, NULL, APR_HOOK_MIDDLE); }

module AP_MODULE_DECLARE_DATA hello_module = { STANDARD20_MODULE_STUFF, create, NULL, NULL, NULL, directives, hooks };
"#;

/// Its folder, in two files and with papers.
fn tree(place: &Place) {
    let module = MODULE
        .replace("static int handler(request_rec *r)\n{\n    int *on = ap_get_module_config(r->per_dir_config, r->server->module_config ? NULL : NULL);\n    (void)on;\n    return DECLINED;\n}\n\n", "")
        .replace("(void)handler; ", "");
    place.write("hello-1.2/src/mod_hello.c", module);
    place.write("hello-1.2/src/greeting.h", "const char *hello_greeting(void);\n");
    place.write(
        "hello-1.2/src/greeting.c",
        "#include \"greeting.h\"\n#include \"config.h\"\n#ifndef HAVE_GREETING\n#error \"configure found no greeting\"\n#endif\n\
         const char *hello_greeting(void) { return \"hello\"; }\n",
    );
    place.write("hello-1.2/src/config.h.in", "#undef HAVE_GREETING\n");
    place.write(
        "hello-1.2/LICENSE",
        "Permission is hereby granted, free of charge, to any person obtaining a copy\n",
    );
    place.write(
        "hello-1.2/README.md",
        "# mod_hello\n\nmod_hello is a module that says hello to everybody who asks.\n",
    );
}

#[test]
fn a_third_partys_tree_becomes_a_recipe_that_builds() {
    let place = Place::new();
    tree(&place);
    let run = place.run(["new", "--from", "hello-1.2"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "modules/mod_hello/module.toml\n"), "{}", run.stderr);
    assert!(run.stderr.contains("left to write: [[changelog]]"), "{}", run.stderr);
    assert_eq!(place.names("modules/mod_hello"), ["LICENSE", "README.md", "module.toml", "src"]);
    let recipe = fs_err::read_to_string(place.path("modules/mod_hello/module.toml")).unwrap();
    for line in [
        "summary = \"Module that says hello to everybody who asks\"  # from README.md",
        "license = \"MIT\"  # from the SPDX line of src/mod_hello.c",
        "version = \"1.2\"",
        "headers = [\"src/config.h\"]",
        "directory = \"../../hello-1.2\"",
        "files = [\"src/mod_hello.c\"]",
        "# Whether hello is said\n#   Hello off\n",
    ] {
        assert!(recipe.contains(line), "no {line:?} in\n{recipe}");
    }

    let lint = place.run(["lint"]);
    assert_eq!(lint.code, 0, "{}", lint.stderr);
    for name in ["left-to-write", "source-local", "changelog-missing", "checks-only-parsed"] {
        assert!(lint.stdout.contains(&format!("[modgraft::lint::{name}]")), "{name} in\n{}", lint.stdout);
    }
    assert!(lint.stdout.contains("--> modules/mod_hello/module.toml:"), "{}", lint.stdout);

    // What configure would find is not known.
    let build = ["build-module", "mod_hello", "--sign-key", "none", "--offline"];
    let refused = place.run(build);
    assert!(
        refused.code != 0 && refused.stderr.contains("configure found no greeting"),
        "{}",
        refused.stderr
    );
    place.write("modules/mod_hello/src/config.h", "#define HAVE_GREETING 1\n");
    let check = "\n[[check]]\nname = \"it says hello\"\nrequest = { path = \"/index.html\" }\n\
                 expect = { headers = { X-Hello = \"hello\" } }\n";
    place.write("modules/mod_hello/module.toml", recipe + check);
    let built = place.run(build);
    assert_eq!(built.code, 0, "{}", built.stderr);
    assert!(built.stderr.contains("3 of 3 checks answered"), "{}", built.stderr);

    // What is left to write is told at each build, and goes to nobody.
    assert!(built.stderr.contains("the recipe leaves to write: src/config.h: "), "{}", built.stderr);
    let key = place.run(["key", "new", "--type", "ed25519", "--out", "key.asc"]);
    assert_eq!(key.code, 0, "{}", key.stderr);
    let release = ["build-module", "mod_hello", "--sign-key", "key.asc", "--offline", "--release"];
    let refused = place.run(release);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    for part in ["--release refuses a recipe that leaves to write: ", "take the comment out"] {
        assert!(refused.stderr.contains(part), "no {part:?} in\n{}", refused.stderr);
    }
    let recipe = fs_err::read_to_string(place.path("modules/mod_hello/module.toml")).unwrap();
    let written = recipe.lines().filter(|line| !line.starts_with("# to write:"));
    place.write("modules/mod_hello/module.toml", written.map(|line| format!("{line}\n")).collect::<String>());
    let built = place.run(release);
    assert_eq!(built.code, 0, "{}", built.stderr);
    assert!(!built.stderr.contains("to write"), "{}", built.stderr);
}

/// What upstream's Makefile says by `-D`.
#[test]
fn macros_of_the_build_stand_in_front_of_the_source() {
    let place = Place::new();
    tree(&place);
    // In both files, and before the headers.
    let unless_defined = "#ifndef GREETING\n#error \"no greeting\"\n#endif\n";
    let code = fs_err::read_to_string(place.path("hello-1.2/src/mod_hello.c")).unwrap();
    place.write("hello-1.2/src/mod_hello.c", code.replace("#include \"config.h\"\n", unless_defined));
    place.write(
        "hello-1.2/src/greeting.c",
        format!("{unless_defined}#include \"greeting.h\"\n#ifdef LOUD\nconst char *hello_greeting(void) {{ return GREETING; }}\n#endif\n"),
    );
    place.run(["new", "--from", "hello-1.2"]);
    let recipe = fs_err::read_to_string(place.path("modules/mod_hello/module.toml")).unwrap();
    let recipe = recipe.lines().filter(|line| !line.contains("config.h")).collect::<Vec<_>>().join("\n");
    let check = "\n[[check]]\nname = \"it says hello\"\nrequest = { path = \"/index.html\" }\n\
                 expect = { headers = { X-Hello = \"hello/1.2\" } }\n";
    let build = |defines: &str| {
        let recipe = recipe.replacen("release = ", &format!("defines = [{defines}]\nrelease = "), 1);
        place.write("modules/mod_hello/module.toml", recipe + check);
        place.run(["build-module", "mod_hello", "--sign-key", "none", "--offline"])
    };
    let refused = build("");
    assert!(refused.code != 0 && refused.stderr.contains("no greeting"), "{}", refused.stderr);
    let built = build(r#"'GREETING="hello/1.2"', "LOUD""#);
    assert_eq!(built.code, 0, "{}", built.stderr);
    assert!(built.stderr.contains("3 of 3 checks answered"), "{}", built.stderr);
    for (wrong, reason) in [
        (r#""AP_DEBUG""#, "httpd's own"),
        (r#""A", "A=2""#, "it is there twice"),
        (r#""-DA""#, "no C identifier"),
    ] {
        let refused = build(wrong);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(
            refused.stderr.contains(reason) && refused.stderr.contains("module.toml:"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_recipe_is_never_written_over() {
    let place = Place::new();
    tree(&place);
    place.write("modules/mod_hello/mine", "mine");
    let run = place.run(["new", "--from", "hello-1.2"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("error[modgraft::scaffold::exists]: modules/mod_hello is there already"),
        "{}",
        run.stderr
    );
    assert_eq!(place.names("modules"), ["mod_hello"]);
    assert_eq!(place.names("modules/mod_hello"), ["mine"]);
}

#[test]
fn patches_are_copied_beside_the_recipe() {
    let place = Place::new();
    let patch = added(
        "modules/test/mod_hello.c",
        &MODULE.replace("#include \"config.h\"\n#include \"greeting.h\"\n", ""),
    );
    place.write("0001-hello.patch", patch);
    let run = place.run(["new", "0001-hello.patch", "--out", "recipes"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "recipes/mod_hello/module.toml\n"), "{}", run.stderr);
    assert_eq!(place.names("recipes/mod_hello"), ["0001-hello.patch", "module.toml"]);
    let recipe = fs_err::read_to_string(place.path("recipes/mod_hello/module.toml")).unwrap();
    assert!(recipe.contains("patches = [\"0001-hello.patch\"]"), "{recipe}");
    // The version is not known, and the recipe is no recipe without one: at its place, with what to do.
    let lint = place.run(["lint", "recipes/mod_hello", "--json"]);
    let finding: Value = serde_json::from_str(lint.stdout.trim()).unwrap();
    assert_eq!(lint.code, 3);
    assert_eq!(
        (&finding["lint"], &finding["help"]),
        (&"unreadable".into(), &"add `version = …`".into()),
        "{finding}"
    );
}

#[test]
fn a_commit_is_named_in_full() {
    let place = Place::new();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args([
            "-c",
            "user.name=A Person",
            "-c",
            "user.email=a@example.org",
            "-c",
            "init.defaultBranch=main",
        ]);
        let output = command
            .arg("-C")
            .arg(place.path("httpd"))
            .args(arguments)
            .output()
            .expect("`git` is needed by this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    place.write(
        "httpd/include/ap_release.h",
        "#define AP_SERVER_MAJORVERSION_NUMBER 2\n#define AP_SERVER_MINORVERSION_NUMBER 4\n\
         #define AP_SERVER_PATCHLEVEL_NUMBER 62\n",
    );
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Begin"]);
    place.write(
        "httpd/modules/test/mod_hello.c",
        MODULE.replace("#include \"config.h\"\n#include \"greeting.h\"\n", ""),
    );
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "mod_hello: Says hello."]);
    git(&["tag", "1.0"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let run = place.run(["new", "--commit", "httpd@1.0"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let recipe = fs_err::read_to_string(place.path("modules/mod_hello/module.toml")).unwrap();
    assert!(recipe.contains(&format!("commit = \"{commit}\"")), "{recipe}");
    assert!(recipe.contains("url = \"https://httpd.apache.org/docs/2.4/mod/mod_hello.html\""), "{recipe}");
}

#[test]
fn nothing_to_begin_with_is_told() {
    let place = Place::new();
    let run = place.run(["new"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("modgraft::scaffold::nothing"), "{}", run.stderr);
    place.write("empty/README", "nothing\n");
    let run = place.run(["new", "--from", "empty"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("no C file of"), "{}", run.stderr);
    assert_eq!(place.names("modules"), [""; 0]);
}

#[test]
fn lint_tells_denies_and_explains() {
    let place = Place::new();
    let reference = fs_err::read_to_string(reference().join("module.toml")).unwrap();
    let wrong = reference
        .replace("summary = \"WebSocket", "summary = \"webSocket")
        .replace("license-files = [\"LICENSE\"]\n", "");
    for (name, text) in [("mod_proxy_wstunnel", &wrong)] {
        place.write(&format!("modules/{name}/module.toml"), text);
        for file in ["LICENSE", "NOTES.md", "0001-mod_proxy_wstunnel.patch"] {
            place.write(&format!("modules/{name}/{file}"), "");
        }
    }
    let run = place.run(["lint"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.starts_with("warning[modgraft::lint::license-files]: "), "{}", run.stdout);
    assert!(run.stderr.contains("1 recipe: 1 warning"), "{}", run.stderr);
    for (denied, code) in [("warnings", 3), ("license-files", 3), ("url-http", 0)] {
        assert_eq!(place.run(["lint", "--deny", denied]).code, code, "{denied}");
    }
    let unknown = place.run(["lint", "--deny", "license-file"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean `license-files`?"), "{}", unknown.stderr);

    place.write(
        "modules/mod_proxy_wstunnel/module.toml",
        format!("{wrong}\n[lint]\nallow = [\"license-files\"]\n"),
    );
    let allowed = place.run(["lint", "--deny", "notes"]);
    assert_eq!((allowed.code, allowed.stdout.as_str()), (0, ""), "{}", allowed.stderr);

    let list = place.run(["lint", "--explain"]).stdout;
    assert!(list.lines().count() > 20 && list.contains("license-expression   error"), "{list}");
    let one = place.run(["lint", "--explain", "risk-accepted"]).stdout;
    assert!(
        one.starts_with("risk-accepted (warning)\n") && one.contains("allow = [\"risk-accepted\"]"),
        "{one}"
    );
    assert_eq!(place.run(["lint", "--explain", "no-such"]).code, 2);
    assert_eq!(Place::new().run(["lint"]).code, 2);
}

#[test]
fn a_link_in_a_recipe_brings_no_file_of_the_machine_into_a_package_or_a_message() {
    const SECRET: &str = "machine git.invalid login me password s3cr3t";
    let place = Place::new();
    let outside = place.write("home/netrc", SECRET);
    let link = |path: &str| {
        let path = place.path(&format!("mod_hello/{path}"));
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&outside, path).unwrap();
    };
    let module = "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"config.h\"\n\
                  AP_DECLARE_MODULE(hello) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL };\n";
    place.write("hello/mod_hello.c", module);
    let base = "name = \"mod_hello\"\nsummary = \"Says hello\"\nlicense = \"MIT\"\nversion = \"1\"\n";
    let source = "[source]\ndirectory = \"../hello\"\nfiles = [\"mod_hello.c\"]\n";
    link("config.h");
    link("rules.toml");
    for key in
        ["headers = [\"config.h\"]\n", "compat = [\"rules.toml\"]\n", "license-files = [\"config.h\"]\n", ""]
    {
        if key.is_empty() {
            // Without a key: an overlay is found by its folder.
            link("overlays/local/a.patch");
            link("overlays/httpd-2.4/a.patch");
        }
        // The header is there in its own right for the others.
        place.write("hello/config.h", "#define X 1\n");
        place.write("mod_hello/module.toml", format!("{base}{key}{source}"));
        let run = place.run(["build-module", "mod_hello", "--sign-key", "none", "--no-check"]);
        assert_ne!(run.code, 0, "{key}: {}", run.stderr);
        let told = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("a symbolic link leads out of the recipe's folder"), "{key}: {}", run.stderr);
        assert!(!run.stderr.contains("s3cr3t") && !place.path("out").exists(), "{key}: {}", run.stderr);
    }
}

#[test]
fn a_recipe_that_cannot_be_read_does_not_keep_lint_from_the_others() {
    let place = Place::new();
    let recipe = "summary = \"Says hello.\"\nlicense = \"MIT\"\nversion = \"1\"\n";
    let source = "[source]\npatches = [\"a.patch\"]\n";
    place.write(
        "modules/a/module.toml",
        format!("name = \"mod_a\"\n{recipe}compat = [\"rules.toml\"]\n{source}"),
    );
    place.write("modules/a/rules.toml", "[pack]\nname = \"own\"\n[[rule]]\nno = 1\n");
    place.write("modules/b/module.toml", b"name = \"\xff\"\n".as_slice());
    place.write("modules/c/module.toml", format!("name = \"mod_c\"\n{recipe}{source}"));
    let run = place.run(["lint"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    for part in
        ["--> modules/a/rules.toml:", "modules/b/module.toml is not UTF-8", "--> modules/c/module.toml:"]
    {
        assert!(run.stdout.contains(part), "{part:?} is not in:\n{}", run.stdout);
    }
}
