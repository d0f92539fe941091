//! Real objects of the real compiler, each of which breaks one rule, and some that break none.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use modgraft::audit::{self, Audit, Error, Expect, Finding, Prerequisite};
use modgraft::compile::{self, CompilerCall, SharedObject, Toolchain, Unit};
use modgraft::error::Kind;
use modgraft::target::{self, GlibcVersion, Target};

const HEADERS: &str = "#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"http_log.h\"\n#include \"http_protocol.h\"\n";
const MODULE: &str =
    "module AP_MODULE_DECLARE_DATA probe_module = { STANDARD20_MODULE_STUFF, 0, 0, 0, 0, 0, 0 };\n";
const HARDENED: &[&str] = &["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"];

fn target() -> Target {
    let cache = tempfile::tempdir().unwrap();
    let options = target::Options { offline: true, ..target::Options::new(cache.path().to_owned()) };
    target::resolve("local", &options, &|_| {}).expect("apache2-dev and apache2-bin are installed")
}

/// An object made without modgraft's own flags.
fn object(target: &Target, folder: &Path, text: &str, flags: &[&str]) -> SharedObject {
    fs_err::write(folder.join("probe.c"), text).unwrap();
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-w", "probe.c", "-o", "mod_probe.so"]);
    command.args(target.include_dirs.iter().map(|folder| format!("-I{}", folder.display())));
    let output = command.args(flags).current_dir(folder).output().expect("cc (gcc)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    SharedObject {
        file: folder.join("mod_probe.so"),
        debug_file: folder.join("none"),
        build_id: Vec::new(),
        call: CompilerCall { program: "cc".into(), arguments: Vec::new(), dropped: Vec::new() },
        warnings: Vec::new(),
    }
}

fn audit(object: &SharedObject, target: &Target) -> Result<Audit, Error> {
    audit::audit(object, &Expect { symbol: "probe_module", ..Expect::default() }, target)
}

/// The findings of an object that exports `probe_module` only and is hardened, but for `flags` and `text`.
fn findings(text: &str, flags: &[&str]) -> Vec<Finding> {
    findings_for(&target(), text, flags)
}

fn findings_for(target: &Target, text: &str, flags: &[&str]) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("exports.map"), "{ global: probe_module; local: *; };\n").unwrap();
    let flags = [HARDENED, &["-Wl,--version-script=exports.map"], flags].concat();
    let error = audit(&object(target, folder.path(), text, &flags), target).unwrap_err();
    assert_eq!(error.kind(), Kind::Audit);
    match error {
        Error::Findings { findings, .. } => findings,
        error => panic!("{error:?}"),
    }
}

/// A module as modgraft compiles it.
fn compiled(target: &Target, folder: &Path, text: &str, libraries: &[&str]) -> SharedObject {
    let options = compile::Options {
        exports: Vec::new(),
        libraries: libraries.iter().map(|library| (*library).to_owned()).collect(),
        out_dir: folder.to_owned(),
        nevra: "mod_probe-1.0-1.x86_64".to_owned(),
        source_date_epoch: None,
        limit: Duration::from_secs(60),
    };
    let unit = Unit { module: "mod_probe", symbol: "probe_module", text };
    let toolchain = Toolchain::find(target).expect("gcc and binutils are installed");
    compile::compile(&unit, target, &toolchain, &options).unwrap()
}

#[test]
fn what_modgraft_compiles_passes() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let text = format!(
        "{HEADERS}#include <stdlib.h>\nstatic int handler(request_rec *r) {{ ap_rputs(getenv(\"X\"), r); return OK; }}\n\
         static void hooks(apr_pool_t *p) {{ ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE); }}\n\
         module AP_MODULE_DECLARE_DATA probe_module = {{ STANDARD20_MODULE_STUFF, 0, 0, 0, 0, 0, hooks }};\n"
    );
    let object = compiled(&target, folder.path(), &text, &["m"]);
    let expect = Expect { symbol: "probe_module", libraries: &["m".to_owned()], ..Expect::default() };
    let audit = audit::audit(&object, &expect, &target).unwrap();
    assert_eq!(audit.exports, ["probe_module"]);
    assert_eq!(audit.load_after, []);
    assert_eq!(audit.needed, ["libc.so.6"]);
    assert_eq!(audit.own_libraries, Vec::<String>::new());
    assert_eq!(audit.unused_libraries, ["m"]);
    assert_eq!(audit.hardening, ["full RELRO", "NX", "no text relocations", "no RPATH", "no writable code"]);
    let provider = |symbol: &str| {
        audit.imports.iter().find(|import| import.symbol == symbol).map(|import| &*import.provider)
    };
    assert_eq!(provider("ap_hook_handler"), Some("httpd"));
    assert_eq!(provider("getenv"), Some("libc.so.6"));
    assert!(audit.glibc.is_some_and(|glibc| glibc <= target.glibc));
}

