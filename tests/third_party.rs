//! Modules of third parties, from the source packages that Debian has of them: through `modgraft new` and `modgraft build-module` into
//! this machine's httpd, and real requests to each.
//!
//! What a person would write into the recipe that was started is here: [`Case::written`], [`Case::headers`] and the checks.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::debian::Release;
use support::{run, run_fails, scratch};

/// A module, and what is done with its source.
struct Case {
    release: Release,
    /// Debian's source package.
    package: &'static str,
    /// The C file, where the source has several modules.
    file: &'static str,
    name: &'static str,
    /// What has to stand in the recipe that was started.
    found: &'static [&'static str],
    /// Keys that were left to write.
    written: &'static [(&'static str, &'static str)],
    /// Names in a header of configure's that are so here.
    headers: &'static [(&'static str, &'static str)],
    /// How many of upstream's C files become one, at least.
    files: usize,
    checks: &'static str,
}

fn modgraft(case: &Case, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    let cache = scratch("third_party").join(case.name);
    command.env("MODGRAFT_CACHE", cache).env("NO_COLOR", "1").args(arguments);
    command
}

/// Starts the recipe, fills in what is left, and builds it for the httpd that is here.
fn goes_through(case: &Case) {
    let archive = case.release.upstream_source(case.package);
    let place = tempfile::tempdir().unwrap();
    let archive = archive.to_str().unwrap();
    let mut new = modgraft(case, &["new", "--offline", "--from", archive]);
    new.arg("--out").arg(place.path()).args(Some(case.file).filter(|file| !file.is_empty()));
    let file = PathBuf::from(run(&mut new).trim());
    assert_eq!(file, place.path().join(case.name).join("module.toml"));

    let started = fs_err::read_to_string(&file).unwrap();
    for line in case.found {
        assert!(started.contains(line), "{}: no {line:?} in\n{started}", case.name);
    }
    let again = run_fails(
        modgraft(case, &["new", "--offline", "--from", archive])
            .arg("--out")
            .arg(place.path())
            .args(Some(case.file).filter(|file| !file.is_empty())),
    );
    assert!(again.contains("modgraft::scaffold::exists"), "{again}");
    assert_eq!(fs_err::read_to_string(&file).unwrap(), started);

    fill_in(case, &file, &started);
    let told = run(modgraft(case, &["lint", "--json"]).arg(&file));
    let errors: Vec<&str> = told.lines().filter(|line| line.contains("\"error\"")).collect();
    assert!(errors.is_empty() && told.contains("left-to-write"), "{told}");

    let out = place.path().join("out");
    let mut build = modgraft(case, &["build-module", "--json", "--offline", "--sign-key", "none", "--out"]);
    run(build.arg(&out).arg(file.parent().unwrap()));
    let report: Value = serde_json::from_slice(&fs_err::read(out.join("report.json")).unwrap()).unwrap();
    let checks = report["checks"].to_string();
    let wanted = case.checks.matches("[[check]]").count();
    assert!(wanted > 0 && checks.matches("\"name\"").count() >= wanted, "{}: {checks}", case.name);
    let flat = fs_err::read_to_string(out.join(format!("{}.c", case.name))).unwrap();
    let mut sources: Vec<&str> = flat
        .lines()
        .filter_map(|line| line.strip_prefix("#line ")?.split('"').nth(1))
        .filter(|path| path.ends_with(".c"))
        .collect();
    sources.sort_unstable();
    sources.dedup();
    assert!(sources.len() >= case.files, "{}: {sources:?}", case.name);
}

/// What a person does to the recipe.
fn fill_in(case: &Case, file: &Path, started: &str) {
    let mut text = started.to_owned();
    for (key, value) in case.written {
        let at =
            text.find(&format!("# to write: {key} = ")).unwrap_or_else(|| panic!("{key} is known:\n{text}"));
        let end = at + text[at..].find('\n').unwrap();
        text.replace_range(at..end, &format!("{key} = \"{value}\""));
    }
    text.push_str(case.checks);
    fs_err::write(file, text).unwrap();
    for (header, name) in case.headers {
        let path = file.parent().unwrap().join(header);
        let text = fs_err::read_to_string(&path).unwrap();
        let undefined = format!("/* #undef {name} */");
        assert!(text.contains(&undefined), "{text}");
        fs_err::write(path, text.replace(&undefined, &format!("#define {name} 1"))).unwrap();
    }
}

