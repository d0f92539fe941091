//! Whole modules of a release: from a folder, a tarball and a git revision, and as a recipe.

use std::process::Command;

use super::run::{Place, Run};

/// A module of three files. Two have a static `count` each, which must stay two; one calls libm.
const FILES: [(&str, &str); 9] = [
    (
        "modules/trio/mod_trio.c",
        r#"/* Licensed to the Apache Software Foundation (ASF) under one or more */
#include "trio.h"

static int handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "trio")) {
        return DECLINED;
    }
    trio_one();
    trio_two();
    trio_two();
    ap_rprintf(r, "%d and %d\n", trio_one(), trio_two());
    return OK;
}

static void hooks(apr_pool_t *p)
{
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(trio) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks
};
"#,
    ),
    (
        "modules/trio/trio_one.c",
        "#include \"trio.h\"\nAPLOG_USE_MODULE(trio);\nstatic int count;\nint trio_one(void)\n{\n    return ++count;\n}\n",
    ),
    (
        "modules/trio/trio_two.c",
        "#include \"trio.h\"\n#include <math.h>\nAPLOG_USE_MODULE(trio);\nstatic int count = 10;\nint trio_two(void)\n{\n    return (int)lround(cbrt((double)(++count * count * count)));\n}\n",
    ),
    ("modules/trio/trio_other.c", "#error not in the list\n"),
    (
        "modules/trio/trio.h",
        "#ifndef TRIO_H\n#define TRIO_H\n#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"http_log.h\"\n#include \"http_protocol.h\"\nint trio_one(void);\nint trio_two(void);\n#endif\n",
    ),
    (
        "modules/trio/config.m4",
        "APACHE_MODPATH_INIT(trio)\ntrio_objs=\"dnl\nmod_trio.lo dnl\ntrio_one.lo dnl # one\ntrio_two.lo dnl\n\"\n\
         APACHE_MODULE(trio, three files, $trio_objs, , no, [\n  APR_ADDTO(MOD_TRIO_LDADD, [-lm])\n])\n",
    ),
    (
        "include/ap_release.h",
        "#define AP_SERVER_MAJORVERSION_NUMBER 2\n#define AP_SERVER_MINORVERSION_NUMBER 4\n#define AP_SERVER_PATCHLEVEL_NUMBER 99\n",
    ),
    (
        "docs/manual/mod/mod_trio.xml",
        "<modulesynopsis><name>mod_trio</name><description>Counts in three files</description></modulesynopsis>\n",
    ),
    ("modules/trio/helper.c", "int helper;\n"),
];

fn tree(place: &Place, folder: &str) {
    for (path, text) in FILES {
        place.write(&format!("{folder}/{path}"), text);
    }
}

