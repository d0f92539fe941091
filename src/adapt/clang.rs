//! What clang says, in gcc's words and at gcc's places, so that findings are read in one way. Only what differs in more than a
//! phrase is here: clang names no function whose arguments are wrong, and tells of a macro's body where the macro is used.

use super::finding::Lines;
use crate::c::expression::Code;
use crate::compile::{Message, Place};

/// What clang notes at each macro on the way to a place, the innermost last.
const EXPANDED: &str = "expanded from macro";

/// The message as gcc would have it; others are left as they are.
pub fn in_gccs_words(message: &Message, lines: &Lines<'_>, code: &Code<'_>, own_name: &str) -> Message {
    let mut message = message.clone();
    let own = |place: &&Place| place.0 == own_name;
    let at = message.place.as_ref().filter(own).and_then(|(_, line, column)| lines.offset(*line, *column));
    let arity = ["too few", "too many"].into_iter().find(|start| {
        message.text.strip_prefix(start).is_some_and(|rest| rest.starts_with(" arguments to function call"))
    });
    if let Some(start) = arity {
        let declared = message.notes.iter().find(|note| note.text.ends_with(" declared here"));
        let name = declared.and_then(|note| note.text.split('\'').nth(1)).map(str::to_owned);
        if let (Some(name), Some(at)) = (name, at) {
            let calls = code.calls(&name).into_iter().filter(|call| call.range.contains(&at));
            if let Some(call) = calls.min_by_key(|call| call.range.len()) {
                message.place = lines.place(own_name, call.range.start);
            }
            message.text = format!("{start} arguments to function '{name}'");
        }
        return message;
    }
    if message.text.starts_with("incompatible ") && message.text.contains("pointer") {
        if message.text.contains(" to parameter of type ") {
            if let Some((callee, number)) = at.and_then(|at| code.argument_at(at)) {
                let name = code.text(&callee);
                message.text =
                    format!("passing argument {number} of '{name}' from incompatible pointer type");
            }
        } else if [" assigning to ", " initializing ", " returning "]
            .iter()
            .any(|word| message.text.contains(word))
        {
            // Clang points at what is initialised, gcc at what it is initialised with.
            if let Some(sign) = at.and_then(|at| code.initialised_at(at)) {
                message.place = lines.place(own_name, sign);
            }
            message.text = "assignment from incompatible pointer type".to_owned();
        }
        return message;
    }
    // The first word in quotes is what is missing, in all that clang says of macros' bodies.
    let name = message.text.split('\'').nth(1).unwrap_or_default();
    let here = |place: &Place| {
        let at = Some(place).filter(own).and_then(|(_, line, column)| lines.offset(*line, *column));
        at.is_some_and(|at| lines.has(at, name))
    };
    let expanded = message.notes.iter().filter(|note| note.text.starts_with(EXPANDED));
    let mut places = expanded.filter_map(|note| note.place.as_ref());
    if !name.is_empty() && at.is_some() && !message.place.as_ref().is_some_and(here) {
        let spelled =
            places.clone().rev().find(|place| here(place)).or_else(|| places.rfind(|place| !own(place)));
        if let Some(spelled) = spelled.cloned() {
            message.place = Some(spelled);
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Note, Severity};

    const TEXT: &str = "#define USE(w) ((w)->hits)\nint f(w_t *w)\n{\n    int *p = make(1);\n    p = make(2);\n\
                        \x20   take(w, (g(1)), p);\n    return USE(w) + other(w);\n}\n";

    fn said(words: &str, (line, column): (u32, u32), notes: &[(&str, &str, u32, u32)]) -> (String, String) {
        let place = |file: &str, line, column| Some((file.to_owned(), line, column));
        let notes = notes.iter().map(|(text, file, line, column)| Note {
            place: place(file, *line, *column),
            text: (*text).to_owned(),
        });
        let message = Message {
            severity: Severity::Error,
            place: place("m.c", line, column),
            text: words.to_owned(),
            notes: notes.collect(),
        };
        let lines = Lines::of(TEXT);
        let message = in_gccs_words(&message, &lines, &Code::new(TEXT), "m.c");
        let (file, line, column) = message.place.unwrap();
        let rest = if file == "m.c" { &TEXT[lines.offset(line, column).unwrap()..] } else { &file };
        (message.text, rest.chars().take(4).collect())
    }

    fn is(words: &str, at: &str) -> (String, String) {
        (words.to_owned(), at.to_owned())
    }

    #[test]
    fn arguments_have_their_function() {
        let too_few = "too few arguments to function call, expected 2, have 1";
        let declared = ("'take' declared here", "m.h", 3, 1);
        assert_eq!(said(too_few, (6, 22), &[declared]), is("too few arguments to function 'take'", "take"));
        let pointer =
            "incompatible pointer types passing 'int *' to parameter of type 'char *' [-Werror,-Wx]";
        let third = is("passing argument 3 of 'take' from incompatible pointer type", "p);\n");
        assert_eq!(said(pointer, (6, 21), &[("passing argument to parameter here", "m.h", 3, 1)]), third);
        let inner = is("passing argument 1 of 'g' from incompatible pointer type", "1)),");
        assert_eq!(said(pointer, (6, 16), &[]), inner);
        let second = is("passing argument 2 of 'take' from incompatible pointer type", "(g(1");
        assert_eq!(said(pointer, (6, 13), &[]), second);
    }

    #[test]
    fn values_are_told_of_where_they_are() {
        let words = "assignment from incompatible pointer type";
        let initialising =
            "incompatible pointer types initializing 'int *' with an expression of type 'char *'";
        assert_eq!(said(initialising, (4, 10), &[]), is(words, "= ma"));
        let assigning = "incompatible integer to pointer conversion assigning to 'int *' from 'int'";
        assert_eq!(said(assigning, (5, 7), &[]), is(words, "= ma"));
    }

    #[test]
    fn a_macros_body_is_where_it_is_written() {
        let member = "no member named 'hits' in 'struct w_t'";
        let own = [("expanded from macro 'USE'", "m.c", 1, 22)];
        assert_eq!(said(member, (7, 12), &own), is(member, "hits"));
        let header = [("expanded from macro 'USE'", "m.h", 1, 22)];
        assert_eq!(said(member, (7, 12), &header), is(member, "m.h"));
        let argument = "call to undeclared function 'other'";
        assert_eq!(said(argument, (7, 21), &header), is(argument, "othe"));
        assert_eq!(said("expected ';'", (7, 12), &[]), is("expected ';'", "USE("));
    }
}
