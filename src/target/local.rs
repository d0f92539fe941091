//! The target `local`: the httpd of this machine, laid out as its own apxs says; what is not installed of it comes from the
//! distribution's own packages.

use std::path::Path;

use super::fetch::{self, Missing, Wanted};
use super::installed::{self, Headers, Parts};
use super::roots::Roots;
use super::{Error, Options, Provenance, Target};
use crate::profile::{Distribution, Profile};

/// Finds the httpd of this machine, and fetches what is missing.
pub fn resolve(options: &Options, notify: &dyn Fn(&str)) -> Result<Target, Error> {
    let distribution = Roots::host().distribution().unwrap_or_else(|| Distribution::parse(""));
    let profile = distribution.profile();
    let parts = installed::find(Roots::host(), &profile)?;
    let missing = match (&parts.headers, &parts.program) {
        _ if options.prefer_fetched => Missing::Both { although_installed: true },
        (Some(_), Some(_)) => return complete(parts, &profile, Provenance::Installed),
        (Some(headers), None) if !profile.is_own(headers.sysconfdir().as_deref()) => {
            return Err(Error::Malformed {
                path: headers.program(),
                reason: "apxs names this httpd program, and it is not there".to_owned(),
                help: "install that httpd whole, or take another apxs with the variable APXS".to_owned(),
            });
        }
        (Some(_), None) => Missing::Program,
        (None, Some(_)) => Missing::Headers,
        (None, None) => Missing::Both { although_installed: false },
    };
    let wanted = Wanted { distribution: &distribution, profile: &profile, missing };
    let found = fetch::root(&wanted, options, notify)?;
    let fresh = found.fresh;
    match fetched_target(&profile, found) {
        Err(error) if fresh => {
            // Another run must not take it for whole.
            fetch::forget(&wanted, options)?;
            Err(error)
        }
        // What a damaged cache lacks is fetched anew, once.
        Err(Error::Malformed { .. } | Error::NotInstalled { .. } | Error::Io(_)) if !options.offline => {
            fetch::forget(&wanted, options)?;
            fetched_target(&profile, fetch::root(&wanted, options, notify)?)
        }
        result => result,
    }
}

fn fetched_target(profile: &Profile, fetched: fetch::Fetched) -> Result<Target, Error> {
    let parts = installed::find(Roots::over_host(fetched.root.clone()), profile)?;
    if let (Some(headers), Some(program)) = (&parts.headers, &parts.program) {
        fit(headers, program, &fetched)?;
    }
    let provenance = Provenance::Fetched { packages: fetched.packages, root: fetched.root };
    let target = complete(parts, profile, provenance)?;
    if fetched.fresh
        && let Some(program) = &target.program
        && let Some(library) = target
            .libraries
            .needed_by(program)
            .iter()
            .find(|library| target.libraries.find(library).is_none())
    {
        return Err(Error::not_installed(
            &format!("{library}, which httpd needs, is"),
            "the fetched packages do not have it",
            &profile.advice,
        ));
    }
    Ok(target)
}

/// Where one half was installed, it may have been replaced since the other was fetched.
fn fit(headers: &Headers, program: &Path, fetched: &fetch::Fetched) -> Result<(), Error> {
    let both_fetched = program.starts_with(&fetched.root) && headers.are_below(&fetched.root);
    if both_fetched {
        return Ok(());
    }
    let expected = headers.version()?;
    match installed::program_version(program)? {
        Some(version) if version != expected => Err(Error::Malformed {
            path: program.to_owned(),
            reason: format!("this is httpd {version}, and the headers are of httpd {expected}"),
            help: "run modgraft once without --offline, so that both can be of one version".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn complete(mut parts: Parts, profile: &Profile, provenance: Provenance) -> Result<Target, Error> {
    let lacks =
        |missing| Error::not_installed(missing, "the fetched packages do not have them", &profile.advice);
    let headers = parts.headers.take().ok_or_else(|| lacks("httpd's headers are"))?;
    let program = parts.program.take().ok_or_else(|| lacks("the httpd program is"))?;
    installed::target("local", &parts.roots, headers, program, profile, provenance)
}
