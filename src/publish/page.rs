//! index.html: how to install from the repository, and what is in it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use handlebars::{Handlebars, html_escape};
use serde::Serialize;

use super::entry::Entry;
use super::{Checks, Error};
use crate::address::encoded;
use crate::shell::quoted;

/// By it a later publication knows the page for one that modgraft wrote.
const MARK: &str = r#"<meta name="generator" content="modgraft">"#;

/// What the page tells.
pub(super) struct View<'a> {
    /// The repository's.
    pub name: &'a str,
    /// Without a slash at the end.
    pub base_url: &'a str,
    pub repo_file: &'a str,
    /// That file's text.
    pub repo: &'a str,
    /// Of the keys, beside the page.
    pub key_file: &'a str,
    /// Profiles that are served.
    pub served: &'a [String],
    pub fingerprints: &'a [String],
    pub checks: Checks,
    /// Packages of one name stand side by side.
    pub entries: &'a [Arc<Entry>],
}

/// The template's names; handlebars escapes each of them but the mark.
#[derive(Serialize)]
struct Names<'a> {
    mark: &'static str,
    name: &'a str,
    repo_file: &'a str,
    /// The command that brings it to where dnf and yum look.
    take: String,
    take_by_zypper: String,
    key_file: &'a str,
    served: String,
    signed: &'static str,
    several: bool,
    fingerprints: Vec<String>,
    example: &'a str,
    count: usize,
}

/// The page's text.
///
/// # Errors
/// [`Error::Template`].
pub(super) fn render(view: &View<'_>) -> Result<String, Error> {
    let newest = newest(view.entries);
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    let text = engine.render_template(include_str!("../../templates/index.html.hbs"), &names(view, &newest));
    let mut page = text.map_err(|error| Error::Template { what: "index.html", reason: error.to_string() })?;
    // There may be thousands of them, for which handlebars takes as long as all else takes together.
    let end = page.find("</tbody>").unwrap_or(page.len());
    let behind = page.split_off(end);
    add_rows(&mut page, &newest);
    page.push_str(&behind);
    Ok(page)
}

/// Whether a page that lies there was written here.
pub(super) fn is_ours(page: &str) -> bool {
    page.contains(MARK)
}

/// The commands by which a package manager learns of the repository: for dnf and yum, and for zypper. Where the url has variables,
/// only they can fill them in, and the .repo file is written as it is.
fn take(view: &View<'_>) -> (String, String) {
    let View { base_url, repo_file, repo, .. } = view;
    let [yum, zypp] = ["/etc/yum.repos.d", "/etc/zypp/repos.d"].map(|folder| format!("{folder}/{repo_file}"));
    if base_url.contains('$') {
        let write = |path: &str| format!("sudo tee {} <<'END'\n{repo}END", quoted(&[path]));
        return (write(&yum), write(&zypp));
    }
    let url = format!("{base_url}/{repo_file}");
    (quoted(&["sudo", "curl", "-fo", &yum, &url]), quoted(&["sudo", "zypper", "addrepo", &url]))
}

/// Of each name and processor the newest.
fn newest(entries: &[Arc<Entry>]) -> Vec<&Entry> {
    let mut newest: Vec<&Entry> = Vec::with_capacity(entries.len());
    for same in entries.chunk_by(|one, other| one.name == other.name) {
        let start = newest.len();
        newest.extend(same.iter().map(|entry| &**entry));
        newest[start..]
            .sort_by(|one, other| one.arch.cmp(&other.arch).then_with(|| other.evr.compare(&one.evr)));
    }
    newest.dedup_by(|next, kept| next.name == kept.name && next.arch == kept.arch);
    newest
}

