//! Koji: the real koji (of PyPI, in a version that is named) before a server that answers its XML-RPC and has the task's files.
//! Which methods are called, and what they return, is in Koji's own client; that a real hub does the same,
//! and that one logs in to it by Kerberos, is not shown.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Http, Request, Response};
use super::place::{Place, are_signed, built, name};
use super::support::python;

const PASSWORD: &str = "sekret-of-koji";
const TASK: u64 = 4711;
const CHILD: u64 = 4712;

/// A value as XML-RPC writes it, with Koji's `nil`.
fn value(of: &Value, to: &mut String) {
    match of {
        Value::Null => to.push_str("<nil/>"),
        Value::Bool(is) => write!(to, "<boolean>{}</boolean>", u8::from(*is)).unwrap(),
        Value::Number(number) => write!(to, "<int>{number}</int>").unwrap(),
        Value::String(text) => write!(to, "<string>{}</string>", quick_xml::escape::escape(text)).unwrap(),
        Value::Array(all) => {
            to.push_str("<array><data>");
            for of in all {
                to.push_str("<value>");
                value(of, to);
                to.push_str("</value>");
            }
            to.push_str("</data></array>");
        }
        Value::Object(all) => {
            to.push_str("<struct>");
            for (name, of) in all {
                write!(to, "<member><name>{name}</name><value>").unwrap();
                value(of, to);
                to.push_str("</value></member>");
            }
            to.push_str("</struct>");
        }
    }
}

fn result(of: &Value) -> Response {
    let mut text = "<?xml version='1.0'?>\n<methodResponse><params><param><value>".to_owned();
    value(of, &mut text);
    text.push_str("</value></param></params></methodResponse>");
    Response::of("text/xml", text)
}

/// 1000 is `GenericError` of Koji's.
fn fault(reason: &str) -> Response {
    let mut text = "<?xml version='1.0'?>\n<methodResponse><fault><value>".to_owned();
    value(&json!({"faultCode": 1000, "faultString": reason}), &mut text);
    text.push_str("</value></fault></methodResponse>");
    Response::of("text/xml", text)
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    let (one, two) = bytes.iter().fold((1_u32, 0_u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    two << 16 | one
}

/// What stands first between these, after `from`.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(found, _)| found)
}

fn serve(fails: bool, packages: Vec<PathBuf>) -> (Http, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&calls);
    let http = Http::start(move |request, _| answer(request, fails, &packages, &kept));
    (http, calls)
}

