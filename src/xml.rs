//! Elements of XML, written; text as no reader can misread it.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// XML in the making.
pub(crate) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub fn new() -> Self {
        Xml(Writer::new_with_indent(Vec::with_capacity(2048), b' ', 2))
    }

    /// `<name …>`
    pub fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Start(element(name, attributes)));
    }

    /// `</name>`
    pub fn end(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// `<name …/>`
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(element(name, attributes)));
    }

    /// `<name …>text</name>`
    pub fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.start(name, attributes);
        // A reader makes a line feed of a carriage return that stands there as it is.
        let escaped = match partial_escape(clean(text)) {
            text if text.contains('\r') => Cow::Owned(text.replace('\r', "&#13;")),
            text => text,
        };
        self.event(Event::Text(BytesText::from_escaped(escaped)));
        self.end(name);
    }

    /// The text, which ends with a newline.
    pub fn finish(self) -> String {
        let mut bytes = self.0.into_inner();
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("what was written was text")
    }

    fn event(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("writing into memory cannot fail");
    }
}

fn element<'a>(name: &'a str, attributes: &[(&'a str, &'a str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (key, value) in attributes {
        let value = clean(value);
        element.push_attribute((*key, value.as_ref()));
    }
    element
}

/// Without the letters that XML cannot have in any form (XML 1.0, 2.2), as createrepo_c leaves them out of what is no UTF-8.
fn clean(text: &str) -> Cow<'_, str> {
    let bad = |letter: char| matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(bad) { Cow::Owned(text.replace(bad, "")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_it_was_meant() {
        let text = "a<b>&\"c'\r\nd\te\u{1}\u{fffe}\u{10000}";
        let mut xml = Xml::new();
        xml.start("a", &[]);
        xml.text("b", &[("c", text), ("d", "")], text);
        xml.empty("e", &[]);
        xml.end("a");
        let xml = xml.finish();
        let expected = "a<b>&\"c'\r\nd\te\u{10000}";
        let mut found = Vec::new();
        crate::repository::xml::walk(xml.as_bytes(), "a", &mut |item| {
            match item {
                crate::repository::xml::Item::Start("b", element) => {
                    found.push(crate::repository::xml::required(element, "c")?);
                }
                crate::repository::xml::Item::End("b", text) => found.push(text.to_owned()),
                _ => {}
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [expected, expected], "{xml}");
        assert!(!xml.contains("</package>"));
    }
}
