//! The target `local`: the httpd that is installed here.

use std::cell::RefCell;
use std::process::Command;

use modgraft::error::Kind;
use modgraft::flatten::Interface;
use modgraft::target::{self, Error, Options, Provenance, Target};

fn installed() -> Target {
    let cache = tempfile::tempdir().unwrap();
    let said = RefCell::new(Vec::new());
    let options = Options { offline: true, ..Options::new(cache.path().to_owned()) };
    let target = target::resolve("local", &options, &|line| said.borrow_mut().push(line.to_owned()))
        .expect("apache2-dev and apache2-bin are installed");
    assert_eq!(said.take(), Vec::<String>::new(), "nothing is fetched");
    assert_eq!(fs_err::read_dir(cache.path()).unwrap().count(), 0, "nothing is written");
    target
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn it_is_what_apxs_and_httpd_say() {
    let target = installed();
    let apxs = |name: &str| output("apxs", &["-q", name]).trim().to_owned();
    assert_eq!(target.layout.module_dir, apxs("libexecdir"));
    assert_eq!(target.include_dirs[0].to_string_lossy(), apxs("includedir"));
    assert_eq!(target.variables["CFLAGS"], apxs("CFLAGS"));
    let program = target.program.as_ref().unwrap().to_string_lossy().into_owned();
    assert_eq!(program, format!("{}/{}", apxs("sbindir"), apxs("progname")));
    // `Server version: Apache/2.4.62 (Debian)`, `Server's Module Magic Number: 20120211:141`.
    let version = output(&program, &["-V"]);
    assert!(version.contains(&format!("Apache/{} ", target.httpd_version)), "{version}");
    assert!(version.lines().any(|line| line.ends_with(&format!("Number: {}", target.mmn))), "{version}");
    assert!(version.contains(&format!("APR {},", target.apr_version)), "{version}");
    assert_eq!(target.cookie, 0x4150_3234);
    // `ldd (Debian GLIBC 2.36-9) 2.36`.
    assert!(output("ldd", &["--version"]).lines().next().unwrap().ends_with(&target.glibc.to_string()));
    assert_eq!(target.machine.name, output("uname", &["-m"]).trim());
    assert_eq!(target.provenance, Provenance::Installed);
    assert_eq!(target.library_path, Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_modules_in_the_program_are_known() {
    let target = installed();
    let listed = output(&target.program.as_ref().unwrap().to_string_lossy(), &["-l"]);
    let modules = target.builtin_modules();
    for name in listed.lines().filter_map(|line| line.trim().strip_suffix(".c")) {
        let structure =
            format!("{}_module", name.strip_prefix("mod_").unwrap_or(name).replace("http_core", "http"));
        assert!(modules.contains(&structure), "{structure} of {name}.c in {modules:?}");
    }
}

#[test]
fn names_are_found_where_they_are_declared() {
    let interface = installed().interface();
    let cases = [
        ("ap_log_rerror_", "http_log.h"),
        ("ap_log_rerror", "http_log.h"),
        ("request_rec", "httpd.h"),
        ("ap_hook_post_config", "http_config.h"),
        ("ap_proxy_create_hdrbrgd", "mod_proxy.h"),
        ("proxy_hook_canon_handler", "mod_proxy.h"),
        ("ssl_is_https", "mod_ssl.h"),
        ("proxy_worker_shared", "mod_proxy.h"),
        ("OK", "httpd.h"),
        ("HTTP_OK", "httpd.h"),
        ("apr_pstrdup", "apr_strings.h"),
        ("apr_socket_pool_get", "apr_network_io.h"),
        ("apr_bucket_type_flush", "apr_buckets.h"),
        ("APR_BRIGADE_FIRST", "apr_buckets.h"),
        ("core_module", "http_core.h"),
        ("RSRC_CONF", "http_config.h"),
    ];
    for (name, header) in cases {
        assert_eq!(interface.declared_in(name).as_deref(), Some(header), "{name}");
    }
    // Used in a macro's body, a structure's member, a word of a comment, the C library's.
    for name in ["strcmp", "useragent_ip", "Apache", "server_hostname"] {
        assert_eq!(interface.declared_in(name), None, "{name}");
    }
}

/// What a header has in words but not as a declaration stands in its comments; all else that httpd exports is found.
#[test]
fn what_httpd_exports_and_its_headers_declare_is_found() {
    let target = installed();
    let interface = target.interface();
    let dynamic =
        output("nm", &["-D", "--defined-only", &target.program.as_ref().unwrap().to_string_lossy()]);
    let names: Vec<&str> = dynamic.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    let public = names.iter().filter(|name| {
        name.starts_with("ap_run_") || name.starts_with("ap_hook_") && !name.contains("_get_")
    });
    let missing: Vec<_> = public.filter(|name| interface.declared_in(name).is_none()).collect();
    assert!(names.len() > 500, "nm listed {} symbols", names.len());
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn symbols_are_found_with_who_exports_them() {
    let interface = installed().interface();
    let cases = [
        ("ap_hook_post_config", Some("httpd")),
        ("ap_proxy_create_hdrbrgd", Some("mod_proxy.so")),
        ("proxy_module", Some("mod_proxy.so")),
        ("apr_pstrdup", Some("libapr-1.so.0")),
        ("apr_brigade_create", Some("libaprutil-1.so.0")),
        ("strcmp", None),
        ("_init", None),
    ];
    for (symbol, provider) in cases {
        assert_eq!(interface.exported_by(symbol).as_deref(), provider, "{symbol}");
    }
}

#[test]
fn headers_are_found_beneath_the_targets_folders_only() {
    let interface = installed().interface();
    assert!(interface.has_header("mod_proxy.h") && interface.has_header("apr_strings.h"));
    for path in ["mod_no_such.h", "stdio.h", "../apr-1.0/apr.h", "/usr/include/stdio.h", ""] {
        assert!(!interface.has_header(path), "{path}");
    }
}

#[test]
fn an_unknown_name_lists_what_there_is() {
    let options = Options::new(std::env::temp_dir());
    let error = target::resolve("el6", &options, &|_| {}).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert_eq!(error.to_string(), "there is no target `el6`");
    let help = "targets: local, or a folder with an httpd, which has a `/` in its name (`./el6`); `modgraft target add` adds another";
    assert_eq!(miette::Diagnostic::help(&error).unwrap().to_string(), help);
}

#[test]
fn offline_names_the_one_command() {
    let cache = tempfile::tempdir().unwrap();
    let options = Options { offline: true, prefer_fetched: true, ..Options::new(cache.path().to_owned()) };
    let error = target::resolve("local", &options, &|_| {}).unwrap_err();
    assert!(matches!(error, Error::NotInstalled { .. }), "{error:?}");
    assert_eq!(error.kind(), Kind::Environment);
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert_eq!(help, "apt-get install apache2-dev apache2-bin");
}

/// What no header and no symbol tells of: the names that the target's files have as strings.
#[test]
fn the_strings_of_its_files_are_known() {
    let interface = installed().interface();
    let with = |strings: &[&str], besides: &str| interface.file_with(strings, besides);
    let owner = ["authz_owner_get_file_group", "apr_dynamic_fn_register"];
    assert_eq!(with(&owner, "").as_deref(), Some("mod_authz_owner.so"));
    assert_eq!(with(&owner, "mod_authz_owner.so"), None);
    assert_eq!(with(&["authz_owner_get_file", "apr_dynamic_fn_register"], ""), None, "the string goes on");
    assert!(with(&["authn_provider_name", "apr_table_get"], "").is_some());
    assert_eq!(with(&["authz_access_passed"], ""), None);
}
