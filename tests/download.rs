//! The downloader against a real server on the loopback, which lies, cuts and hangs as real ones do.

mod support;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use modgraft::download::{self, Algorithm, Digest, Download, Error, Fetched, Hasher, Settings, Step};
use support::server::{Ranges, Request, Served, Server};
use tempfile::TempDir;

const IMPATIENT: Settings = Settings {
    threads: 4,
    tries: 3,
    pause: Duration::from_millis(10),
    connect: Duration::from_secs(5),
    idle: Duration::from_millis(500),
};

/// Bytes that differ everywhere, so that a part in the wrong place shows.
fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn wanted(&self, url: &str) -> Download {
        Download { url: url.to_owned(), to: self.path("file"), size: None, digest: None, limit: 1 << 20 }
    }

    /// The names of all files.
    fn left(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn fetch(download: &Download) -> Result<Fetched, Error> {
    let mut all = download::all_with(std::slice::from_ref(download), &IMPATIENT, &download::quiet)?;
    Ok(all.remove(0))
}

fn ranges(requests: &[Request]) -> Vec<Option<&str>> {
    requests.iter().map(|request| request.range.as_deref()).collect()
}

#[test]
fn a_file_comes_whole_and_only_once() {
    let (server, folder) = (Server::start(), Folder::new());
    let body = content(300_000);
    let url = server.put("/a", Served::of(body.clone()));
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let wanted = Download {
            to: folder.path(algorithm.name()),
            digest: Some(digest(algorithm, &body)),
            size: Some(300_000),
            ..folder.wanted(&url)
        };
        let sha256 = digest(Algorithm::Sha256, &body).hex().to_owned();
        let fetched = fetch(&wanted).unwrap();
        assert_eq!(fs_err::read(&fetched.path).unwrap(), body);
        assert_eq!(fetched, Fetched { path: wanted.to.clone(), size: 300_000, sha256, fresh: true });
        assert_eq!(fetch(&wanted).unwrap(), Fetched { fresh: false, ..fetched });
    }
    assert_eq!(server.requests().len(), 3);
    // What has come to be something else is fetched again.
    fs_err::write(folder.path("sha1"), "changed").unwrap();
    let wanted = Download {
        to: folder.path("sha1"),
        digest: Some(digest(Algorithm::Sha1, &body)),
        ..folder.wanted(&url)
    };
    assert!(fetch(&wanted).unwrap().fresh);
    assert_eq!(folder.left(), ["sha1", "sha256", "sha512"]);
}

#[test]
fn without_a_digest_a_file_is_fetched_anew() {
    let (server, folder) = (Server::start(), Folder::new());
    let url = server.put("/a", Served::of("one"));
    assert!(fetch(&folder.wanted(&url)).unwrap().fresh);
    server.put("/a", Served::of("another"));
    // What an earlier run has left is of no use: nobody could tell whether it fits.
    fs_err::write(folder.path("file.part"), "one").unwrap();
    assert!(fetch(&folder.wanted(&url)).unwrap().fresh);
    assert_eq!(fs_err::read_to_string(folder.path("file")).unwrap(), "another");
    assert_eq!(ranges(&server.requests()), [None, None]);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let (server, folder) = (Server::start(), Folder::new());
    let body = content(300_000);
    let served = Served { cut: Some(100_000), cuts: 2, ..Served::of(body.clone()) };
    let sum = Some(digest(Algorithm::Sha256, &body));
    let url = server.put("/a", served.clone());
    fetch(&Download { digest: sum.clone(), ..folder.wanted(&url) }).unwrap();
    assert_eq!(fs_err::read(folder.path("file")).unwrap(), body);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].range, None);
    // What was on its way when the connection broke may be lost, but never all of it.
    assert!(ranges(&requests)[1..].iter().all(Option::is_some), "{requests:?}");

    // Without a digest the server has to say that it is the same file still.
    let url = server.put("/b", Served { etag: Some("\"1\"".to_owned()), ..served.clone() });
    fetch(&folder.wanted(&url)).unwrap();
    assert_eq!(fs_err::read(folder.path("file")).unwrap(), body);
    let requests = server.requests().split_off(3);
    assert_eq!(requests.len(), 3);
    assert!(requests[1..].iter().all(|request| request.if_range.as_deref() == Some("\"1\"")), "{requests:?}");

    // If it does not, or only in a weak way, the file begins anew.
    let url = server.put("/c", Served { etag: Some("W/\"1\"".to_owned()), ..served });
    fetch(&folder.wanted(&url)).unwrap();
    assert_eq!(fs_err::read(folder.path("file")).unwrap(), body);
    assert_eq!(ranges(&server.requests()[6..]), [None, None, None]);
}

