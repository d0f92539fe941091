//! A run of many jobs as links on the page of a GitLab job (`artifacts:reports:annotations`).

use std::path::Path;

use serde_json::json;

use crate::address::encoded;
use crate::pipeline::Outcomes;

/// The file's text: for each job a link to its packages among the artifacts of the job at `job_url`.
pub fn render(outcomes: &Outcomes, job_url: &str) -> String {
    let links = outcomes.ended.iter().map(|ended| {
        let label = format!("{} for {}: {}", ended.job.module, ended.job.target, ended.outcome.word());
        let folder =
            ended.packages.first().and_then(|package| package.parent()).filter(|path| path.is_relative());
        let url = match folder {
            Some(folder) => format!("{job_url}/artifacts/browse/{}", path(folder)),
            None => job_url.to_owned(),
        };
        json!({ "external_link": { "label": label, "url": url } })
    });
    let mut text = json!({ "modgraft": links.collect::<Vec<_>>() }).to_string();
    text.push('\n');
    text
}

/// A folder as it stands in a url.
fn path(folder: &Path) -> String {
    let parts = folder.components().filter(|part| *part != std::path::Component::CurDir);
    parts.map(|part| encoded(&part.as_os_str().to_string_lossy(), "")).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_a_url_is_encoded() {
        assert_eq!(path(Path::new("./out of 100%/el8/mod_é#1")), "out%20of%20100%25/el8/mod_%C3%A9%231");
    }
}
