//! Which httpd brought what: the releases' public names (`templates/httpd-api.toml`), and what `ap_mmn.h` of an upstream tree
//! says of each step of the module magic number.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Mmn;
use crate::c::lex;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Api {
    since: BTreeMap<String, String>,
    members: BTreeMap<String, String>,
}

/// Releases with the names that they brought, oldest first: of functions, types and macros, and `OWNER.MEMBER` of members.
static API: LazyLock<Vec<([u32; 3], Vec<String>)>> = LazyLock::new(|| {
    let text = include_str!("../../templates/httpd-api.toml");
    let data: Api =
        toml::from_str(text).unwrap_or_else(|error| panic!("httpd-api.toml is embedded and tested: {error}"));
    let mut releases: Vec<_> = data
        .since
        .iter()
        .chain(&data.members)
        .map(|(version, names)| (numbers(version), names.split_whitespace().map(str::to_owned).collect()))
        .collect();
    releases.sort();
    releases
});

/// The release that brought a name (of a member: `OWNER.MEMBER`), where that is later than `target`: in the target's own
/// branch, else in a later one.
pub fn since(name: &str, target: &str) -> Option<String> {
    let target = numbers(target);
    let has = |names: &[String]| names.iter().any(|known| known == name);
    let later = API.iter().filter(|(release, names)| *release > target && has(names));
    let branch = |release: &[u32; 3]| release[..2] == target[..2];
    let release = later
        .clone()
        .find(|(release, _)| branch(release))
        .or_else(|| later.clone().next())
        .map(|(release, _)| release)?;
    Some(format!("{}.{}.{}", release[0], release[1], release[2]))
}

fn numbers(version: &str) -> [u32; 3] {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(version.split('.')) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}

/// The steps of the module magic number, as `ap_mmn.h` lists them in its comment.
#[derive(Debug, Clone, Default)]
pub struct Steps(Vec<Step>);

/// One step: what came with it, in upstream's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The number.
    pub mmn: Mmn,
    /// The version that was in development then: `2.4.6`; its next release has the step.
    pub version: String,
    /// What changed.
    pub text: String,
}

impl Steps {
    /// Reads an `ap_mmn.h`: lines such as `* 20120211.21 (2.4.5-dev) Add ap_proxy_create_hdrbrgd()`.
    pub fn read(header: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        for line in header.lines() {
            let Some(line) = line.trim_start().strip_prefix('*') else { continue };
            let line = line.trim();
            match Step::begun_by(line) {
                Some(step) => steps.push(step),
                None => {
                    if let Some(last) = steps.last_mut().filter(|_| line != "/") {
                        last.text.push(' ');
                        last.text.push_str(line);
                    }
                }
            }
        }
        Steps(steps)
    }

    /// The first step behind `have` that speaks of `name`.
    pub fn naming(&self, name: &str, have: Mmn) -> Option<&Step> {
        let mut words = self.0.iter().filter(|step| step.mmn > have);
        words.find(|step| lex::words(&step.text).any(|word| word == name))
    }
}

impl Step {
    fn begun_by(line: &str) -> Option<Self> {
        let (number, rest) = line.split_once(char::is_whitespace)?;
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        let major = Some(major).filter(|major| major.len() == 8)?.parse().ok()?;
        let mmn = Mmn { major, minor: minor.parse().ok()? };
        let (version, text) = rest.trim_start().strip_prefix('(')?.split_once(')')?;
        let version = version.trim_end_matches("-dev").to_owned();
        Some(Step { mmn, version, text: text.trim().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_that_brought_a_function_is_known() {
        assert_eq!(since("ap_proxy_create_hdrbrgd", "2.4.4").as_deref(), Some("2.4.6"));
        assert_eq!(since("ap_proxy_create_hdrbrgd", "2.2.15").as_deref(), Some("2.4.6"));
        assert_eq!(since("ap_proxy_create_hdrbrgd", "2.4.62"), None);
        assert_eq!(since("ap_map_http_request_error", "2.2.15").as_deref(), Some("2.2.31"));
        assert_eq!(since("no_such_function", "2.2.15"), None);
        assert_eq!(since("request_rec.useragent_ip", "2.2.15").as_deref(), Some("2.4.1"));
        assert_eq!(since("request_rec.bnotes", "2.4.6").as_deref(), Some("2.4.47"));
        assert!(API.len() > 30);
    }

    #[test]
    fn the_steps_of_the_module_magic_number_are_read() {
        let header = "/*\n * 20111130 (2.4.0-dev) Widgets\n * 20111130.2 (2.4.0-dev) Add w_gap to\n *  widget_rec\n * 20120211.3 \
            (2.4.5-dev) Add ap_w()\n */\n#define X 1\n";
        let steps = Steps::read(header);
        let of =
            |name, major, minor| steps.naming(name, Mmn { major, minor }).map(|step| step.version.as_str());
        assert_eq!(of("widget_rec", 20_051_115, 24), Some("2.4.0"));
        assert_eq!(of("ap_w", 20_051_115, 24), Some("2.4.5"));
        assert_eq!(of("ap_w", 20_120_211, 3), None);
        assert_eq!(of("gap", 20_051_115, 24), None);
    }
}