#[test]
fn the_next_run_goes_on_where_this_one_ended() {
    let (server, folder) = (Server::start(), Folder::new());
    let body = content(300_000);
    let wanted =
        Download { digest: Some(digest(Algorithm::Sha512, &body)), ..folder.wanted(&server.url("/a")) };
    fs_err::write(folder.path("file.part"), &body[..200_000]).unwrap();
    server.put("/a", Served::of(body.clone()));
    fetch(&wanted).unwrap();
    assert_eq!(fs_err::read(folder.path("file")).unwrap(), body);
    assert_eq!(ranges(&server.requests()), [Some("bytes=200000-")]);

    // A server that knows no ranges, and one that gives others, begin anew.
    for ranges in [Ranges::Ignored, Ranges::Wrong] {
        fs_err::remove_file(folder.path("file")).unwrap();
        fs_err::write(folder.path("file.part"), &body[..200_000]).unwrap();
        server.put("/a", Served { ranges, ..Served::of(body.clone()) });
        fetch(&wanted).unwrap();
        assert_eq!(fs_err::read(folder.path("file")).unwrap(), body);
    }
    // So does what was left of another file, as long as the file itself, shorter or longer.
    for left in [300_000, 200_000, 400_000] {
        fs_err::remove_file(folder.path("file")).unwrap();
        fs_err::write(folder.path("file.part"), vec![7; left]).unwrap();
        server.put("/a", Served::of(body.clone()));
        fetch(&wanted).unwrap();
        assert_eq!(fs_err::read(folder.path("file")).unwrap(), body);
    }
    // What is whole but for its name needs no server.
    fs_err::rename(folder.path("file"), folder.path("file.part")).unwrap();
    server.put("/a", Served { status: 404, ..Served::default() });
    fetch(&Download { size: Some(300_000), ..wanted }).unwrap();
    assert_eq!(folder.left(), ["file"]);
}

#[test]
fn a_server_that_is_busy_is_asked_again_but_not_for_ever() {
    let (server, folder) = (Server::start(), Folder::new());
    let url = server.put("/a", Served { busy: 2, ..Served::of("a") });
    fetch(&folder.wanted(&url)).unwrap();
    assert_eq!(server.requests().len(), 3);
    let url = server.put("/b", Served { busy: 9, ..Served::of("a") });
    let error = fetch(&folder.wanted(&url)).unwrap_err();
    assert!(matches!(error, Error::Status { status: 503, .. }), "{error}");
    assert_eq!(server.requests().len(), 6);
    // One that always breaks off at once ends as well, and what has come is kept.
    let body = content(1000);
    let served = Served { cut: Some(100), ..Served::of(body.clone()) };
    let url = server.put("/c", Served { ranges: Ranges::Ignored, ..served });
    let wanted = Download {
        to: folder.path("c"),
        digest: Some(digest(Algorithm::Sha256, &body)),
        ..folder.wanted(&url)
    };
    let error = fetch(&wanted).unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert_eq!(folder.left(), ["c.part", "file"]);
    server.put("/c", Served::of(body));
    fetch(&wanted).unwrap();
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let (server, folder) = (Server::start(), Folder::new());
    let url = server.put("/a", Served { cut: Some(10), hangs: true, ..Served::of(content(1000)) });
    let begun = Instant::now();
    let error = fetch(&folder.wanted(&url)).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(folder.left(), Vec::<String>::new());
}

