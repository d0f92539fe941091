//! A package over a root with Red Hat's layout and a configuration of its own: the drop-in's number, warnings, refusals.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::debian::Release;
use crate::support::{run, run_fails, scratch};

const MODULE: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "mod_proxy.h"

static int user_handler(request_rec *r)
{
    char hex[3];
    if (!r->handler || strcmp(r->handler, "user")) return DECLINED;
    ap_proxy_c2hex(10, hex);
    ap_rprintf(r, "%.2s\n", hex);
    return OK;
}

static void user_hooks(apr_pool_t *p)
{
    ap_hook_handler(user_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(user) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, user_hooks };
"#;

const RECIPE: &str = r#"
name = "mod_user"
summary = "Calls a function of mod_proxy"
license = "Apache-2.0"
version = "1.0"
[source]
directory = "."
files = ["mod_user.c"]
[[changelog]]
date = 2026-01-01
author = "A. Packager <packager@example.org>"
version = "1.0-1"
notes = ["First package."]
DROP_IN
"#;

/// What is loaded before any drop-in.
const BASE: &str = "LoadModule mpm_event_module /usr/lib64/httpd/modules/mod_mpm_event.so\nInclude \"/etc/httpd/conf.modules.d/*.conf\"\nIncludeOptional /etc/httpd/conf.d/*.conf\n";

const PROXY: &str = "LoadModule proxy_module /usr/lib64/httpd/modules/mod_proxy.so\n";

/// Debian 11's httpd with a layout of Red Hat's and these configuration files. Gone with the value.
struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = Root { folder };
        run(Command::new("cp").arg("-al").arg(Release::Bullseye.sysroot()).arg(root.path()));
        root.write("etc/os-release", "ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"8.9\"\n");
        root.write(
            "usr/lib64/httpd/build/config_vars.mk",
            "prefix = /usr\nexp_sbindir = /usr/sbin\nexp_libexecdir = /usr/lib64/httpd/modules\n\
             exp_includedir = /usr/include/apache2\nexp_sysconfdir = /etc/httpd/conf\nprogname = apache2\nCC = gcc\n\
             CFLAGS = -O2 -g\nEXTRA_CPPFLAGS = -DLINUX -D_REENTRANT -D_GNU_SOURCE\nLDFLAGS = -Wl,-z,relro -Wl,-z,now\n\
             APR_INCLUDEDIR = /usr/include/apr-1.0\nAPU_INCLUDEDIR = /usr/include/apr-1.0\n",
        );
        fs_err::create_dir_all(root.path().join("usr/lib64/httpd")).unwrap();
        fs_err::rename(
            root.path().join("usr/lib/apache2/modules"),
            root.path().join("usr/lib64/httpd/modules"),
        )
        .unwrap();
        // LoadModule's `modules/`, as Red Hat's packages have it.
        std::os::unix::fs::symlink("../../usr/lib64/httpd/modules", {
            fs_err::create_dir_all(root.path().join("etc/apache2")).unwrap();
            root.path().join("etc/apache2/modules")
        })
        .unwrap();
        for (name, text) in files {
            root.write(name, text);
        }
        root
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        // A hard link: what it leads to stays as it is.
        let _ = fs_err::remove_file(&file);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
    }

    fn build(&self, drop_in: &str) -> Build {
        let (recipe, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs_err::write(recipe.path().join("mod_user.c"), MODULE).unwrap();
        let text = RECIPE.replace("DROP_IN", drop_in);
        fs_err::write(recipe.path().join("module.toml"), text).unwrap();
        let mut command = modgraft();
        command.args(["build-module", "--offline", "--no-check", "--verbose", "--sign-key", "none"]);
        command.arg(recipe.path()).arg("--target").arg(self.path()).arg("--out").arg(out.path());
        let output = command.output().unwrap();
        let files = fs_err::read_dir(out.path()).unwrap().flatten();
        Build {
            code: output.status.code().unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
            package: files.map(|entry| entry.path()).find(|path| {
                let name = path.to_string_lossy().into_owned();
                name.ends_with(".rpm") && !name.ends_with(".src.rpm") && !name.contains("debuginfo")
            }),
            _out: out,
        }
    }
}

struct Build {
    code: i32,
    said: String,
    package: Option<PathBuf>,
    _out: tempfile::TempDir,
}

impl Build {
    fn drop_in(&self) -> String {
        let files = run(Command::new("rpm").arg("-qpc").arg(self.package.as_ref().expect(&self.said)));
        files.lines().find(|file| file.contains("conf.modules.d")).unwrap().to_owned()
    }
}

