//! apxs's variables: `config_vars.mk`, and `apxs -q` where that file cannot be found.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Error;
use super::roots::Roots;
use crate::{environment, process};

/// apxs's variables, as they stand in `config_vars.mk`: values may refer to other variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// A variable that refers to itself is cut off here. httpd's own go three deep.
const MAX_DEPTH: usize = 16;

/// The variables that the stages read, asked one by one of an apxs that cannot list them all (2.2).
const ASKED: &[&str] = &[
    "CC",
    "CFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "NOTEST_CPPFLAGS",
    "NOTEST_LDFLAGS",
    "SH_LDFLAGS",
    "EXTRA_CPPFLAGS",
    "EXTRA_CFLAGS",
    "EXTRA_INCLUDES",
    "INCLUDES",
    "INCLUDEDIR",
    "LIBEXECDIR",
    "SBINDIR",
    "SYSCONFDIR",
    "progname",
    "APR_INCLUDEDIR",
    "APU_INCLUDEDIR",
    "APR_CONFIG",
    "APU_CONFIG",
];

/// apxs is a perl script that starts in some 50 ms; more than this is a hang.
const APXS_LIMIT: Duration = Duration::from_secs(20);

impl Variables {
    /// Reads the lines `NAME = value` of `config_vars.mk`, or `NAME=value` of `apxs -q`.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let pairs = lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        Variables(pairs.filter(|(name, _)| !name.is_empty() && !name.starts_with('#')).collect())
    }

    /// A variable's value with all that it refers to put in; unknown references are empty, as in make.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| self.expand(value, 0))
    }

    /// A folder: apxs's own expanded form (`exp_includedir`), else the plain variable (`includedir`).
    pub fn folder(&self, name: &str) -> Option<String> {
        let names = [format!("exp_{name}"), name.to_owned(), name.to_uppercase()];
        names.iter().find_map(|name| self.get(name)).filter(|path| path.starts_with('/')).map(|path| {
            // Debian's prefix is empty, which leaves `//usr`.
            let path = path.replace("//", "/");
            if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path }
        })
    }

    /// All variables with what they refer to put in.
    pub fn expanded(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(name, value)| (name.clone(), self.expand(value, 0))).collect()
    }

    fn expand(&self, value: &str, depth: usize) -> String {
        let mut text = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(at) = rest.find('$') {
            text.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let close = match after.as_bytes().first() {
                Some(b'{') => '}',
                Some(b'(') => ')',
                _ => {
                    text.push('$');
                    rest = after;
                    continue;
                }
            };
            let Some(end) = after.find(close) else {
                text.push('$');
                rest = after;
                continue;
            };
            if let Some(referred) = self.0.get(&after[1..end])
                && depth < MAX_DEPTH
            {
                text.push_str(&self.expand(referred, depth + 1));
            }
            rest = &after[end + 1..];
        }
        text.push_str(rest);
        text
    }
}

/// Finds the variables of the httpd in `roots`: `$APXS`, an apxs on `PATH` or in the usual folders, then the files in which
/// the distributions keep them (`usual`), which are there where apxs itself is in another package.
///
/// # Errors
/// `$APXS` names something that is no apxs. `Ok(None)`: there is none.
pub fn find(roots: &Roots, usual: &[String]) -> Result<Option<Variables>, Error> {
    let host = roots.is_host();
    if host && let Some(apxs) = environment::var("APXS") {
        let apxs = PathBuf::from(apxs);
        return of_apxs(&apxs)?.map(Some).ok_or_else(|| Error::Malformed {
            path: apxs,
            reason: "the variable APXS names it, but it is no apxs that works".to_owned(),
            help: "name the apxs program of the httpd to build for, or unset APXS".to_owned(),
        });
    }
    if host {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/bin", "/usr/sbin"].map(PathBuf::from));
        for folder in folders.filter(|folder| folder.is_absolute()) {
            for name in ["apxs", "apxs2"] {
                let apxs = folder.join(name);
                if apxs.is_file()
                    && let Some(variables) = of_apxs(&apxs)?
                {
                    return Ok(Some(variables));
                }
            }
        }
    }
    match usual.iter().find_map(|file| roots.find(file)) {
        Some(file) => Ok(Some(Variables::parse(&fs_err::read_to_string(file)?))),
        None => Ok(None),
    }
}

/// The variables of one apxs: from the file that it would read itself, since perl takes 50 ms to start; by running it else.
fn of_apxs(apxs: &Path) -> Result<Option<Variables>, Error> {
    let script = fs_err::read(apxs)?;
    if let Some(file) = variables_file(&String::from_utf8_lossy(&script))
        && let Ok(text) = fs_err::read_to_string(file)
    {
        return Ok(Some(Variables::parse(&text)));
    }
    let listed = match process::output(Command::new(apxs).arg("-q"), APXS_LIMIT) {
        Ok(output) => Variables::parse(&String::from_utf8_lossy(&output.stdout)),
        Err(process::Error::Interrupted) => return Err(process::Error::Interrupted.into()),
        Err(_) => return Ok(None),
    };
    if listed.folder("includedir").is_some() {
        return Ok(Some(listed));
    }
    let mut asked = BTreeMap::new();
    for name in ASKED {
        let output = process::output(Command::new(apxs).args(["-q", name]), APXS_LIMIT)?;
        if output.status.success() {
            asked.insert((*name).to_owned(), String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
    }
    Ok(asked.contains_key("INCLUDEDIR").then_some(Variables(asked)))
}

/// The file that an apxs script reads its variables from: `$installbuilddir = "/…/build"`, and `config_vars.mk` in it.
fn variables_file(script: &str) -> Option<PathBuf> {
    let folder = script.lines().find_map(|line| {
        let (_, value) = line.split_once("$installbuilddir")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
        value.split_once('"').map(|(folder, _)| folder).filter(|folder| folder.starts_with('/'))
    })?;
    Some(Path::new(folder).join("config_vars.mk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_put_in_whichever_brackets_they_have() {
        let variables =
            Variables::parse("prefix =\nexec_prefix = ${prefix}/usr\nincludedir = $(exec_prefix)/include\n");
        assert_eq!(variables.get("includedir").as_deref(), Some("/usr/include"));
        assert_eq!(variables.folder("includedir").as_deref(), Some("/usr/include"));
        assert_eq!(variables.get("nothing"), None);
    }

    #[test]
    fn a_variable_that_refers_to_itself_ends() {
        let variables = Variables::parse("a = x$(b)\nb = $(a)\n");
        assert!(variables.get("a").is_some_and(|value| value.starts_with('x')));
    }

    #[test]
    fn what_is_no_reference_stays() {
        let variables = Variables::parse("a = $HOME $(b\n");
        assert_eq!(variables.get("a").as_deref(), Some("$HOME $(b"));
    }

    #[test]
    fn the_expanded_form_is_preferred_for_folders() {
        let variables = Variables::parse("includedir = /a\nexp_includedir = /b//c/\n");
        assert_eq!(variables.folder("includedir").as_deref(), Some("/b/c"));
    }

    #[test]
    fn the_scripts_of_2_2_and_2_4_name_their_file() {
        let script = "#!/usr/bin/perl -w\nmy $installbuilddir = \"/usr/lib64/httpd/build\";\n";
        assert_eq!(variables_file(script), Some(PathBuf::from("/usr/lib64/httpd/build/config_vars.mk")));
        assert_eq!(variables_file("exec apxs.real \"$@\"\n"), None);
    }
}
