//! A run of many jobs as links on the page of a GitLab job (`artifacts:reports:annotations`).

use std::path::Path;

use serde_json::json;

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

fn path(folder: &Path) -> String {
    let parts = folder.components().filter(|part| *part != std::path::Component::CurDir);
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
