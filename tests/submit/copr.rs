//! Copr: the real copr-cli (of PyPI, in a version that is named) before a server that answers as Copr's API 3 does. What it is
//! asked is copr-cli's own; that the real Copr does the same is not shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use super::http::{Http, Request, Response};
use super::place::{Place, are_signed, built, name};
use super::support::python;

const TOKEN: &str = "sekret-of-copr";
const CHROOT: &str = "epel-8-x86_64";

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// The build failed in the second chroot.
    Chroot,
    /// A package is of another module.
    Foreign,
    /// A package ends in the middle.
    Cut,
    /// A package is listed, and not there.
    Gone,
    /// The token is refused.
    Token,
}

fn json(text: impl Into<String>) -> Response {
    Response::of("application/json", text.into())
}

fn query(package: &PathBuf, format: &str) -> String {
    let mut command = std::process::Command::new("rpm");
    super::support::run(command.args(["-qp", "--nosignature", "--qf", format]).arg(package))
}

/// What a chroot's folder has: the source package too, as Copr's builder lays it there.
fn came() -> Vec<PathBuf> {
    built().packages.iter().chain([&built().source]).cloned().collect()
}

fn serve(wrong: Wrong, packages: Vec<PathBuf>) -> (Http, Arc<Mutex<Vec<u8>>>) {
    let uploaded = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&uploaded);
    let http = Http::start(move |request, url| answer(request, url, wrong, &packages, &kept));
    (http, uploaded)
}

