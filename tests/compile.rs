//! Units compiled by the real compiler against the installed httpd.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use modgraft::compile::{self, Complaint, Error, Options, SharedObject, Toolchain, Unit};
use modgraft::error::Kind;
use modgraft::target::{self, Target};

fn target() -> Target {
    let cache = tempfile::tempdir().unwrap();
    let options = target::Options { offline: true, ..target::Options::new(cache.path().to_owned()) };
    target::resolve("local", &options, &|_| {}).expect("apache2-dev and apache2-bin are installed")
}

fn toolchain(target: &Target) -> Toolchain {
    Toolchain::find(target).expect("gcc and binutils are installed")
}

fn options(folder: &Path) -> Options {
    Options {
        exports: Vec::new(),
        libraries: Vec::new(),
        out_dir: folder.to_owned(),
        nevra: "mod_probe-1.0-1.x86_64".to_owned(),
        source_date_epoch: Some(1_000_000_000),
        limit: Duration::from_secs(60),
    }
}

/// A module that compiles for any httpd 2.4; `body` stands before the module structure.
fn module(body: &str) -> String {
    format!(
        "#line 1 \"modules/probe/mod_probe.c\"\n#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"http_log.h\"\n\
         #include \"http_protocol.h\"\n{body}\n\
         AP_DECLARE_MODULE(probe) = {{ STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL }};\n"
    )
}

fn build(text: &str, folder: &Path) -> Result<SharedObject, Error> {
    let target = target();
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text };
    compile::compile(&unit, &target, &toolchain(&target), &options(folder))
}

fn shown(error: Error) -> Vec<(String, String, String)> {
    let Error::Refused { shown, .. } = error else { panic!("{error:?}") };
    let row = |complaint: Complaint| match complaint {
        Complaint::At { message, source_code, at, help, .. } => {
            let text = source_code.inner().as_ref();
            let line = text[..at.offset()].matches('\n').count() + 1;
            let place =
                format!("{}:{line}: {}", source_code.name(), &text[at.offset()..at.offset() + at.len()]);
            (message, place, help.unwrap_or_default())
        }
        Complaint::Nowhere { message, help } => (message, String::new(), help.unwrap_or_default()),
    };
    shown.into_iter().map(row).collect()
}

fn bytes_have(file: &Path, needle: &str) -> bool {
    memchr::memmem::find(&fs_err::read(file).unwrap(), needle.as_bytes()).is_some()
}

#[test]
fn the_same_input_gives_the_same_bytes_wherever_it_is_built() {
    let text =
        module("static const char *where(void) { return __FILE__ __DATE__; }\nvoid *keep = (void *)where;");
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (build(&text, one.path()).unwrap(), build(&text, two.path()).unwrap());
    assert_eq!(fs_err::read(&first.file).unwrap(), fs_err::read(&second.file).unwrap());
    assert_eq!(fs_err::read(&first.debug_file).unwrap(), fs_err::read(&second.debug_file).unwrap());
    assert_eq!(first.call.arguments, second.call.arguments);
    for file in [&first.file, &first.debug_file] {
        assert!(!bytes_have(file, &one.path().to_string_lossy()), "{}", file.display());
        assert!(!bytes_have(file, ".compile-"), "{}", file.display());
    }
    let left: Vec<_> =
        fs_err::read_dir(one.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn debug_information_is_split_off_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let object = build(&module("static int answer = 42;\nint *keep = &answer;"), folder.path()).unwrap();
    assert_eq!(object.build_id.len(), 20);
    let run = |arguments: &[&str]| {
        let output = Command::new("readelf")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("readelf (binutils)");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let id: String = object.build_id.iter().map(|byte| format!("{byte:02x}")).collect();
    for file in ["mod_probe.so", "mod_probe.so.debug"] {
        assert!(run(&["-nW", file]).contains(&id), "{file}");
    }
    assert!(run(&["--string-dump=.gnu_debuglink", "mod_probe.so"]).contains("mod_probe.so.debug"));
    assert!(!run(&["-SW", "mod_probe.so"]).contains(".debug_info"));
    let debug = run(&["--debug-dump=rawline", "mod_probe.so.debug"]);
    assert!(
        debug.contains("modules/probe") && debug.contains("/usr/src/debug/mod_probe-1.0-1.x86_64"),
        "{debug}"
    );
}

#[test]
fn two_packages_of_the_same_object_have_two_build_ids() {
    let folder = tempfile::tempdir().unwrap();
    let target = target();
    let text = module("");
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text: &text };
    let id = |nevra: &str| {
        let options = Options { nevra: nevra.to_owned(), ..options(folder.path()) };
        compile::compile(&unit, &target, &toolchain(&target), &options).unwrap().build_id
    };
    assert_ne!(id("mod_probe-1.0-1.x86_64"), id("mod_probe-1.0-2.x86_64"));
}

#[test]
fn errors_are_shown_on_upstreams_own_lines_with_help() {
    let text = "#include \"httpd.h\"\n#include \"http_config.h\"\n#line 410 \"modules/metadata/mod_probe.c\"\n\
        static int f(request_rec *r)\n{\n    r->no_such_member = 1;\n    ap_no_such_function(r);\n    \
        apr_no_such_function(r);\n    ap_log_rerror(0);\n    char *p = 3;\n    return p != f;\n}\n";
    let folder = tempfile::tempdir().unwrap();
    let error = build(text, folder.path()).unwrap_err();
    assert_eq!(error.kind(), Kind::Compile);
    let shown = shown(error);
    let find = |message: &str| {
        shown
            .iter()
            .find(|(text, _, _)| text.contains(message))
            .unwrap_or_else(|| panic!("{message}: {shown:#?}"))
    };
    let (_, place, help) = find("no_such_member");
    assert_eq!(place, "modules/metadata/mod_probe.c:412: ->no_such_member");
    assert!(help.contains("`request_rec` has no member `no_such_member`"), "{help}");
    let (_, place, help) = find("'ap_no_such_function'");
    assert_eq!(place, "modules/metadata/mod_probe.c:413: ap_no_such_function");
    assert!(help.contains("neither the patch nor this httpd"), "{help}");
    assert!(find("apr_no_such_function").2.contains("this target's APR"));
    assert!(find("ap_log_rerror").2.contains("add `#include \"http_log.h\"`"));
    assert!(find("makes pointer from integer").1.starts_with("modules/metadata/mod_probe.c:416"));
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of a failed build");
}

#[test]
fn an_error_within_a_headers_macro_is_shown_where_the_macro_is_used() {
    let error = build(
        &module("APLOG_USE_MODULE(probe);\n#define STANDS_FOR_LINE_6"),
        tempfile::tempdir().unwrap().path(),
    );
    let shown = shown(error.unwrap_err());
    // AP_DECLARE_MODULE declares what APLOG_USE_MODULE declares.
    assert!(shown[0].0.contains("redefinition"), "{shown:?}");
    assert!(shown[0].1.starts_with("modules/probe/mod_probe.c:7: AP_DECLARE_MODULE"), "{shown:?}");
}

#[test]
fn of_many_errors_ten_are_shown_and_the_rest_is_counted() {
    let body: String = (0..14).map(|n| format!("int f{n}(void) {{ return missing_{n}; }}\n")).collect();
    let error = build(&module(&body), tempfile::tempdir().unwrap().path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the C compiler refused mod_probe: 14 errors, of which 4 more are not shown"
    );
    assert_eq!(shown(error).len(), 10);
}

#[test]
fn a_missing_header_and_a_missing_library_have_their_help() {
    let folder = tempfile::tempdir().unwrap();
    let error = build("#line 7 \"a.c\"\n#include \"mod_no_such.h\"\n", folder.path()).unwrap_err();
    let shown_errors = shown(error);
    assert_eq!(shown_errors[0].1, "a.c:7: \"mod_no_such.h\"");
    assert!(shown_errors[0].2.contains("private header of upstream"), "{shown_errors:?}");

    let target = target();
    let text = module("");
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text: &text };
    let options = Options { libraries: vec!["no-such-library".to_owned()], ..options(folder.path()) };
    let shown = shown(compile::compile(&unit, &target, &toolchain(&target), &options).unwrap_err());
    assert!(shown[0].2.contains("the library `no-such-library`"), "{shown:?}");
}

