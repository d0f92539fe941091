//! What the compiler and the linker say, read as text. (gcc's JSON gives the place of the macro's expansion for whatever
//! stands within a macro's arguments; the text gives the true one.)

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The unit is refused.
    Error,
    /// It is not.
    Warning,
}

/// One message with the notes that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// File, line and column (both from 1) as `#line` has them; none for the linker and the driver.
    pub place: Option<Place>,
    /// The words, with the flag that controls it at the end.
    pub text: String,
    /// What was noted beside it.
    pub notes: Vec<Note>,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// As a message's.
    pub place: Option<Place>,
    /// The words.
    pub text: String,
}

/// File, line and column; both numbers from 1.
pub type Place = (String, u32, u32);

/// What a structure of httpd has no place for is lost, a function that nobody calls: an error here, and neither gcc nor clang
/// has a flag that makes it one without others.
const EXCESS: &str = "excess elements in struct initializer";

impl Message {
    /// Whether the compiler only warns of it, and the unit is refused all the same.
    pub fn is_loss(&self) -> bool {
        self.text.starts_with(EXCESS)
    }
}

/// Reads all messages in order.
pub fn parse(stderr: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for line in stderr.lines() {
        let Some((before, kind, text)) = split(line) else {
            messages.extend(linker(line));
            continue;
        };
        let severity = match kind {
            Kind::Note => {
                if let Some(last) = messages.last_mut() {
                    last.notes.push(Note { place: place(before), text: text.to_owned() });
                }
                continue;
            }
            Kind::Error => Severity::Error,
            Kind::Warning if text.starts_with(EXCESS) => Severity::Error,
            Kind::Warning => Severity::Warning,
        };
        messages.push(Message { severity, place: place(before), text: text.to_owned(), notes: Vec::new() });
    }
    // What the driver adds at the end only says that there was an error.
    let mut errors = messages.iter().filter(|message| message.severity == Severity::Error);
    if errors.any(|message| !is_summary(&message.text)) {
        messages.retain(|message| !is_summary(&message.text));
    }
    messages
}

enum Kind {
    Error,
    Warning,
    Note,
}

/// `BEFORE: error: TEXT`.
fn split(line: &str) -> Option<(&str, Kind, &str)> {
    let marks = [(": fatal error: ", true), (": error: ", true), (": internal compiler error: ", true)];
    let marks = marks.map(|(mark, _)| (mark, 0)).into_iter().chain([(": warning: ", 1), (": note: ", 2)]);
    // The first mark in the line counts: a message may quote another.
    let (at, mark, kind) =
        marks.filter_map(|(mark, kind)| line.find(mark).map(|at| (at, mark, kind))).min()?;
    let before = &line[..at];
    // Lines of source that are quoted begin with blanks.
    if before.is_empty() || before.starts_with([' ', '\t']) {
        return None;
    }
    let text = if mark.starts_with(": internal") { &line[at + 2..] } else { &line[at + mark.len()..] };
    let kind = match kind {
        0 => Kind::Error,
        1 => Kind::Warning,
        _ => Kind::Note,
    };
    Some((before, kind, text))
}

/// `FILE:LINE:COLUMN` or `FILE:LINE`; a program's name alone is no place.
fn place(before: &str) -> Option<Place> {
    let (rest, last) = before.rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    match rest.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file.to_owned(), line, last)),
        None => Some((rest.to_owned(), last, 1)),
    }
}

/// A line of ld's, lld's or gold's, which has no mark.
fn linker(line: &str) -> Option<Message> {
    let program = line.split(": ").next()?;
    let name = program.rsplit('/').next()?;
    if !(name == "ld" || name.ends_with("-ld") || name.starts_with("ld.") || name == "collect2") {
        return None;
    }
    let text = line.get(program.len() + 2..)?;
    let is_warning = text.starts_with("warning");
    let severity = if is_warning { Severity::Warning } else { Severity::Error };
    Some(Message { severity, place: None, text: text.to_owned(), notes: Vec::new() })
}

fn is_summary(text: &str) -> bool {
    text.starts_with("ld returned") || text.starts_with("linker command failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_warnings_and_notes_are_told_apart() {
        let stderr = "In file included from a.h:3,\n                 from mod_x.c:1:\n\
            modules/mod_x.c: In function 'f':\n\
            modules/mod_x.c:12:8: error: 'request_rec' has no member named 'foo'\n   12 |   r->foo = error: 3;\n\
            modules/mod_x.c:13:3: warning: implicit declaration of function 'g' [-Wimplicit-function-declaration]\n\
            a.h:4:1: note: declared here\nmod_x.c:1:10: fatal error: none.h: No such file or directory\n\
            compilation terminated.\n";
        let messages = parse(stderr);
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[0].place, Some(("modules/mod_x.c".to_owned(), 12, 8)));
        assert_eq!(messages[0].text, "'request_rec' has no member named 'foo'");
        assert_eq!(messages[1].severity, Severity::Warning);
        let note = Note { place: Some(("a.h".to_owned(), 4, 1)), text: "declared here".to_owned() };
        assert_eq!(messages[1].notes, [note]);
        assert_eq!(messages[2].text, "none.h: No such file or directory");
    }

    #[test]
    fn the_linkers_and_the_drivers_words_count() {
        let stderr = "/usr/bin/ld: cannot find -lnone: No such file or directory\n\
            collect2: error: ld returned 1 exit status\n";
        let messages = parse(stderr);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].text, "cannot find -lnone: No such file or directory");
        assert_eq!(messages[0].place, None);
        let messages = parse("cc: error: unrecognized command-line option '-fno'\n");
        assert_eq!(
            (messages[0].place.clone(), &*messages[0].text),
            (None, "unrecognized command-line option '-fno'")
        );
        assert_eq!(parse("collect2: error: ld returned 1 exit status\n").len(), 1);
    }
}
