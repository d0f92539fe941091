//! httpd as Red Hat packages it, and the packages with single modules.

use std::path::Path;

use super::super::apxs;
use super::Release;
use super::host::{Host, host};
use super::package::{Package, Source};
use super::system::translated;

/// The files of conf.modules.d, with the package that has them, and the modules that they load, in Red Hat's order. What
/// this machine's httpd has within the program, or does not have, is left out; so are the modules whose libraries need half a
/// distribution (LDAP, libxml2, Lua, curl), and mod_proxy_wstunnel, which is the module that the tests bring.
const MODULES: &[(&str, &str, &[&str])] = &[
    (
        "00-base",
        "httpd",
        &[
            "access_compat",
            "actions",
            "alias",
            "allowmethods",
            "auth_basic",
            "auth_digest",
            "authn_anon",
            "authn_core",
            "authn_dbd",
            "authn_dbm",
            "authn_file",
            "authn_socache",
            "authz_core",
            "authz_dbd",
            "authz_dbm",
            "authz_groupfile",
            "authz_host",
            "authz_owner",
            "authz_user",
            "autoindex",
            "cache",
            "cache_disk",
            "cache_socache",
            "data",
            "dbd",
            "deflate",
            "dir",
            "dumpio",
            "echo",
            "env",
            "expires",
            "ext_filter",
            "filter",
            "headers",
            "include",
            "info",
            "log_config",
            "logio",
            "macro",
            "mime_magic",
            "mime",
            "negotiation",
            "remoteip",
            "reqtimeout",
            "request",
            "rewrite",
            "setenvif",
            "slotmem_plain",
            "slotmem_shm",
            "socache_dbm",
            "socache_memcache",
            "socache_shmcb",
            "status",
            "substitute",
            "suexec",
            "unique_id",
            "unixd",
            "userdir",
            "version",
            "vhost_alias",
            "watchdog",
        ],
    ),
    ("00-dav", "httpd", &["dav", "dav_fs", "dav_lock"]),
    ("00-mpm", "httpd", &["mpm_event"]),
    (
        "00-proxy",
        "httpd",
        &[
            "proxy",
            "lbmethod_bybusyness",
            "lbmethod_byrequests",
            "lbmethod_bytraffic",
            "lbmethod_heartbeat",
            "proxy_ajp",
            "proxy_balancer",
            "proxy_connect",
            "proxy_express",
            "proxy_fcgi",
            "proxy_fdpass",
            "proxy_ftp",
            "proxy_http",
            "proxy_hcheck",
            "proxy_scgi",
            "proxy_uwsgi",
        ],
    ),
    ("01-cgi", "httpd", &["cgid"]),
    ("00-ssl", "mod_ssl", &["ssl"]),
    ("01-session", "mod_session", &["session", "session_cookie", "session_dbd", "auth_form"]),
    ("10-h2", "mod_http2", &["http2"]),
    ("10-proxy_h2", "mod_http2", &["proxy_http2"]),
];

/// In the packages, but loaded by nobody: what Red Hat's 00-mpm.conf and 00-optional.conf have in comments.
const NOT_LOADED: &[&str] =
    &["mpm_prefork", "mpm_worker", "buffer", "ratelimit", "reflector", "sed", "speling", "usertrack"];