#[test]
fn what_is_too_long_is_refused_before_it_comes() {
    let (server, folder) = (Server::start(), Folder::new());
    let limit = 1 << 20;
    let big = 4_u64 << 30;
    // As the metadata says.
    let wanted = Download { size: Some(big), ..folder.wanted(&server.url("/a")) };
    assert!(matches!(fetch(&wanted), Err(Error::TooLarge { size: Some(size), .. }) if size == big));
    assert_eq!(server.requests(), []);
    // As the server announces.
    let url = server.put("/a", Served { claims: Some(big), hangs: true, cut: Some(0), ..Served::of("a") });
    assert!(
        matches!(fetch(&folder.wanted(&url)), Err(Error::TooLarge { size: Some(size), .. }) if size == big)
    );
    let wanted = Download { size: Some(1), ..folder.wanted(&url) };
    assert!(
        matches!(fetch(&wanted), Err(Error::Size { expected: 1, found: Some(found), .. }) if found == big)
    );
    // As it sends, without a word.
    let url = server.put("/b", Served { silent: true, ..Served::of(content(limit + 1)) });
    let error = fetch(&folder.wanted(&url)).unwrap_err();
    assert!(matches!(error, Error::TooLarge { size: None, .. }), "{error}");
    let wanted = Download { size: Some(1000), ..folder.wanted(&url) };
    assert!(matches!(fetch(&wanted), Err(Error::Size { found: None, .. })));
    // The same of files on this machine.
    fs_err::write(folder.path("large"), content(limit + 1)).unwrap();
    let wanted = folder.wanted(folder.path("large").to_str().unwrap());
    assert!(matches!(fetch(&wanted), Err(Error::TooLarge { .. })));
    assert_eq!(folder.left(), ["large"]);
}

#[test]
fn what_is_too_short_is_no_file() {
    let (server, folder) = (Server::start(), Folder::new());
    // A server that announces nothing can end anywhere.
    let url = server.put("/a", Served { silent: true, cut: Some(500), ..Served::of(content(1000)) });
    let wanted = Download { size: Some(1000), ..folder.wanted(&url) };
    let error = fetch(&wanted).unwrap_err();
    assert!(error.to_string().contains("after 500 of 1000 bytes"), "{error}");
    // And one that has less says so.
    let url = server.put("/b", Served::of(content(500)));
    let error = fetch(&Download { url, ..wanted }).unwrap_err();
    assert!(matches!(error, Error::Size { expected: 1000, found: Some(500), .. }), "{error}");
    assert_eq!(folder.left(), Vec::<String>::new());
}

#[test]
fn what_is_another_file_is_not_kept() {
    let (server, folder) = (Server::start(), Folder::new());
    let url = server.put("/a", Served::of("that"));
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let expected = digest(algorithm, b"this");
        let wanted = Download { digest: Some(expected.clone()), ..folder.wanted(&url) };
        let error = fetch(&wanted).unwrap_err();
        let found = digest(algorithm, b"that");
        assert!(error.to_string().ends_with(&format!("expected {expected}\n  found    {found}")), "{error}");
    }
    assert_eq!(folder.left(), Vec::<String>::new());
}

#[test]
fn redirections_lead_to_servers_only() {
    let (server, folder) = (Server::start(), Folder::new());
    server.put("/a", Served::of("a"));
    let leads = |to: &str| {
        let url = server.put("/from", Served { redirect: Some(to.to_owned()), ..Served::default() });
        fetch(&folder.wanted(&url))
    };
    leads("/a").unwrap();
    leads(&server.url("/a")).unwrap();
    for place in ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher:a"] {
        let error = leads(place).unwrap_err();
        // What cannot be a url is taken as a path of the same server, which has none such.
        let refused = matches!(
            error,
            Error::Url { .. } | Error::Redirect { .. } | Error::Missing { status: Some(404), .. }
        );
        assert!(refused, "{place}: {error:?}");
    }
    let error = leads("/from").unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error}");
}