fn tool(place: &Place, program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .current_dir(place.path(""))
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{program} must be installed for this test: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The tree as a git repository with the tag 2.4.99; its commit.
fn repository(place: &Place) -> String {
    tree(place, "git");
    tool(place, "git", &["-C", "git", "init", "-q"]);
    tool(place, "git", &["-C", "git", "add", "-A"]);
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    tool(place, "git", &[&["-C", "git"], &who[..], &["commit", "-q", "--no-gpg-sign", "-m", "x"]].concat());
    tool(place, "git", &["-C", "git", "tag", "2.4.99"]);
    tool(place, "git", &["-C", "git", "rev-parse", "HEAD"])
}

fn good(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn read(place: &Place, file: &str) -> String {
    fs_err::read_to_string(place.path(file)).unwrap()
}

#[test]
fn a_folder_a_tarball_and_a_revision_give_the_same_module() {
    let place = Place::new();
    let commit = repository(&place);
    tree(&place, "httpd-2.4.99");
    tool(&place, "tar", &["-czf", "httpd-2.4.99.tar.gz", "httpd-2.4.99"]);
    let sha256 = tool(&place, "sha256sum", &["httpd-2.4.99.tar.gz"]);
    let sha256 = sha256.split(' ').next().unwrap();

    let build = |from: &str, out: &str| {
        let run = place.run([
            "build-module",
            "--from",
            from,
            "modules/trio/mod_trio.c",
            "--out",
            out,
            "--sign-key",
            "none",
        ]);
        good(&run);
        for part in [
            "3 sources of the module, 1 header",
            "mod_trio 2.4.99-1  worked out from the source",
            "assumed summary \"Counts in three files\"",
            "assumed libraries m, from modules/trio/config.m4",
        ] {
            assert!(run.stderr.contains(part), "{part:?} is not in:\n{}", run.stderr);
        }
        run
    };
    build("httpd-2.4.99", "folder");
    build("httpd-2.4.99.tar.gz", "tarball");
    build(&format!("httpd-2.4.99.tar.gz#sha256={sha256}"), "stated");
    build("git@2.4.99", "git");
    let flat = read(&place, "folder/mod_trio.c");
    assert!(
        flat.contains("static int count;") && flat.contains("count_trio_two"),
        "statics stay apart:\n{flat}"
    );
    assert!(!flat.contains("not in the list") && !flat.contains("helper"), "{flat}");
    for other in ["tarball", "stated", "git"] {
        assert_eq!(read(&place, &format!("{other}/mod_trio.c")), flat, "{other}");
    }

    // The source package pins what was named loosely, and has upstream's files as they are.
    for (out, pinned) in [
        ("tarball", vec!["tarball = \"httpd-2.4.99.tar.gz\"".to_owned(), format!("sha256 = \"{sha256}\"")]),
        ("git", vec!["git = \"git\"".to_owned(), format!("commit = \"{commit}\"")]),
    ] {
        let package = format!("{out}/mod_trio-2.4.99-1.src.rpm");
        let unpack = format!("mkdir {out}/src && rpm2cpio {package} | (cd {out}/src && cpio -idm --quiet)");
        tool(&place, "sh", &["-c", &unpack]);
        let recipe = read(&place, &format!("{out}/src/module.toml"));
        for line in pinned
            .iter()
            .map(String::as_str)
            .chain(["files = [\"modules/trio/mod_trio.c\"]", "libraries = [\"m\"]"])
        {
            assert!(recipe.contains(line), "{line} is not in:\n{recipe}");
        }
        let archive = format!("{out}/src/mod_trio-2.4.99-upstream.tar");
        let names = tool(&place, "tar", &["-tf", &archive]);
        let inside = |path: &str| format!("mod_trio-2.4.99-upstream/{path}");
        let wanted = [
            "modules/trio/mod_trio.c",
            "modules/trio/trio.h",
            "modules/trio/trio_one.c",
            "modules/trio/trio_two.c",
        ];
        assert_eq!(names.lines().collect::<Vec<_>>(), wanted.map(inside));
        let text = tool(&place, "tar", &["-xOf", &archive, &inside("modules/trio/trio_two.c")]);
        assert_eq!(text, FILES[2].1.trim());
    }
    let report = read(&place, "git/report.json");
    assert!(report.contains("modules/trio/config.m4 lists it for mod_trio"), "{report}");
}

/// What is in a package, as one text: its header, and its files.
fn unpacked(place: &Place, package: &str) -> String {
    let unpack = format!(
        "rm -rf unpacked && mkdir unpacked && rpm2cpio {package} | (cd unpacked && cpio -idm --quiet) && \
         rpm -qp --nosignature --xml {package} && find unpacked -type f -exec cat {{}} + | tr -d '\\0'"
    );
    tool(place, "sh", &["-c", &unpack])
}

#[test]
fn a_token_in_a_url_is_in_nothing_that_is_said_written_or_packaged() {
    const TOKEN: &str = "glpat-0123secret";
    let place = Place::new();
    let commit = repository(&place);
    let url = format!("https://oauth2:{TOKEN}@git.invalid/group/httpd.git");
    let plain = "https://git.invalid/group/httpd.git";
    let settings = format!("[url \"{}\"]\n insteadOf = {url}\n", place.path("git").display());
    place.write("home/.gitconfig", settings);
    let run = |args: &[&str]| {
        let mut command = place.command();
        command.env("HOME", place.path("home")).env_remove("XDG_CONFIG_HOME").args(args);
        let run = super::run::finish(&mut command);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains("oauth2") && !said.contains(TOKEN), "{args:?}:\n{said}");
        run
    };
    let clean = |folder: &str| {
        let files =
            walkdir::WalkDir::new(place.path(folder)).into_iter().map(|entry| entry.unwrap().into_path());
        for file in files.filter(|path| path.is_file()) {
            let bytes = fs_err::read(&file).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("oauth2") && !text.contains(TOKEN), "{}", file.display());
            if file.extension().is_some_and(|ending| ending == "rpm") {
                let inside = unpacked(&place, file.to_str().unwrap());
                assert!(!inside.contains("oauth2") && !inside.contains(TOKEN), "{}", file.display());
            }
        }
    };
    let (from, file) = (format!("{url}@2.4.99"), "modules/trio/mod_trio.c");
    good(&run(&["build-module", "--from", &from, file, "--out", "from", "--sign-key", "none", "--no-check"]));
    clean("from");
    let source = "from/mod_trio-2.4.99-1.src.rpm";
    assert!(unpacked(&place, source).contains(&format!("git = \"{plain}\"\ncommit = \"{commit}\"")));
    assert!(read(&place, "from/report.json").contains(plain));
    // The source package is all that it takes to build it again, and what was fetched is found without the token.
    good(&run(&["rebuild", "from/mod_trio-2.4.99-1.x86_64.rpm"]));
    let found = format!("{plain}@{commit}");
    good(&run(&["flatten", "--from", &found, file, "--offline", "--out", "again"]));

    let new = tool(
        &place,
        "git",
        &["-C", "git", "diff", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "--", "modules"],
    );
    place.write("new.patch", new + "\n");
    tool(&place, "git", &["-C", "git", "rm", "-q", "-r", "modules"]);
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    tool(
        &place,
        "git",
        &[&["-C", "git"], &who[..], &["commit", "-q", "--no-gpg-sign", "-m", "without"]].concat(),
    );
    tool(&place, "git", &["-C", "git", "tag", "without"]);
    let base = format!("{url}@without");
    let arguments =
        ["build-module", "new.patch", "--base", &base, "--out", "base", "--sign-key", "none", "--no-check"];
    good(&run(&arguments));
    clean("base");

    good(&run(&["new", "--from", &from, file, "--out", "recipes"]));
    good(&run(&["new", "new.patch", "--base", &base, "--out", "based"]));
    clean("recipes");
    clean("based");
    assert!(read(&place, "recipes/mod_trio/module.toml").contains(&format!("git = \"{plain}\"")));

    // Errors: of modgraft's own, and of git.
    let of_tarball = format!("https://oauth2:{TOKEN}@127.0.0.1:1/x.tar.gz");
    for (from, code) in [
        (format!("{url}@no-such"), 3),
        (format!("https://oauth2:{TOKEN}@git.invalid@x"), 2),
        (format!("https://oauth2:{TOKEN}@127.0.0.1:1/x.git@1"), 5),
        (format!("https://{TOKEN}@127.0.0.1:1/x.git@{}", "0".repeat(40)), 5),
        (of_tarball.clone(), 2),
        (format!("{of_tarball}#sha256={}", "0".repeat(64)), 5),
    ] {
        let run = run(&["build-module", "--from", &from, file]);
        assert_eq!(run.code, code, "{}", run.stderr);
    }
    let recipe = read(&place, "recipes/mod_trio/module.toml").replace(plain, &url);
    place.write("recipes/mod_trio/module.toml", recipe);
    let run = run(&["build-module", "recipes/mod_trio"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("a user or password stands in the source's url"), "{}", run.stderr);
}

#[test]
fn a_recipe_names_the_main_file_and_gets_the_others_and_the_libraries() {
    let place = Place::new();
    let commit = repository(&place);
    let recipe = |name: &str, source: &str| {
        place.write(
            &format!("{name}/module.toml"),
            format!(
                "name = \"mod_trio\"\nsummary = \"Counts\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\n[source]\n{source}\n\
                 files = [\"modules/trio/mod_trio.c\"]\n[[check]]\nname = \"counts apart\"\nconfig = \"SetHandler trio\"\n\
                 request = {{ path = \"/\" }}\nexpect = {{ status = 200, body-contains = \"2 and 13\" }}\n"
            ),
        );
    };
    recipe("by-commit", &format!("git = \"../git\"\ncommit = \"{commit}\""));
    recipe("by-folder", "directory = \"../git\"");
    for name in ["by-commit", "by-folder"] {
        let run = place.run(["check", name]);
        good(&run);
        assert!(run.stderr.contains("1 of 1 checks answered"), "{}", run.stderr);
        assert!(run.stderr.contains("links m, from modules/trio/config.m4"), "{}", run.stderr);
    }
}

#[test]
fn without_a_list_what_the_headers_promise_is_taken() {
    let place = Place::new();
    tree(&place, "httpd");
    fs_err::remove_file(place.path("httpd/modules/trio/config.m4")).unwrap();
    place.write(
        "httpd/modules/trio/trio_two.c",
        "#include \"trio.h\"\nint trio_two(void)\n{\n    return 1;\n}\n",
    );
    let run = place.run(["flatten", "--from", "httpd", "modules/trio/mod_trio.c"]);
    good(&run);
    assert!(run.stderr.contains("3 sources of the module, 1 header"), "{}", run.stderr);
    let flat = read(&place, "out/mod_trio.c");
    assert!(!flat.contains("not in the list") && !flat.contains("helper"), "{flat}");
}

#[test]
fn a_library_of_the_modules_own_tree_is_followed_by_what_the_headers_promise() {
    let place = Place::new();
    tree(&place, "httpd");
    let list = FILES[5].1.replace("trio_two.lo dnl\n", "").replace("[-lm]", "[\"libtrio.la\" -lm]");
    place.write("httpd/modules/trio/config.m4", list);
    let run = place.run(["flatten", "--from", "httpd", "modules/trio/mod_trio.c"]);
    good(&run);
    assert!(run.stderr.contains("3 sources of the module, 1 header"), "{}", run.stderr);
}

#[test]
fn a_patch_brings_its_libraries_in_its_config() {
    let place = Place::new();
    tree(&place, "x");
    tool(&place, "git", &["init", "-q"]);
    tool(&place, "git", &["add", "-A", "x"]);
    let patch = tool(&place, "git", &["-C", "x", "diff", "--cached", "--relative"]) + "\n";
    place.write("trio.patch", patch);
    let run = place.run(["build-module", "trio.patch", "--sign-key", "none"]);
    good(&run);
    assert!(run.stderr.contains("assumed libraries m, from modules/trio/config.m4"), "{}", run.stderr);
    assert!(run.stderr.contains("mod_trio 2.4.99-1  worked out from the patch"), "{}", run.stderr);
    // What the list leaves out is not built, though it stands beside.
    let flat = read(&place, "out/mod_trio.c");
    assert!(!flat.contains("not in the list") && !flat.contains("helper"), "{flat}");
    assert!(read(&place, "out/report.json").contains("config.m4 does not list it for mod_trio"));
}

/// A module that ends httpd where others are not loaded, one after the other.
const LONELY: &str = r#"
#include "httpd.h"
#include "http_config.h"
#include "http_log.h"

APLOG_USE_MODULE(lonely);

static int demand(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    static const char *const names[] = { "mod_status", "mod_info" };
    int i;

    for (i = 0; i < 2; i++) {
        if (!ap_find_linked_module(apr_pstrcat(ptemp, names[i], ".c", NULL))) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "lonely: %s must be loaded", names[i]);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

static void hooks(apr_pool_t *p)
{
    ap_hook_post_config(demand, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(lonely) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks
};
"#;

#[test]
fn what_httpd_asks_for_is_assumed_where_there_is_no_recipe() {
    let place = Place::new();
    place.write("httpd/modules/lonely/mod_lonely.c", LONELY);
    place.write("httpd/include/ap_release.h", FILES[6].1);
    let run =
        place.run(["build-module", "--from", "httpd", "modules/lonely/mod_lonely.c", "--sign-key", "none"]);
    good(&run);
    for part in [
        "httpd ends without mod_status: once more, with that loaded first",
        "httpd ends without mod_info: once more, with that loaded first",
        "assumed requires mod_status, mod_info, without which httpd ends as it starts",
    ] {
        assert!(run.stderr.contains(part), "{part:?} is not in:\n{}", run.stderr);
    }
    tool(&place, "sh", &["-c", "mkdir src && rpm2cpio out/*.src.rpm | (cd src && cpio -idm --quiet)"]);
    let recipe = read(&place, "src/module.toml");
    assert!(recipe.contains("requires = [\"mod_status\", \"mod_info\"]\n"), "{recipe}");
    good(&place.run(["check", "--from", "httpd", "modules/lonely/mod_lonely.c"]));

    // Who has written a recipe is to say it.
    let without = recipe.replace("requires = [\"mod_status\", \"mod_info\"]\n", "");
    let without = without.replace("directory = \"httpd\"", "directory = \"../httpd\"");
    place.write("mod_lonely/module.toml", without);
    let run = place.run(["build-module", "mod_lonely/module.toml", "--sign-key", "none"]);
    assert_eq!(run.code, 8, "{}", run.stderr);
    assert!(run.stderr.contains("`requires = [\"mod_status\"]` in a recipe"), "{}", run.stderr);
}

#[test]
fn each_mistake_has_its_own_error() {
    let place = Place::new();
    repository(&place);
    tree(&place, "httpd");
    place.write("other/modules/trio/mod_trio.c", "int x;\n");
    place.write("damaged.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03damaged".as_slice());
    place.write("text.tar.gz", "no archive");
    place.write("a.patch", "x");
    place.write("r/module.toml", "");
    let file = "modules/trio/mod_trio.c";
    let url = "https://httpd.invalid/httpd-2.4.99.tar.gz";
    let stated = format!("{url}#sha256={}", "0".repeat(64));
    for (args, code, message, help) in [
        (
            vec!["httpd", "modules/trio/mod_tiro.c"],
            3,
            "has no file `modules/trio/mod_tiro.c`",
            "did you mean modules/trio/mod_trio.c?",
        ),
        (vec!["httpd", "mod_trio"], 3, "has no file `mod_trio`", "did you mean modules/trio/mod_trio.c?"),
        (
            vec!["httpd", "mod_trio.c"],
            3,
            "has no file `mod_trio.c`",
            "a file of that name is at modules/trio/mod_trio.c",
        ),
        (vec!["httpd", "server/no.c"], 3, "has no file `server/no.c`", "relative to the top"),
        (vec!["httpd", "../httpd/x.c"], 3, "has `..` in it", "beneath the tree"),
        (
            vec!["httpd", "modules/trio/helper.c"],
            4,
            "no file defines a module structure",
            "AP_DECLARE_MODULE",
        ),
        (vec!["other", file], 3, "is no source tree of httpd", "named in a recipe"),
        (vec!["damaged.tar.gz", file], 3, "cannot be unpacked", "tar archive"),
        (vec!["text.tar.gz", file], 3, "neither a tar archive", "tar archive"),
        (vec!["no.tar.gz", file], 3, "no release tarball", "path"),
        (vec!["git@9.9.9", file], 3, "has no revision `9.9.9`", "tag"),
        (vec!["httpd@2.4.99", file], 5, "is no git repository", "git ls-remote"),
        (vec!["nowhere", file], 2, "does not exist", "--from takes"),
        (vec!["https://httpd.invalid/httpd", file], 2, "a url needs a revision", "--from takes"),
        (vec![url, file], 2, "without its digest", "#sha256="),
        (vec![&stated, file, "--offline"], 5, "not cached, and --offline", "without --offline"),
        (
            vec!["https://httpd.invalid/httpd@2.4.99", file, "--offline"],
            5,
            "--offline forbids",
            "without --offline",
        ),
        (vec!["httpd"], 2, "no file of it is named", "modules/proxy"),
        (vec!["httpd", "a.patch"], 2, "`a.patch` is a patch", "leave --from out"),
        (vec!["httpd", "r"], 2, "`r` is a recipe", "leave --from out"),
    ] {
        let run = place.run([&["build-module", "--from"], &args[..]].concat());
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        for part in [message, help] {
            assert!(run.stderr.contains(part), "{args:?}: {part:?} is not in:\n{}", run.stderr);
        }
        assert!(run.stdout.is_empty() && !place.path("out").exists(), "{args:?}");
        assert!(
            run.stderr.contains("help: ") && !run.stderr.contains("panicked"),
            "{args:?}: {}",
            run.stderr
        );
        assert_eq!(place.names("tmp"), [] as [&str; 0], "{args:?}");
    }
    assert_eq!(place.run(["flatten", "--from", "httpd", file, "--base", "git"]).code, 2);
}
