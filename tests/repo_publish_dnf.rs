//! The real dnf, with gpgcheck=1 and repo_gpgcheck=1, on what `modgraft repo publish` publishes, over http.

mod support;

use std::path::Path;

use support::el::Release;
use support::el::machine::Machine;
use support::publisher::{Publisher, listed, metadata, text};
use support::repository::{Size, Spec, fill, rpms};
use support::server::{Served, Server};
use support::{run, run_fails};

fn of(version: &str) -> Spec {
    Spec::new().package("thing", version, &["Requires: part"], &["/usr/share/thing", "/etc/thing.conf"])
}

/// A publisher, a repository with one release of `thing`, and what serves it.
struct Site {
    me: Publisher,
    server: Server,
    folder: std::path::PathBuf,
}

impl Site {
    fn new(options: &[&str]) -> Self {
        let me = Publisher::new();
        let folder = me.path("repo");
        fs_err::create_dir(&folder).unwrap();
        let server = Server::folder(&folder);
        let site = Site { me, server, folder };
        let part = Spec::new().package("part", "1", &["BuildArch: noarch"], &["/usr/share/part"]);
        let parts = site.me.packages("parts", &part);
        let url = site.server.url("");
        site.publish(&[&[text(&parts), "--name", "mods", "--base-url", &url], options].concat());
        site.release("1.0");
        site
    }

    fn publish(&self, arguments: &[&str]) {
        self.me.good(&[&["publish", text(&self.folder)], arguments].concat());
        self.me.demand_whole(&self.folder);
    }

    fn release(&self, version: &str) {
        let given = self.me.packages(version, &of(version));
        self.publish(&[text(&given)]);
    }

    /// The .repo file as dnf gets it.
    fn repo_file(&self) -> String {
        fs_err::read_to_string(self.folder.join("mods.repo")).unwrap()
    }

    /// A machine that knows the repository by its own .repo file.
    fn machine(&self) -> Machine {
        let machine = Machine::new(Release::El9, &[]);
        machine.take("mods", &self.repo_file());
        machine
    }
}

fn version(machine: &Machine) -> String {
    run(&mut machine.rpm(&["-q", "--qf", "%{version}", "thing"]))
}

fn lives(options: &[&str]) {
    let site = Site::new(options);
    assert!(site.repo_file().contains("gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=http://127.0.0.1:"));
    let machine = site.machine();
    run(&mut machine.dnf(&["install", "thing"]));
    assert_eq!(version(&machine), "1.0");
    assert_eq!(run(&mut machine.rpm(&["-V", "thing"])), "");
    site.release("2.0");
    // What dnf has read within this second is never too old for it, even by metadata_expire=0.
    run(&mut machine.dnf(&["--refresh", "upgrade", "thing"]));
    assert_eq!(version(&machine), "2.0");
    run(&mut machine.dnf(&["downgrade", "thing"]));
    assert_eq!(version(&machine), "1.0");
    // The list of files is read as well.
    let owner = run(&mut machine.dnf(&["-q", "repoquery", "--whatprovides", "/usr/share/thing"]));
    assert!(owner.contains("thing-0:2.0-1.x86_64"), "{owner}");
    run(&mut machine.dnf(&["remove", "thing", "part"]));
    assert!(!machine.root().join("usr/share/thing").exists());
    // What is taken out is not offered any more.
    site.publish(&["--remove", "thing-2.0-1.x86_64"]);
    run(&mut machine.dnf(&["--refresh", "install", "thing"]));
    assert_eq!(version(&machine), "1.0");
    let asked = site.server.requests();
    for file in ["/repodata/repomd.xml", "/repodata/repomd.xml.asc", "/RPM-GPG-KEY-mods"] {
        assert!(asked.iter().any(|request| request.target == file), "{file}");
    }
}

#[test]
fn dnf_installs_upgrades_downgrades_and_removes() {
    lives(&[]);
}

#[test]
fn dnf_reads_zstd_where_only_those_are_served_that_do() {
    lives(&["--for", "el10,fedora"]);
}

/// Several hundred packages, so that each file is in several parts: gzip members, zstd frames.
#[test]
fn dnf_reads_metadata_in_parts() {
    for (form, serve) in [("gzip", &[][..]), ("zstd", &["--for", "fedora"])] {
        let me = Publisher::new();
        let (given, folder) = (me.path("given"), me.path("repo"));
        fs_err::create_dir(&given).unwrap();
        fill(&given, 0..300, Size::LEAST);
        let server = Server::folder(&folder);
        let url = server.url("");
        let options = ["--sign-key", "none", "--base-url", &url];
        me.good(&[&["publish", text(&folder), text(&given)], &options[..], serve].concat());
        let machine = Machine::new(Release::El9, &[]);
        machine.take("repo", &fs_err::read_to_string(folder.join("repo.repo")).unwrap());
        let all =
            run(&mut machine.dnf(&["-q", "repoquery", "--qf", "%{name}-%{version}-%{release}.%{arch}"]));
        let mut all: Vec<&str> = all.lines().collect();
        all.sort_unstable();
        assert_eq!(all, listed(&folder), "{form}");
        let owner = run(&mut machine.dnf(&["-q", "repoquery", "--whatprovides", "/usr/share/filler/299/0"]));
        assert!(owner.contains("filler-299-"), "{form}: {owner}");
        let changes = run(&mut machine.dnf(&["-q", "repoquery", "--changelogs", "filler-7"]));
        assert!(changes.contains("filler-7"), "{form}: {changes}");
    }
}