#[test]
fn warnings_are_kept_with_their_place() {
    let object = build(&module("#warning look here"), tempfile::tempdir().unwrap().path()).unwrap();
    assert_eq!(object.warnings, ["modules/probe/mod_probe.c:5:2: #warning look here [-Wcpp]"]);
}

#[test]
fn a_format_that_a_distribution_forbids_is_shown_and_builds() {
    let folder = tempfile::tempdir().unwrap();
    let text = module(
        "int show(request_rec *r, const char *s);\nint show(request_rec *r, const char *s)\n{\n    return ap_rprintf(r, s);\n}",
    );
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text: &text };
    // As Debian and Enterprise Linux have it, whatever this host's httpd was built with.
    let mut target = target();
    let policy = "-O2 -Wformat -Werror=format-security";
    target.variables.insert("CFLAGS".to_owned(), policy.to_owned());
    let object = compile::compile(&unit, &target, &toolchain(&target), &options(folder.path())).unwrap();
    assert!(
        object.warnings.iter().any(|text| text.contains("format not a string literal")),
        "{:?}",
        object.warnings
    );
    let dropped =
        object.call.dropped.iter().find(|dropped| dropped.flag == "-Werror=format-security").unwrap();
    assert!(dropped.reason.contains("stays a warning"), "{}", dropped.reason);
}

#[test]
fn a_known_librarys_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = shown(build(&module("#include <distcache/dc_client.h>"), folder.path()).unwrap_err());
    assert!(error[0].2.contains("distcache-devel (Enterprise Linux)"), "{error:?}");
    let target = target();
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text: &module("") };
    let options = Options { libraries: vec!["nal".to_owned()], ..options(folder.path()) };
    let error = shown(compile::compile(&unit, &target, &toolchain(&target), &options).unwrap_err());
    assert!(
        error[0].2.contains("`nal`, which the module links") && error[0].2.contains("distcache-devel"),
        "{error:?}"
    );
}

#[test]
fn a_compiler_that_hangs_is_ended_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let target = target();
    let script = folder.path().join("slow-cc");
    fs_err::write(&script, "#!/bin/sh\nsleep 60\n").unwrap();
    fs_err::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut slow = toolchain(&target);
    slow.program = script;
    let options = Options { limit: Duration::from_millis(200), ..options(folder.path()) };
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text: "" };
    let error = compile::compile(&unit, &target, &slow, &options).unwrap_err();
    assert!(error.to_string().contains("did not end within"), "{error}");
    assert_eq!(error.kind(), Kind::Environment);
}

#[test]
fn a_missing_compiler_is_named_with_the_command_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let target = target();
    let mut none = toolchain(&target);
    none.program = "modgraft-no-such-cc".into();
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text: "" };
    let error = compile::compile(&unit, &target, &none, &options(folder.path())).unwrap_err();
    assert_eq!(error.to_string(), "there is no C compiler: `modgraft-no-such-cc` is not installed");
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
    assert_eq!(help.as_deref(), Some("apt-get install gcc libc6-dev"));
}
