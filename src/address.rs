//! Addresses: without the passwords and tokens that may stand in them, and with what a url cannot have encoded.
//!
//! What was typed may have a token in its url (`https://oauth2:TOKEN@…`), as pipelines are given it. It is used to fetch, and
//! for nothing else: what is shown, written down or packaged goes through here.

/// Schemes whose user is part of the address: no ssh server is reached without it, and it is no secret.
const WITH_USER: &[&str] = &["ssh", "git+ssh", "ssh+git"];

/// An address as it may be shown and published: without password, and without user unless ssh needs it. What is no url
/// stays as it is.
pub(crate) fn shown(address: &str) -> String {
    let Some((scheme, login, server)) = parts(address) else { return address.to_owned() };
    match login.split(':').next().filter(|_| WITH_USER.contains(&scheme.to_ascii_lowercase().as_str())) {
        Some(user) => format!("{scheme}://{user}@{server}"),
        None => format!("{scheme}://{server}"),
    }
}

/// What stands before the server in a url with a login: `user`, `user:password`.
pub(crate) fn login(address: &str) -> Option<&str> {
    parts(address).map(|(_, login, _)| login)
}

/// The scheme, the login, and all from the server on; nothing of what is no url or has no login.
fn parts(address: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    // Where git and browsers take the server to end; of text, also at its next blank.
    let end = rest.find(|c: char| "/?#".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
    let (login, _) = rest[..end].rsplit_once('@')?;
    Some((scheme, login, &rest[login.len() + 1..]))
}

/// A text, such as another program's message, with each address in it as [`shown`] has it.
pub(crate) fn shown_in(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(shown).collect()
}

/// A text as a part of a url: what no url keeps for itself (RFC 3986, 2.3) and the letters of `also` stay, each other byte becomes
/// `%XX`.
pub(crate) fn encoded(text: &str, also: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let letter = char::from(byte);
        if letter.is_ascii_alphanumeric() || "-._~".contains(letter) || also.contains(letter) {
            out.push(letter);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_would_misread_is_encoded() {
        assert_eq!(encoded("a-._~/b c+ä%20", "/"), "a-._~/b%20c%2B%C3%A4%2520");
        assert_eq!(encoded("a:b/c", ":"), "a:b%2Fc");
    }

    #[test]
    fn no_password_is_shown() {
        for (address, expected) in [
            ("https://me:secret@x/y@z", "https://x/y@z"),
            ("https://token@x", "https://x"),
            ("https://me:se@cret@x:8080?q", "https://x:8080?q"),
            ("HTTP://me:secret@x/", "HTTP://x/"),
            ("ssh://git:secret@x/y", "ssh://git@x/y"),
            ("ssh://git@x/y", "ssh://git@x/y"),
        ] {
            assert_eq!(shown(address), expected);
        }
        for same in ["https://x/y@z", "/a@b", "git@x:y", "../x", ""] {
            assert_eq!(shown(same), same);
        }
    }

    #[test]
    fn nor_is_it_in_what_a_program_says() {
        let said = "fatal: could not read Password for 'https://token@x': prompts disabled\nsee https://a:b@x/y me@x\n";
        let expected =
            "fatal: could not read Password for 'https://x': prompts disabled\nsee https://x/y me@x\n";
        assert_eq!(shown_in(said), expected);
    }
}
