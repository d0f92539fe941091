//! `modgraft target diff`: real targets, and one whose structure moved while the module magic number did not.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::debian::Release;
use support::{run, scratch};

fn modgraft(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command
        .env("MODGRAFT_CACHE", scratch("target_diff"))
        .args(["target", "diff", "--offline"])
        .args(arguments);
    command
}

fn diff(old: &Path, new: &Path, more: &[&str]) -> Output {
    let paths = [old.to_str().unwrap(), new.to_str().unwrap()];
    modgraft(&paths).args(more).output().unwrap()
}

fn json(old: &Path, new: &Path, more: &[&str]) -> Value {
    let output = diff(old, new, &[&["--json"], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A copy of a sysroot by hard links, but for the headers of httpd, which are files of their own.
fn copy(sysroot: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(sysroot.parent().unwrap()).unwrap();
    run(Command::new("cp").arg("-al").arg(sysroot).arg(folder.path().join("root")));
    let headers = folder.path().join("root/usr/include/apache2");
    let own = folder.path().join("headers");
    run(Command::new("cp").arg("-r").arg(&headers).arg(&own));
    fs_err::remove_dir_all(&headers).unwrap();
    fs_err::rename(own, headers).unwrap();
    folder
}

fn edit(root: &Path, header: &str, from: &str, to: &str) {
    let file = root.join("usr/include/apache2").join(header);
    let text = fs_err::read_to_string(&file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{header} has not one `{from}`");
    fs_err::write(&file, text.replace(from, to)).unwrap();
}

/// A module that reads members of request_rec, and one that reads what stands before them.
fn module(folder: &Path, name: &str, expression: &str) -> PathBuf {
    let text = format!(
        "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"http_protocol.h\"\n\n\
         static int answer(request_rec *r)\n{{\n    return {expression} ? OK : DECLINED;\n}}\n\n\
         static void hooks(apr_pool_t *p)\n{{\n    ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);\n}}\n\n\
         AP_DECLARE_MODULE({name}) = {{ STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks }};\n"
    );
    let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
    let path = format!("modules/mine/mod_{name}.c");
    let patch = format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{lines}",
        text.lines().count()
    );
    let file = folder.join(format!("{name}.patch"));
    fs_err::write(&file, patch).unwrap();
    file
}

fn verdict(old: &Path, new: &Path, module: &Path) -> (String, String, String) {
    let told = json(old, new, &["--module", module.to_str().unwrap()]);
    let text = |name: &str| told["module"][name].to_string();
    (told["module"]["verdict"].as_str().unwrap().to_owned(), text("reasons"), text("notes"))
}

#[test]
fn a_member_that_moved_at_an_equal_number_is_found() {
    let sysroot = Release::Bullseye.sysroot();
    let copied = copy(&sysroot);
    let root = copied.path().join("root");
    let same = json(&sysroot, &root, &[]);
    assert!(
        ["changed_types", "prototypes", "changed_macros"]
            .iter()
            .all(|what| same[what] == serde_json::json!([]))
    );
    // That they lie elsewhere is no difference.
    assert_eq!(diff(&sysroot, &root, &["--exit-code"]).status.code(), Some(0));

    let work = tempfile::tempdir().unwrap();
    let reads_uri = module(work.path(), "reads_uri", "r->uri && r->uri[0]");
    let reads_pool = module(work.path(), "reads_pool", "r->pool && r->connection");
    let makes_one = module(work.path(), "makes_one", "apr_palloc(r->pool, sizeof(request_rec))");
    let flushes = module(work.path(), "flushes", "ap_rflush(r) + AP_MAX_REG_MATCH");
    assert_eq!(verdict(&sysroot, &root, &reads_uri).0, "unchanged");

    // As a vendor's patch does it: a new member where it fits, and the number as it was.
    edit(&root, "httpd.h", "    char *unparsed_uri;", "    char *vendor;\n    char *unparsed_uri;");
    let told = json(&sysroot, &root, &[]);
    assert_eq!(told["same_major"], true);
    let request =
        told["changed_types"].as_array().unwrap().iter().find(|one| one["name"] == "struct request_rec");
    let request = request.unwrap();
    let (old, new) = (&request["size"]["old"], &request["size"]["new"]);
    assert_eq!(new.as_u64().unwrap(), old.as_u64().unwrap() + 8);
    let member = |name: &str| {
        request["members"].as_array().unwrap().iter().find(|member| member["name"] == name).unwrap().clone()
    };
    assert_eq!(member("vendor")["old"], Value::Null);
    let uri = member("uri");
    assert_eq!(uri["new"]["offset"].as_u64().unwrap(), uri["old"]["offset"].as_u64().unwrap() + 8);

    let (verdict_of_uri, reasons, notes) = verdict(&sysroot, &root, &reads_uri);
    assert_eq!(verdict_of_uri, "rebuild");
    let (from, to) = (&uri["old"]["offset"], &uri["new"]["offset"]);
    let words = format!(
        "struct request_rec: its member `uri` is at byte {to}, and the module looks for it at {from}"
    );
    assert!(reasons.contains(&words), "{reasons}");
    assert!(reasons.contains("so its code comes out otherwise: answer"), "{reasons}");
    assert!(
        notes.contains("the module magic numbers are equal, so httpd would load it all the same"),
        "{notes}"
    );
    // What stands before the new member is where it was; who makes a request_rec makes it too small.
    assert_eq!(verdict(&sysroot, &root, &reads_pool), ("unchanged".into(), "[]".into(), "[]".into()));
    let (verdict_of_size, reasons, _) = verdict(&sysroot, &root, &makes_one);
    assert_eq!(verdict_of_size, "rebuild");
    assert!(reasons.contains(&format!("struct request_rec has {new} bytes, and had {old}")), "{reasons}");

    let text = diff(&sysroot, &root, &["--module", reads_uri.to_str().unwrap()]);
    let text = String::from_utf8(text.stdout).unwrap();
    for line in [
        "httpd loads a module of either",
        "+ vendor at ",
        "members from unparsed_uri to ",
        "mod_reads_uri: rebuild",
    ] {
        assert!(text.contains(line), "no `{line}`:\n{text}");
    }
    let code = |module: &Path| {
        diff(&sysroot, &root, &["--exit-code", "--module", module.to_str().unwrap()]).status.code()
    };
    assert_eq!((code(&reads_uri), code(&reads_pool)), (Some(1), Some(0)));

    // A macro that is compiled in, and a member that is gone.
    assert_eq!(verdict(&sysroot, &root, &flushes).0, "unchanged");
    edit(&root, "httpd.h", "#define AP_MAX_REG_MATCH 10", "#define AP_MAX_REG_MATCH 20");
    let (verdict_of_macro, reasons, _) = verdict(&sysroot, &root, &flushes);
    assert_eq!(verdict_of_macro, "rebuild");
    assert!(reasons.contains("AP_MAX_REG_MATCH stands for `20`, and stood for `10`"), "{reasons}");
    edit(&root, "httpd.h", "    char *uri;", "    char *path_of_it;");
    let (verdict_of_gone, reasons, _) = verdict(&sysroot, &root, &reads_uri);
    assert_eq!(verdict_of_gone, "breaks");
    assert!(reasons.contains("request_rec has no member `uri`"), "{reasons}");
}

#[test]
fn real_releases_differ_as_they_do() {
    let (bullseye, trixie) = (Release::Bullseye.sysroot(), Release::Trixie.sysroot());
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel");
    let module = ["--module", reference.to_str().unwrap()];
    let told = json(&bullseye, &trixie, &module);
    let fact = |what: &str| {
        told["facts"].as_array().unwrap().iter().find(|fact| fact["what"] == what).unwrap().clone()
    };
    assert_eq!((fact("glibc")["old"].as_str(), fact("glibc")["new"].as_str()), (Some("2.31"), Some("2.41")));
    let libraries = told["libraries"].to_string();
    assert!(libraries.contains("libpcre.so.3") && libraries.contains("libpcre2-8.so.0"), "{libraries}");
    assert!(
        told["symbols"]["httpd"]["gone"]
            .as_array()
            .unwrap()
            .iter()
            .all(|name| !name.as_str().unwrap().starts_with("ap_"))
    );
    assert_eq!(told["module"]["verdict"], "unchanged");
    // The way back: the C library of the older one does not have what the module is bound to.
    let told = json(&trixie, &bullseye, &module);
    assert_eq!(told["module"]["verdict"], "rebuild");
    assert!(told["module"]["reasons"].to_string().contains("it needs glibc "), "{}", told["module"]);
}

#[test]
fn what_cannot_be_compared_is_one_clear_error() {
    let sysroot = Release::Bullseye.sysroot();
    let nothing = tempfile::tempdir().unwrap();
    let output = diff(&sysroot, nothing.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("modgraft::target::no_httpd") && output.stdout.is_empty(), "{said}");

    let copied = copy(&sysroot);
    let root = copied.path().join("root");
    edit(&root, "httpd.h", "    char *unparsed_uri;", "    char *unparsed_uri");
    let output = diff(&sysroot, &root, &[]);
    assert_eq!(output.status.code(), Some(6));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("modgraft::layout::headers"), "{said}");
}
