//! Lines out of what comes in parts.

/// A longer line is given in parts. Bytes.
const LONGEST: usize = 64 << 10;

/// The part of a line that has come.
#[derive(Default)]
pub(super) struct Parts(Vec<u8>);

impl Parts {
    /// Takes more, and gives each line that is whole then. What is not UTF-8 is replaced.
    pub fn add(&mut self, bytes: &[u8], each: &mut dyn FnMut(&str)) {
        for mut rest in bytes.split_inclusive(|byte| *byte == b'\n') {
            while !rest.is_empty() {
                let (some, more) = rest.split_at(rest.len().min(LONGEST - self.0.len()));
                self.0.extend_from_slice(some);
                rest = more;
                if self.0.len() == LONGEST || self.0.ends_with(b"\n") {
                    self.end(each);
                }
            }
        }
    }

    /// Nothing more comes: gives what is left.
    pub fn end(&mut self, each: &mut dyn FnMut(&str)) {
        if !self.0.is_empty() {
            each(String::from_utf8_lossy(&self.0).trim_end_matches(['\n', '\r']));
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let text = "one\r\n\ntwo\n\u{e4}nd";
        for size in 1..=text.len() {
            let mut lines = Vec::new();
            let mut parts = Parts::default();
            text.as_bytes()
                .chunks(size)
                .for_each(|some| parts.add(some, &mut |line| lines.push(line.to_owned())));
            parts.end(&mut |line| lines.push(line.to_owned()));
            parts.end(&mut |_| panic!("nothing is left"));
            assert_eq!(lines, ["one", "", "two", "\u{e4}nd"], "{size}");
        }
        let mut lengths = Vec::new();
        let mut parts = Parts::default();
        parts.add(&[b'x'; 2 * LONGEST + 1], &mut |line| lengths.push(line.len()));
        parts.add(b"\n", &mut |line| lengths.push(line.len()));
        assert_eq!(lengths, [LONGEST, LONGEST, 1]);
    }
}