#[test]
fn dnf_refuses_what_was_not_published_so() {
    let site = Site::new(&[]);
    let refuses = |what: &str, words: &[&str]| {
        let machine = site.machine();
        let told = run_fails(&mut machine.dnf(&["install", "thing"]));
        assert!(words.iter().any(|words| told.contains(words)), "{what}: {told}");
        assert!(!machine.root().join("usr/share/thing").exists(), "{what}");
    };
    let served = |path: &str| fs_err::read(site.folder.join(path.trim_start_matches('/'))).unwrap();
    let repomd = "/repodata/repomd.xml";
    let with = |path: &str, bytes: Vec<u8>, what: &str, words: &[&str]| {
        let good = served(path);
        site.server.put(path, Served::of(bytes));
        refuses(what, words);
        site.server.put(path, Served::of(good));
    };

    let mut changed = String::from_utf8(served(repomd)).unwrap();
    changed = changed.replacen("<revision>1", "<revision>2", 1);
    with(repomd, changed.into_bytes(), "metadata that was changed", &["GPG signature", "signature"]);
    // Whoever changes a package can change its sum, and that of the metadata, but not sign it.
    let package = "/Packages/thing-1.0-1.x86_64.rpm";
    let mut flipped = served(package);
    *flipped.last_mut().unwrap() ^= 1;
    with(package, flipped, "a package that was changed", &["checksum doesn't match", "Cannot download"]);
    let primary = format!("/{}", metadata(&site.folder, "primary").1);
    let mut flipped = served(&primary);
    *flipped.last_mut().unwrap() ^= 1;
    with(&primary, flipped, "primary that was changed", &["checksum doesn't match", "Cannot download"]);

    // Another's key, under the address of ours.
    let stranger = Publisher::new();
    let other = fs_err::read(&stranger.public).unwrap();
    with("/RPM-GPG-KEY-mods", other, "another key", &["GPG signature", "signature"]);
    site.server.put("/repodata/repomd.xml.asc", Served { status: 404, ..Served::default() });
    refuses("metadata without a signature", &["repomd.xml.asc"]);
    let signature = served("/repodata/repomd.xml.asc");
    site.server.put("/repodata/repomd.xml.asc", Served::of(signature));
    let machine = site.machine();
    run(&mut machine.dnf(&["install", "thing"]));
}

/// Published expressly, unsigned packages are refused by whoever checks them all the same.
#[test]
fn dnf_refuses_unsigned_packages() {
    let site = Site::new(&[]);
    let unsigned =
        site.me.unsigned("unsigned", &Spec::new().package("plain", "1", &[], &["/usr/share/plain"]));
    site.publish(&[text(&unsigned), "--allow-unsigned"]);
    let machine = site.machine();
    // By the .repo file, the signed metadata vouches for them.
    run(&mut machine.dnf(&["install", "plain"]));
    let strict = site.repo_file().replace("\ngpgcheck=0", "\ngpgcheck=1");
    let machine = Machine::new(Release::El9, &[]);
    machine.take("mods", &strict);
    let told = run_fails(&mut machine.dnf(&["install", "plain"]));
    assert!(told.contains("is not signed"), "{told}");
    assert!(!Path::new(&machine.root()).join("usr/share/plain").exists());
    run(&mut machine.dnf(&["install", "thing"]));
}

/// A client that has read the old repomd.xml finds the old metadata and the old package.
#[test]
fn dnf_finishes_with_what_it_began() {
    let site = Site::new(&[]);
    let machine = site.machine();
    run(&mut machine.dnf(&["makecache"]));
    let given = rpms(&site.me.path("1.0"));
    site.publish(&["--remove", given[0].file_name().unwrap().to_str().unwrap()]);
    site.release("3.0");
    // From its cache alone it knows of 1.0, whose file is still there.
    run(&mut machine.dnf(&["--setopt=metadata_expire=never", "install", "thing"]));
    assert_eq!(version(&machine), "1.0");
    // As above: within a second, what it has is not too old.
    run(&mut machine.dnf(&["--refresh", "upgrade"]));
    assert_eq!(version(&machine), "3.0");
}
