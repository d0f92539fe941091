//! The texts of pipelines.

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde::Serialize;

use super::Origin;
use crate::{profile, shell};

/// Whose pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI/CD.
    GitLab,
}

impl Service {
    /// The file that the service reads, from the project's folder.
    pub fn file(self) -> &'static str {
        match self {
            Service::GitHub => ".github/workflows/modgraft.yml",
            Service::GitLab => ".gitlab-ci.yml",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Service::GitHub => include_str!("../../templates/ci/github.yml.hbs"),
            Service::GitLab => include_str!("../../templates/ci/gitlab.yml.hbs"),
        }
    }
}

/// A target, and the profile that its packages are signed and published for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Of lower-case letters, digits, `.`, `_` and `-`: a shell takes it as it is, and YAML would take `8.10` for a number.
    pub name: String,
    /// A built-in one's name, or the path of a file of the project; none of `local`.
    pub profile: Option<String>,
}

/// Actions by the commits of their releases, as the tags of their own repositories name them.
#[derive(Debug, Serialize)]
struct Actions {
    checkout: &'static str,
    cache: &'static str,
    upload_artifact: &'static str,
    download_artifact: &'static str,
    upload_pages_artifact: &'static str,
    deploy_pages: &'static str,
}

const ACTIONS: Actions = Actions {
    checkout: "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    cache: "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
    upload_artifact: "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    download_artifact: "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    upload_pages_artifact: "actions/upload-pages-artifact@fc324d3547104276b827a68afc52ff2a11cc49c9 # v5.0.0",
    deploy_pages: "actions/deploy-pages@cd2ce8fcbc39b97be8ca5fce6e763baed58fa128 # v5.0.0",
};

/// What a build needs of Debian and Ubuntu, and for their own httpd besides.
const PACKAGES: &str = "ca-certificates gcc git libc6-dev pkg-config";
const HTTPD: &str = "apache2-bin apache2-dev";

#[derive(Serialize)]
struct View<'a> {
    /// In quotes, with commas between them.
    names: String,
    targets: Vec<Target>,
    /// Whether a profile is a file of the project.
    own_profiles: bool,
    /// Where modgraft comes from, where the pipeline says so itself.
    git: Option<&'a str>,
    rev: Option<&'a str>,
    /// Whether any has to be added to what the machine has.
    added: bool,
    annotations: bool,
    packages: String,
    actions: Actions,
    install: String,
    build: String,
    publish: String,
}

/// The pipeline's text.
pub fn render(service: Service, targets: &[Target], origin: Option<&Origin>) -> String {
    let local = |target: &Target| target.name == super::LOCAL;
    let names: Vec<String> = targets.iter().map(|target| format!("\"{}\"", target.name)).collect();
    let in_shell = |target: &Target| {
        let profile = target.profile.as_deref().map(|profile| shell::quoted(&[profile]));
        Target { profile, ..target.clone() }
    };
    let mut view = View {
        names: names.join(", "),
        targets: targets.iter().map(in_shell).collect(),
        own_profiles: targets.iter().filter_map(|target| target.profile.as_deref()).any(profile::is_file),
        git: origin.map(|origin| origin.git.as_str()),
        rev: origin.map(|origin| origin.rev.as_str()),
        added: !targets.iter().all(local),
        annotations: service == Service::GitLab,
        packages: if targets.iter().any(local) { format!("{PACKAGES} {HTTPD}") } else { PACKAGES.to_owned() },
        actions: ACTIONS,
        install: String::new(),
        build: String::new(),
        publish: String::new(),
    };
    let mut engine = Handlebars::new();
    // No HTML; what is put in is plain, or in quotes already.
    engine.register_escape_fn(handlebars::no_escape);
    engine.set_strict_mode(true);
    engine.register_helper("indented", Box::new(indented));
    // The templates are part of the program, and the tests render all that can be in them.
    let text = |engine: &Handlebars<'_>, template, view: &View<'_>| {
        engine.render_template(template, view).expect("the built-in pipelines render")
    };
    view.install = text(&engine, include_str!("../../templates/ci/install.sh.hbs"), &view);
    view.build = text(&engine, include_str!("../../templates/ci/build.sh.hbs"), &view);
    view.publish = text(&engine, include_str!("../../templates/ci/publish.sh.hbs"), &view);
    text(&engine, service.template(), &view)
}

/// `{{{indented TEXT COLUMNS}}}`: a script in a block of YAML.
fn indented(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let missing = |index| RenderErrorReason::ParamNotFoundForIndex("indented", index);
    let text = helper.param(0).and_then(|text| text.value().as_str()).ok_or_else(|| missing(0))?;
    let columns = helper.param(1).and_then(|columns| columns.value().as_u64()).ok_or_else(|| missing(1))?;
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line {
            "" => String::new(),
            line => format!("{}{line}", " ".repeat(usize::try_from(columns).unwrap_or_default())),
        })
        .collect();
    out.write(&lines.join("\n"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Target> {
        let target = |name: &str, profile: Option<&str>| Target {
            name: name.into(),
            profile: profile.map(Into::into),
        };
        vec![target("el8", Some("el8")), target("8.10", Some("our profiles/own.toml")), target("local", None)]
    }

    #[test]
    fn every_action_is_pinned_by_a_whole_commit_and_says_its_version() {
        let text = render(Service::GitHub, &some(), None);
        let uses: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "))
            .collect();
        assert_eq!(uses.len(), 7, "{uses:?}");
        for action in uses {
            let (_, rest) = action.split_once('@').expect("a revision");
            let (commit, version) = rest.split_once(" # v").expect("a version");
            assert!(commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit()), "{action}");
            assert!(version.split('.').count() == 3, "{action}");
        }
        assert!(!text.contains("\\{{") && text.contains("group: modgraft-${{ github.ref }}"), "{text}");
    }

    #[test]
    fn each_target_is_signed_and_published_as_its_profile_asks() {
        for service in [Service::GitHub, Service::GitLab] {
            let text = render(service, &some(), None);
            assert!(text.contains("[\"el8\", \"8.10\", \"local\"]"), "{text}");
            assert!(
                text.contains("modgraft resign --sign-key \"$key\" --profile el8 out/el8/*/*.rpm"),
                "{text}"
            );
            let own = "--profile 'our profiles/own.toml' out/8.10/*/*.rpm";
            assert!(
                text.contains(own) && text.contains("--for 'our profiles/own.toml' --base-url"),
                "{text}"
            );
            assert!(text.contains("modgraft resign --sign-key \"$key\" out/local/*/*.rpm"), "{text}");
            assert!(
                text.contains("apache2-dev") && !render(service, &some()[..1], None).contains("apache2-dev")
            );
        }
    }
}
