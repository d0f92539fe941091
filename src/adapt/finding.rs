//! What the compiler found missing, typed.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clang;
use crate::c::expression::{Access, Call, Code};
use crate::compile::{Message, Place, Severity};

/// What sort of thing is missing or different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A function that nothing declares.
    Function,
    /// A type that nothing defines, or of which only the name is known.
    Type,
    /// A variable, constant or macro that nothing defines.
    Identifier,
    /// A header that is not there.
    Header,
    /// A member that a structure does not have.
    Member,
    /// A function that takes fewer or more arguments.
    Arity,
    /// An argument of a type that the function does not take; a callback with other parameters is one.
    Argument,
    /// A value of a type that its place does not take.
    Value,
    /// A name that the target gives another meaning.
    Conflict,
    /// `const module NAME`: httpd writes into it.
    ConstModule,
    /// The module structure has another name than that which the module's code uses.
    ModuleName,
    /// A member that is an array, by the type that its elements are taken for.
    Elements,
    /// A constant that something is added to.
    Sum,
    /// A call with an argument that is written so: the target has the function, and its httpd does something else around it.
    Call,
    /// `#error`, or anything else that no rule is for.
    Other,
}

impl Kind {
    /// For a person: `the member`.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Function => "the function",
            Kind::Type => "the type",
            Kind::Identifier => "the name",
            Kind::Header => "the header",
            Kind::Member => "the member",
            Kind::Arity => "the arguments of",
            Kind::Argument => "an argument of",
            Kind::Value => "a value",
            Kind::Conflict => "the name",
            Kind::ConstModule | Kind::ModuleName => "the module structure",
            Kind::Elements => "the elements of",
            Kind::Sum => "the sum with",
            Kind::Call => "the call of",
            Kind::Other => "this",
        }
    }
}

/// One thing that the target does not have, or has otherwise, and where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What sort of thing.
    pub kind: Kind,
    /// Its name; empty where there is none.
    pub name: String,
    /// Of a member, and of elements: the names of the structure's type, `struct` left out.
    pub owners: Vec<String>,
    /// Of a member: what is done with it.
    pub access: Option<Access>,
    /// Of a member that is assigned, and of an argument, of a call as well: the value, as it is written. Of elements: their
    /// type. Of a sum: what is added, where the sum is a whole expression.
    pub value: Option<String>,
    /// Of an argument, and of a call: which, from 1.
    pub argument: Option<usize>,
    /// The word that it is about, in the unit's text; nothing where the place is not in the unit.
    pub at: Option<Range<usize>>,
    /// The compiler's words.
    pub message: String,
    /// Where the compiler says it is.
    pub place: Option<Place>,
}

impl Finding {
    /// Whether it is about a type of which only the name is known.
    pub fn is_of_closed_type(&self) -> bool {
        self.kind == Kind::Type && CLOSED.iter().any(|words| self.message.contains(words))
    }

    /// Whether it is about something that the target lacks, or has otherwise.
    pub fn is_of_target(&self) -> bool {
        self.kind != Kind::Other || self.message.contains(EXCESS)
    }

    /// Whether it is no C to the compiler: a macro that it does not know can do that.
    pub fn is_unreadable(&self) -> bool {
        self.kind == Kind::Other && self.message.starts_with(EXPECTED)
    }
}

/// What both say where a structure of the target has fewer members than the module has values for it.
const EXCESS: &str = "excess elements in struct initializer";

/// How both begin where they cannot read on.
const EXPECTED: &str = "expected ";

/// Words that gcc and clang say of a type of which only the name is known.
const CLOSED: &[&str] = &["incomplete", "undefined type"];

/// What a message is about, by a phrase in it.
struct Phrase {
    words: &'static str,
    kind: Kind,
    name: Quoted,
}

/// Which of the words in quotes is the name.
#[derive(Clone, Copy)]
enum Quoted {
    /// The first behind the phrase.
    After,
    /// The last in front of it.
    Before,
    /// What stands in front of it without quotes.
    Bare,
    /// None.
    Nothing,
}