#[test]
fn fcgid() {
    goes_through(&Case {
        release: Release::Bookworm,
        package: "libapache2-mod-fcgid",
        file: "",
        name: "mod_fcgid",
        found: &[
            "summary = \"FastCGI support (mod_fcgid)\"",
            "license = \"Apache-2.0\"",
            "version = \"2.3.9\"",
            "license-files = [\"LICENSE-FCGID\", \"NOTICE-FCGID\"]",
            "headers = [\"modules/fcgid/fcgid_config.h\"]",
        ],
        written: &[],
        headers: &[
            ("modules/fcgid/fcgid_config.h", "HAVE_SYS_FILE_H"),
            ("modules/fcgid/fcgid_config.h", "HAVE_SYS_MMAN_H"),
            ("modules/fcgid/fcgid_config.h", "HAVE_SYS_SHM_H"),
        ],
        files: 11,
        checks: r#"
[[check]]
name = "a program has to be one that may run"
config = '''
<Location />
SetHandler fcgid-script
</Location>
'''
request = { path = "/index.html" }
expect = { status = 403 }
"#,
    });
}

#[test]
fn auth_mellon() {
    goes_through(&Case {
        release: Release::Bookworm,
        package: "libapache2-mod-auth-mellon",
        file: "",
        name: "mod_auth_mellon",
        found: &[
            "summary = \"Authentication module for Apache\"",
            "license = \"GPL-2.0-or-later\"",
            "version = \"0.18.1\"",
            "license-files = [\"COPYING\"]",
            "\"lasso\", \"glib-2.0\", ",
            "<Location \"/\">\n  MellonSessionDump off\n</Location>",
            "\"curl\"",
        ],
        written: &[],
        headers: &[("config.h", "HAVE_lasso_server_new_from_buffers")],
        files: 8,
        checks: r#"
[[check]]
# 404 where the header of configure is without HAVE_lasso_server_new_from_buffers.
name = "its own endpoint answers: without a certificate there is no metadata to give"
config = '''
<Location />
MellonEnable info
MellonEndpointPath /mellon
MellonSPentityId http://sp.example.org/
</Location>
'''
request = { path = "/mellon/metadata" }
expect = { status = 500 }
"#,
    });
}

#[test]
fn auth_tkt() {
    goes_through(&Case {
        release: Release::Bookworm,
        package: "libapache2-mod-auth-tkt",
        file: "",
        name: "mod_auth_tkt",
        found: &[
            "summary = \"Lightweight ticket-based authentication module for Apache\"",
            "url = \"http://www.openfusion.com.au/labs/mod_auth_tkt/\"",
            "license = \"Apache-1.0\"",
            "<Location \"/\">\n  TKTAuthIgnoreIP off\n</Location>",
        ],
        written: &[],
        headers: &[],
        files: 2,
        checks: r#"
[[check]]
name = "who has no ticket is sent to get one"
modules = ["authn_core", "authz_user"]
config = '''
TKTAuthSecret "a secret of the check"
<Location />
AuthType Ticket
Require valid-user
TKTAuthLoginURL "http://login.example.org/"
</Location>
'''
request = { path = "/index.html" }
expect = { status = 307 }
"#,
    });
}

#[test]
fn auth_cas() {
    goes_through(&Case {
        release: Release::Bookworm,
        package: "libapache2-mod-auth-cas",
        file: "",
        name: "mod_auth_cas",
        found: &[
            "version = \"1.2\"",
            "url = \"https://github.com/apereo/mod_auth_cas\"",
            "libraries = [\"ssl\", \"crypto\", \"curl\", \"pcre\"]",
            "headers = [\"config.h\"]",
        ],
        written: &[("summary", "Single sign-on by CAS for Apache httpd")],
        headers: &[],
        files: 2,
        checks: r#"
[[check]]
name = "who is not known is sent to the server that knows"
modules = ["authn_core", "authz_user"]
config = '''
CASCookiePath "{{root}}/run/"
CASLoginURL http://login.example.org/cas/login
CASValidateURL http://login.example.org/cas/serviceValidate
<Location />
AuthType CAS
Require valid-user
</Location>
'''
request = { path = "/index.html" }
expect = { status = 302 }
"#,
    });
}