fn modgraft() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", scratch("loader-cache")).env("NO_COLOR", "1");
    command
}

#[test]
fn the_number_of_a_drop_in_follows_from_the_configuration() {
    let root = Root::new(&[
        ("etc/apache2/apache2.conf", BASE),
        ("etc/httpd/conf.modules.d/00-a.conf", "LoadModule alias_module modules/mod_alias.so\n"),
        ("etc/httpd/conf.modules.d/20-proxy.conf", PROXY),
    ]);
    let build = root.build("");
    assert_eq!(build.code, 0, "{}", build.said);
    assert_eq!(build.drop_in(), "/etc/httpd/conf.modules.d/21-user.conf");
    assert!(
        build.said.contains("the target's httpd would load 4 modules, user_module as number 4"),
        "{}",
        build.said
    );
    // Without the main file, the drop-ins themselves tell.
    fs_err::remove_file(root.path().join("etc/apache2/apache2.conf")).unwrap();
    let build = root.build("");
    assert_eq!((build.code, build.drop_in().as_str()), (0, "/etc/httpd/conf.modules.d/21-user.conf"));
    assert!(build.said.contains("loading is not simulated"), "{}", build.said);
}

#[test]
fn a_prerequisite_that_nobody_loads_is_told_of() {
    let root =
        Root::new(&[("etc/apache2/apache2.conf", BASE), ("etc/httpd/conf.modules.d/00-a.conf", "# none\n")]);
    let build = root.build("");
    assert_eq!((build.code, build.drop_in().as_str()), (0, "/etc/httpd/conf.modules.d/10-user.conf"));
    for part in [
        "prerequisite proxy_module is not loaded by the target's configuration",
        "until then httpd would refuse: apache2: Syntax error on line 2 of /etc/apache2/apache2.conf",
        "undefined symbol: ap_proxy_c2hex",
    ] {
        assert!(build.said.contains(part), "{part} in\n{}", build.said);
    }
}

#[test]
fn what_httpd_would_refuse_is_not_written() {
    let root =
        Root::new(&[("etc/apache2/apache2.conf", BASE), ("etc/httpd/conf.modules.d/00-proxy.conf", PROXY)]);
    let build = root.build("[drop-in]\ndirectives = \"<Location /user>\\nSetHandler user\\n\"");
    assert_eq!((build.code, build.package.is_none()), (8, true), "{}", build.said);
    assert!(build.said.contains("modgraft::loader::refused"), "{}", build.said);
    assert!(build.said.contains("<Location> was not closed"), "{}", build.said);
    // What is wrong without the package is not the package's fault.
    root.write("etc/httpd/conf.modules.d/50-broken.conf", "LoadModule none_module modules/none.so\n");
    let build = root.build("");
    assert_eq!(build.code, 0, "{}", build.said);
    assert!(
        build.said.contains("the target's own configuration would be refused, without the package"),
        "{}",
        build.said
    );
    // Nor is it wrong that nobody reads the drop-in, but somebody should know.
    root.write("etc/apache2/apache2.conf", &BASE.replace("/conf.modules.d/*", "/conf.modules.d/00*"));
    let build = root.build("");
    assert_eq!(build.code, 0, "{}", build.said);
    assert!(build.said.contains("user_module would not be loaded"), "{}", build.said);
}

#[test]
fn suses_list_decides_where_its_tool_loads() {
    let files = [
        ("etc/os-release", "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\n"),
        ("usr/share/apache2/build/config_vars.mk", ""),
        ("etc/sysconfig/apache2", "APACHE_MODULES=\"alias proxy\"\n"),
        (
            "etc/apache2/apache2.conf",
            "LoadModule mpm_event_module /usr/lib64/httpd/modules/mod_mpm_event.so\n<IfDefine SYSCONFIG>\n\
             Include /etc/apache2/sysconfig.d/loadmodule.conf\n</IfDefine>\nIncludeOptional /etc/apache2/conf.d/*.conf\n",
        ),
    ];
    let root = Root::new(&files);
    let variables = fs_err::read_to_string(root.path().join("usr/lib64/httpd/build/config_vars.mk")).unwrap();
    root.write(
        "usr/share/apache2/build/config_vars.mk",
        &variables.replace("/etc/httpd/conf", "/etc/apache2"),
    );
    let build = root.build("");
    assert_eq!(build.code, 0, "{}", build.said);
    assert!(
        build.said.contains("the target's httpd would load 4 modules, user_module as number 4"),
        "{}",
        build.said
    );
    root.write("etc/sysconfig/apache2", "APACHE_MODULES=\"alias\"\n");
    let build = root.build("");
    assert_eq!(build.code, 0, "{}", build.said);
    assert!(build.said.contains("prerequisite proxy_module is not loaded"), "{}", build.said);
}