#[test]
fn what_is_not_there_is_told_at_once() {
    let (server, folder) = (Server::start(), Folder::new());
    let error = fetch(&folder.wanted(&server.url("/none"))).unwrap_err();
    assert!(error.to_string().ends_with("/none is not there: the server says 404"), "{error}");
    assert_eq!(server.requests().len(), 1);
    let url = server.put("/secret", Served { status: 403, ..Served::default() });
    let error = fetch(&folder.wanted(&url)).unwrap_err();
    assert!(error.to_string().ends_with("the server says 403 (forbidden)"), "{error}");
    let gone = server.url("/a");
    drop(server);
    let error = fetch(&folder.wanted(&gone)).unwrap_err();
    assert!(error.to_string().ends_with("the server refuses the connection"), "{error}");
    let error = fetch(&folder.wanted("http://modgraft.invalid/a")).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let path = folder.path("none");
    let error = fetch(&folder.wanted(path.to_str().unwrap())).unwrap_err();
    assert!(matches!(error, Error::Missing { status: None, .. }), "{error}");
    let error = fetch(&folder.wanted(folder.0.path().to_str().unwrap())).unwrap_err();
    assert!(matches!(error, Error::NoFile { what: "a folder", .. }), "{error}");
    assert_eq!(folder.left(), Vec::<String>::new());
}

#[test]
fn files_of_this_machine_are_copied() {
    let folder = Folder::new();
    let body = content(1000);
    fs_err::write(folder.path("a b"), &body).unwrap();
    let path = folder.path("a b").to_str().unwrap().to_owned();
    for url in [path.clone(), format!("file://{}", path.replace(' ', "%20"))] {
        let wanted = Download { digest: Some(digest(Algorithm::Sha1, &body)), ..folder.wanted(&url) };
        fs_err::write(folder.path("file.part"), "left").unwrap();
        assert_eq!(fetch(&wanted).unwrap().size, 1000);
        fs_err::remove_file(folder.path("file")).unwrap();
    }
}

#[test]
fn several_files_are_told_of_together() {
    let (server, folder) = (Server::start(), Folder::new());
    let wanted: Vec<Download> = (1..=9)
        .map(|number| {
            let url = server.put(&format!("/{number}"), Served::of(content(number * 100_000)));
            Download { to: folder.path(&number.to_string()), size: None, ..folder.wanted(&url) }
        })
        .collect();
    let told = RefCell::new(Vec::new());
    let progress = |status: &download::Status<'_>| {
        told.borrow_mut().push((status.step, status.files_done, status.bytes_done, status.bytes));
    };
    let fetched = download::all(&wanted, &progress).unwrap();
    let sizes: Vec<u64> = fetched.iter().map(|file| file.size).collect();
    assert_eq!(sizes, (1..=9).map(|number| number * 100_000).collect::<Vec<_>>());
    let told = told.into_inner();
    assert_eq!(told.first().map(|first| (first.0, first.1)), Some((Step::Begin, 0)));
    assert_eq!(told.last(), Some(&(Step::End, 9, 4_500_000, Some(4_500_000))));
    assert!(told.windows(2).all(|two| two[0].2 <= two[1].2 && two[0].1 <= two[1].1), "{told:?}");
    // One that fails ends them all.
    let mut broken = wanted.clone();
    broken[4].url = server.url("/none");
    assert!(matches!(download::all(&broken, &download::quiet), Err(Error::Missing { .. })));
}

#[test]
fn two_at_once_do_not_tread_on_each_other() {
    let (server, folder) = (Server::start(), Folder::new());
    let body = content(900_000);
    let url = server.put("/a", Served::of(body.clone()));
    let wanted = Download { digest: Some(digest(Algorithm::Sha256, &body)), ..folder.wanted(&url) };
    let fetched = download::all(&vec![wanted; 4], &download::quiet).unwrap();
    assert_eq!(fetched.iter().filter(|file| file.fresh).count(), 1);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(folder.left(), ["file"]);
}

/// Runs an ignored test of this binary in a process of its own, whose environment is the point.
fn inner(test: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    for variable in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ] {
        command.env_remove(variable);
    }
    command.envs(environment.iter().copied());
    command
}

const URL: &str = "MODGRAFT_TEST_URL";

#[test]
#[ignore = "run by the other tests as a process of its own"]
fn fetch_and_tell() {
    modgraft::process::handle_signals().unwrap();
    let to = PathBuf::from(std::env::var_os("MODGRAFT_TEST_TO").unwrap());
    let digest = Digest::new(Algorithm::Sha256, &"0".repeat(64));
    let digest = digest.filter(|_| std::env::var_os("MODGRAFT_TEST_DIGEST").is_some());
    let wanted = Download { url: std::env::var(URL).unwrap(), to, size: None, digest, limit: 1 << 20 };
    match download::one(&wanted, &|status: &download::Status<'_>| println!("\nhere: {}", status.bytes_done)) {
        Ok(fetched) => println!("\nfetched: {}", fetched.size),
        Err(error) => println!("\nerror: {error}"),
    }
}

