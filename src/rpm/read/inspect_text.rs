//! An inspection for a person.

use std::fmt::Write as _;

use super::{DigestCheck, Inspection, SignatureInfo, Verdict};

impl Inspection {
    /// As text of several paragraphs, ending in a line break. Control characters of the package are not let through to a
    /// terminal.
    pub fn text(&self) -> String {
        let mut out = Text::default();
        out.field("package", &self.nevra);
        out.field("summary", &self.summary);
        out.field("license", &self.license);
        out.optional("url", self.url.as_deref());
        out.optional("vendor", self.vendor.as_deref());
        out.optional("packager", self.packager.as_deref());
        let built = [self.build_time.map(time), self.build_host.as_ref().map(|host| format!("on {host}"))];
        out.field("built", &built.into_iter().flatten().collect::<Vec<_>>().join(" "));
        out.optional("source", self.source_rpm.as_deref());
        let payload = &self.payload;
        let packed = format!(
            "{}, {} {}, {} bytes{}",
            payload.format,
            payload.compressor,
            payload.flags,
            payload.size,
            payload.archive_size.map(|size| format!(" of {size}")).unwrap_or_default()
        );
        out.field("payload", &packed);
        for digest in &self.digests {
            out.field("digest", &digest_line(digest));
        }
        if self.signatures.is_empty() {
            out.field("signature", "none");
        }
        for signature in &self.signatures {
            out.field("signature", &signature_line(signature));
        }
        out.section("description", self.description.lines().map(str::to_owned));
        for group in &self.relations {
            out.section(group.kind, group.relations.iter().cloned());
        }
        out.section(
            "files",
            self.files.iter().map(|file| {
                let target = file.target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
                let flags = if file.flags.is_empty() {
                    String::new()
                } else {
                    format!("  ({})", file.flags.join(", "))
                };
                format!(
                    "{} {} {} {:>9} {}{target}{flags}",
                    file.mode, file.user, file.group, file.size, file.path
                )
            }),
        );
        out.section(
            "scriptlets",
            self.scriptlets.iter().flat_map(|scriptlet| {
                let head = format!("{} {}", scriptlet.kind, scriptlet.program.join(" "));
                std::iter::once(head).chain(scriptlet.body.lines().map(|line| format!("  {line}")))
            }),
        );
        out.section(
            "changelog",
            self.changelog.iter().flat_map(|change| {
                let head = format!("{} {}", day(change.time), change.title);
                std::iter::once(head).chain(change.text.lines().map(|line| format!("  {line}")))
            }),
        );
        out.0
    }
}

pub(crate) fn digest_line(digest: &DigestCheck) -> String {
    let verdict = match digest.verdict {
        Verdict::Ok => "ok",
        Verdict::Bad => "BAD",
        Verdict::Unchecked => "not checked",
    };
    format!("{} of {}: {verdict}", digest.algorithm, digest.covers)
}

pub(crate) fn signature_line(signature: &SignatureInfo) -> String {
    if let Some(problem) = &signature.problem {
        return format!("of {} (tag {}): {problem}", signature.covers, signature.tag);
    }
    let key = signature.key_id.as_deref().or(signature.fingerprint.as_deref()).unwrap_or("unknown");
    format!(
        "{}/{} of {} (tag {}), key {key}{}",
        signature.algorithm,
        signature.hash,
        signature.covers,
        signature.tag,
        signature.time.map(|made| format!(", {}", time(made))).unwrap_or_default()
    )
}

fn time(seconds: u64) -> String {
    timestamp(seconds, "%Y-%m-%d %H:%M:%S UTC")
}

fn day(seconds: u64) -> String {
    timestamp(seconds, "%Y-%m-%d")
}

fn timestamp(seconds: u64, format: &str) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |time| time.strftime(format).to_string())
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn field(&mut self, name: &str, value: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "{name:>9}  {}", plain(value));
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    fn section(&mut self, name: &str, lines: impl Iterator<Item = String>) {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            let _ = writeln!(self.0, "\n{name}");
        }
        for line in lines {
            let line = format!("  {}", plain(&line));
            let _ = writeln!(self.0, "{}", line.trim_end());
        }
    }
}

/// A package that a stranger made must not drive the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