fn names<'a>(view: &View<'a>, newest: &[&'a Entry]) -> Names<'a> {
    let for_people = |entry: &&&Entry| entry.arch != "src" && !is_debug(&entry.name);
    let example = newest.iter().find(for_people).map_or("PACKAGE", |entry| &entry.name);
    let (take, take_by_zypper) = take(view);
    let is_signed = view.checks.packages || view.checks.metadata;
    let fingerprints = if is_signed { view.fingerprints } else { &[] };
    Names {
        mark: MARK,
        name: view.name,
        take,
        take_by_zypper,
        repo_file: view.repo_file,
        key_file: view.key_file,
        served: view.served.join(", "),
        signed: match view.checks {
            Checks { packages: true, metadata: true } => "Each package and the list of packages are signed.",
            Checks { packages: true, .. } => "Each package is signed.",
            Checks { .. } => "The list of packages is signed, and has the sums of all of them.",
        },
        several: fingerprints.len() > 1,
        fingerprints: fingerprints.iter().map(|fingerprint| grouped(fingerprint)).collect(),
        example,
        count: view.entries.len(),
    }
}

/// A row of the table for each.
fn add_rows(page: &mut String, entries: &[&Entry]) {
    // About as long as they are. What is not needed costs nothing.
    page.reserve(entries.len() * 256);
    for entry in entries {
        let (href, version) = (encoded(&entry.href, "/"), entry.evr.to_string());
        let [href, name, version, arch, summary] =
            [&*href, &entry.name, &version, &entry.arch, &entry.summary].map(escaped);
        writeln!(
            page,
            "<tr><th scope=\"row\"><a href=\"{href}\">{name}</a></th>\
             <td>{version}</td><td>{arch}</td><td>{summary}</td></tr>"
        )
        .expect("writing into memory cannot fail");
    }
}

/// As handlebars does it.
fn escaped(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" /._~-^%+,:;()".contains(&byte);
    if text.bytes().all(plain) { Cow::Borrowed(text) } else { Cow::Owned(html_escape(text)) }
}

fn is_debug(name: &str) -> bool {
    name.ends_with("-debuginfo") || name.ends_with("-debugsource")
}

/// In groups of four, as gpg and dnf show it.
fn grouped(fingerprint: &str) -> String {
    let letters: Vec<char> = fingerprint.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Version;

    fn entry(name: &str, version: &str, summary: &str) -> Arc<Entry> {
        Arc::new(Entry {
            name: name.to_owned(),
            evr: Version { epoch: 0, version: version.to_owned(), release: "1".to_owned() },
            arch: "x86_64".to_owned(),
            summary: summary.to_owned(),
            sha256: String::new(),
            href: format!("Packages/{name}^{version}.rpm"),
            size: 0,
            time: 0,
            built: 0,
            xml: Default::default(),
        })
    }

    fn view<'a>(base_url: &'a str, repo: &'a str) -> View<'a> {
        View {
            name: "mods",
            base_url,
            repo_file: "mods.repo",
            repo,
            key_file: "RPM-GPG-KEY-mods",
            served: &[],
            fingerprints: &[],
            checks: Checks { packages: false, metadata: false },
            entries: &[],
        }
    }

    #[test]
    fn text_of_strangers_is_text() {
        let entries = [
            entry("mod_a-debuginfo", "1", ""),
            entry("mod_b", "1.9", "old"),
            entry("mod_b", "1.10", "<script>alert(\"1\")</script> & more"),
        ];
        let fingerprints = ["0123456789ABCDEF".to_owned()];
        let mut view = View {
            name: "mods",
            base_url: "https://x.example/a?b&c",
            repo_file: "mods.repo",
            repo: "[mods]\nname=mods\n",
            key_file: "RPM-GPG-KEY-mods",
            served: &["el8".to_owned(), "el9".to_owned()],
            fingerprints: &fingerprints,
            checks: Checks { packages: true, metadata: true },
            entries: &entries,
        };
        let page = render(&view).unwrap();
        assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more"), "{page}");
        assert!(!page.contains("<script") && !page.contains("1.9"), "{page}");
        assert!(
            page.contains("for el8, el9.") && page.contains("<code>0123 4567 89AB CDEF</code>"),
            "{page}"
        );
        assert!(page.contains("sudo dnf install mod_b</code>"), "{page}");
        assert!(page.contains("href=\"Packages/mod_b%5E1.10.rpm\""), "{page}");
        assert!(is_ours(&page) && !is_ours("<h1>my site</h1>"));
        view.fingerprints = &[];
        assert!(render(&view).unwrap().contains("Nothing here is signed"));
        // There are keys of before, and nothing is signed any more.
        view.fingerprints = &fingerprints;
        view.checks = Checks { packages: false, metadata: false };
        assert!(render(&view).unwrap().contains("Nothing here is signed"));
    }

    /// Whoever copies them from the page has in the shell what is meant.
    #[test]
    fn the_commands_are_words_of_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let repo = "[mods]\nname=`id` & $(id)\nbaseurl=https://x.example/el$releasever\n";
        let run = |command: &str| {
            // What the command would do, in a shell where sudo tells its words and tee writes here.
            let script =
                format!("sudo() {{ case $1 in tee) cat;; *) printf '%s\\n' \"$@\";; esac; }}\n{command}\n");
            let mut shell = std::process::Command::new("sh");
            let output = shell.args(["-c", &script]).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{script}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        for base_url in ["https://x.example/a?b&c;d", "https://x.example/`id`", "https://x.example/~(a)*"] {
            let view = view(base_url, repo);
            let (take, by_zypper) = take(&view);
            let url = format!("{base_url}/mods.repo\n");
            assert_eq!(run(&take), format!("curl\n-fo\n/etc/yum.repos.d/mods.repo\n{url}"));
            assert_eq!(run(&by_zypper), format!("zypper\naddrepo\n{url}"));
            let page = render(&view).unwrap();
            assert!(page.contains(&html_escape(&take)) && page.contains(&html_escape(&by_zypper)), "{page}");
        }
        let (take, by_zypper) = take(&view("https://x.example/el$releasever/$basearch", repo));
        assert!(take.starts_with("sudo tee /etc/yum.repos.d/mods.repo <<'END'\n"), "{take}");
        assert_eq!((run(&take).as_str(), run(&by_zypper).as_str()), (repo, repo));
    }
}
