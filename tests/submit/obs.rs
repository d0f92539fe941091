//! The Open Build Service: the real osc before a server that keeps what is committed and has built it. Which addresses osc asks,
//! and in what words it is answered, is in the service's API documentation; that the real service does the same is not shown.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use md5::{Digest, Md5};

use super::http::{Http, Request, Response};
use super::place::{Place, are_signed, built, name, other_sources};

const PROJECT: &str = "home:tester";
const PACKAGE: &str = "mod_proxy_wstunnel";
const PASSWORD: &str = "sekret-of-obs";

#[derive(Default)]
struct State {
    exists: bool,
    revision: usize,
    files: BTreeMap<String, Vec<u8>>,
    /// How often the results were asked for since something was committed.
    asked: usize,
}

/// One package, built for two repositories; `el9` says how the second fared.
struct Obs {
    http: Http,
    state: Arc<Mutex<State>>,
}

fn hex(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn xml(text: impl Into<String>) -> Response {
    Response::of("application/xml", text.into())
}

fn directory(state: &State) -> String {
    let entry = |(name, bytes): (&String, &Vec<u8>)| {
        format!("<entry name=\"{name}\" md5=\"{}\" size=\"{}\" mtime=\"1\"/>", hex(bytes), bytes.len())
    };
    let entries: String = state.files.iter().map(entry).collect();
    let (revision, sum) = (state.revision, hex(&state.revision.to_le_bytes()));
    format!(
        "<directory name=\"{PACKAGE}\" rev=\"{revision}\" vrev=\"{revision}\" srcmd5=\"{sum}\">{entries}</directory>"
    )
}

/// An attribute of each `<entry …/>`, with the name.
fn entries(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body).into_owned();
    let value = |element: &str, key: &str| {
        let (_, rest) = element.split_once(&format!("{key}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    text.split("<entry")
        .skip(1)
        .filter_map(|element| Some((value(element, "name")?, value(element, "md5")?)))
        .collect()
}

impl Obs {
    fn start(el9: &'static str) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let kept = Arc::clone(&state);
        let http = Http::start(move |request, _| {
            if request.login.is_none() {
                return Response { status: 401, ..xml("<status code=\"unauthorized\"/>") };
            }
            answer(request, &mut kept.lock().unwrap(), el9)
        });
        Obs { http, state }
    }

    /// osc's own configuration, which has the password.
    fn configure(&self, place: &Place) -> String {
        let url = self.http.url();
        let text = format!("[general]\napiurl = {url}\n[{url}]\nuser = tester\npass = {PASSWORD}\n");
        place.write("oscrc", &text).display().to_string()
    }
}

fn answer(request: &Request, state: &mut State, el9: &str) -> Response {
    let path = request.path.replace("%3A", ":");
    let source = format!("/source/{PROJECT}/{PACKAGE}");
    let unknown = || Response {
        status: 404,
        ..xml("<status code=\"unknown_package\"><summary>none</summary></status>")
    };
    let method = request.method.as_str();
    if path == format!("{source}/_meta") {
        state.exists |= method == "PUT";
        let meta =
            format!("<package name=\"{PACKAGE}\" project=\"{PROJECT}\"><title/><description/></package>");
        return if state.exists { xml(meta) } else { unknown() };
    }
    if path == source && method == "POST" {
        let wanted = entries(&request.body);
        let missing: String = wanted
            .iter()
            .filter(|(name, sum)| state.files.get(name).is_none_or(|bytes| hex(bytes) != *sum))
            .map(|(name, sum)| format!("<entry name=\"{name}\" md5=\"{sum}\"/>"))
            .collect();
        if !missing.is_empty() {
            return xml(format!("<directory name=\"{PACKAGE}\" error=\"missing\">{missing}</directory>"));
        }
        state.files.retain(|name, _| wanted.iter().any(|(wanted, _)| wanted == name));
        state.revision += 1;
        return xml(directory(state));
    }
    if path == source {
        return if state.exists { xml(directory(state)) } else { unknown() };
    }
    if let Some(name) = path.strip_prefix(&format!("{source}/")) {
        if method == "PUT" {
            state.files.insert(name.to_owned(), request.body.clone());
            return xml("<revision rev=\"repository\"/>");
        }
        return state
            .files
            .get(name)
            .map_or_else(unknown, |bytes| Response::of("application/octet-stream", bytes.clone()));
    }
    if path == "/search/request" {
        return xml("<collection matches=\"0\"/>");
    }
    if path == format!("/source/{PROJECT}/_meta") {
        let repository = |name: &str| format!("<repository name=\"{name}\"><arch>x86_64</arch></repository>");
        let both = repository("EL_8") + &repository("EL_9");
        return xml(format!("<project name=\"{PROJECT}\"><title/><description/>{both}</project>"));
    }
    if path == format!("/build/{PROJECT}/_result") {
        if state.revision > 0 {
            state.asked += 1;
        }
        // First it tells how the commit before ended, then that it has yet to look at this one.
        let (dirty, code) = match state.asked {
            0 | 1 => ("", "failed"),
            2 => (" dirty=\"true\"", "failed"),
            3 => ("", "building"),
            _ => ("", "succeeded"),
        };
        let result = |name: &str, code: &str, more: &str| {
            format!(
                "<result project=\"{PROJECT}\" repository=\"{name}\" arch=\"x86_64\" code=\"published\" \
                 state=\"published\"{dirty}><status package=\"{PACKAGE}\" code=\"{code}\">{more}</status></result>"
            )
        };
        let details =
            if el9 == "unresolvable" { "<details>nothing provides httpd-devel</details>" } else { "" };
        let all = result("EL_8", code, "") + &result("EL_9", el9, details) + &result("old", "disabled", "");
        return xml(format!("<resultlist state=\"{}\">{all}</resultlist>", state.asked));
    }
    if path.ends_with("/_log") {
        let text =
            if request.query.contains("start=0") { "gcc -c\nmod.c:1: fatal error: httpd.h\n" } else { "" };
        return Response::of("text/plain", text);
    }
    let files = built().packages.iter().chain([&built().source]);
    if path == format!("/build/{PROJECT}/EL_8/x86_64/{PACKAGE}") {
        let binary = |file: &Path| {
            let size = fs_err::metadata(file).unwrap().len();
            format!("<binary filename=\"{}\" size=\"{size}\" mtime=\"1700000000\"/>", name(file))
        };
        let all: String = files.map(|file| binary(file)).collect();
        return xml(format!(
            "<binarylist>{all}<binary filename=\"rpmlint.log\" size=\"1\" mtime=\"1\"/></binarylist>"
        ));
    }
    let wanted = path.rsplit('/').next().unwrap();
    let found = files.into_iter().find(|file| name(file) == wanted);
    match found {
        Some(file) => Response::of("application/x-rpm", fs_err::read(file).unwrap()),
        None if wanted == "rpmlint.log" => Response::of("text/plain", "x"),
        None => unknown(),
    }
}

#[test]
fn osc_commits_spec_and_sources_and_fetches_what_was_built() {
    let (place, obs) = (Place::new(), Obs::start("excluded"));
    // A file of an older version goes, one of the service's own stays.
    {
        let mut state = obs.state.lock().unwrap();
        state.exists = true;
        state.files.insert("older.patch".to_owned(), b"old".to_vec());
        state.files.insert("_constraints".to_owned(), b"<constraints/>".to_vec());
    }
    let config = obs.configure(&place);
    let source = built().source.to_str().unwrap();
    let bin = Path::new("/usr/bin");
    let ran = place.submit(bin, &["obs", PROJECT, source, "--config", &config, "--verbose"]).good();
    let state = obs.state.lock().unwrap();
    let names: Vec<&str> = state.files.keys().map(String::as_str).collect();
    assert!(
        names.contains(&"mod_proxy_wstunnel.spec") && names.contains(&"mod_proxy_wstunnel.c"),
        "{names:?}"
    );
    assert!(names.contains(&"_constraints") && !names.contains(&"older.patch"), "{names:?}");
    assert_eq!(state.revision, 1);
    assert!(state.asked >= 4, "it did not wait for what was committed");
    drop(state);
    assert_eq!(are_signed(&place, &ran.stdout), built().packages.len() + 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("out/EL_8-x86_64/"), "{}", ran.stdout);
    assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
    assert!(place.is_tidy(), "{:?}", place.files("."));
}

#[test]
fn a_package_that_the_project_does_not_have_is_made_and_the_id_is_printed() {
    let (place, obs) = (Place::new(), Obs::start("excluded"));
    let config = obs.configure(&place);
    let source = built().source.to_str().unwrap();
    let bin = Path::new("/usr/bin");
    let ran = place.submit(bin, &["obs", PROJECT, source, "--config", &config, "--no-wait"]).good();
    assert_eq!(ran.stdout, format!("{PROJECT}/{PACKAGE}\n"));
    assert!(obs.state.lock().unwrap().exists && !place.path("out").exists());
    // And it is fetched later.
    let id = ran.stdout.trim();
    let ran = place.submit(bin, &["obs", PROJECT, source, "--config", &config, "--build", id]).good();
    assert_eq!(obs.state.lock().unwrap().revision, 1);
    assert!(are_signed(&place, &ran.stdout) > 1);
}

#[test]
fn what_one_repository_cannot_build_is_told_and_spoils_no_other() {
    for (code, said) in [("unresolvable", "nothing provides httpd-devel"), ("failed", "fatal error: httpd.h")]
    {
        let (place, obs) = (Place::new(), Obs::start(code));
        let config = obs.configure(&place);
        let source = built().source.to_str().unwrap();
        let ran = place.submit(Path::new("/usr/bin"), &["obs", PROJECT, source, "--config", &config]);
        let ran = ran.bad(4, &["modgraft::submit::failed", "EL_9-x86_64"]);
        if code == "failed" {
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
            let log = format!("logs/obs-{}-{PACKAGE}/EL_9-x86_64/build.log", PROJECT);
            assert!(place.files("out").contains(&log), "{:?}", place.files("out"));
        }
        assert!(are_signed(&place, &ran.stdout) > 1);
    }
}

#[test]
fn what_is_of_other_sources_is_not_taken_though_name_and_version_are_the_same() {
    let (place, obs) = (Place::new(), Obs::start("excluded"));
    let config = obs.configure(&place);
    // A colleague committed another one since, and the service has built that.
    {
        let mut state = obs.state.lock().unwrap();
        (state.exists, state.revision, state.asked) = (true, 2, 9);
    }
    let id = format!("{PROJECT}/{PACKAGE}");
    let mine = other_sources();
    let arguments = ["obs", PROJECT, mine.to_str().unwrap(), "--config", &config, "--build", &id];
    let ran = place.submit(Path::new("/usr/bin"), &arguments);
    ran.bad(3, &["modgraft::submit::other_sources", "mod_proxy_wstunnel.c"]);
    assert!(!place.files("out").iter().any(|file| file.ends_with(".rpm")), "{:?}", place.files("out"));
}

#[test]
fn an_error_that_has_404_in_it_overwrites_no_package() {
    let place = Place::new();
    let osc = "#!/bin/sh\necho \"$1\" >> calls\n[ \"$1\" != --version ] || { echo 1.0; exit; }\n\
               echo 'A    0404-fix.patch'; echo 'Connection reset by peer' >&2; exit 1\n";
    let bin = place.program("osc", osc.replace("calls", place.path("calls").to_str().unwrap()).as_str());
    let source = built().source.to_str().unwrap();
    place.submit(&bin, &["obs", PROJECT, source]).bad(5, &["Connection reset by peer"]);
    let calls = fs_err::read_to_string(place.path("calls")).unwrap();
    assert!(calls.contains("checkout") && !calls.contains("meta"), "{calls}");
}