fn told(to: &Path, environment: &[(&str, &str)]) -> String {
    support::run(inner("fetch_and_tell", environment).env("MODGRAFT_TEST_TO", to))
}

#[test]
fn the_environment_names_the_proxy() {
    let (server, folder) = (Server::start(), Folder::new());
    let url = "http://modgraft.invalid/a";
    server.put(url, Served::of("by proxy"));
    let proxy = server.url("").replace("//", "//me:secret@");
    let said = told(&folder.path("file"), &[(URL, url), ("http_proxy", &proxy)]);
    assert!(said.contains("\nfetched: 8\n"), "{said}");
    assert_eq!(server.requests()[0].target, url);
    assert_eq!(server.requests()[0].login.as_deref(), Some("Basic bWU6c2VjcmV0"));
    // https goes through a tunnel, for which it has its own proxy.
    let said = told(&folder.path("file"), &[(URL, "https://modgraft.invalid/a"), ("https_proxy", &proxy)]);
    assert!(said.contains("CONNECT proxy failed"), "{said}");
    assert_eq!(server.requests()[1].target, "modgraft.invalid:443");
    // But not for what it excepts.
    let direct = server.put("/a", Served::of("direct"));
    let said = told(
        &folder.path("file"),
        &[(URL, &direct), ("http_proxy", "http://127.0.0.1:1"), ("no_proxy", "127.0.0.1")],
    );
    assert!(said.contains("\nfetched: 6\n"), "{said}");
}

/// A server over TLS that answers `count` connections with `answer`.
fn over_tls(count: usize, answer: String) -> (String, std::thread::JoinHandle<()>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/a", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(count) {
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let connection = rustls::ServerConnection::new(support::tls::server_config()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            // A client that does not like the certificate goes away.
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                stream.write_all(answer.as_bytes()).unwrap();
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (url, thread)
}

#[test]
fn https_rests_on_what_the_system_trusts() {
    let folder = Folder::new();
    let certificate = support::tls::identity().certificate.to_str().unwrap();
    let (url, server) = over_tls(2, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue".to_owned());
    let said = told(&folder.path("file"), &[(URL, &url), ("SSL_CERT_FILE", certificate)]);
    assert!(said.contains("\nfetched: 4\n"), "{said}");
    let said = told(&folder.path("file"), &[(URL, &url)]);
    assert!(said.contains("has no certificate that this system trusts"), "{said}");
    server.join().unwrap();
}

#[test]
fn what_no_digest_guards_does_not_leave_https() {
    let (plain, folder) = (Server::start(), Folder::new());
    let certificate = support::tls::identity().certificate.to_str().unwrap();
    let target = plain.put("/a", Served::of("anybody's"));
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
    let (url, server) = over_tls(1, answer);
    let said = told(&folder.path("file"), &[(URL, &url), ("SSL_CERT_FILE", certificate)]);
    assert!(said.contains("from https to http"), "{said}");
    assert_eq!(folder.left(), Vec::<String>::new());
    server.join().unwrap();
}

#[test]
fn an_interrupted_run_ends_at_once_and_leaves_what_has_come() {
    use std::io::{BufRead, BufReader};
    let (server, folder) = (Server::start(), Folder::new());
    let url = server.put("/a", Served { cut: Some(1000), hangs: true, ..Served::of(content(2000)) });
    let mut child = inner("fetch_and_tell", &[(URL, &url), ("MODGRAFT_TEST_DIGEST", "1")])
        .env("MODGRAFT_TEST_TO", folder.path("file"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "here: 1000"));
    let begun = Instant::now();
    support::run(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    assert!(lines.any(|line| line == "error: interrupted"));
    assert!(child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(folder.left(), ["file.part"]);
    assert_eq!(fs_err::metadata(folder.path("file.part")).unwrap().len(), 1000);
}