#[test]
fn a_module_that_needs_another_says_so() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let text = format!(
        "{HEADERS}#include \"mod_proxy.h\"\nstatic void hooks(apr_pool_t *p) {{ proxy_hook_scheme_handler(0, 0, 0, 1); \
         ap_proxy_backend_broke(0, 0); }}\n\
         module AP_MODULE_DECLARE_DATA probe_module = {{ STANDARD20_MODULE_STUFF, 0, 0, 0, 0, 0, hooks }};\n"
    );
    let audit = audit(&compiled(&target, folder.path(), &text, &[]), &target).unwrap();
    let proxy = Prerequisite { symbol: "proxy_module".to_owned(), file: "mod_proxy.so".to_owned() };
    assert_eq!(audit.load_after, [proxy]);
    assert_eq!(audit.load_order, 10);
}

#[test]
fn a_library_of_its_own_is_listed() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let text = format!("{HEADERS}#include <math.h>\ndouble (*volatile f)(double) = lgamma;\n{MODULE}");
    let object = compiled(&target, folder.path(), &text, &["m"]);
    let audit = audit::audit(
        &object,
        &Expect { symbol: "probe_module", libraries: &["m".to_owned()], ..Expect::default() },
        &target,
    )
    .unwrap();
    assert_eq!(audit.needed, ["libm.so.6"]);
    assert_eq!(audit.own_libraries, ["libm.so.6"]);
    assert_eq!(audit.unused_libraries, Vec::<String>::new());
}

#[test]
fn a_missing_module_structure_is_found() {
    let text = "static int x; int *probe = &x;";
    assert_eq!(findings(text, &[]), [Finding::NoModule { symbol: "probe_module".to_owned() }]);
}

#[test]
fn what_is_no_module_structure_is_found() {
    let reason = |text: &str| match &findings(text, &[])[..] {
        [Finding::BadModule { reason, .. }] => reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reason("int probe_module(void) { return 0; }"), "it is not a variable");
    assert!(reason("int probe_module = 3;").starts_with("it has 4 bytes"));
    assert_eq!(reason(&format!("{HEADERS}module probe_module;")), "it has no initial value");
    let wrong = format!("{HEADERS}module probe_module = {{ 20051115, 0, -1, \"x\", 0, 0, 0x1234 }};");
    assert!(reason(&wrong).starts_with("its cookie is 0x1234"), "{}", reason(&wrong));
    let constant = MODULE.replace("module AP", "const module AP");
    assert!(reason(&format!("{HEADERS}{constant}")).starts_with("it is constant"));
}

#[test]
fn a_module_compiled_for_another_httpd_is_found() {
    let text = format!(
        "{HEADERS}#undef MODULE_MAGIC_NUMBER_MAJOR\n#define MODULE_MAGIC_NUMBER_MAJOR 20051115\n{MODULE}"
    );
    assert!(matches!(findings(&text, &[])[..], [Finding::Mmn { found, .. }] if found.major == 20_051_115));
}

#[test]
fn extra_exports_are_found() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let text = format!("{HEADERS}int helper(void) {{ return 1; }}\nint counter;\n{MODULE}");
    let error = audit(&object(&target, folder.path(), &text, HARDENED), &target).unwrap_err();
    let Error::Findings { findings, .. } = error else { panic!("{error:?}") };
    let [Finding::Exports { extra, .. }] = &findings[..] else { panic!("{findings:?}") };
    let mut extra = extra.clone();
    extra.sort();
    assert_eq!(extra, ["counter", "helper"]);
}

/// APR-util's development files come with those of the library, which httpd does not load.
#[test]
fn a_library_that_is_not_linked_is_named() {
    let text = format!(
        "{HEADERS}void nobody_has_this(void);\nvoid ldap_memfree(void *);\nvoid *volatile f[] = {{ nobody_has_this, ldap_memfree }};\n\
         {MODULE}"
    );
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    fs_err::write(folder.path().join("exports.map"), "{ global: probe_module; local: *; };\n").unwrap();
    let flags = [HARDENED, &["-Wl,--version-script=exports.map"]].concat();
    let object = object(&target, folder.path(), &text, &flags);
    let expect = Expect { symbol: "probe_module", headers_of: &["ldap".to_owned()], ..Expect::default() };
    let error = audit::audit(&object, &expect, &target).unwrap_err();
    let Error::Findings { findings, .. } = error else { panic!("{error:?}") };
    let of_ldap = Finding::NotLinked { library: "ldap".to_owned(), symbols: vec!["ldap_memfree".to_owned()] };
    assert_eq!(findings, [of_ldap, Finding::Undefined { symbol: "nobody_has_this".to_owned() }]);
}

#[test]
fn a_symbol_that_nobody_has_is_found() {
    let text = format!(
        "{HEADERS}void nobody_has_this(void);\nvoid (*volatile f)(void) = nobody_has_this;\n{MODULE}"
    );
    assert_eq!(findings(&text, &[]), [Finding::Undefined { symbol: "nobody_has_this".to_owned() }]);
    // A weak one may be missing: the code asks before it calls.
    let weak =
        text.replace("void nobody_has_this(void);", "void nobody_has_this(void) __attribute__((weak));");
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    audit(&compiled(&target, folder.path(), &weak, &[]), &target).unwrap();
}