/// gcc's words and clang's. The first that is found decides, so the longer ones stand first.
const PHRASES: &[Phrase] = &[
    Phrase { words: "implicit declaration of function", kind: Kind::Function, name: Quoted::After },
    Phrase { words: "call to undeclared function", kind: Kind::Function, name: Quoted::After },
    Phrase { words: "call to undeclared library function", kind: Kind::Function, name: Quoted::After },
    Phrase { words: "unknown type name", kind: Kind::Type, name: Quoted::After },
    Phrase { words: "use of undeclared identifier", kind: Kind::Identifier, name: Quoted::After },
    Phrase { words: " undeclared (", kind: Kind::Identifier, name: Quoted::Before },
    Phrase { words: " undeclared here", kind: Kind::Identifier, name: Quoted::Before },
    Phrase { words: "has no member named", kind: Kind::Member, name: Quoted::After },
    Phrase { words: "no member named", kind: Kind::Member, name: Quoted::After },
    Phrase { words: ": No such file or directory", kind: Kind::Header, name: Quoted::Bare },
    Phrase { words: " file not found", kind: Kind::Header, name: Quoted::Before },
    Phrase { words: "too few arguments to function", kind: Kind::Arity, name: Quoted::After },
    Phrase { words: "too many arguments to function", kind: Kind::Arity, name: Quoted::After },
    Phrase { words: "passing argument", kind: Kind::Argument, name: Quoted::After },
    Phrase { words: "invalid use of incomplete typedef", kind: Kind::Type, name: Quoted::After },
    Phrase { words: "invalid use of undefined type", kind: Kind::Type, name: Quoted::After },
    Phrase { words: "dereferencing pointer to incomplete type", kind: Kind::Type, name: Quoted::After },
    Phrase { words: "has incomplete type", kind: Kind::Type, name: Quoted::After },
    Phrase { words: "incomplete definition of type", kind: Kind::Type, name: Quoted::After },
    Phrase { words: "conflicting types for", kind: Kind::Conflict, name: Quoted::After },
    Phrase { words: "redefinition of", kind: Kind::Conflict, name: Quoted::After },
    Phrase { words: "redeclared as", kind: Kind::Conflict, name: Quoted::Before },
    Phrase { words: "static declaration of", kind: Kind::Conflict, name: Quoted::After },
    Phrase { words: "from incompatible pointer type", kind: Kind::Value, name: Quoted::Nothing },
    Phrase { words: "from integer without a cast", kind: Kind::Value, name: Quoted::Nothing },
    Phrase { words: "from pointer without a cast", kind: Kind::Value, name: Quoted::Nothing },
];

/// The findings among the compiler's messages about a unit that it was given as the file `own_name` without `#line`.
pub fn findings(messages: &[Message], text: &str, own_name: &str) -> Vec<Finding> {
    let lines = Lines::of(text);
    let code = Code::new(text);
    let errors = messages.iter().filter(|message| message.severity == Severity::Error);
    let said = |message: &Message| {
        let read = clang::in_gccs_words(message, &lines, &code, own_name);
        Finding { message: message.text.clone(), ..finding(&read, &lines, &code, own_name) }
    };
    let mut all: Vec<Finding> = errors.map(said).collect();
    // One macro used twice gives one error for each use.
    let mut seen = std::collections::HashSet::new();
    all.retain(|finding| seen.insert((finding.at.clone(), finding.place.clone(), finding.message.clone())));
    all
}