#[test]
fn the_command_prints_order_and_verdict() {
    let root =
        Root::new(&[("etc/apache2/apache2.conf", BASE), ("etc/httpd/conf.modules.d/20-proxy.conf", PROXY)]);
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let file = files.path().join(name);
        fs_err::write(&file, text).unwrap();
        file
    };
    let simulate = |more: &[&dyn AsRef<Path>]| {
        let mut command = modgraft();
        command.args(["target", "simulate"]).arg(root.path());
        command.args(more.iter().map(|part| part.as_ref().as_os_str().to_owned()));
        command
    };
    let http = "LoadModule proxy_http_module modules/mod_proxy_http.so\n";
    let late = write("30-http.conf", http);
    let text = run(&mut simulate(&[&"--drop-in", &late]));
    let order: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(order[2..5], ["mpm_event_module", "proxy_module", "proxy_http_module"], "{text}");
    assert!(text.contains("/etc/httpd/conf.modules.d/30-http.conf:1  uses mod_proxy.so"), "{text}");
    assert!(text.ends_with("httpd would load all 3 modules\n"), "{text}");

    let early = write("10-http.conf", http);
    let mut command = simulate(&[&"--drop-in", &early]);
    assert_eq!(command.output().unwrap().status.code(), Some(8));
    let said = run_fails(&mut command);
    for part in [
        "Syntax error on line 1 of /etc/httpd/conf.modules.d/10-http.conf",
        "its LoadModule (line 1 of /etc/httpd/conf.modules.d/20-proxy.conf) must come before",
        "as 21-http.conf it would",
    ] {
        assert!(said.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{part} in\n{said}");
    }
    let json = command.arg("--json").output().unwrap();
    let simulation: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(simulation["verdict"], "refused");
    assert_eq!(simulation["cause"]["detail"]["symbol"], "ap_proxy_location_reverse_map");
    assert_eq!(simulation["loads"][1]["outcome"], "refused");

    // Elsewhere, by another main file, with a name defined.
    let conf = write(
        "own.conf",
        &format!("{}\n<IfDefine WITH>\nInclude /etc/x/*.conf\n</IfDefine>\n", BASE.lines().next().unwrap()),
    );
    let placed = format!("{}=/etc/x/a.conf", late.display());
    let said = run_fails(&mut simulate(&[&"--conf", &conf, &"-D", &"WITH", &"--drop-in", &placed]));
    assert!(said.contains("Syntax error on line 1 of /etc/x/a.conf"), "{said}");
    let text = run(&mut simulate(&[&"--conf", &conf, &"--drop-in", &placed]));
    assert!(text.ends_with("httpd would load all 1 modules\n"), "{text}");
}

/// The target's own file has the function, and is not the one that is loaded.
#[test]
fn what_the_packages_own_module_lacks_is_not_sought_in_the_one_it_replaces() {
    let http = "LoadModule proxy_http_module modules/mod_proxy_http.so\n";
    let root = Root::new(&[
        ("etc/apache2/apache2.conf", BASE),
        ("etc/httpd/conf.modules.d/20-proxy.conf", PROXY),
        ("etc/httpd/conf.modules.d/30-http.conf", http),
    ]);
    let files = tempfile::tempdir().unwrap();
    let (source, module) = (files.path().join("mod_proxy.c"), files.path().join("mod_proxy.so"));
    let text = "#include \"httpd.h\"\n#include \"http_config.h\"\nAP_DECLARE_MODULE(proxy) = { STANDARD20_MODULE_STUFF };\n";
    fs_err::write(&source, text).unwrap();
    let include = root.path().join("usr/include");
    run(Command::new("cc")
        .args(["-shared", "-fPIC", "-D_GNU_SOURCE", "-o"])
        .arg(&module)
        .arg(&source)
        .arg(format!("-I{}", include.join("apache2").display()))
        .arg(format!("-I{}", include.join("apr-1.0").display())));
    let mut command = modgraft();
    command.args(["target", "simulate"]).arg(root.path()).arg("--module").arg(&module);
    let said = run_fails(&mut command);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("the target's own mod_proxy.so has `ap_proxy_"), "{said}");
    assert!(words.contains("and the mod_proxy.so that takes its place does not"), "{said}");
}
