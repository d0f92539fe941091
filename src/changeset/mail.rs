//! The message above a patch: mails as `git format-patch` writes them, and `git show`.

use super::Error;
use super::scan::Scanner;
use super::text;

/// Who says what about a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// `Name <address>`.
    pub author: Option<String>,
    /// As written.
    pub date: Option<String>,
    /// Without `[PATCH …]`, on one line.
    pub subject: Option<String>,
    /// What stands between the subject and the patch.
    pub body: String,
    /// The upstream commit, where the message names it.
    pub commit: Option<String>,
}

/// Reads a message if one begins at the present line. The reading then stands behind it.
pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Option<Message>, Error> {
    let line = scanner.peek(0).unwrap_or_default();
    if let Some(rest) = line.strip_prefix(b"From ")
        && let Some(id) = rest.get(..40)
        && id.iter().all(u8::is_ascii_hexdigit)
        && rest.get(40) == Some(&b' ')
    {
        // git writes zeros where there is no commit.
        let commit = id.iter().any(|&byte| byte != b'0').then(|| string(id));
        scanner.at += 1;
        return Ok(Some(Message { commit, ..mail(scanner)? }));
    }
    if scanner.at == 0 && is_field(line) && has_subject(scanner) {
        return Ok(Some(mail(scanner)?));
    }
    if let Some(id) = line.strip_prefix(b"commit ")
        && id.len() >= 40
        && id[..40].iter().all(u8::is_ascii_hexdigit)
        && (scanner.starts(1, b"Author: ") || scanner.starts(1, b"Merge: "))
    {
        let commit = Some(string(&id[..40]));
        scanner.at += 1;
        return Ok(Some(Message { commit, ..show(scanner) }));
    }
    Ok(None)
}

/// `Name: value`, as a mail's header has it. (`Index: x` is one in form, and begins a patch.)
fn is_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    name > 0
        && line.get(name) == Some(&b':')
        && matches!(line.get(name + 1), None | Some(b' '))
        && !line.starts_with(b"Index:")
}

/// Whether the header that begins here is a mail's.
fn has_subject(scanner: &Scanner<'_>) -> bool {
    (0..)
        .map_while(|ahead| scanner.peek(ahead))
        .take_while(|line| !line.is_empty())
        .any(|line| line.starts_with(b"Subject: "))
}

fn mail(scanner: &mut Scanner<'_>) -> Result<Message, Error> {
    let mut message = Message::default();
    let mut subject = String::new();
    let mut in_subject = false;
    while let Some(line) = scanner.peek(0) {
        let continued = line.first().is_some_and(u8::is_ascii_whitespace);
        if !continued && !is_field(line) {
            break;
        }
        if continued && in_subject {
            subject.push(' ');
            subject.push_str(string(line).trim());
        }
        if !continued {
            in_subject = false;
            let text = string(line);
            match text.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.trim())) {
                Some((name, value)) if name == "from" => message.author = Some(value.to_owned()),
                Some((name, value)) if name == "date" => message.date = Some(value.to_owned()),
                Some((name, value)) if name == "subject" => {
                    subject.push_str(value);
                    in_subject = true;
                }
                Some((name, value))
                    if name == "content-transfer-encoding"
                        && ["quoted-printable", "base64"].contains(&value.to_ascii_lowercase().as_str()) =>
                {
                    return Err(Error::form(
                        scanner.place(scanner.at),
                        format!("the mail is encoded as {value}"),
                        "the patch in it is not plain text",
                        "let git decode it: `git mailinfo message patch < MAIL > headers`, and give the file `patch`",
                    ));
                }
                _ => {}
            }
        }
        scanner.at += 1;
    }
    message.subject = Some(without_tag(&subject)).filter(|subject| !subject.is_empty());
    // `git am` ends the message at the first of these.
    while let Some(line) = scanner.peek(0) {
        if line.starts_with(b"diff -") || line.starts_with(b"Index: ") || scanner.at_pair() {
            break;
        }
        scanner.at += 1;
        if line.trim_ascii_end() == b"---" {
            break;
        }
        message.body.push_str(&string(line));
        message.body.push('\n');
    }
    message.body = message.body.trim().to_owned();
    Ok(message)
}

/// `git show` and `git log -p`: the message is indented.
fn show(scanner: &mut Scanner<'_>) -> Message {
    let mut message = Message::default();
    while let Some(line) = scanner.peek(0).filter(|line| !line.is_empty()) {
        let text = string(line);
        match text.split_once(": ") {
            Some(("Author", value)) => message.author = Some(value.trim().to_owned()),
            Some(("Date" | "AuthorDate", value)) => message.date = Some(value.trim().to_owned()),
            _ => {}
        }
        scanner.at += 1;
    }
    let mut text = String::new();
    while let Some(line) = scanner.peek(0).filter(|line| line.is_empty() || line.starts_with(b"    ")) {
        text.push_str(string(line).trim());
        text.push('\n');
        scanner.at += 1;
    }
    let (subject, body) = text.trim().split_once("\n\n").unwrap_or((text.trim(), ""));
    message.subject = Some(subject.replace('\n', " ")).filter(|subject| !subject.is_empty());
    message.body = body.trim().to_owned();
    message
}

/// `[PATCH 1/3] Subject` without its tag.
fn without_tag(subject: &str) -> String {
    let mut rest = subject.trim();
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|tagged| tagged.split_once(']')) {
        rest = after.trim_start();
    }
    rest.to_owned()
}

fn string(bytes: &[u8]) -> String {
    text::decode(bytes).0.to_string()
}
