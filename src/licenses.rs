//! What licences are called, and how their texts are told: `templates/licenses.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct License {
    id: String,
    phrases: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    license: Vec<License>,
}

static ALL: LazyLock<Vec<License>> = LazyLock::new(|| {
    let text = include_str!("../templates/licenses.toml");
    let data: All =
        toml::from_str(text).unwrap_or_else(|error| panic!("licenses.toml is embedded and tested: {error}"));
    data.license
});

/// As much of a text as is read, in characters: licences stand at the top.
const HEAD: usize = 8192;

/// The SPDX expression that a line of a text states: `SPDX-License-Identifier: …`.
pub fn stated(text: &str) -> Option<String> {
    let head = text.char_indices().nth(HEAD).map_or(text, |(end, _)| &text[..end]);
    let (_, id) = head.lines().find_map(|line| line.split_once("SPDX-License-Identifier:"))?;
    let id = id.trim().trim_end_matches("*/").trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// The SPDX identifier of the licence whose words stand at the top of a text.
pub fn of_text(text: &str) -> Option<&'static str> {
    let head: String = text.chars().take(HEAD).collect();
    // Marks of comments are no words of a licence.
    let words: Vec<&str> = head
        .split_whitespace()
        .filter(|word| !word.trim_matches(['*', '/', '#', ';', '-']).is_empty())
        .collect();
    let joined = words.join(" ");
    let is_there = |phrase: &String| joined.contains(phrase.as_str());
    let has =
        |license: &&License| license.phrases.iter().all(is_there) && !license.unless.iter().any(is_there);
    ALL.iter().find(has).map(|license| license.id.as_str())
}

/// The SPDX identifier of a licence by another name of it.
pub fn of_name(name: &str) -> Option<&'static str> {
    let named =
        |license: &&License| license.names.iter().any(|known| known.eq_ignore_ascii_case(name.trim()));
    ALL.iter().find(named).map(|license| license.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_that_spdx_knows() {
        for license in ALL.iter() {
            assert!(spdx::Expression::parse(&license.id).is_ok(), "{}", license.id);
            assert!(!license.phrases.is_empty(), "{}", license.id);
        }
    }

    #[test]
    fn texts_are_told_by_their_words() {
        for (text, id) in [
            ("/* Licensed to the Apache\n * Software Foundation (ASF)", Some("Apache-2.0")),
            ("Apache License\n  Version 2.0, January 2004\n", Some("Apache-2.0")),
            ("GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991", Some("GPL-2.0-only")),
            (
                "# under the terms of the GNU General Public License as\n# published; either version 2, or (at your option)\n# any later version",
                Some("GPL-2.0-or-later"),
            ),
            (
                " * Redistribution and use in source and binary forms, with\n * 3. All advertising materials mentioning features or use\n * of \"the Apache Group\"",
                Some("Apache-1.0"),
            ),
            (
                "Redistribution and use in source and binary forms\n3. All advertising materials mentioning features or use\n\
                 4. Neither the name of the University nor",
                Some("BSD-4-Clause"),
            ),
            (
                "Redistribution and use in source and binary forms\n4. The name of the author may not be used to endorse or promote products",
                Some("BSD-3-Clause"),
            ),
            // Clauses of Apache-1.0 by somebody else: none of those that share words with it.
            (
                "Redistribution and use in source and binary forms\n3. All advertising materials mentioning features or use\n\
                 4. Products derived from this software may not be called \"mod_x\"\n\
                 5. Redistributions of any form whatsoever must retain the following",
                None,
            ),
            (
                "Redistribution and use in source and binary forms\n3. All advertising materials mentioning features",
                None,
            ),
            ("All rights reserved", None),
        ] {
            assert_eq!(of_text(text), id, "{text}");
        }
        assert_eq!(
            stated("/* SPDX-License-Identifier: MIT OR Apache-2.0 */").as_deref(),
            Some("MIT OR Apache-2.0")
        );
        assert_eq!(stated("/* MIT */"), None);
    }

    #[test]
    fn other_names_are_known() {
        assert_eq!(of_name("ASL 2.0"), Some("Apache-2.0"));
        assert_eq!(of_name("gplv2+"), Some("GPL-2.0-or-later"));
        assert_eq!(of_name("no such licence"), None);
    }
}
