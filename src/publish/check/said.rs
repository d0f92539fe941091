//! What metadata says of a package, in a form that does not depend on who wrote it.

use std::fmt::Write as _;

use crate::repository::xml::{self, Item};

/// The elements of a package, a line each: name, attributes in order, text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Said {
    lines: Vec<String>,
    /// Elements that have begun and not ended.
    open: Vec<usize>,
}

impl Said {
    /// What one fragment says that modgraft writes.
    pub fn of(fragment: &str) -> Result<Said, String> {
        let mut said = Said::default();
        xml::walk(fragment.as_bytes(), "package", &mut |item| said.take(&item))?;
        Ok(said)
    }

    /// Takes an element's beginning or end.
    pub fn take(&mut self, item: &Item<'_>) -> Result<(), String> {
        match item {
            Item::Start(name, element) => {
                let mut attributes = Vec::new();
                xml::each(element, |key, value| {
                    // When the file was written is nothing that a header knows.
                    if !(*name == "time" && key == "file") {
                        attributes.push(format!(" {key}={value:?}"));
                    }
                    Ok(())
                })?;
                attributes.sort();
                self.open.push(self.lines.len());
                self.lines.push(format!("{name}{}", attributes.concat()));
            }
            Item::End(_, text) => {
                if let Some(line) = self.open.pop().and_then(|number| self.lines.get_mut(number))
                    && !text.is_empty()
                {
                    write!(line, " {text:?}").expect("writing into memory cannot fail");
                }
            }
        }
        Ok(())
    }

    /// In what it differs from what a header says.
    pub fn differs(&self, header: &Said) -> Option<String> {
        let lines = self.lines.len().max(header.lines.len());
        let line = |said: &Said, number: usize| {
            said.lines.get(number).map_or_else(|| "nothing more".to_owned(), |line| xml::shortened(line))
        };
        (0..lines)
            .find(|number| self.lines.get(*number) != header.lines.get(*number))
            .map(|number| format!("it says {}, and its header {}", line(self, number), line(header, number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_does_not_matter_and_content_does() {
        let one = Said::of("<package b='1' a=\"2\">\n  <x>t &amp; u</x><y/>\n</package>").unwrap();
        let same = Said::of("<package a='2' b='1'><x>t &#38; u</x> <y></y></package>").unwrap();
        assert_eq!(one.differs(&same), None);
        for (other, told) in [
            ("<package a='2' b='1'><x>t</x><y/></package>", "it says x \"t & u\", and its header x \"t\""),
            ("<package a='2' b='1'><x>t &amp; u</x></package>", "it says y, and its header nothing more"),
            (
                "<package a='2' b='3'/>",
                "it says package a=\"2\" b=\"1\", and its header package a=\"2\" b=\"3\"",
            ),
        ] {
            assert_eq!(one.differs(&Said::of(other).unwrap()).as_deref(), Some(told));
        }
        let dated = |time| Said::of(&format!("<package><time file='{time}' build='1'/></package>")).unwrap();
        assert_eq!(dated(1), dated(2));
    }
}
