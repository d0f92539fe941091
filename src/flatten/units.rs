//! Numbers that the target keeps in another unit than the release that the code is of: under the same name and type, so that no
//! compiler notices. The knowledge is `units.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::parts::{Parts, Site};
use super::reach::Reached;
use super::{Error, Interface, Upstream, names};
use crate::c::Role;
use crate::c::expression::{Access, Code};
use crate::source::{RELEASE_HEADER, release_version};

/// How the target ships [`RELEASE_HEADER`].
const SHIPPED: &str = "ap_release.h";

/// A version of httpd: major, minor, patch level.
type Version = [u32; 3];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    member: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    name: String,
    since: Version,
    before: String,
    from_then_on: String,
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    toml::from_str(include_str!("units.toml"))
        .expect("units.toml is part of the program, and a unit test reads it")
});

/// That no member is used whose unit is another in the target. Without a tree that says its version nothing is known.
///
/// # Errors
/// [`Error::UnitDiffers`], [`Error::Base`].
pub(super) fn are_the_targets(
    parts: &Parts,
    reached: &Reached,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<(), Error> {
    let Some(base) = base else { return Ok(()) };
    let sites = names::in_unit(parts, reached);
    let mut used = sites.iter().flat_map(|site| uses(parts, *site)).peekable();
    if used.peek().is_none() {
        return Ok(());
    }
    let ours = base.read(RELEASE_HEADER);
    let ours = ours.map_err(|reason| Error::Base { path: RELEASE_HEADER.to_owned(), reason })?;
    let ours = ours.and_then(|text| version(&text));
    let theirs = offered.read_header(SHIPPED).and_then(|text| version(&text));
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return Ok(()) };
    let differing = used.find(|(member, ..)| (ours >= member.since) != (theirs >= member.since));
    let Some((member, site, at)) = differing else { return Ok(()) };
    let Some(part) = parts.get(site.part) else { return Ok(()) };
    let unit = |version| if version >= member.since { &member.from_then_on } else { &member.before };
    let words = |[major, minor, patch]: Version| format!("{major}.{minor}.{patch}");
    Err(Error::UnitDiffers {
        member: member.name.clone(),
        words: format!("{} in httpd {}, and {} in {}", unit(theirs), words(theirs), unit(ours), words(ours)),
        source_code: part.named_source(),
        at: (at, member.name.len()).into(),
    })
}

/// The uses in a piece, and where each is, that depend on the unit. What is only added up or divided by is a share of the
/// whole, in any unit.
fn uses(parts: &Parts, site: Site) -> Vec<(&'static Member, Site, usize)> {
    let Some(part) = parts.get(site.part) else { return Vec::new() };
    let Some(declaration) = part.file.declaration(site.piece) else { return Vec::new() };
    let text: &str = part.file.text();
    let members =
        declaration.identifiers.iter().filter(|used| used.role == Role::Member && !used.conditional);
    let known = members.filter_map(|used| {
        let name = text.get(used.range.clone())?;
        Some((DATA.member.iter().find(|member| member.name == name)?, used.range.start))
    });
    let start = part.file.code_range(site.piece).start;
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        return Vec::new();
    }
    let code = Code::new(text.get(part.file.code_range(site.piece)).unwrap_or_default());
    let depends = |at: usize| {
        // Without an object it is the declaration of a member.
        at.checked_sub(start).and_then(|at| code.member_at(at)).is_some_and(|access| {
            let before = code.text(&(0..access.range.start)).trim_end();
            let shared = ["+=", "-=", "/"].iter().any(|operator| before.ends_with(operator));
            access.access == Access::Written || !shared || before.ends_with("*/")
        })
    };
    known.into_iter().filter(|(_, at)| depends(*at)).map(|(member, at)| (member, site, at)).collect()
}

/// The version that an `ap_release.h` defines; one in the making counts as the release.
fn version(text: &str) -> Option<Version> {
    let stated = release_version(text)?;
    let numbers: Option<Vec<u32>> =
        stated.trim_end_matches("~dev").split('.').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read() {
        let text = "#define AP_SERVER_MAJORVERSION_NUMBER 2\n#define AP_SERVER_MINORVERSION_NUMBER 4\n\
                    #define AP_SERVER_PATCHLEVEL_NUMBER   6\n";
        assert_eq!(version(text), Some([2, 4, 6]));
        assert_eq!(version("#define AP_SERVER_MAJORVERSION 2\n"), None);
        assert!(DATA.member.iter().any(|member| member.name == "lbfactor"));
    }
}
