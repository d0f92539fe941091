//! The recipes that come with modgraft: what can be known of them without upstream's repository.

use std::path::{Path, PathBuf};

use modgraft::lint;
use modgraft::recipe::{self, DocumentKind};
use modgraft::source::SourceSpec;

fn recipes(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    files.filter(|entry| entry.file_name() == "module.toml").map(walkdir::DirEntry::into_path).collect()
}

#[test]
fn lint_has_nothing_to_tell_of_any() {
    let all = recipes("modules");
    assert!(all.len() > 15);
    for file in all {
        let findings: Vec<String> = lint::recipe(&file)
            .unwrap()
            .iter()
            .map(|finding| format!("{}: {finding}", finding.lint.name))
            .collect();
        assert_eq!(findings, [""; 0], "{}", file.display());
    }
}

#[test]
fn those_of_upstream_name_a_commit_and_have_none_of_its_code() {
    let all = recipes("modules/upstream");
    assert!(all.len() >= 11);
    for file in all {
        let recipe = recipe::read(&file).unwrap();
        let folder = file.parent().unwrap();
        assert_eq!(folder.file_name().unwrap().to_str(), Some(recipe.name.as_str()));
        let (SourceSpec::Commit { url, commit } | SourceSpec::Revision { url, commit, .. }) = &recipe.source
        else {
            panic!("{}: {:?}", file.display(), recipe.source);
        };
        assert_eq!((url.as_str(), commit.len()), ("https://github.com/apache/httpd.git", 40));
        let mut beside: Vec<String> = fs_err::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        beside.sort();
        assert_eq!(beside, ["LICENSE", "module.toml"], "{}", file.display());
        assert!(recipe.documents.iter().any(|document| document.kind == DocumentKind::License));
    }
}