/// httpd 2.4 and the rest of what one release has of its own.
pub fn sources(release: Release) -> Vec<Source> {
    let host = host();
    let isa = format!("{}x8664", host.mmn);
    let source = |name: &str, version: &str, packages: Vec<Package>| Source {
        name: name.to_owned(),
        version: version.to_owned(),
        release: format!("1.el{}", release.number()),
        payload: release.payload(),
        noarch: false,
        packages,
    };
    // From 9.1 on httpd itself is what starts httpd-core as a service.
    let core = if release == Release::El9 { "httpd-core" } else { "httpd" };
    let mut packages = vec![program(host, release, core, &isa), tools(host), devel(host, release, &isa)];
    if release == Release::El9 {
        packages
            .push(Package::new("httpd").requires("httpd-core = %{version}-%{release}").provides("webserver"));
    }
    for name in ["mod_ssl", "mod_session"] {
        packages.push(modules(Package::new(name).requires(&format!("httpd-mmn = {isa}")), name, release));
    }
    let http2 = Package::new("mod_http2").requires(&format!("httpd-mmn = {isa}"));
    let os_release =
        Package::new("el-release").provides(&format!("system-release = {}", release.number())).text(
            "/etc/os-release",
            format!(
                "NAME=\"EL-like\"\nID=\"el-like\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"{}\"\n",
                release.number()
            ),
        );
    vec![
        source("httpd", &host.httpd_version, packages),
        source("mod_http2", "2.0", vec![modules(http2, "mod_http2", release)]),
        Source { noarch: true, ..source("el-release", release.number(), vec![os_release]) },
    ]
}

fn program(host: &Host, release: Release, name: &str, isa: &str) -> Package {
    let program = Path::new(&apxs("SBINDIR")).join(apxs("PROGNAME"));
    let package = Package::new(name)
        .provides(&format!("httpd-mmn = {}", host.mmn))
        .provides(&format!("httpd-mmn = {isa}"))
        // EL 7's had `20120211-x86-64` as well, of which today's rpmbuild makes no package: "double separator".
        .requires("mailcap")
        .requires("system-release")
        .requires("httpd-tools = %{version}-%{release}")
        .folders(&[
            "/etc/httpd",
            "/etc/httpd/conf",
            "/etc/httpd/conf.d",
            "/etc/httpd/conf.modules.d",
            "/usr/lib64/httpd",
            "/usr/lib64/httpd/modules",
            "/var/www/html",
            "/var/log/httpd",
            "/run/httpd",
        ])
        .link("/etc/httpd/modules", "../../usr/lib64/httpd/modules")
        .link("/etc/httpd/logs", "../../var/log/httpd")
        .link("/etc/httpd/run", "/run/httpd")
        .config("/etc/httpd/conf/httpd.conf", include_str!("httpd.conf"))
        .text("/etc/httpd/conf.d/README", "Files that end in .conf are read here.\n")
        .file("/usr/sbin/httpd", &program);
    let package = NOT_LOADED.iter().fold(package, |package, name| module(package, name));
    modules(package, "httpd", release)
}

/// The modules of one package that this machine has, and the files that load them.
fn modules(mut package: Package, owner: &str, release: Release) -> Package {
    for (file, _, names) in MODULES.iter().filter(|(_, of, _)| *of == owner) {
        let mut text = String::new();
        for name in names.iter().filter(|name| module_file(name).is_file()) {
            // EL 7 starts with prefork.
            let name = if *name == "mpm_event" && release == Release::El7 { "mpm_prefork" } else { name };
            text += &format!("LoadModule {name}_module modules/mod_{name}.so\n");
            if !NOT_LOADED.contains(&name) {
                package = module(package, name);
            }
        }
        if release == Release::El7 && *file == "00-mpm" {
            package = module(package, "mpm_event");
        }
        package = package.config(&format!("/etc/httpd/conf.modules.d/{file}.conf"), text);
    }
    package
}

fn module(package: Package, name: &str) -> Package {
    let file = module_file(name);
    if file.is_file() {
        package.file(&format!("/usr/lib64/httpd/modules/mod_{name}.so"), &file)
    } else {
        package
    }
}

fn module_file(name: &str) -> std::path::PathBuf {
    Path::new(&apxs("LIBEXECDIR")).join(format!("mod_{name}.so"))
}

fn tools(host: &Host) -> Package {
    Package::new("httpd-tools").file("/usr/bin/htpasswd", &host.program("htpasswd"))
}

