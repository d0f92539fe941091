//! A real PKCS#11 token in software.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

/// The token's PIN.
pub const PIN: &str = "4711-0815";

/// SoftHSM with a token of its own, called `Release keys`.
pub struct SoftHsm {
    folder: tempfile::TempDir,
}

impl SoftHsm {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        fs_err::create_dir(&tokens).unwrap();
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs_err::write(folder.path().join("softhsm2.conf"), configuration).unwrap();
        fs_err::write(folder.path().join("pin"), format!("{PIN}\n")).unwrap();
        let token = SoftHsm { folder };
        run(token
            .util()
            .args(["--init-token", "--free", "--label", "Release keys", "--so-pin", "12345678"])
            .args(["--pin", PIN]));
        token
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The variable by which the module finds its tokens.
    pub fn variable(&self) -> (&'static str, PathBuf) {
        ("SOFTHSM2_CONF", self.path("softhsm2.conf"))
    }

    fn util(&self) -> Command {
        let mut command = Command::new("softhsm2-util");
        let (name, value) = self.variable();
        command.env(name, value);
        command
    }

    /// Puts a private key (PKCS#8, PEM) and its public half in.
    pub fn import(&self, key: &Path, label: &str, id: u8) {
        run(self
            .util()
            .args(["--token", "Release keys", "--pin", PIN, "--label", label, "--id", &format!("{id:02x}")])
            .arg("--import")
            .arg(key));
    }

    /// The library.
    pub fn module() -> &'static str {
        [
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib64/softhsm/libsofthsm.so",
            "/usr/lib64/pkcs11/libsofthsm2.so",
        ]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("SoftHSM's module is needed by this test (package softhsm2)")
    }

    /// A key's URI, by its label; the PIN comes from a file.
    pub fn uri(&self, label: &str) -> String {
        format!("{}&pin-source=file:{}", self.uri_without_pin(label), self.path("pin").display())
    }

    pub fn uri_without_pin(&self, label: &str) -> String {
        format!("pkcs11:token=Release%20keys;object={label}?module-path={}", SoftHsm::module())
    }

    /// A module in front of SoftHSM's that counts log-ins in the file `SHIM_LOG`, and makes the token locked
    /// (`SHIM_LOCKED`) or about to be (`SHIM_FINAL`), which SoftHSM's never is.
    pub fn shim(&self) -> PathBuf {
        let source = self.path("shim.c");
        fs_err::write(&source, SHIM).unwrap();
        let library = self.path("shim.so");
        let define = format!("-DMODULE=\"{}\"", SoftHsm::module());
        run(Command::new("cc")
            .args(["-shared", "-fPIC", "-w", &define, "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl"));
        library
    }
}

const SHIM: &str = r#"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
typedef unsigned long rv;
typedef rv (*function)();
struct list { unsigned char version[2]; function f[68]; };
static struct list mine, *theirs;
static rv login(unsigned long session, unsigned long user, void *pin, unsigned long length)
{
    FILE *log = fopen(getenv("SHIM_LOG"), "a");
    fputs("login\n", log);
    fclose(log);
    return getenv("SHIM_LOCKED") ? 0xA4 : theirs->f[18](session, user, pin, length);
}
static rv token(unsigned long slot, unsigned char *info)
{
    rv result = theirs->f[6](slot, info);
    if (getenv("SHIM_FINAL")) *(unsigned long *)(info + 96) |= 0x20000;
    return result;
}
rv C_GetFunctionList(struct list **out)
{
    rv (*get)(struct list **) = (rv (*)(struct list **))dlsym(dlopen(MODULE, RTLD_NOW), "C_GetFunctionList");
    rv result = get(&theirs);
    mine = *theirs;
    mine.f[18] = login;
    mine.f[6] = token;
    *out = &mine;
    return result;
}
"#;
