//! Modules in Enterprise Linux: built for its httpd, published, installed by the real dnf from both repositories, and run by the
//! httpd that came with them.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use modgraft::check::backend::Backend;
use modgraft::check::stream::Deadline;
use modgraft::check::websocket::{self, Opening};
use modgraft::recipe::check::{Message, MessageKind};
use support::el::Release;
use support::el::machine::{How, Machine, Source, development_tools};
use support::rpmbuild::{query, rebuild_with};
use support::server::Server;
use support::{run, run_fails, scratch};

const LIMIT: Duration = Duration::from_secs(30);
const MODULE: &str = "mod_proxy_wstunnel";

/// The repository with our packages: the reference module's two releases for one release of Enterprise Linux.
#[derive(Debug, Clone)]
struct Ours {
    folder: PathBuf,
    key: PathBuf,
}

fn modgraft() -> Command {
    let folder = scratch("el_install");
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", folder.join("cache")).env("MODGRAFT_DATA", folder.join("data"));
    command
}

/// Adds the target that is called as its profile is, from its repository over http.
fn add(release: Release) {
    let base = release.repository();
    let server = Server::folder(base.folder);
    let name = release.profile();
    let mut command = modgraft();
    command.args(["target", "add", &name, "--profile", &name, "--no-lock", "--repo", &server.url("/")]);
    run(command.arg("--key").arg(base.key));
}

/// Builds the recipe for a target, and returns the key beside the packages.
fn build(recipe: &Path, target: &Path, out: &Path) -> PathBuf {
    run(modgraft()
        .args(["build-module", "--offline", "--no-check"])
        .arg(recipe)
        .arg("--target")
        .arg(target)
        .arg("--out")
        .arg(out));
    out.join("modgraft-development-key.asc")
}

fn publish(folder: &Path) {
    run(Command::new("createrepo_c").args(["-q", "--no-database"]).arg(folder));
}