#[test]
fn evasive() {
    let case = Case {
        release: Release::Trixie,
        package: "libapache-mod-evasive",
        file: "mod_evasive24.c",
        name: "mod_evasive24",
        found: &[
            "symbol = \"evasive_module\"",
            "license = \"GPL-2.0-or-later\"",
            "libraries = [\"pcre2-8\"]",
        ],
        written: &[("summary", "Turns away who asks too often of Apache httpd")],
        headers: &[],
        files: 1,
        checks: r#"
[[check]]
name = "who asks for one page again and again is turned away"
config = '''
DOSEnabled true
DOSPageCount 2
DOSPageInterval 60
DOSBlockingPeriod 60
DOSLogDir "{{root}}/logs"
'''
request = { path = "/index.html", before = [{ path = "/index.html" }, { path = "/index.html" }, { path = "/index.html" }] }
expect = { status = 403 }

[[check]]
name = "who asks once is answered"
config = '''
DOSEnabled true
DOSPageCount 2
DOSLogDir "{{root}}/logs"
'''
request = { path = "/index.html" }
"#,
    };
    let archive = case.release.upstream_source(case.package);
    let told = run_fails(
        modgraft(&case, &["new", "--offline", "--from"]).arg(archive).args(["--out", "/nonexistent"]),
    );
    assert!(
        told.contains("modgraft::scaffold::several_modules") && told.contains("mod_evasive24.c"),
        "{told}"
    );
    goes_through(&case);
}

#[test]
fn xsendfile() {
    goes_through(&Case {
        release: Release::Trixie,
        package: "libapache2-mod-xsendfile",
        file: "",
        name: "mod_xsendfile",
        found: &["license = \"Apache-2.0\"", "name = \"its switch is accepted\""],
        written: &[],
        headers: &[],
        files: 1,
        checks: r#"
[[check]]
name = "a file is sent in place of what a backend answers"
modules = ["headers", "proxy", "proxy_http"]
config = '''
<Location /mirror>
ProxyPass http://{{backend.http}}/
XSendFile on
XSendFilePath "{{root}}/htdocs"
Header always set X-Sendfile "{{root}}/htdocs/index.html"
</Location>
'''
request = { path = "/mirror" }
expect = { status = 200, body-contains = "a page of the check's httpd" }
"#,
    });
}

#[test]
fn upload_progress() {
    goes_through(&Case {
        release: Release::Trixie,
        package: "libapache2-mod-upload-progress",
        file: "",
        name: "mod_upload_progress",
        found: &["license-files = [\"MIT-LICENSE\"]", "TrackUploads off"],
        written: &[("summary", "Tells how far an upload to Apache httpd is")],
        headers: &[],
        files: 1,
        checks: r#"
[[check]]
name = "an upload that there is not has not begun"
config = '''
<Location /progress>
ReportUploads On
</Location>
'''
request = { path = "/progress?X-Progress-ID=1234567890" }
expect = { status = 200, body-contains = "starting" }
"#,
    });
}

#[test]
fn authz_unixgroup() {
    goes_through(&Case {
        release: Release::Bookworm,
        package: "libapache2-mod-authz-unixgroup",
        file: "",
        name: "mod_authz_unixgroup",
        found: &["version = \"1.1.0\"", "documentation = [\"README\"]"],
        written: &[],
        headers: &[],
        files: 1,
        // The user is `daemon`.
        checks: r#"
[[check]]
name = "a user of the group gets in"
modules = ["authn_core", "authz_user", "auth_basic", "authn_anon"]
config = '''
<Location />
AuthType Basic
AuthName group
AuthBasicProvider anon
Anonymous "*"
Require unix-group daemon
</Location>
'''
request = { path = "/index.html", headers = { Authorization = "Basic ZGFlbW9uOng=" } }

[[check]]
name = "and into no other group"
modules = ["authn_core", "authz_user", "auth_basic", "authn_anon"]
config = '''
<Location />
AuthType Basic
AuthName group
AuthBasicProvider anon
Anonymous "*"
Require unix-group root
</Location>
'''
request = { path = "/index.html", headers = { Authorization = "Basic ZGFlbW9uOng=" } }
expect = { status = 401 }
"#,
    });
}
