//! Where a target's httpd looks for its configuration, and what its distribution's own start script gives it besides.

use std::collections::BTreeMap;

use super::files::Files;
use super::variables::Variables;
use super::{Error, paths};
use crate::target::Target;

/// What is compiled into the program: `httpd -V` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// HTTPD_ROOT: ServerRoot, until the configuration says otherwise.
    pub root: String,
    /// SERVER_CONFIG_FILE, absolute.
    pub config: String,
}

impl Settings {
    /// Reads them from the program's own text, where they stand as `httpd -V` prints them.
    ///
    /// # Errors
    /// The program is not here, or does not say.
    pub fn of(target: &Target) -> Result<Self, Error> {
        let no_program =
            |reason: &str| Error::Program { target: target.name.clone(), reason: reason.to_owned() };
        let program = target.program.as_ref().ok_or_else(|| no_program("it is not on this host"))?;
        let content = target.objects().open(program)?;
        let content = content.data();
        let setting = |name: &str| {
            let before = format!(" -D {name}=\"");
            let at = memchr::memmem::find(content, before.as_bytes())? + before.len();
            let end = at + content.get(at..)?.iter().position(|byte| *byte == b'"')?;
            String::from_utf8(content[at..end].to_vec()).ok()
        };
        let root =
            setting("HTTPD_ROOT").ok_or_else(|| no_program("it does not say where its configuration is"))?;
        let config = setting("SERVER_CONFIG_FILE").unwrap_or_else(|| "conf/httpd.conf".to_owned());
        Ok(Settings { config: paths::merged(&root, &config), root })
    }
}

/// The variables that Debian's `apache2ctl` sets before it starts httpd: the assignments of `envvars` beside the configuration.
/// It is a shell script; what is no plain assignment is passed over.
pub(super) fn environment(files: &Files, root: &str) -> BTreeMap<String, String> {
    let text = files.read(&paths::merged(root, "envvars")).unwrap_or_default();
    let mut known = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) || value.contains(['`', '(', ';']) {
            continue;
        }
        let value = substituted(&value.replace(['"', '\''], ""), &known);
        known.insert(name.to_owned(), value);
    }
    known
}

/// `$NAME` and `${NAME}` replaced by what is known, or nothing, as the shell does.
fn substituted(value: &str, known: &BTreeMap<String, String>) -> String {
    let mut braced = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        braced.push_str(before);
        let name = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let (name, after) = name.unwrap_or_else(|| {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            after.split_at(end)
        });
        braced.push_str(known.get(name).map_or("", String::as_str));
        rest = after;
    }
    braced + rest
}

/// The variables for a simulation: the target's own script's, over which those that were given go.
pub(super) fn variables(
    files: &Files,
    root: &str,
    defines: &[String],
    given: &BTreeMap<String, String>,
) -> Variables {
    let mut environment = environment(files, root);
    environment.extend(given.clone());
    Variables::new(defines, &environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loader::files::Laid;
    use crate::target::roots::Roots;

    #[test]
    fn assignments_of_the_start_script_are_read() {
        let root = tempfile::tempdir().unwrap();
        let text = "# x\nunset HOME\nif [ \"${A##/b}\" != \"${A}\" ] ; then\n\tSUFFIX=\"-${A##/b}\"\nelse\n\tSUFFIX=\nfi\n\
                    export RUN=/run/apache2$SUFFIX\nexport LOG='/log'${RUN}x\nexport NOW=`date`\nexport LANG\n";
        let laid = BTreeMap::from([("/etc/apache2/envvars".to_owned(), Laid::Text(text.to_owned()))]);
        let files = Files::new(Roots::only(root.path().to_owned()), &laid);
        let known = environment(&files, "/etc/apache2");
        assert_eq!(known.get("RUN").map(String::as_str), Some("/run/apache2"));
        assert_eq!(known.get("LOG").map(String::as_str), Some("/log/run/apache2x"));
        assert_eq!(known.get("NOW"), None);
    }
}
