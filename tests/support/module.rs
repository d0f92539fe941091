//! A tiny module, compiled for the httpd of this machine, and all that packages are made of.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use modgraft::audit::{Audit, Prerequisite};
use modgraft::compile::{CompilerCall, SharedObject};
use modgraft::package::{self, Content, FileKind, Inputs, Package, PackageSet, Upstream};
use modgraft::profile::Profile;
use modgraft::recipe::{ChangelogEntry, Compat, Document, DocumentKind, Recipe};
use modgraft::source::{PatchFile, SourceSpec, Sources};
use modgraft::target::{self, GlibcVersion, Mmn, Target};

use super::run;

pub const SOURCE: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int tiny_handler(request_rec *r)
{
    char text[64];
    if (!r->handler || strcmp(r->handler, "tiny")) return DECLINED;
    snprintf(text, sizeof(text), "%s %d\n", r->uri, (int)getpid());
    ap_rputs(text, r);
    return OK;
}

static void tiny_hooks(apr_pool_t *p)
{
    ap_hook_handler(tiny_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tiny) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, tiny_hooks };
"#;

/// A function of which a patch shows nothing but itself, and the line that it stands on.
const HUNK: &str = "static int from_hunk(int number)\n{\n    return number * 7 + getpid();\n}\n";
const HUNK_LINE: u32 = 41;

/// The module as upstream would have it, with a comment in front.
fn upstream() -> String {
    format!("/* tiny */\n\n{SOURCE}").replace("(int)getpid()", "from_hunk((int)getpid())")
}

/// What a graft of it looks like: a line of its own, a part of a file that is known in parts, a part of one that nobody has.
fn from_upstream() -> String {
    let (includes, rest) = SOURCE.split_once("\n\n").unwrap();
    let rest = rest.replace("(int)getpid()", "from_hunk((int)getpid())");
    let line = 2 + includes.lines().count() + 2;
    format!(
        "{includes}\nstatic int gone(int);\n#line {HUNK_LINE} \"server/hunk.c\"\n{HUNK}#line {line} \"modules/tiny/mod_tiny.c\"\n\
         {rest}#line 5 \"server/gone.c\"\n__attribute__((used)) static int gone(int number)\n{{\n    return number / 3;\n}}\n"
    )
}

/// 2013-06-13 00:00 UTC.
pub const TIME: u64 = 1_371_081_600;

/// The stages before, done by hand; a test changes what it is about.
pub struct Module {
    pub folder: tempfile::TempDir,
    pub recipe: Recipe,
    pub target: Target,
    pub object: SharedObject,
    pub audit: Audit,
    pub sources: Sources,
    /// The flat C file.
    pub source: String,
    pub upstream: Upstream,
    pub extra: Vec<(String, Arc<[u8]>)>,
    pub requires: Vec<String>,
    pub notes: Vec<(String, Arc<[u8]>)>,
    pub time: u64,
}

impl Module {
    pub fn new() -> Self {
        Module::of_source(SOURCE)
    }

    /// Of a C file whose lines are from files of upstream.
    pub fn of_upstream() -> Self {
        let mut module = Module::of_source(&from_upstream());
        let text = |text: &str| Arc::from(text.as_bytes());
        module.upstream.files = [
            ("modules/tiny/mod_tiny.c".to_owned(), text(&upstream())),
            ("server/hunk.c".to_owned(), text(&format!("{}{HUNK}", "\n".repeat(40)))),
            // Of which the compiler had nothing to say.
            ("modules/tiny/unused.h".to_owned(), text("#define UNUSED 1\n")),
        ]
        .into();
        module
    }

    fn of_source(source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
        write("LICENSE", "Do what you like.\n");
        write("README.md", "# tiny\n\nNäher beschrieben.\n");
        let object = compile(folder.path(), source);
        Module {
            recipe: recipe(folder.path()),
            target: target(),
            object,
            audit: Audit {
                exports: vec!["tiny_module".into()],
                imports: Vec::new(),
                load_order: 10,
                own_libraries: Vec::new(),
                unused_libraries: Vec::new(),
                load_after: vec![Prerequisite { symbol: "proxy_module".into(), file: "mod_proxy.so".into() }],
                needed: vec!["libc.so.6".into()],
                glibc: Some(GlibcVersion { major: 2, minor: 4 }),
                hardening: Vec::new(),
            },
            sources: Sources {
                patches: vec![PatchFile {
                    name: "0001-tiny module.patch".into(),
                    bytes: b"--- /dev/null\n+++ b/mod_tiny.c\n@@ -0,0 +1 @@\n+int x;\n".as_slice().into(),
                    sha256: String::new(),
                    commit: None,
                }],
                base: None,
                files: Vec::new(),
                description: "1 patch".into(),
            },
            source: source.to_owned(),
            upstream: Upstream::default(),
            extra: Vec::new(),
            requires: Vec::new(),
            notes: vec![("GRAFT.md".into(), b"# mod_tiny for httpd\n".as_slice().into())],
            time: TIME,
            folder,
        }
    }