#[test]
fn run_paths_are_found() {
    let text = format!("{HEADERS}{MODULE}");
    let found = findings(&text, &["-Wl,-rpath,/opt/lib", "-Wl,--disable-new-dtags"]);
    assert_eq!(found, [Finding::RunPath { tag: "RPATH", path: "/opt/lib".to_owned() }]);
    let found = findings(&text, &["-Wl,-rpath,/opt/lib", "-Wl,--enable-new-dtags"]);
    assert_eq!(found, [Finding::RunPath { tag: "RUNPATH", path: "/opt/lib".to_owned() }]);
}

#[test]
fn an_executable_stack_is_found() {
    let text = format!("{HEADERS}{MODULE}");
    assert_eq!(findings(&text, &["-Wl,-z,execstack"]), [Finding::ExecutableStack]);
}

#[test]
fn relocations_that_stay_writable_are_found() {
    let text = format!("{HEADERS}{MODULE}");
    let missing = |flags: &[&str]| match &findings(&text, flags)[..] {
        [Finding::Relro { missing }] => missing.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&["-Wl,-z,norelro"]), "no RELRO segment");
    assert_eq!(missing(&["-Wl,-z,lazy"]), "not bound at load time");
}

#[test]
fn relocations_in_code_are_found() {
    let text = format!(
        "{HEADERS}extern int errno_of(void);\n__asm__(\".text\\n.globl hidden\\n.hidden hidden\\nhidden: .quad probe_module\\n\");\n{MODULE}"
    );
    assert_eq!(findings(&text, &["-Wl,-z,notext"]), [Finding::TextRelocations]);
}

#[test]
fn a_segment_that_is_writable_and_executable_is_found() {
    let text =
        format!("{HEADERS}__asm__(\".section .both,\\\"awx\\\",@progbits\\n.byte 0\\n.text\\n\");\n{MODULE}");
    assert!(matches!(findings(&text, &[])[..], [Finding::WritableCode { .. }]));
}

#[test]
fn a_newer_c_library_than_the_targets_is_found() {
    let mut old = target();
    old.glibc = GlibcVersion { major: 2, minor: 2 };
    let text = format!("{HEADERS}#include <pthread.h>\nvoid *volatile f = (void *)pthread_create;\n{MODULE}");
    let found = findings_for(&old, &text, &[]);
    assert!(
        matches!(&found[..], [Finding::Glibc { needed, symbols, .. }] if needed.minor > 2 && symbols.contains(&"pthread_create".to_owned())),
        "{found:?}"
    );
}

#[test]
fn a_library_that_the_target_lacks_is_found() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let library = folder.path().join("none.c");
    fs_err::write(&library, "int of_none(void) { return 1; }").unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,-soname,libnone.so.7", "-o", "libnone.so", "none.c"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    let text = format!("{HEADERS}int of_none(void);\nint (*volatile f)(void) = of_none;\n{MODULE}");
    let search = format!("-L{}", folder.path().display());
    let found = findings_for(&target, &text, &[&search, "-lnone"]);
    assert!(found.contains(&Finding::Library { library: "libnone.so.7".to_owned() }), "{found:?}");
    assert!(found.contains(&Finding::Undefined { symbol: "of_none".to_owned() }), "{found:?}");
}

#[test]
fn an_object_for_another_processor_is_found() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let object = object(&target, folder.path(), &format!("{HEADERS}{MODULE}"), HARDENED);
    let mut bytes = fs_err::read(&object.file).unwrap();
    bytes[18] ^= 1; // e_machine
    fs_err::write(&object.file, bytes).unwrap();
    let error = audit(&object, &target).unwrap_err();
    assert!(
        matches!(&error, Error::Findings { findings, .. } if findings.contains(&Finding::Machine)),
        "{error:?}"
    );
}

#[test]
fn all_findings_come_at_once() {
    let text = format!(
        "{HEADERS}void nobody_has_this(void);\nvoid (*volatile f)(void) = nobody_has_this;\n{MODULE}"
    );
    let found = findings(&text, &["-Wl,-z,execstack", "-Wl,-z,lazy", "-Wl,-rpath,/opt"]);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn what_is_no_shared_object_is_refused() {
    let (target, folder) = (target(), tempfile::tempdir().unwrap());
    let mut object = object(&target, folder.path(), &format!("{HEADERS}{MODULE}"), HARDENED);
    let whole = fs_err::read(&object.file).unwrap();
    for length in [0, 3, 64, 700, whole.len() / 2] {
        fs_err::write(&object.file, &whole[..length]).unwrap();
        let error = audit(&object, &target).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{length}: {error:?}");
    }
    object.file = folder.path().join("absent.so");
    assert!(matches!(audit(&object, &target).unwrap_err(), Error::Io(_)));
}