fn finding(message: &Message, lines: &Lines<'_>, code: &Code<'_>, own_name: &str) -> Finding {
    let words = &message.text;
    let phrase = PHRASES.iter().find_map(|phrase| Some((phrase, words.find(phrase.words)?)));
    let (kind, name, rest) = match phrase {
        Some((phrase, at)) => {
            let (before, after) = (words.get(..at).unwrap_or_default(), words.get(at..).unwrap_or_default());
            let name = match phrase.name {
                Quoted::After => quoted(after).into_iter().next(),
                Quoted::Before => quoted(before).into_iter().next_back(),
                Quoted::Bare => Some(before),
                Quoted::Nothing => None,
            };
            let others = match (phrase.kind, before.is_empty()) {
                // clang: `no member named 'x' in 'struct y'`.
                (Kind::Member, true) => quoted(after).into_iter().skip(1).collect(),
                (Kind::Member, false) => quoted(before),
                _ => Vec::new(),
            };
            (phrase.kind, name.unwrap_or_default(), others)
        }
        None => (Kind::Other, "", Vec::new()),
    };
    let argument: Option<usize> = (kind == Kind::Argument)
        .then(|| words.split("passing argument ").nth(1)?.split(' ').next()?.parse().ok())
        .flatten();
    // A value has no name but that of the function that returns it.
    let returned = || {
        let (_, line, column) =
            message.place.as_ref().filter(|place| kind == Kind::Value && place.0 == own_name)?;
        let (callee, _) = code.call_from(lines.offset(*line, *column)?)?;
        Some(code.text(&callee))
    };
    let name = if name.is_empty() { returned().unwrap_or_default() } else { name };
    let name = name
        .trim_start_matches("struct ")
        .trim_start_matches("union ")
        .trim_end_matches([' ', '*'])
        .to_owned();
    let of_unit = |place: &&Place| place.0 == own_name;
    let noted = || {
        let expansions = message.notes.iter().filter(|note| note.text.starts_with("in expansion of macro"));
        expansions.filter_map(|note| note.place.as_ref()).find(of_unit)
    };
    // A place in a macro of the target's header is no place for an edit, but tells the person where to look.
    let own = message.place.as_ref().filter(of_unit);
    let at = own.and_then(|(_, line, column)| lines.offset(*line, *column));
    let member = match (kind, at) {
        (Kind::Member, Some(at)) => code.member_at(at).filter(|access| code.text(&access.member) == name),
        _ => None,
    };
    let value = match (&member, at, argument) {
        (Some(member), _, _) => code.assigned(member),
        (None, Some(at), Some(number)) => {
            // Older compilers point at the function, newer ones at the argument.
            let calls = code.calls(&name).into_iter().filter(|call| call.range.contains(&at));
            let call = calls.min_by_key(|call| call.range.len());
            call.and_then(|call: Call| call.arguments.get(number.checked_sub(1)?).cloned())
        }
        _ => None,
    };
    let value = value.map(|value| code.text(&value).to_owned());
    let access = member.map(|member| member.access);
    let at = if kind == Kind::Value && !name.is_empty() {
        at.and_then(|at| code.call_from(at)).map(|(callee, _)| callee)
    } else {
        at.and_then(|at| lines.word(at, &name))
    };
    let at = at.filter(|_| kind != Kind::Member || access.is_some());
    Finding {
        kind,
        owners: rest.iter().map(|owner| bare_type(owner)).collect(),
        name,
        access,
        value,
        argument,
        at,
        message: words.clone(),
        place: own.or_else(noted).or(message.place.as_ref()).cloned(),
    }
}

/// `struct proxy_worker_shared` and `const request_rec` by their names.
fn bare_type(text: &str) -> String {
    let words = text
        .split_whitespace()
        .filter(|word| !matches!(*word, "struct" | "union" | "const" | "volatile" | "*"));
    words.collect::<Vec<_>>().join(" ")
}

/// What stands in quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('\'').skip(1).step_by(2).collect()
}

