//! gpg with its agent, passphrases from every place, and who gets to see them.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::gnupg::{Gnupg, RSA};
use support::run;
use support::signing::{Said, modgraft, rpmkeys, unsigned};

const PASSPHRASE: &str = "open sesame";

/// A key with a passphrase that its agent has forgotten.
struct Locked {
    gnupg: Gnupg,
    fingerprint: String,
    public: PathBuf,
}

impl Locked {
    fn new() -> Self {
        let gnupg = Gnupg::new();
        fs_err::write(gnupg.home.path().join("gpg-agent.conf"), "allow-preset-passphrase\n").unwrap();
        let fingerprint = gnupg.generate(&format!("{RSA}Passphrase: {PASSPHRASE}\n%commit\n"));
        let public = gnupg.public(&gnupg.home.path().join("public.asc"));
        let locked = Locked { gnupg, fingerprint, public };
        locked.forget();
        locked
    }

    fn forget(&self) {
        run(self.gpgconf().args(["--kill", "gpg-agent"]));
    }

    fn gpgconf(&self) -> Command {
        let mut command = Command::new("gpgconf");
        command.arg("--homedir").arg(self.gnupg.home.path());
        command
    }

    /// `resign` with gpg's key.
    fn command(&self, package: &Path) -> Command {
        let mut command = modgraft();
        command.env("GNUPGHOME", self.gnupg.home.path()).arg("resign").arg(package);
        command.arg("--sign-key").arg(format!("gpg:{}", self.fingerprint));
        command
    }

    fn file(&self) -> PathBuf {
        self.gnupg.export(PASSPHRASE, &self.gnupg.home.path().join("secret.asc"))
    }
}

#[test]
fn an_agent_that_knows_the_passphrase_is_enough() {
    let locked = Locked::new();
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    Said::of(&mut locked.command(&package)).fails(9, "is protected by a passphrase");

    run(locked.gpgconf().args(["--launch", "gpg-agent"]));
    let listing = run(locked.gnupg.command().args(["--with-colons", "--with-keygrip", "--list-secret-keys"]));
    let grip =
        listing.lines().find_map(|line| line.strip_prefix("grp:")).unwrap().trim_matches(':').to_owned();
    let preset = run(Command::new("gpgconf").args(["--list-dirs", "libexecdir"]));
    let passphrase = folder.path().join("passphrase");
    fs_err::write(&passphrase, PASSPHRASE).unwrap();
    run(Command::new(Path::new(preset.trim()).join("gpg-preset-passphrase"))
        .args(["--preset", &grip])
        .env("GNUPGHOME", locked.gnupg.home.path())
        .stdin(fs_err::File::open(&passphrase).unwrap().into_file()));
    assert_eq!(Said::of(&mut locked.command(&package)).code, Some(0));
    let first = fs_err::read(&package).unwrap();
    assert_eq!(Said::of(&mut locked.command(&package)).code, Some(0));
    assert!(fs_err::read(&package).unwrap() == first, "the same bytes twice");
    assert!(rpmkeys(&package, &locked.public).contains("RSA/SHA256 Signature"));
}

#[test]
fn an_agent_that_is_not_there_is_named() {
    let locked = Locked::new();
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    fs_err::write(locked.gnupg.home.path().join("gpg.conf"), "no-autostart\n").unwrap();
    Said::of(&mut locked.command(&package)).fails(9, "gpg cannot reach its agent");
}