fn answer(request: &Request, fails: bool, packages: &[PathBuf], calls: &Mutex<Vec<String>>) -> Response {
    if request.path.starts_with("/kojifiles/work/tasks/") {
        let wanted = request.path.rsplit('/').next().unwrap();
        let found = packages.iter().find(|package| name(package) == wanted);
        return found.map_or_else(Response::missing, |package| {
            Response::of("application/x-rpm", fs_err::read(package).unwrap())
        });
    }
    if request.query.contains("filename=") {
        // A piece of a file, as it is.
        calls.lock().unwrap().push(format!("upload {}", request.query));
        return result(
            &json!({"size": request.body.len(), "hexdigest": format!("{:08x}", adler32(&request.body))}),
        );
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let method = between(&body, "<methodName>", "</methodName>");
    let of_child = body.contains(&format!("<int>{CHILD}</int>"));
    calls.lock().unwrap().push(format!("{method} {}", body.replace('\n', "")));
    let state = if fails { 5 } else { 2 };
    match method {
        "getAPIVersion" => result(&json!(1)),
        "login" if body.contains(PASSWORD) => result(&json!({"session-id": 1, "session-key": "k"})),
        "login" => fault("no such user"),
        "getBuildTarget" if body.contains("el8-modules") => result(
            &json!({"id": 1, "name": "el8-modules", "dest_tag": 2, "dest_tag_name": "el8-modules-candidate"}),
        ),
        "getBuildTarget" => result(&Value::Null),
        "getTag" => result(&json!({"id": 2, "name": "el8-modules-candidate", "locked": false})),
        "checkUpload" => result(&json!({"size": fs_err::metadata(&built().source).unwrap().len()})),
        "build" => result(&json!(TASK)),
        "getTaskInfo" => {
            let (id, method, arch) =
                if of_child { (CHILD, "buildArch", "x86_64") } else { (TASK, "build", "noarch") };
            let source = format!("cli-build/1/{}", name(&built().source));
            let request = if of_child {
                json!([source, {"id": 1, "name": "el8-build"}, "x86_64", true, {"repo_id": 1}])
            } else {
                json!([source, "el8-modules", {}])
            };
            result(&json!({
                "id": id, "state": state, "method": method, "arch": arch, "label": null, "request": request, "host_id": null,
                "owner": 1, "create_ts": 1, "start_ts": 1, "completion_ts": 1, "parent": null
            }))
        }
        "getTaskChildren" if of_child => result(&json!([])),
        "getTaskChildren" => result(&json!([{
            "id": CHILD, "state": state, "method": "buildArch", "arch": "x86_64", "label": "x86_64", "host_id": null, "owner": 1
        }])),
        "listTaskOutput" if of_child && fails => {
            result(&json!({"build.log": ["DEFAULT"], "root.log": ["DEFAULT"]}))
        }
        "listTaskOutput" if of_child => {
            let files: serde_json::Map<String, Value> =
                packages.iter().map(|package| (name(package), json!(["DEFAULT"]))).collect();
            result(&Value::Object(files))
        }
        "listTaskOutput" => result(&json!({})),
        "getTaskResult" if fails => fault("BuildError: error building package (arch x86_64)"),
        // Of the offset 0 all, behind that nothing; base 64.
        "downloadTaskOutput" if body.contains("build.log") && body.contains("<int>0</int>") => {
            result(&json!("bW9kLmM6MTogZmF0YWwgZXJyb3I6IGh0dHBkLmgK"))
        }
        "downloadTaskOutput" => result(&json!("")),
        "getUser" => result(&json!({"id": 1, "name": "tester"})),
        "listBuildroots" | "listBuilds" => result(&json!([])),
        _ => result(&Value::Null),
    }
}

fn configure(place: &Place, http: &Http) -> String {
    let url = http.url();
    let text = format!(
        "[koji]\nserver = {url}/kojihub\nweburl = {url}/koji\ntopurl = {url}/kojifiles\nauthtype = password\npoll_interval = 1\n"
    );
    place.write("koji.conf", &text).display().to_string()
}

/// The real one, which logs in by a password: it takes that from no file, and others log in by Kerberos or a certificate.
fn client(place: &Place) -> PathBuf {
    let koji = python::koji().join("koji");
    let script = format!("#!/bin/sh\nexec {} --user tester --password {PASSWORD} \"$@\"\n", koji.display());
    place.program("koji", &script)
}

#[test]
fn koji_submits_follows_and_fetches_and_the_packages_are_signed_here() {
    let mut packages = built().packages.clone();
    packages.push(built().source.clone());
    let (place, (http, calls)) = (Place::new(), serve(false, packages));
    let bin = client(&place);
    let config = configure(&place, &http);
    let source = built().source.to_str().unwrap();
    let arguments =
        ["koji", "el8-modules", source, "--scratch", "--config", &config, "--for", "el8", "--verbose"];
    let ran = place.submit(&bin, &arguments).good();
    let calls = calls.lock().unwrap();
    let build = calls.iter().find(|call| call.starts_with("build ")).expect("a build was asked for");
    assert!(
        build.contains("mod_proxy_wstunnel-1.0.0-1.src.rpm") && build.contains("<name>scratch</name>"),
        "{build}"
    );
    assert!(calls.iter().any(|call| call.starts_with("upload ")), "{calls:?}");
    assert_eq!(are_signed(&place, &ran.stdout), built().packages.len() + 1);
    assert!(ran.stdout.lines().all(|line| line.starts_with("out/el8-modules/")), "{}", ran.stdout);
    assert!(place.is_tidy(), "{:?}", place.files("."));
}

#[test]
fn a_task_that_failed_shows_its_build_log() {
    let (place, (http, _)) = (Place::new(), serve(true, Vec::new()));
    let bin = client(&place);
    let config = configure(&place, &http);
    let source = built().source.to_str().unwrap();
    let ran = place.submit(&bin, &["koji", "el8-modules", source, "--config", &config]);
    let ran = ran.bad(4, &["koji build 4711", "mod.c:1: fatal error: httpd.h", "out/logs/koji-4711"]);
    assert!(ran.stdout.is_empty());
    assert!(place.files("out").iter().any(|file| file.ends_with("build.log")), "{:?}", place.files("out"));
    // A target that is not there is koji's own word.
    let ran = place.submit(&bin, &["koji", "el9-modules", source, "--config", &config]);
    ran.bad(5, &["modgraft::submit::client_failed", "No such build target: el9-modules"]);
}
