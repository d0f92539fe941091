//! A key that is damaged, or given in a wrong place, is not shown: messages end in the logs of CI systems.

mod support;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use modgraft::sign::{self, Certificate, Environment, Error, KeySpec, Keyring};
use support::gnupg::{Gnupg, PLAIN, RSA};
use support::run;
use support::signing::{Said, modgraft, unsigned};

/// So many characters of an armored key in a row are told from a word by chance.
const RUN: usize = 24;

/// Secret keys, armored and binary, in all forms that differ in what a parser would say of them.
fn keys() -> Vec<(&'static str, Vec<u8>)> {
    let (plain, protected) = (Gnupg::new(), Gnupg::new());
    plain.generate(&format!("{RSA}{PLAIN}"));
    protected.generate(&format!("{RSA}Passphrase: secret\n"));
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| fs_err::read(path).unwrap();
    let file = |name: &str| folder.path().join(name);
    let armored = read(&plain.export("", &file("plain")));
    run(plain.command().args(["--output"]).arg(file("binary")).arg("--export-secret-keys"));
    let ed25519 = file("ed25519");
    run(modgraft().args(["key", "new", "--type", "ed25519", "--out"]).arg(&ed25519));
    vec![
        ("RSA", armored),
        ("protected", read(&protected.export("secret", &file("protected")))),
        ("Ed25519", read(&ed25519)),
        ("binary", read(&file("binary"))),
    ]
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What becomes of a key on its way through editors, variables and web forms.
fn damaged(name: &str, key: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |what: String, bytes: Vec<u8>| all.push((format!("{name}, {what}"), bytes));
    if let Ok(armored) = std::str::from_utf8(key) {
        let lines = |end: &str| armored.replace('\n', end).into_bytes();
        for (what, end) in
            [("blanks", " "), ("joined", ""), ("escaped", "\\n"), ("blank at the end", " \n"), ("CR", "\r")]
        {
            add(what.to_owned(), lines(end));
        }
        add(
            "indented".into(),
            armored.lines().map(|line| format!("    {line}\n")).collect::<String>().into(),
        );
        add("quoted".into(), format!("\"{armored}\"").into());
        add("marked".into(), armored.lines().map(|line| format!("> {line}\n")).collect::<String>().into());
        add("UTF-16".into(), armored.encode_utf16().flat_map(u16::to_le_bytes).collect());
        add("no blank line".into(), armored.replacen("\n\n", "\n", 1).into());
        add("no end".into(), armored.replace("-----END", "").into());
        add("no beginning".into(), armored.replace("-----BEGIN", "").into());
        add("another word".into(), armored.replace("PRIVATE", "PUBLIC").into());
        add("a signature".into(), armored.replace("PRIVATE KEY BLOCK", "SIGNATURE").into());
        for (what, at) in [("one line end", 300), ("the first line end", 20)] {
            let at = at + armored[at..].find('\n').unwrap();
            add(format!("without {what}"), format!("{}{}", &armored[..at], &armored[at + 1..]).into());
        }
    }
    for part in 1..16 {
        let at = key.len() * part / 16;
        for wrong in [b'*', b'A', 0xff] {
            let mut bytes = key.to_vec();
            bytes[at] = wrong;
            add(format!("{wrong:#x} at {at}"), bytes);
        }
        add(format!("cut at {at}"), key[..at].to_vec());
        add(format!("from {at}"), key[at..].to_vec());
    }
    all
}

/// Whether a message has a part of the key in it, as text or as the numbers of its bytes.
fn leak(message: &str, key: &[u8]) -> Option<String> {
    let base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/=".contains(letter);
    let joined: String = String::from_utf8_lossy(key).chars().filter(|letter| base64(*letter)).collect();
    let words = message.split(|letter| !base64(letter)).filter(|word| word.len() >= RUN);
    let mut windows = words.flat_map(|word| word.as_bytes().windows(RUN)).map(text);
    if let Some(found) = windows.find(|window| joined.contains(*window)) {
        return Some(found.to_owned());
    }
    let numbers: Vec<&str> =
        message.split(|letter: char| !letter.is_ascii_digit() && !", ".contains(letter)).collect();
    let run =
        |numbers: &&str| numbers.split(',').filter(|number| number.trim().parse::<u8>().is_ok()).count() > 5;
    numbers.into_iter().find(run).map(str::to_owned)
}

/// All that a person may see of an error.
fn shown(error: &Error) -> String {
    format!("{error}\n{error:?}\n{}", error.help().map(|help| help.to_string()).unwrap_or_default())
}

#[test]
fn no_message_has_a_part_of_a_damaged_key() {
    assert!(leak("Error { input: [32, 120, 99, 90, 89, 66, 71] }", b"").is_some());
    assert!(leak("abcdefghijklmnopqrstuvwxyz", b"abcdefghijklm\nnopqrstuvwxyz").is_some());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let mut refused = 0;
    for (name, key) in keys() {
        for (what, bytes) in damaged(name, &key) {
            fs_err::write(&file, &bytes).unwrap();
            let opened =
                sign::open_with(&KeySpec::File(file.clone()), folder.path(), &Environment::default());
            let found = sign::lint(&file, &[], 0).map(|lint| lint.text());
            let ring = Keyring::open(&file);
            let detached = match &ring {
                Ok(ring) => ring.verify_detached(&bytes, &|| Ok(Box::new(&b""[..]))).unwrap_err().to_string(),
                Err(_) => String::new(),
            };
            refused += usize::from(opened.is_err());
            let said = [
                opened.map(drop).map_err(|error| shown(&error)).err(),
                ring.map(drop).map_err(|error| shown(&error)).err(),
                Certificate::open(&file).map(drop).map_err(|error| shown(&error)).err(),
                Some(found.unwrap_or_else(|error| shown(&error))),
                Some(detached),
            ];
            for said in said.into_iter().flatten() {
                assert_eq!(leak(&said, &bytes), None, "{what}: {said}");
                assert!(!said.contains("backtrace"), "{what}: {said}");
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn no_command_shows_a_part_of_a_damaged_key() {
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let (file, key) = (folder.path().join("key"), keys().swap_remove(0).1);
    let armored = text(&key);
    for (bytes, words) in [
        (armored.replace('\n', " "), "its lines were joined"),
        (armored.replace('\n', "\\n"), "its line ends are written as `\\n`"),
        (armored[..armored.len() / 2].to_owned(), "it was cut off"),
    ] {
        fs_err::write(&file, &bytes).unwrap();
        let package = package.to_str().unwrap();
        let (file, rest) = (file.to_str().unwrap(), ["--name", "n", "--url", "https://x.example/"]);
        for arguments in [
            vec!["resign", "--sign-key", file, package],
            vec!["verify", "--key", file, package],
            vec!["verify", "--json", "--key", file, package],
            vec!["key", "lint", file],
            vec!["key", "lint", "--json", file],
            [vec!["key", "package", file, "--sign-key", "none"], rest.to_vec()].concat(),
            // In place of a package.
            vec!["verify", file],
            vec!["inspect", file],
        ] {
            let said = Said::of(modgraft().current_dir(folder.path()).args(&arguments));
            let all = format!("{}{}", said.stdout, said.stderr);
            assert_eq!(leak(&all, bytes.as_bytes()), None, "{arguments:?}: {all}");
            assert_ne!(said.code, Some(0), "{arguments:?}: {all}");
            if arguments[0] == "resign" {
                said.fails(3, words);
            }
        }
    }
}

#[test]
fn a_key_in_place_of_its_files_name_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let key = keys().swap_remove(0).1;
    for key in [text(&key).to_owned(), text(&key).replace('\n', " "), text(&key).replace('\n', "")] {
        let said = Said::of(modgraft().env("MODGRAFT_SIGN_KEY", &key).arg("resign").arg(&package));
        said.fails(2, "it looks like a key itself");
        assert_eq!(leak(&said.stderr, key.as_bytes()), None, "{}", said.stderr);
    }
}

#[test]
fn a_key_among_the_arguments_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let package = package.to_str().unwrap();
    let key = keys().swap_remove(0).1;
    let armored = text(&key);
    let encoded = base64(armored);
    for key in [armored.to_owned(), armored.replace('\n', ""), format!("\n{armored}"), encoded] {
        let of_option = format!("--sign-key={key}");
        for arguments in [
            vec!["sign", "--sign-key", &key, package],
            vec!["resign", &of_option, package],
            vec!["build-module", "--sign-key", &key],
            vec!["build-all", "--json", "--sign-key", &key],
            vec!["repo", "publish", "--sign-key", &key, "r", package],
            vec!["verify", "--key", &key, package],
            vec!["sign", "--passphrase-file", &key, package],
            vec!["key", "lint", &key],
            vec!["inspect", &key],
        ] {
            let said = Said::of(modgraft().current_dir(folder.path()).args(&arguments));
            said.fails(2, "it looks like a key itself");
            let all = format!("{}{}", said.stdout, said.stderr);
            assert_eq!(leak(&all, key.as_bytes()), None, "{}: {all}", arguments[0]);
        }
    }
}

/// As `base64 -w0` has it.
fn base64(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    fs_err::write(&file, text).unwrap();
    let output = std::process::Command::new("base64").arg("-w0").arg(&file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn keys_with_other_line_ends_and_blanks_around_lines_sign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let key = keys().swap_remove(0).1;
    let armored = text(&key);
    let opened = |bytes: &[u8]| {
        fs_err::write(&file, bytes).unwrap();
        let opened = sign::open_with(&KeySpec::File(file.clone()), folder.path(), &Environment::default());
        opened.map(|signer| signer.unwrap().key().fingerprint.clone())
    };
    let expected = opened(&key).unwrap();
    let indented: String = armored.lines().map(|line| format!("    {line} \n")).collect();
    for text in
        [armored.replace('\n', "\r"), armored.replace('\n', "\r\n"), indented, format!("\u{feff}{armored}")]
    {
        assert_eq!(opened(text.as_bytes()).unwrap(), expected);
    }
}

#[test]
fn the_secret_key_of_a_file_counts_and_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let gnupg = Gnupg::new();
    let fingerprint = gnupg.generate(&format!("{RSA}{PLAIN}"));
    let read = |file: PathBuf| fs_err::read(file).unwrap();
    let (secret, public) = (read(gnupg.export("", &path("secret"))), read(gnupg.public(&path("public"))));
    for (name, option) in [("secret.gpg", "--export-secret-keys"), ("public.gpg", "--export")] {
        run(gnupg.command().arg("--output").arg(path(name)).arg(option));
    }
    let binary = [read(path("public.gpg")), read(path("secret.gpg"))].concat();
    let open = |parts: &[&[u8]]| {
        fs_err::write(path("key"), parts.concat()).unwrap();
        let opened = sign::open_with(&KeySpec::File(path("key")), folder.path(), &Environment::default());
        opened.map(|signer| signer.unwrap().key().fingerprint.clone())
    };
    for parts in [&[&secret[..], &public][..], &[&public, &secret], &[&binary]] {
        assert_eq!(open(parts).unwrap(), fingerprint);
    }
    for public in [public, read(path("public.gpg"))] {
        assert!(open(&[&public]).unwrap_err().to_string().ends_with("it is a public key"));
    }
    // Each in a block of its own.
    let other = Gnupg::new();
    other.generate(&format!("{RSA}{PLAIN}"));
    let two = open(&[&secret, &read(other.export("", &path("other")))]).unwrap_err();
    assert!(matches!(two, Error::SeveralKeys { count: 2, .. }), "{two:?}");
}