fn answer(
    request: &Request,
    url: &str,
    wrong: Wrong,
    packages: &[PathBuf],
    kept: &Mutex<Vec<u8>>,
) -> Response {
    let state = if wrong == Wrong::Chroot { "failed" } else { "succeeded" };
    let build = format!(
        r#"{{"id": 4711, "state": "{state}", "ownername": "tester", "projectname": "modules", "repo_url": "{url}/results/tester/modules"}}"#
    );
    let results = |chroot: &str| format!("/results/tester/modules/{chroot}/00004711-mod/");
    match request.path.as_str() {
        "/api_3/auth-check" | "/api_3/build/check-before-build" => json(r#"{"name": "tester"}"#),
        "/api_3/build/create/upload" if wrong == Wrong::Token || request.login.is_none() => {
            Response { status: 403, ..json(r#"{"error": "Login invalid/expired."}"#) }
        }
        "/api_3/build/create/upload" => {
            kept.lock().unwrap().clone_from(&request.body);
            json(build)
        }
        "/api_3/build/4711" => json(build),
        "/api_3/project" => json(r#"{"storage": "backend", "devel_mode": false}"#),
        "/api_3/build/built-packages/4711" => json(r#"{}"#),
        "/api_3/build-chroot/list" => {
            let chroot = |name: &str| {
                format!(r#"{{"name": "{name}", "state": "x", "result_url": "{url}{}"}}"#, results(name))
            };
            json(format!(r#"{{"items": [{}, {}], "meta": {{}}}}"#, chroot(CHROOT), chroot("epel-9-x86_64")))
        }
        path => {
            let Some((folder, file)) = path.rsplit_once('/') else { return Response::missing() };
            let failed = wrong == Wrong::Chroot && folder.contains("epel-9");
            let listed = if failed { &[][..] } else { packages };
            if !path.starts_with("/results/tester/modules/epel-") {
                return Response::missing();
            }
            match file {
                "" => {
                    let mut names: Vec<String> = listed.iter().map(|file| name(file)).collect();
                    names.push(if failed {
                        "builder-live.log.gz".to_owned()
                    } else {
                        "results.json".to_owned()
                    });
                    let links: String =
                        names.iter().map(|name| format!("<a href=\"{name}\">{name}</a>\n")).collect();
                    Response::of("text/html", format!("<html><body>{links}</body></html>"))
                }
                "results.json" => {
                    let nevra = |file: &PathBuf| {
                        let keys = ["name", "version", "release", "arch"];
                        let values = query(file, "%{NAME}\\n%{VERSION}\\n%{RELEASE}\\n%{ARCH}");
                        let mut all: serde_json::Map<_, _> = keys
                            .into_iter()
                            .zip(values.lines())
                            .map(|(key, value)| (key.to_owned(), value.into()))
                            .collect();
                        if name(file).ends_with(".src.rpm") {
                            all.insert("arch".to_owned(), "src".into());
                        }
                        serde_json::Value::Object(all)
                    };
                    let all: Vec<serde_json::Value> = listed.iter().map(nevra).collect();
                    json(serde_json::json!({ "packages": all }).to_string())
                }
                "builder-live.log.gz" => {
                    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                    std::io::Write::write_all(
                        &mut packed,
                        b"one\nerror: Failed build dependencies: httpd-devel\n",
                    )
                    .unwrap();
                    Response::of("application/gzip", packed.finish().unwrap())
                }
                file => match packages.iter().find(|package| name(package) == file) {
                    Some(package) if file.contains("debuginfo") && wrong == Wrong::Gone => {
                        let _ = package;
                        Response::missing()
                    }
                    Some(package) => {
                        let mut bytes = fs_err::read(package).unwrap();
                        if wrong == Wrong::Cut {
                            // Of the length that it says: a mirror that has half of it.
                            bytes.truncate(bytes.len() - 100);
                        }
                        Response::of("application/x-rpm", bytes)
                    }
                    None => Response::missing(),
                },
            }
        }
    }
}

fn configure(place: &Place, http: &Http) -> String {
    let text = format!(
        "[copr-cli]\nusername = tester\nlogin = someone\ntoken = {TOKEN}\ncopr_url = {}\nencrypted = 0\n",
        http.url()
    );
    place.write("copr.conf", &text).display().to_string()
}

#[test]
fn copr_cli_submits_follows_and_fetches_and_the_packages_are_signed_here() {
    let bin = python::copr_cli();
    let (place, (http, uploaded)) = (Place::new(), serve(Wrong::Nothing, came()));
    let config = configure(&place, &http);
    let source = built().source.to_str().unwrap();
    let arguments = ["copr", "tester/modules", source, "-r", CHROOT, "--config", &config, "--verbose"];
    let ran = place.submit(&bin, &arguments).good();
    // The whole source package went there, for that chroot.
    let body = uploaded.lock().unwrap().clone();
    let srpm = fs_err::read(&built().source).unwrap();
    assert!(body.windows(srpm.len()).any(|window| window == srpm));
    assert!(String::from_utf8_lossy(&body).contains(CHROOT));
    assert_eq!(are_signed(&place, &ran.stdout), came().len());
    assert!(ran.stdout.lines().all(|line| line.starts_with("out/epel-8-x86_64/")), "{}", ran.stdout);
    assert!(ran.stderr.contains("watch-build 4711"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(TOKEN) && !ran.stdout.contains(TOKEN), "{}", ran.stderr);
    assert!(place.is_tidy(), "{:?}", place.files("."));
}

#[test]
fn an_id_is_printed_and_taken_up_again_and_machines_get_events() {
    let bin = python::copr_cli();
    let (place, (http, _)) = (Place::new(), serve(Wrong::Nothing, came()));
    let config = configure(&place, &http);
    let source = built().source.to_str().unwrap();
    let ran = place.submit(&bin, &["copr", "modules", source, "--config", &config, "--no-wait"]).good();
    assert_eq!(ran.stdout, "4711\n");
    assert!(!place.path("out").exists());
    let before = http.requests().len();
    let more = ["copr", "modules", source, "--config", &config, "--build", "4711", "--json"];
    let ran = place.submit(&bin, &more).good();
    assert!(!http.requests()[before..].iter().any(|request| request.path.contains("create")));
    let events: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let submitted = events.iter().find(|event| event["event"] == "submitted").expect("an event");
    assert_eq!((&submitted["engine"], &submitted["id"]), (&"copr".into(), &"4711".into()));
    let results = events.iter().find(|event| event["event"] == "results").expect("an event");
    assert_eq!(results["files"].as_array().unwrap().len(), 2 * came().len());
    place.submit(&bin, &["copr", "modules", source, "--build", "x"]).bad(2, &["no build of copr"]);
    place.submit(&bin, &["copr", "modules", source, "--build", "1", "--build", "2"]).bad(2, &["2 times"]);
}

#[test]
fn what_is_foreign_damaged_or_missing_is_refused_and_nothing_of_it_kept() {
    let bin = python::copr_cli();
    let other = super::other_package();
    for (wrong, code, said) in [
        (Wrong::Foreign, 3, "modgraft::submit::foreign"),
        (Wrong::Cut, 3, "modgraft::submit::damaged"),
        (Wrong::Gone, 5, "modgraft::submit::incomplete"),
        (Wrong::Token, 5, "Login invalid"),
    ] {
        let mut packages = came();
        if wrong == Wrong::Foreign {
            packages.push(other.clone());
        }
        let (place, (http, _)) = (Place::new(), serve(wrong, packages));
        let config = configure(&place, &http);
        let source = built().source.to_str().unwrap();
        let ran = place.submit(&bin, &["copr", "modules", source, "--config", &config]).bad(code, &[said]);
        assert!(
            ran.stdout.is_empty() && place.files("out").is_empty(),
            "{wrong:?}: {:?}",
            place.files("out")
        );
        assert!(place.is_tidy() && !ran.stderr.contains(TOKEN));
    }
}

#[test]
fn a_chroot_that_failed_shows_its_log_and_the_other_has_its_packages() {
    let bin = python::copr_cli();
    let (place, (http, _)) = (Place::new(), serve(Wrong::Chroot, came()));
    let config = configure(&place, &http);
    let source = built().source.to_str().unwrap();
    let ran = place.submit(&bin, &["copr", "modules", source, "--config", &config]);
    let ran = ran.bad(4, &["epel-9-x86_64", "Failed build dependencies: httpd-devel", "out/logs/copr-4711"]);
    assert_eq!(are_signed(&place, &ran.stdout), came().len());
    let logs = "logs/copr-4711/epel-9-x86_64/builder-live.log.gz".to_owned();
    assert!(place.files("out").contains(&logs), "{:?}", place.files("out"));
}

/// Interrupted while it follows: the build goes on there, and how it is taken up again is said.
#[test]
fn an_interruption_says_what_goes_on_remotely() {
    let place = Place::new();
    // The client's documented words; it waits in `watch-build` until it is ended.
    let ready = place.path("ready");
    let bin = place.program(
        "copr-cli",
        &format!(
            "#!/bin/sh\ncase \"$*\" in\n*--version*) echo copr-cli 2.6;;\n*build\\ --nowait*) echo 'Created builds: 4711';;\n\
             *) : > {}; exec sleep 100;;\nesac\n",
            ready.display()
        ),
    );
    let source = built().source.to_str().unwrap();
    let mut command = place.command(&bin, &["copr", "modules", source]);
    command.arg("--sign-key").arg(&built().key);
    command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let began = std::time::Instant::now();
    while !ready.exists() {
        assert!(began.elapsed().as_secs() < 60, "it does not follow the build");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    for words in
        ["copr build 4711", "goes on: copr-cli watch-build 4711", "modgraft submit copr modules --build 4711"]
    {
        assert!(said.contains(words), "`{words}` in {said}");
    }
    assert!(place.is_tidy() && place.files("out").is_empty());
}