/// A text by lines.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Lines { text, starts }
    }

    /// The byte of a line and byte column, both from 1.
    pub(super) fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let start = *self.starts.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let offset = start.checked_add(usize::try_from(column).ok()?.checked_sub(1)?)?;
        self.text.is_char_boundary(offset).then_some(offset)
    }

    /// The place of a byte, in the file of this name.
    pub(super) fn place(&self, name: &str, offset: usize) -> Option<Place> {
        let line = self.starts.partition_point(|start| *start <= offset);
        let column = offset - self.starts.get(line.checked_sub(1)?)? + 1;
        Some((name.to_owned(), line.try_into().ok()?, column.try_into().ok()?))
    }

    /// Whether `name` stands at `offset`, or behind the operator there.
    pub(super) fn has(&self, offset: usize, name: &str) -> bool {
        self.word(offset, name).is_some_and(|at| self.text.get(at) == Some(name))
    }

    /// The word `name` at `offset` or behind the operator there; one byte where it is not there.
    fn word(&self, offset: usize, name: &str) -> Option<Range<usize>> {
        let rest = self.text.get(offset..)?;
        let skipped = rest.len() - rest.trim_start_matches(['-', '>', '.', ' ', '\t', '\n', '"', '<']).len();
        let start = offset + skipped;
        if !name.is_empty() && self.text.get(start..).is_some_and(|rest| rest.starts_with(name)) {
            return Some(start..start + name.len());
        }
        let length = rest.chars().next().map_or(0, char::len_utf8);
        Some(offset..offset + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, line: u32, column: u32) -> Message {
        let place = Some(("mod_x.c".to_owned(), line, column));
        Message { severity: Severity::Error, place, text: text.to_owned(), notes: Vec::new() }
    }

    fn one(text: &str, words: &str, line: u32, column: u32) -> Finding {
        findings(&[message(words, line, column)], text, "mod_x.c").remove(0)
    }

    #[test]
    fn a_member_has_its_owners_and_what_is_done_with_it() {
        let text = "void f(void)\n{\n    a = w->s->hits;\n}\n";
        let found = one(
            text,
            "'proxy_worker_stat' {aka 'struct proxy_worker_stat'} has no member named 'hits'; did you mean 'bits'?",
            3,
            15,
        );
        assert_eq!(
            (found.kind, found.name.as_str(), found.access),
            (Kind::Member, "hits", Some(Access::Read))
        );
        assert_eq!(found.owners, ["proxy_worker_stat", "proxy_worker_stat"]);
        assert_eq!(found.at.map(|at| &text[at]), Some("hits"));
        let clang = one(text, "no member named 'hits' in 'struct proxy_worker_stat'", 3, 13);
        assert_eq!((clang.name.as_str(), &clang.owners[..]), ("hits", &["proxy_worker_stat".to_owned()][..]));
        assert_eq!(clang.at.map(|at| &text[at]), Some("hits"));
    }

    #[test]
    fn a_member_in_a_macro_of_somebody_else_has_no_place_for_an_edit() {
        let text = "void f(void)\n{\n    USE(w);\n}\n";
        let found = one(text, "'w_t' has no member named 'hits'", 3, 5);
        assert_eq!((found.kind, found.access, found.at), (Kind::Member, None, None));
    }

    #[test]
    fn names_are_read_of_both_compilers() {
        let kind = |words: &str| {
            let found = one("ap_x\n", words, 1, 1);
            (found.kind, found.name)
        };
        let is = |kind, name: &str| (kind, name.to_owned());
        assert_eq!(
            kind("implicit declaration of function 'ap_x' [-Werror=implicit-function-declaration]"),
            is(Kind::Function, "ap_x")
        );
        assert_eq!(kind("call to undeclared function 'ap_x'; ISO C99"), is(Kind::Function, "ap_x"));
        assert_eq!(kind("unknown type name 'ap_x'"), is(Kind::Type, "ap_x"));
        assert_eq!(kind("'ap_x' undeclared (first use in this function)"), is(Kind::Identifier, "ap_x"));
        assert_eq!(
            kind("'ap_x' undeclared here (not in a function); did you mean 'y'?"),
            is(Kind::Identifier, "ap_x")
        );
        assert_eq!(kind("a/b.h: No such file or directory"), is(Kind::Header, "a/b.h"));
        assert_eq!(kind("'a/b.h' file not found"), is(Kind::Header, "a/b.h"));
        assert_eq!(kind("too few arguments to function 'ap_x'"), is(Kind::Arity, "ap_x"));
        assert_eq!(kind("invalid use of undefined type 'struct ap_x'"), is(Kind::Type, "ap_x"));
        assert_eq!(kind("#error \"no\""), is(Kind::Other, ""));
        let argument = one("f\n", "passing argument 2 of 'ap_x' from incompatible pointer type", 1, 1);
        assert_eq!(
            (argument.kind, argument.argument, argument.name.as_str()),
            (Kind::Argument, Some(2), "ap_x")
        );
    }
}