#[test]
fn a_person_who_declines_is_told_from_a_wrong_passphrase() {
    let locked = Locked::new();
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    // A pinentry that counts how often it was asked, and whose user says no.
    let pinentry = folder.path().join("pinentry");
    let asked = folder.path().join("asked");
    let text = format!(
        "#!/bin/sh\necho OK hello\nwhile read -r word rest; do case $word in\nGETPIN) echo x >>{}; \
         echo 'ERR 83886179 Operation cancelled <Pinentry>' ;;\nBYE) echo OK; exit ;;\n*) echo OK ;;\nesac; done\n",
        asked.display()
    );
    fs_err::write(&pinentry, text).unwrap();
    fs_err::set_permissions(&pinentry, PermissionsExt::from_mode(0o755)).unwrap();
    let configuration = format!("pinentry-program {}\n", pinentry.display());
    fs_err::write(locked.gnupg.home.path().join("gpg-agent.conf"), configuration).unwrap();
    locked.forget();

    // Without a terminal nobody is asked, whatever pinentry there is.
    Said::of(&mut locked.command(&package)).fails(9, "is protected by a passphrase");
    assert!(!asked.exists(), "pinentry was asked");
    // With one somebody is: `script` makes a terminal.
    let inner = locked.command(&package);
    let words: Vec<String> = std::iter::once(inner.get_program())
        .chain(inner.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let log = folder.path().join("terminal");
    let output = Command::new("script")
        .args(["-q", "-e", "-c", &words.join(" ")])
        .arg(&log)
        .env("GNUPGHOME", locked.gnupg.home.path())
        .env("NO_COLOR", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("`script` is needed by this test (package bsdutils)");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(9), "{said}");
    assert!(said.contains("was cancelled"), "{said}");
    assert_eq!(fs_err::read_to_string(&asked).unwrap().lines().count(), 1);
}

#[test]
fn a_wrong_passphrase_is_tried_once() {
    let locked = Locked::new();
    let folder = tempfile::tempdir().unwrap();
    let packages = unsigned("el6", folder.path());
    let log = folder.path().join("log");
    let path = recording_gpg(folder.path(), &log);
    let mut command = locked.command(&packages[0]);
    command.args(&packages[1..]).env("PATH", path).env("MODGRAFT_PASSPHRASE", "abracadabra");
    Said::of(&mut command).fails(9, "the passphrase does not open the key");
    let log = fs_err::read_to_string(&log).unwrap();
    assert_eq!(log.matches("--detach-sign").count(), 1, "{log}");
}

/// A gpg in front of the real one that writes down its arguments, its environment and its open files.
fn recording_gpg(folder: &Path, log: &Path) -> std::ffi::OsString {
    let bin = folder.join("bin");
    fs_err::create_dir(&bin).unwrap();
    let real = run(Command::new("sh").args(["-c", "command -v gpg"]));
    let text = format!(
        "#!/bin/sh\n{{ echo \"$0 $*\"; tr '\\0' '\\n' </proc/$$/environ; ls -l /proc/$$/fd; }} \
         >>{}\nexec {} \"$@\"\n",
        log.display(),
        real.trim()
    );
    fs_err::write(bin.join("gpg"), text).unwrap();
    fs_err::set_permissions(bin.join("gpg"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path))).unwrap()
}

#[test]
fn a_passphrase_from_every_place_and_seen_by_nobody() {
    let locked = Locked::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [package, ..] = unsigned("el9", folder.path());
    let secret = path("the-secret");
    fs_err::write(&secret, format!("{PASSPHRASE}\n")).unwrap();
    let (log, by_gpg) = (path("log"), format!("gpg:{}", locked.fingerprint));
    let search = recording_gpg(folder.path(), &log);
    let by_file = locked.file().display().to_string();
    let shell = |redirect: &str, arguments: &str| {
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_modgraft");
        command.arg("-c").arg(format!("exec {program} resign \"$0\" {arguments} {redirect}")).arg(&package);
        command
    };
    let file = secret.display();
    let ways: Vec<(&str, Command)> = vec![
        ("variable", {
            let mut command = shell("", "");
            command.env("MODGRAFT_PASSPHRASE", PASSPHRASE);
            command
        }),
        ("file", shell("", &format!("--passphrase-file {file}"))),
        ("file by variable", {
            let mut command = shell("", "");
            command.env("MODGRAFT_PASSPHRASE_FILE", &secret);
            command
        }),
        ("descriptor", shell(&format!("7<{file}"), "--passphrase-fd 7")),
        ("pipe", shell("", "--passphrase-fd 0")),
        ("descriptor by variable", {
            let mut command = shell(&format!("8<{file}"), "");
            command.env("MODGRAFT_PASSPHRASE_FD", "8");
            command
        }),
    ];
    for (name, mut command) in ways {
        for key in [&by_gpg, &by_file] {
            // A key file's passphrase comes the same way, and takes seconds to be tried.
            if *key == by_file && name != "descriptor" {
                continue;
            }
            locked.forget();
            command
                .env("GNUPGHOME", locked.gnupg.home.path())
                .env("PATH", &search)
                .env("MODGRAFT_SIGN_KEY", key);
            command.stdin(match name {
                "pipe" => fs_err::File::open(&secret).unwrap().into_file().into(),
                _ => std::process::Stdio::null(),
            });
            let said = Said::of(&mut command);
            assert_eq!(said.code, Some(0), "{name}, {key}: {}", said.stderr);
            assert!(rpmkeys(&package, &locked.public).contains("RSA/SHA256 Signature"));
        }
        let seen = fs_err::read_to_string(&log).unwrap();
        assert!(seen.contains("--detach-sign") && seen.contains("GNUPGHOME="), "{seen}");
        assert!(!seen.contains(PASSPHRASE), "{name}: {seen}");
        // The shell's own descriptors end up in modgraft, and must not go on from there.
        assert!(!seen.contains("the-secret"), "{name}: the descriptor was handed down: {seen}");
        fs_err::remove_file(&log).unwrap();
    }

    let refused = |redirect: &str, arguments: &str, words: &str| {
        let mut command = shell(redirect, arguments);
        Said::of(command.env("MODGRAFT_SIGN_KEY", &by_file)).fails(2, words);
    };
    refused("", "--passphrase-fd 7", "7: it is not open");
    refused("", "--passphrase-fd 2", "1 and 2 are for what modgraft writes");
    refused(
        &format!("7<{file}"),
        &format!("--passphrase-fd 7 --passphrase-file {file}"),
        "two places are named",
    );
    refused("", "--passphrase-file /no/such/file", "no passphrase can be read from /no/such/file");
}