/// The reference recipe as its release `number`.
fn recipe(number: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules").join(MODULE);
    for entry in fs_err::read_dir(from).unwrap().map(Result::unwrap) {
        fs_err::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let file = folder.path().join("module.toml");
    let text = fs_err::read_to_string(&file).unwrap();
    let changed = text.replacen("\nrelease = \"1\"\n", &format!("\nrelease = \"{number}\"\n"), 1);
    assert!(number == 1 || changed != text);
    fs_err::write(file, changed).unwrap();
    folder
}

/// Both releases of the package in folders of their own, made once for each release of Enterprise Linux.
fn ours(release: Release, number: u32) -> Ours {
    static MADE: OnceLock<Mutex<BTreeMap<(String, u32), Ours>>> = OnceLock::new();
    // Held while it is made: the development key is made by the first.
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
    if !made.keys().any(|(profile, _)| *profile == release.profile()) {
        add(release);
    }
    let make = || {
        let folder = scratch("el_install").join(format!("{}-{number}", release.profile()));
        let key = build(recipe(number).path(), Path::new(&release.profile()), &folder);
        publish(&folder);
        Ours { folder, key }
    };
    made.entry((release.profile(), number)).or_insert_with(make).clone()
}

/// A machine that knows both repositories, and their servers.
fn machine(release: Release, ours: &Ours) -> (Machine, [Server; 2]) {
    let base = release.repository();
    let servers = [Server::folder(base.folder), Server::folder(&ours.folder)];
    let source =
        |name, server: &Server, key: &Path| Source { name, url: server.url("/"), key: key.to_owned() };
    let sources = [source("base", &servers[0], &base.key), source("ours", &servers[1], &ours.key)];
    (Machine::new(release, &sources), servers)
}

/// From an empty root to a WebSocket that passes, to the next release, to nothing left.
fn lives_on(release: Release, how: How) {
    let (machine, servers) = machine(release, &ours(release, 1));
    run(&mut machine.dnf(&["install", "httpd"]));
    let before = machine.files();
    run(&mut machine.dnf(&["install", MODULE]));

    // What it needs is there, by rpm's own account, and it is as it was packaged.
    assert_eq!(run(&mut machine.rpm(&["-V", MODULE])), "");
    let requires = run(&mut machine.rpm(&["-q", "--requires", MODULE]));
    assert!(requires.contains(&format!("httpd-mmn = {}\n", release.mmn())), "{requires}");
    let signature = run(&mut machine.rpm(&["-q", "--qf", "%{RSAHEADER:pgpsig}", MODULE]));
    assert!(signature.starts_with("RSA/SHA256, "), "{signature}");
    let files = run(&mut machine.rpm(&["-ql", MODULE]));
    for file in [
        "/usr/lib64/httpd/modules/mod_proxy_wstunnel.so",
        "/etc/httpd/conf.modules.d/10-proxy_wstunnel.conf",
        "/etc/httpd/conf.d/proxy_wstunnel.conf",
    ] {
        assert!(files.lines().any(|line| line == file), "{file} in {files}");
    }
    // Nothing of httpd's is claimed.
    assert!(
        !files.lines().any(|line| line == "/etc/httpd/conf.modules.d" || line == "/usr/lib64/httpd/modules")
    );

    let backend = Backend::echo(LIMIT).unwrap();
    let httpd = machine.httpd(how);
    httpd.site(&format!("ProxyPass \"/ws/\" \"ws://{}/\"\n", backend.address()));
    assert!(httpd.says("-t").contains("Syntax OK"));
    let modules = httpd.says("-M");
    let place = |name: &str| modules.find(name).unwrap_or_else(|| panic!("{name} in {modules}"));
    assert!(place(" proxy_module (shared)") < place(" proxy_wstunnel_module (shared)"));

    let (running, address) = httpd.start();
    let opened = websocket::open(address, "/ws/echo", Some("chat"), &[], Deadline::after(LIMIT));
    match opened.unwrap_or_else(|error| panic!("{error}: {}", httpd.log())) {
        Opening::Open { mut socket, .. } => {
            for bytes in [5, 0, 65_536] {
                let message = Message::Generated { bytes, kind: MessageKind::Binary };
                websocket::echo(&mut socket, &message).unwrap();
            }
            websocket::close(&mut socket).unwrap();
        }
        Opening::Refused(response) => panic!("{response:?}\n{}", httpd.log()),
    }
    httpd.stop(running);
    assert!(!httpd.log().contains("exit signal"), "{}", httpd.log());

    // The next release.
    let next = ours(release, 2);
    let next_server = Server::folder(&next.folder);
    machine.configure(&Source { name: "ours", url: next_server.url("/"), key: next.key });
    run(&mut machine.dnf(&["upgrade", MODULE]));
    assert!(run(&mut machine.rpm(&["-q", MODULE])).contains("-2."));
    assert!(httpd.says("-M").contains(" proxy_wstunnel_module (shared)"));

    run(&mut machine.dnf(&["remove", MODULE]));
    let added = ["/dev/urandom", "/etc/httpd/conf.d/site.conf", "/etc/httpd/conf/httpd.conf.packaged"];
    let after = machine.files();
    let left: Vec<_> =
        after.iter().filter(|path| !before.contains(path) && !added.contains(&path.as_str())).collect();
    assert!(left.is_empty(), "{left:?} are left");
    assert!(before.iter().all(|path| after.contains(path)), "it took away what was there before");
    assert!(!httpd.says("-M").contains("wstunnel"));
    // Both repositories were asked, over http.
    for server in servers {
        assert!(server.requests().iter().any(|request| request.target.ends_with(".rpm")));
    }
}

#[test]
fn the_reference_module_lives_on_enterprise_linux_7() {
    lives_on(Release::El7, How::Outside);
}

#[test]
fn the_reference_module_lives_on_enterprise_linux_8() {
    lives_on(Release::El8, How::Inside);
}

#[test]
fn the_reference_module_lives_on_enterprise_linux_9() {
    lives_on(Release::El9, How::Inside);
}

/// The debug information recommends the sources that it names.
#[test]
fn the_sources_for_debuggers_come_with_the_debug_information() {
    let release = Release::El9;
    let (machine, _servers) = machine(release, &ours(release, 1));
    let (debuginfo, debugsource) = (format!("{MODULE}-debuginfo"), format!("{MODULE}-debugsource"));
    run(&mut machine.dnf(&["install", "--setopt=install_weak_deps=True", &debuginfo]));
    for package in [&debuginfo, &debugsource] {
        assert_eq!(run(&mut machine.rpm(&["-V", package])), "");
    }
    let files = run(&mut machine.rpm(&["-ql", &debugsource]));
    let place = format!("/usr/src/debug/{MODULE}-1.0.0-1.x86_64");
    for file in ["mod_proxy_wstunnel.c", "modules/proxy/mod_proxy_wstunnel.c", "modules/proxy/proxy_util.c"] {
        assert!(files.lines().any(|line| line == format!("{place}/{file}")), "{file} in {files}");
    }
}

/// What rpmbuild makes of the source package where httpd-devel's macros, apxs, headers and libraries are EL's.
fn rebuilds(release: Release) {
    let root = release.sysroot();
    let folder = tempfile::tempdir().unwrap();
    let apxs = development_tools(&root, folder.path());
    let made_by_us = ours(release, 1).folder;
    let find = |ending: &str| {
        let files = fs_err::read_dir(&made_by_us).unwrap().map(|entry| entry.unwrap().path());
        let name = format!("{MODULE}-1.0.0-1.{ending}.rpm");
        files.into_iter().find(|file| file.ends_with(&name)).unwrap_or_else(|| panic!("{name}"))
    };
    let macros = root.join(&release.macros_file()[1..]).display().to_string();
    let apxs = format!("_httpd_apxs {}", apxs.display());
    let payload = if release == Release::El7 { "w9.gzdio" } else { "w3.zstdio" };
    let payload = format!("_binary_payload {payload}");
    // As redhat-rpm-config has it.
    let debugsource = if release == Release::El7 { "_unused 1" } else { "_debugsource_packages 1" };
    let options = ["--load", &macros, "--define", &apxs, "--define", &payload, "--define", debugsource];
    let made = rebuild_with(&find("src"), &folder.path().join("top"), &options);
    let binary = find("x86_64");
    let files = "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEFLAGS:fflags}\\n]";
    for format in [files, "[%{PROVIDENEVRS}\\n]", "[%{REQUIRENEVRS}\\n]"] {
        assert_eq!(query(&binary, format), query(&made[0], format), "{format}");
    }
    let debugsource = format!("{MODULE}-debugsource-1.0.0-1.x86_64.rpm");
    let theirs = made.iter().find(|path| path.ends_with(&debugsource));
    assert_eq!(theirs.is_some(), release != Release::El7);
    if let Some(theirs) = theirs {
        let ours = made_by_us.join(debugsource);
        for format in [files, "[%{PROVIDENEVRS}\\n]", "[%{FILEDIGESTS}\\n]"] {
            assert_eq!(query(&ours, format), query(theirs, format), "{format}");
        }
    }
}

#[test]
fn the_source_package_builds_on_enterprise_linux_7() {
    rebuilds(Release::El7);
}

#[test]
fn the_source_package_builds_on_enterprise_linux_8() {
    rebuilds(Release::El8);
}

#[test]
fn the_source_package_builds_on_enterprise_linux_9() {
    rebuilds(Release::El9);
}

/// A module that was built for another httpd is not installed.
#[test]
fn dnf_refuses_what_was_built_for_another_module_magic_number() {
    let release = Release::El8;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root = folder.path().join("root");
    run(Command::new("cp").arg("-al").arg(release.sysroot()).arg(&root));
    let stated = root.join("usr/include/httpd/.mmn");
    fs_err::remove_file(&stated).unwrap();
    fs_err::write(stated, "20990101x8664\n").unwrap();
    let out = folder.path().join("out");
    let key = build(recipe(1).path(), &root, &out);
    publish(&out);
    let (machine, _servers) = machine(release, &Ours { folder: out, key });
    let refusal = run_fails(&mut machine.dnf(&["install", MODULE]));
    assert!(refusal.contains("nothing provides httpd-mmn = 20990101x8664"), "{refusal}");
    assert!(!machine.root().join("usr/lib64/httpd").exists());
}

/// A repository that states another key than the packages are signed with.
#[test]
fn dnf_refuses_what_another_key_signed() {
    let release = Release::El8;
    let ours = Ours { key: release.repository().key, ..ours(release, 1) };
    let (machine, _servers) = machine(release, &ours);
    let refusal = run_fails(&mut machine.dnf(&["install", MODULE]));
    assert!(refusal.contains("GPG check FAILED"), "{refusal}");
    assert!(!machine.root().join("usr/lib64/httpd").exists());
}
