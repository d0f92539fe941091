//! Whose a name is that the compiler does not know: httpd's, APR's, or that of somebody else, mostly a library's.

use super::Inputs;
use super::draft::Draft;
use crate::flatten::{Failure, Upstream};
use crate::libraries;
use crate::target::calendar;

/// Whose a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// httpd's or the module's; also where nothing tells.
    Httpd,
    /// APR's or APR-util's.
    Apr,
    /// Neither theirs nor that of any source that is known.
    Other,
}

/// How names of the two begin, in small letters: their own rule for what is public.
const OF_HTTPD: &[&str] = &["ap_"];
const OF_APR: &[&str] = &["apr_", "apu_"];

/// Whose `name` is: by its beginning, by the releases' lists, by the unit, the target and the headers of upstream's tree.
pub fn of(name: &str, draft: &Draft, inputs: &Inputs<'_>) -> Owner {
    let small = name.to_ascii_lowercase();
    let begins = |with: &[&str]| with.iter().any(|start| small.starts_with(start));
    if begins(OF_APR) {
        return Owner::Apr;
    }
    let of_httpd = begins(OF_HTTPD)
        || calendar::since(name, &inputs.target.httpd_version).is_some()
        || inputs.steps.naming(name, inputs.target.mmn).is_some()
        || inputs.rules.about(name).is_some()
        || inputs.interface.declared_in(name).is_some()
        || draft.unit().record.iter().any(|fate| fate.name == name)
        // A tree that cannot be read tells nothing.
        || inputs.base.is_some_and(|base| is_declared(name, base).unwrap_or(true));
    if of_httpd { Owner::Httpd } else { Owner::Other }
}

/// Whether a header of the tree declares or defines `name`.
fn is_declared(name: &str, base: &dyn Upstream) -> Result<bool, Failure> {
    let headers: Vec<String> = base.c_files()?.iter().filter(|path| path.ends_with(".h")).cloned().collect();
    base.preload(&headers)?;
    for path in headers {
        let mentions = base.read(&path)?.is_some_and(|text| text.contains(name));
        if mentions && base.parsed(&path)?.is_some_and(|file| file.find_outline(name).next().is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The development packages of the libraries whose headers the unit includes, in words.
pub fn packages(draft: &Draft) -> Vec<String> {
    libraries::of_includes(draft.text()).into_iter().filter_map(libraries::Library::packages).collect()
}