    /// As for the own httpd of a profile's distribution. The object is this machine's all the same.
    pub fn of_profile(name: &str) -> Self {
        let mut module = Module::new();
        let profile = Profile::named(name).unwrap();
        // Where the distributions' httpd has its modules, which only apxs says.
        let modules = match profile.httpd.sysconfdir.as_str() {
            "/etc/httpd/conf" => "/usr/lib64/httpd/modules",
            "/etc/apache2" if profile.packages.httpd == "apache2" => "/usr/lib64/apache2",
            _ => "/usr/lib/apache2/modules",
        };
        let sysconfdir = match profile.httpd.sysconfdir.as_str() {
            "" => "/opt/httpd/conf",
            own => own,
        };
        let fill = |text: &str| text.replace("{sysconfdir}", sysconfdir).replace("{libexecdir}", modules);
        let layout = &mut module.target.layout;
        layout.module_dir = modules.to_owned();
        layout.load_file = fill(&profile.layout.load_file);
        layout.directives_file = fill(&profile.layout.directives_file);
        layout.load_prefix = fill(&profile.layout.load_prefix);
        layout.loaded_by_tool = profile.layout.loaded_by_tool;
        layout.enable = profile.layout.enable.as_deref().map(fill);
        layout.dependency_line = profile.layout.dependency_line.clone();
        let mmn = if name == "el6" { 20_051_115 } else { 20_120_211 };
        let stated = profile.packaging.httpd_mmn.replace("{mmn}", &mmn.to_string());
        layout.mmn_requirement = stated.replace("{isa}", "x8664");
        module.target.mmn.major = mmn;
        module.target.profile = profile;
        module
    }

    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            recipe: &self.recipe,
            target: &self.target,
            object: &self.object,
            audit: &self.audit,
            flat_source: ("mod_tiny.c", &self.source),
            sources: &self.sources,
            upstream: &self.upstream,
            extra_sources: &self.extra,
            requires: &self.requires,
            notes: &self.notes,
            source_date_epoch: self.time,
        }
    }

    pub fn packages(&self) -> PackageSet {
        package::assemble(&self.inputs()).unwrap()
    }
}

/// The text of a file of a package.
pub fn text_of(package: &Package, path: &str) -> String {
    let file =
        package.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("there is no {path}"));
    match &file.kind {
        FileKind::Regular(Content::Memory(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{path}: {other:?}"),
    }
}

fn recipe(folder: &Path) -> Recipe {
    Recipe {
        name: "mod_tiny".into(),
        symbol: None,
        summary: "A tiny module".into(),
        description: "Answers each request with its path.\n\nThat is all.".into(),
        license: "Apache-2.0".into(),
        url: Some("https://example.org/tiny".into()),
        version: "1.0".into(),
        release: "1".into(),
        changelog: vec![ChangelogEntry {
            date: jiff::civil::date(2013, 6, 13),
            author: "A. Packager <packager@example.org>".into(),
            version: Some("1.0-1".into()),
            notes: vec!["first package".into(), "made by hand".into()],
        }],
        source: SourceSpec::Patches { files: Vec::new(), base: None },
        libraries: Vec::new(),
        directives: Some("<Location \"/tiny\">\n    SetHandler {{short_name}}\n</Location>\n".into()),
        checks: Vec::new(),
        rules: Vec::new(),
        requires: Vec::new(),
        compat: Compat::default(),
        accept_risks: Vec::new(),
        allowed_lints: Vec::new(),
        headers: Vec::new(),
        defines: Vec::new(),
        documents: vec![
            Document { path: "LICENSE".into(), kind: DocumentKind::License },
            Document { path: "README.md".into(), kind: DocumentKind::Documentation },
        ],
        directory: folder.to_owned(),
        text: "name = \"mod_tiny\"\n".into(),
        assumptions: Vec::new(),
    }
}

/// The httpd of this machine, with versions that do not change when it is updated.
fn target() -> Target {
    let options = target::Options { offline: true, ..target::Options::new(super::scratch("cache")) };
    let local =
        target::resolve("local", &options, &|_| {}).expect("the test needs apache2-dev or httpd-devel");
    Target { mmn: Mmn { major: 20120211, minor: 141 }, httpd_version: "2.4.68".into(), ..local }
}

fn compile(folder: &Path, source: &str) -> SharedObject {
    let path = |name: &str| folder.join(name);
    fs_err::write(path("mod_tiny.c"), source).unwrap();
    fs_err::write(path("mod_tiny.map"), "{ global: tiny_module; local: *; };\n").unwrap();
    let apxs = |name: &str| run(Command::new("apxs").args(["-q", name])).trim().to_owned();
    let apr = run(Command::new("apr-1-config").args(["--includes", "--cppflags"]));
    let mut arguments: Vec<String> =
        ["-O2", "-g", "-fPIC", "-shared", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"]
            .map(String::from)
            .into();
    arguments.extend(apr.split_whitespace().map(String::from));
    arguments.push(format!("-I{}", apxs("includedir")));
    arguments.push(format!("-ffile-prefix-map={}=/usr/src/debug/mod_tiny-1.0-1.x86_64", folder.display()));
    arguments
        .extend(["-Wl,-z,relro", "-Wl,-z,now", "-Wl,--as-needed", "-Wl,--build-id=sha1"].map(String::from));
    arguments.push(format!("-Wl,--version-script={}", path("mod_tiny.map").display()));
    run(Command::new("cc").current_dir(folder).args(&arguments).args(["-o", "mod_tiny.so", "mod_tiny.c"]));
    run(Command::new("objcopy")
        .arg("--only-keep-debug")
        .arg(path("mod_tiny.so"))
        .arg(path("mod_tiny.so.debug")));
    run(Command::new("objcopy")
        .arg("--strip-unneeded")
        .arg(format!("--add-gnu-debuglink={}", path("mod_tiny.so.debug").display()))
        .arg(path("mod_tiny.so")));
    let notes = run(Command::new("readelf").arg("-n").arg(path("mod_tiny.so")));
    let id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).unwrap().to_owned();
    let build_id =
        (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect();
    SharedObject {
        file: path("mod_tiny.so"),
        debug_file: path("mod_tiny.so.debug"),
        build_id,
        call: CompilerCall { program: PathBuf::from("cc"), arguments, dropped: Vec::new() },
        warnings: Vec::new(),
    }
}