fn devel(host: &Host, release: Release, isa: &str) -> Package {
    let build = apxs("exp_installbuilddir");
    let script = translated(host, &host.program("apxs"));
    let (plain, vendor) = (variables(host, release, ""), variables(host, release, release.specs()));
    let mut package = Package::new("httpd-devel")
        .requires("httpd = %{version}-%{release}")
        .requires("apr-devel")
        .requires("apr-util-devel")
        .tree("/usr/include/httpd", Path::new(&apxs("INCLUDEDIR")))
        .text("/usr/include/httpd/.mmn", format!("{isa}\n"))
        .script("/usr/bin/apxs", script.clone());
    for name in ["instdso.sh", "library.mk", "ltlib.mk", "mkdir.sh", "program.mk", "rules.mk", "special.mk"] {
        let text = translated(host, &Path::new(&build).join(name));
        package = package.text(&format!("/usr/lib64/httpd/build/{name}"), text);
    }
    let mut apxs = "%{_bindir}/apxs";
    if release == Release::El9 {
        // The distribution's own packages are to have its flags, and other people's need not.
        apxs = "%{_libdir}/httpd/build/vendor-apxs";
        package = package
            .text("/usr/lib64/httpd/build/config_vars.mk", plain)
            .text("/usr/lib64/httpd/build/vendor_config_vars.mk", vendor)
            .script(
                "/usr/lib64/httpd/build/vendor-apxs",
                script.replace("config_vars.mk", "vendor_config_vars.mk"),
            );
    } else {
        package = package.text("/usr/lib64/httpd/build/config_vars.mk", vendor);
    }
    package.text(
        release.macros_file(),
        format!(
            "%_httpd_mmn {isa}\n%_httpd_apxs {apxs}\n%_httpd_modconfdir %{{_sysconfdir}}/httpd/conf.modules.d\n\
             %_httpd_confdir %{{_sysconfdir}}/httpd/conf.d\n%_httpd_contentdir %{{_datadir}}/httpd\n\
             %_httpd_moddir %{{_libdir}}/httpd/modules\n"
        ),
    )
}

/// apxs's variables as Red Hat's configure call makes them.
fn variables(host: &Host, release: Release, specs: &str) -> String {
    const FOLDERS: &[(&str, &str)] = &[
        ("prefix", "/etc/httpd"),
        ("exec_prefix", "/usr"),
        ("bindir", "/usr/bin"),
        ("sbindir", "/usr/sbin"),
        ("libdir", "/usr/lib64"),
        ("libexecdir", "/usr/lib64/httpd/modules"),
        ("mandir", "/usr/share/man"),
        ("sysconfdir", "/etc/httpd/conf"),
        ("datadir", "/usr/share/httpd"),
        ("installbuilddir", "/usr/lib64/httpd/build"),
        ("errordir", "/usr/share/httpd/error"),
        ("iconsdir", "/usr/share/httpd/icons"),
        ("htdocsdir", "/var/www/html"),
        ("manualdir", "/usr/share/httpd/manual"),
        ("cgidir", "/var/www/cgi-bin"),
        ("includedir", "/usr/include/httpd"),
        ("localstatedir", "/var"),
        ("runtimedir", "/run/httpd"),
        ("logfiledir", "/var/log/httpd"),
        ("proxycachedir", "/var/cache/httpd/proxy"),
        ("progname", "httpd"),
        ("SHELL", "/bin/sh"),
    ];
    let flags = format!("{}{specs}", release.cflags());
    let file = Path::new(&apxs("exp_installbuilddir")).join("config_vars.mk");
    let lines = translated(host, &file);
    let line = |line: &str| {
        let Some((name, _)) = line.split_once('=') else { return line.to_owned() };
        let name = name.trim();
        let plain = name.strip_prefix("exp_").unwrap_or(name);
        match FOLDERS.iter().find(|(known, _)| *known == plain) {
            Some((_, value)) => format!("{name} = {value}"),
            None if name == "CFLAGS" => format!("CFLAGS = {flags}"),
            None => line.to_owned(),
        }
    };
    lines.lines().map(|text| line(text) + "\n").collect()
}
