//! A mistake in each input: one clear error with its place and a next step, its exit code, and an untouched output folder.

use super::run::{Place, Run, added, finish, reference};

/// Asserts the exit code, that nothing was written, and the parts of the message.
fn refused(place: &Place, run: &Run, code: i32, parts: &[&str]) {
    assert_eq!(run.code, code, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert!(!place.path("out").exists(), "the output folder was written: {:?}", place.names("out"));
    assert_eq!(place.names("tmp"), [] as [&str; 0], "temporary files are left");
    assert!(run.stderr.contains("error[modgraft::"), "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "{part:?} is not in:\n{}", run.stderr);
    }
}

fn build(place: &Place, args: &[&str]) -> Run {
    place.run([&["build-module"], args].concat())
}

fn reference_patch() -> String {
    fs_err::read_to_string(reference().join("0001-mod_proxy_wstunnel.patch")).unwrap()
}

/// The reference recipe in a folder of the test's own, with `from` replaced by `to` in its module.toml.
fn recipe_with(place: &Place, from: &str, to: &str) {
    for entry in fs_err::read_dir(reference()).unwrap() {
        let entry = entry.unwrap();
        let text = fs_err::read_to_string(entry.path()).unwrap();
        let name = entry.file_name().into_string().unwrap();
        let text = if name == "module.toml" {
            assert!(text.contains(from), "module.toml has no {from:?}");
            text.replacen(from, to, 1)
        } else {
            text
        };
        place.write(&format!("r/{name}"), text);
    }
}

/// A smallest module, as a git patch that adds `path`.
fn module_patch(path: &str, name: &str) -> String {
    let body = format!(
        "#include \"httpd.h\"\n#include \"http_config.h\"\n\nAP_DECLARE_MODULE({name}) = {{\n    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL\n}};\n"
    );
    added(path, &body)
}

#[test]
fn a_file_that_is_not_there() {
    let place = Place::new();
    refused(&place, &build(&place, &["no.patch"]), 2, &["no recipe or patch `no.patch`", "help: "]);
}

#[test]
fn a_truncated_patch() {
    let place = Place::new();
    let whole = reference_patch();
    let at = whole.len() / 2;
    let cut = (at..).find(|at| whole.is_char_boundary(*at)).unwrap();
    place.write("cut.patch", &whole[..cut]);
    refused(&place, &build(&place, &["cut.patch"]), 3, &["cut.patch:", "help: "]);
}

#[test]
fn a_corrupt_hunk_header() {
    let place = Place::new();
    place.write("bad.patch", module_patch("modules/x/mod_x.c", "x").replace("@@ -0,0 +1,", "@@ -0,0 +1,9"));
    refused(&place, &build(&place, &["bad.patch"]), 3, &["bad.patch:", "help: "]);
}

#[test]
fn no_patch_at_all() {
    let place = Place::new();
    for (name, text) in [("empty.patch", ""), ("letter.patch", "Dear Sirs,\n\nno patch today.\n")] {
        place.write(name, text);
        refused(&place, &build(&place, &[name]), 3, &[name, "help: "]);
    }
}

#[test]
fn an_ed_script() {
    let place = Place::new();
    place.write("ed.patch", "12,14c\nint x;\n.\n3d\n");
    refused(&place, &build(&place, &["ed.patch"]), 3, &["ed script", "help: "]);
}

#[test]
fn paths_that_leave_the_tree() {
    let place = Place::new();
    for path in ["/etc/mod_x.c", "../mod_x.c", "modules/../../mod_x.c", ".git/hooks/mod_x.c"] {
        place.write("path.patch", module_patch("HERE", "x").replace("a/HERE", path).replace("b/HERE", path));
        refused(&place, &build(&place, &["path.patch"]), 3, &["path.patch:", "help: "]);
    }
}

#[test]
fn a_symbolic_link_in_the_base_tree() {
    let place = Place::new();
    let secret = place.write("secret/mod_x.c", "int secret;\n");
    fs_err::create_dir_all(place.path("base/modules")).unwrap();
    fs_err::os::unix::fs::symlink(secret.parent().unwrap(), place.path("base/modules/x")).unwrap();
    let patch = "--- a/modules/x/mod_x.c\n+++ b/modules/x/mod_x.c\n@@ -1 +1,2 @@\n int secret;\n+int more;\n";
    place.write("link.patch", patch);
    refused(&place, &build(&place, &["link.patch", "--base", "base"]), 3, &["symbolic link", "help: "]);
}

#[test]
fn a_hunk_that_does_not_apply_shows_both_sides() {
    let place = Place::new();
    place.write("base/modules/x/mod_x.c", "int one;\nint two;\nint three;\n");
    place.write("x.patch", "--- a/modules/x/mod_x.c\n+++ b/modules/x/mod_x.c\n@@ -1,3 +1,3 @@\n int one;\n-int zwei;\n+int deux;\n int three;\n");
    let run = build(&place, &["x.patch", "--base", "base"]);
    refused(&place, &run, 3, &["x.patch:", "int zwei;", "int two;", "help: "]);
}

#[test]
fn a_patch_without_c_source() {
    let place = Place::new();
    place.write("docs.patch", added("docs/manual/x.xml", "<x/>\n"));
    refused(&place, &build(&place, &["docs.patch"]), 4, &["C source", "help: "]);
}

#[test]
fn a_patch_without_a_module() {
    let place = Place::new();
    place.write("x.patch", added("modules/x/x.c", "int x;\n"));
    refused(&place, &build(&place, &["x.patch"]), 4, &["module", "help: "]);
}

#[test]
fn a_patch_with_two_modules_names_both_and_an_option_or_a_recipe_chooses() {
    let place = Place::new();
    let patch = module_patch("modules/x/mod_x.c", "x") + &module_patch("modules/y/mod_y.c", "y");
    place.write("x.patch", &patch);
    refused(&place, &build(&place, &["x.patch"]), 4, &["mod_x", "mod_y", "help: ", "--module"]);
    let by_option = |module| build(&place, &["x.patch", "--sign-key", "none", "--module", module]);
    let parts = ["no file defines the module `mod_z`", "y_module (modules/y/mod_y.c:", "--module"];
    refused(&place, &by_option("mod_z"), 4, &parts);
    let is_y = |run: &Run| {
        assert_eq!(run.code, 0, "{}", run.stderr);
        let text = fs_err::read_to_string(place.path("out/mod_y.c")).unwrap();
        assert!(text.contains("AP_DECLARE_MODULE(y)") && !text.contains("AP_DECLARE_MODULE(x)"), "{text}");
        fs_err::remove_dir_all(place.path("out")).unwrap();
    };
    is_y(&by_option("mod_y"));

    let recipe = "name = \"mod_y\"\nsummary = \"y\"\nlicense = \"MIT\"\nversion = \"1\"\n[source]\npatches = [\"x.patch\"]\n";
    place.write("r/module.toml", recipe);
    place.write("r/x.patch", &patch);
    is_y(&build(&place, &["r", "--sign-key", "none"]));
    let parts = ["the recipe is for `mod_y` already", "modgraft new --module"];
    refused(&place, &build(&place, &["r", "--module", "mod_x"]), 2, &parts);
}

#[test]
fn a_module_that_the_target_has_itself() {
    let place = Place::new();
    // What is a part of the program cannot be loaded; what is a file would be another package's.
    place.write("so.patch", module_patch("modules/x/mod_so.c", "so"));
    let parts = ["has `so_module` built in", "built without it"];
    refused(&place, &build(&place, &["so.patch"]), 4, &parts);
    place.write("status.patch", module_patch("modules/x/mod_status.c", "status"));
    let run = build(&place, &["status.patch"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("the target has mod_status.so itself"), "{}", run.stderr);
    place.write("own.patch", module_patch("modules/x/mod_own.c", "own"));
    assert!(!build(&place, &["own.patch"]).stderr.contains("itself"));
}

#[test]
fn a_binary_source() {
    let place = Place::new();
    place.write("x.patch", module_patch("modules/x/mod_x.c", "x")
        + "diff --git a/modules/x/y.c b/modules/x/y.c\nnew file mode 100644\nindex 0000000..1111111\nBinary files /dev/null and b/modules/x/y.c differ\n");
    refused(&place, &build(&place, &["x.patch"]), 3, &["binary", "modules/x/y.c", "help: "]);
}

#[test]
fn a_recipe_with_an_unknown_key() {
    let place = Place::new();
    recipe_with(&place, "summary =", "sumary =");
    refused(&place, &build(&place, &["r"]), 3, &["r/module.toml:3:1", "did you mean `summary`?"]);
}

#[test]
fn a_recipe_for_another_module() {
    let place = Place::new();
    recipe_with(&place, "name = \"mod_proxy_wstunnel\"", "name = \"mod_other\"");
    refused(&place, &build(&place, &["r"]), 4, &["mod_other", "mod_proxy_wstunnel", "help: "]);
}

#[test]
fn a_recipe_whose_patch_or_document_is_missing() {
    let place = Place::new();
    recipe_with(&place, "0001-mod_proxy_wstunnel.patch", "0002.patch");
    refused(&place, &build(&place, &["r"]), 3, &["0002.patch", "relative to the recipe's own folder"]);
    let place = Place::new();
    recipe_with(&place, "[\"LICENSE\"]", "[\"COPYING\"]");
    refused(&place, &build(&place, &["r", "--no-check"]), 3, &["COPYING", "help: "]);
}

#[test]
fn macros_in_text_fields_stay_text() {
    let place = Place::new();
    let hostile = "%(touch pwned) %{lua:os.execute('touch pwned')} 100% %%";
    recipe_with(
        &place,
        "summary = \"WebSocket tunnels through Apache httpd's mod_proxy\"",
        &format!("summary = \"{hostile}\""),
    );
    let run = build(&place, &["r", "--no-check"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let rpm = |args: &[&str]| {
        let output = std::process::Command::new("rpm").current_dir(place.path("")).args(args).output();
        String::from_utf8(output.expect("rpm is needed").stdout).unwrap()
    };
    let package = "out/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm";
    assert_eq!(rpm(&["-qp", "--nosignature", "--qf", "%{SUMMARY}", package]), hostile);
    let spec = rpm(&["-q", "--qf", "%{SUMMARY}\n", "--specfile", "out/mod_proxy_wstunnel.spec"]);
    assert_eq!(spec.lines().next(), Some(hostile), "the spec says the same as the package");
    assert!(!place.path("pwned").exists());
}

#[test]
fn a_gigabyte_of_additions() {
    let place = Place::new();
    let path = place.write("huge.patch", module_patch("modules/x/mod_x.c", "x"));
    // Sparse: it takes no room on the disk, and all of it would take memory if it were read.
    fs_err::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    refused(&place, &build(&place, &["huge.patch"]), 3, &["huge.patch", "help: "]);
}

#[test]
fn a_missing_compiler() {
    let place = Place::new();
    let mut command = place.command();
    command.args(["build-module", "--no-check"]).env("CC", "no-such-cc");
    refused(&place, &finish(&mut command), 5, &["no-such-cc", "help: "]);
}

/// What tells this httpd's interface from another one is warnings, as far as gcc is concerned.
#[test]
fn a_compiler_that_is_told_to_be_silent_speaks_all_the_same() {
    let place = Place::new();
    let patch = module_patch("modules/x/mod_x.c", "x").replace("+1,6 @@", "+1,7 @@");
    place.write("x.patch", patch + "+static int lost(void) { return ap_no_such_thing(1); }\n");
    let mut command = place.command();
    command.args(["build-module", "x.patch"]).env("CFLAGS", "-w -O1");
    refused(&place, &finish(&mut command), 4, &["has no function `ap_no_such_thing`"]);
    place.write("good.patch", module_patch("modules/y/mod_y.c", "y"));
    let mut command = place.command();
    command.args(["build-module", "-v", "--no-check", "good.patch"]).env("CFLAGS", "-w -O1");
    let run = finish(&mut command);
    assert!(run.code == 0 && run.stderr.contains("left out -w of the environment"), "{}", run.stderr);
}

#[test]
fn an_error_of_the_compiler_is_shown_on_upstreams_line() {
    let place = Place::new();
    let patch = module_patch("modules/x/mod_x.c", "x").replace("+1,6 @@", "+1,7 @@");
    place.write("x.patch", patch + "+static int broken(void) { return 1 }\n");
    let run = build(&place, &["x.patch"]);
    refused(&place, &run, 6, &["modules/x/mod_x.c:7:", "expected ';'"]);
}

#[test]
fn an_unknown_target_and_a_wrong_key() {
    let place = Place::new();
    refused(&place, &build(&place, &["--target", "el99"]), 2, &["el99", "local"]);
    place.write("key.asc", "no key\n");
    refused(&place, &build(&place, &["--sign-key", "key.asc", "--no-check"]), 3, &["key.asc", "help: "]);
}

#[test]
fn names_with_spaces_quotes_and_line_breaks() {
    let place = Place::new();
    for name in ["mod_a b", "mod_a'b", "mod_a\\\"b", "mod_a\\nb", "mod_$(x)"] {
        let place = Place::new();
        recipe_with(&place, "name = \"mod_proxy_wstunnel\"", &format!("name = \"{name}\""));
        refused(&place, &build(&place, &["r"]), 3, &["r/module.toml:2:8", "is no module name"]);
    }
    place.write("x.patch", module_patch("modules/x/mod_a b.c", "a"));
    // The module is called as its structure is, whatever its file is called.
    let run = build(&place, &["x.patch", "--no-check", "--out", "odd"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(place.names("odd").contains(&"mod_a.c".to_owned()), "{:?}", place.names("odd"));
    // An output folder may be called anything.
    let run = build(&place, &["--no-check", "--out", "o u't \"x\""]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let packages = place.names("o u't \"x\"").into_iter().filter(|name| name.ends_with(".rpm"));
    assert_eq!(packages.count(), 3);
}
