//! Wildcards in file names, as APR matches them (strings/apr_fnmatch.c, with APR_FNM_PERIOD).

/// Whether a name has wildcards: `*`, `?`, or a bracket that is closed and not empty (`apr_fnmatch_test`).
pub fn has_wildcards(name: &str) -> bool {
    let mut rest = name.chars();
    let mut bracket = None;
    while let Some(c) = rest.next() {
        match c {
            '*' | '?' => return true,
            // What is behind it stands for itself.
            '\\' if rest.next().is_none() => return false,
            '[' if bracket.is_none() => bracket = Some(0),
            ']' if bracket.is_some_and(|inside| inside > 0) => return true,
            _ => {}
        }
        if c != '[' {
            bracket = bracket.map(|inside| inside + 1);
        }
    }
    false
}

/// Whether a file's name fits. A dot at its beginning has to be in the pattern too.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.trim_start_matches('\\').starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where the last star is, and how much of the name it stands for: what is tried next where the rest does not fit.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            None if n == name.len() => return true,
            None => None,
            Some(_) => name.get(n).and_then(|c| one(&pattern[p..], *c)),
        };
        match (fits, star) {
            (Some(length), _) => {
                p += length;
                n += 1;
            }
            (None, Some((at, taken))) if taken < name.len() => {
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// Whether what the pattern begins with stands for this character; its length then.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', rest @ ..] => match bracket(rest, c) {
            Some((true, length)) => Some(1 + length),
            Some((false, _)) => None,
            // A bracket that is not closed stands for itself.
            None => (c == '[').then_some(1),
        },
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

/// Whether a set has the character, and its length with the closing bracket. `None`: it is not closed.
fn bracket(set: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(set.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut has = false;
    loop {
        let low = match *set.get(at)? {
            ']' if at > start => return Some((has != negated, at + 1)),
            '\\' => {
                at += 1;
                *set.get(at)?
            }
            low => low,
        };
        let range =
            (set.get(at + 1) == Some(&'-')).then(|| set.get(at + 2)).flatten().filter(|high| **high != ']');
        match range {
            Some(high) => {
                has |= (low..=*high).contains(&c);
                at += 3;
            }
            None => {
                has |= low == c;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_apr_does() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", false),
            (".*", ".conf", true),
            ("*.conf", "a.conf.rpmsave", false),
            ("?0-*.c*f", "10-x.conf", true),
            ("[0-9][!0]*", "10-x", false),
            ("[0-9][^1]*", "10-x", true),
            ("[a-c]\\*", "b*", true),
            ("a*b*c", "aXbXXbc", true),
            ("a*b*c", "aXbXXb", false),
            ("[ab", "[ab", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        for (name, expected) in
            [("a*", true), ("a\\*", false), ("[]", false), ("[a]", true), ("x]", false), ("a\\", false)]
        {
            assert_eq!(has_wildcards(name), expected, "{name}");
        }
    }
}
