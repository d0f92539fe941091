//! From a folder of recipes to modules that answer: built for four other releases' httpds, published, installed, run.

use std::process::Command;
use std::time::Instant;

use crate::place::{Place, finish, outcomes};
use crate::support::debian::Release as Debian;
use crate::support::el::Release;
use crate::support::el::machine::{How, Machine, Source};
use crate::support::recipes::Answering;
use crate::support::repository::{Spec, createrepo};
use crate::support::run;
use crate::support::server::Server;

const NAMES: [&str; 12] =
    ["alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "yew"];
const TARGETS: [&str; 4] = ["el8", "el9", "bullseye", "trixie"];

fn modgraft(place: &Place) -> Command {
    let environment = place.command(&[]);
    let mut command = Command::new(environment.get_program());
    command
        .current_dir(place.path(""))
        .envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Two httpds laid out as Enterprise Linux has them, two as other releases of Debian have them, each with its own C library.
fn add_targets(place: &Place) {
    for release in [Release::El8, Release::El9] {
        let repository = release.repository();
        let name = release.profile();
        let mut command = modgraft(place);
        command
            .args(["target", "add", &name, "--profile", &name, "--no-lock", "--repo"])
            .arg(repository.folder);
        run(command.arg("--key").arg(repository.key));
    }
    for (name, release) in [("bullseye", Debian::Bullseye), ("trixie", Debian::Trixie)] {
        let mut command = modgraft(place);
        run(command.args(["target", "add", name, "--no-lock", "--packages"]).arg(release.packages()));
    }
}

/// Publishes a target's packages in a folder that a server serves, and returns the .repo file.
fn publish(place: &Place, target: &str, server: &Server) -> String {
    let mut command = modgraft(place);
    command.args(["repo", "publish", target]).arg(format!("out/{target}"));
    run(command.args(["--name", "ours", "--base-url", &server.url("")]));
    fs_err::read_to_string(place.path(target).join("ours.repo")).unwrap()
}

#[test]
fn twelve_recipes_for_four_targets_are_built_published_installed_and_run() {
    let place = Place::new(&NAMES);
    add_targets(&place);
    let targets = TARGETS.join(",");
    let build = |arguments: &[&str]| {
        let mut command = place.command(&["--targets", &targets, "--json", "--offline"]);
        finish(command.args(arguments))
    };
    let start = Instant::now();
    let first = build(&[]);
    let took = start.elapsed();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let built = outcomes(&first);
    assert_eq!(
        (built.len(), built.iter().filter(|line| line.ends_with(" built")).count()),
        (48, 48),
        "{built:?}"
    );
    // Each was loaded and asked by the httpd that it is for.
    assert!(!first.stdout.contains("will not be checked"), "{}", first.stdout);
    let packages = place.packages("out");

    // Nothing has changed: nothing is compiled, and nothing is written.
    let start = Instant::now();
    let again = build(&[]);
    // For whoever asks (`--nocapture`): times are told and not demanded here.
    println!("48 jobs: {took:.2?}, and again, unchanged: {:.2?}", start.elapsed());
    assert!(outcomes(&again).iter().all(|line| line.ends_with(" unchanged")), "{}", again.stdout);
    assert!(!again.stdout.contains("\"stage\":\"compile\""));
    assert_eq!(place.packages("out"), packages);

    let folders = TARGETS.map(|target| place.path(target));
    folders.iter().for_each(|folder| fs_err::create_dir(folder).unwrap());
    let servers = folders.each_ref().map(Server::folder);
    let repo_files: Vec<String> =
        TARGETS.iter().zip(&servers).map(|(target, server)| publish(&place, target, server)).collect();
    for (release, repo_file) in [Release::El8, Release::El9].into_iter().zip(&repo_files) {
        runs_on(release, repo_file);
    }
    for (target, repo_file) in TARGETS[2..].iter().zip(&repo_files[2..]) {
        is_installed(&place, target, repo_file);
    }

    // One patch changes: just its packages are made anew, and dnf has news of them alone.
    Answering { text: "good evening", version: "1.1", ..Answering::new("oak") }.write(&place.modules());
    let third = outcomes(&build(&[]));
    let (anew, same): (Vec<_>, Vec<_>) = third.iter().partition(|line| line.ends_with(" built"));
    assert_eq!((anew.len(), same.len()), (4, 44), "{anew:?}");
    assert!(anew.iter().all(|line| line.starts_with("mod_oak ")), "{anew:?}");
    let machine = Machine::new(Release::El9, &[]);
    machine.take("ours", &publish(&place, "el9", &servers[1]));
    let listed = run(&mut machine.dnf(&[
        "-q",
        "repoquery",
        "--latest-limit=1",
        "--qf",
        "%{name} %{version}\\n",
        "--arch=x86_64",
    ]));
    for name in NAMES {
        let version = if name == "oak" { "1.1" } else { "1.0" };
        assert!(listed.lines().any(|line| line == format!("mod_{name} {version}")), "{name} in {listed}");
    }
}

/// dnf installs all from the repository, and the httpd that came with them answers by each.
fn runs_on(release: Release, repo_file: &str) {
    let base = release.repository();
    let server = Server::folder(base.folder);
    let machine = Machine::new(release, &[Source { name: "base", url: server.url("/"), key: base.key }]);
    machine.take("ours", repo_file);
    let packages: Vec<String> = NAMES.iter().map(|name| format!("mod_{name}")).collect();
    let words: Vec<&str> = packages.iter().map(String::as_str).collect();
    run(&mut machine.dnf(&[&["install"][..], &words].concat()));
    let httpd = machine.httpd(How::Inside);
    let site = |name: &&str| format!("<Location \"/{name}\">\n  SetHandler {name}\n</Location>\n");
    httpd.site(&NAMES.iter().map(site).collect::<String>());
    assert!(httpd.says("-t").contains("Syntax OK"));
    let (running, address) = httpd.start();
    for name in NAMES {
        let url = format!("http://{address}/{name}");
        let answer =
            run(Command::new("curl").args(["-sS", "--fail", "--max-time", "30", "--noproxy", "*", &url]));
        assert_eq!(answer, format!("hello from {name}\n"), "{}", httpd.log());
    }
    httpd.stop(running);
}

/// Debian has no rpm packages of httpd: what ours require of it is provided by a package that has nothing in it, so that dnf
/// checks signatures and relations. Its own httpd has run each module from its package when that was built.
fn is_installed(place: &Place, target: &str, repo_file: &str) {
    let machine = Machine::new(Release::El9, &[]);
    let requires = run(Command::new("rpm").args(["-qp", "--requires"]).args(binaries(place, target)));
    let mut lines: Vec<&str> = requires
        .lines()
        .filter(|line| !line.starts_with("rpmlib(") && !line.starts_with("config("))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    assert!(lines.iter().any(|line| line.starts_with("httpd-mmn = ")), "{lines:?}");
    let provides: Vec<String> = lines.iter().map(|line| format!("Provides: {line}")).collect();
    let tags: Vec<&str> = provides.iter().map(String::as_str).collect();
    let base = place.path(&format!("{target}-base"));
    Spec::new().package("httpd-of-debian", "1", &tags, &[]).build(&base);
    createrepo(&base, &[]);
    machine.take(
        "base",
        &format!("[base]\nname=base\nbaseurl=file://{}\nenabled=1\ngpgcheck=0\n", base.display()),
    );
    machine.take("ours", repo_file);
    let packages: Vec<String> = NAMES.iter().map(|name| format!("mod_{name}")).collect();
    let words: Vec<&str> = packages.iter().map(String::as_str).collect();
    run(&mut machine.dnf(&[&["install"][..], &words].concat()));
    let verified = run(&mut machine.rpm(&[&["-V"][..], &words].concat()));
    assert_eq!(verified, "");
}

fn binaries(place: &Place, target: &str) -> Vec<std::path::PathBuf> {
    let packages = place.packages(&format!("out/{target}"));
    let names = packages.into_iter().map(|(name, _)| name);
    let binary = |name: &String| name.ends_with(".x86_64.rpm") && !name.contains("-debug");
    names.filter(binary).map(|name| place.path(&format!("out/{target}")).join(name)).collect()
}
