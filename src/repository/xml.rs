//! XML of strangers: every way that it can be malformed is an error, and none of it makes a reader wait, grow or fall.
//!
//! The crate rpmrepo_metadata is not used: metadata that ends within a `format` or a requirement is read for ever
//! by its readers, and a first element without a `packages` makes one panic.

use std::io::{self, BufRead, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements within each other. Metadata has five.
const DEEPEST: usize = 16;
/// One tag, comment or text with all of its pieces; it is in memory as a whole. The longest of metadata, a description, has some
/// kilobytes. Bytes.
const LONGEST: usize = 1 << 20;

/// What is met on the way.
pub(crate) enum Item<'a> {
    /// An element begins, by its name without a prefix.
    Start(&'a str, &'a BytesStart<'a>),
    /// It ends; the text that stood last in it.
    End(&'a str, &'a str),
}

/// Meets all elements in order, up to the end of the one that holds all, which has to be called `root`.
pub(crate) fn walk(
    input: impl BufRead,
    root: &str,
    visit: &mut dyn FnMut(Item<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader::from_reader(Bounded { input, left: LONGEST });
    reader.config_mut().expand_empty_elements = true;
    let (mut buffer, mut text) = (Vec::with_capacity(1 << 12), String::new());
    let (mut depth, mut seen) = (0_usize, false);
    loop {
        buffer.clear();
        reader.get_mut().left = LONGEST;
        if text.len() > LONGEST {
            return Err(TOO_LONG.to_owned());
        }
        match reader.read_event_into(&mut buffer).map_err(|error| problem(&error))? {
            Event::Start(element) => {
                let name = element.local_name();
                if depth == 0 && (seen || name.as_ref() != root) {
                    return Err(format!("it is no `{root}`"));
                }
                (depth, seen) = (depth + 1, true);
                if depth > DEEPEST {
                    return Err("its elements stand too deep within each other".to_owned());
                }
                text.clear();
                visit(Item::Start(name.as_ref(), &element))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                visit(Item::End(element.local_name().as_ref(), text.trim()))?;
                text.clear();
            }
            Event::Text(more) if depth == 0 && !more.trim().is_empty() => {
                return Err("it has text outside of all elements".to_owned());
            }
            Event::Text(more) => text.push_str(&more.xml10_content()),
            Event::CData(more) => text.push_str(&more.xml10_content()),
            Event::GeneralRef(reference) => {
                let named = || {
                    quick_xml::escape::resolve_predefined_entity(&reference.xml10_content())
                        .map(str::to_owned)
                };
                let found = reference.resolve_char_ref().map_err(|error| problem(&error))?;
                match found.map(String::from).or_else(named) {
                    Some(found) => text.push_str(&found),
                    None => return Err("it has an entity that no metadata has".to_owned()),
                }
            }
            Event::Eof if depth > 0 || !seen => return Err("it ends within an element".to_owned()),
            Event::Eof => return Ok(()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

const TOO_LONG: &str = "it has a piece of more than 1 MiB, which no metadata has";

/// Gives no more than what is left for one event.
struct Bounded<R> {
    input: R,
    /// Bytes.
    left: usize,
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.input.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TOO_LONG));
        }
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.input.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let read = bytes.len().min(buffer.len());
        buffer[..read].copy_from_slice(&bytes[..read]);
        self.consume(read);
        Ok(read)
    }
}

/// One attribute, by its name with the prefix.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let mut found = None;
    each(element, |key, value| {
        if key == name {
            found = Some(value.to_owned());
        }
        Ok(())
    })?;
    Ok(found)
}

/// One that has to be there.
pub(crate) fn required(element: &BytesStart<'_>, name: &str) -> Result<String, String> {
    attribute(element, name)?.ok_or_else(|| {
        let element = element.local_name();
        format!("a `{}` has no `{name}`", element.as_ref())
    })
}

/// All attributes, in order.
pub(crate) fn each(
    element: &BytesStart<'_>,
    mut take: impl FnMut(&str, &str) -> Result<(), String>,
) -> Result<(), String> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| problem(&error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| problem(&error))?;
        take(attribute.key.as_ref(), &value)?;
    }
    Ok(())
}

/// A number that has to be one.
pub(crate) fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("`{name}` is no number: {:?}", shortened(text)))
}

/// So much of a stranger's text as a message takes.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn problem(error: &dyn std::fmt::Display) -> String {
    shortened(error.to_string().lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<String, String> {
        let mut told = String::new();
        walk(text.as_bytes(), "a", &mut |item| {
            match item {
                Item::Start(name, element) => {
                    told += &format!("<{name} {:?}", attribute(element, "x")?);
                }
                Item::End(name, text) => told += &format!("{text}/{name}>"),
            }
            Ok(())
        })?;
        Ok(told)
    }

    #[test]
    fn elements_come_with_their_text() {
        let text =
            "<?xml version='1.0'?>\n<!-- x --><a x='1&lt;2'><p:b> &amp;&#65;<![CDATA[<]]> </p:b><c/></a>\n";
        assert_eq!(told(text).unwrap(), "<a Some(\"1<2\")<b None&A</b><c None/c>/a>");
    }

    #[test]
    fn what_is_malformed_is_an_error_and_ends() {
        for bad in [
            "",
            "x",
            "<a",
            "<a>",
            "<a><b>",
            "<a><b></a>",
            "</a>",
            "<b/>",
            "<a/><a/>",
            "<a x='1' x='2'/>",
            "<a x=1/>",
            "<a x='&nothing;'/>",
            "<a>&nothing;</a>",
            "<a>&#xffffffff;</a>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "\u{0}<a/>",
        ] {
            assert!(told(bad).is_err(), "{bad}: {:?}", told(bad));
        }
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        assert!(told(&deep).unwrap_err().contains("too deep"));
    }

    /// Parts of a document, one after another, of which the middle one comes again and again without an end.
    fn endless(front: &str, middle: &'static str) -> impl BufRead {
        let front = io::Cursor::new(front.as_bytes().to_vec());
        let pieces = std::iter::repeat_with(|| middle.as_bytes());
        front.chain(io::BufReader::new(Pieces { pieces, rest: &[] }))
    }

    struct Pieces<I> {
        pieces: I,
        rest: &'static [u8],
    }

    impl<I: Iterator<Item = &'static [u8]>> Read for Pieces<I> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.rest.is_empty() {
                self.rest = self.pieces.next().unwrap_or_default();
            }
            self.rest.read(buffer)
        }
    }

    #[test]
    fn what_has_no_end_is_refused_before_memory_is_full() {
        for (front, middle) in [
            ("<a>", "text"),
            ("<a><!--", "comment"),
            ("<a><![CDATA[", "data"),
            ("<a><?x ", "instruction"),
            ("<a", "name"),
            ("<a x='", "value"),
            ("<!DOCTYPE a", " type"),
            ("<a>", "&amp;"),
            ("<a>", "text<!-- x -->"),
            ("<a>", "&amp;text<![CDATA[<]]>"),
        ] {
            let error = walk(endless(front, middle), "a", &mut |_| Ok(())).unwrap_err();
            assert!(error.contains("more than 1 MiB"), "{front}{middle}: {error}");
        }
        let long = "x".repeat(LONGEST / 2);
        let told = told(&format!("<a><b>{long}</b><b>{long}</b><c>{long}</c></a>")).unwrap();
        assert_eq!(told.len(), 3 * long.len() + "<a None<b None/b><b None/b><c None/c>/a>".len());
    }
}
