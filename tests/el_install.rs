//! Repositories like those of Enterprise Linux.

mod support;

use support::el::Release;

#[test]
fn each_release_has_its_repository() {
    for release in [Release::El7, Release::El8, Release::El9] {
        let repository = release.repository();
        assert!(repository.folder.join("repodata/repomd.xml").is_file(), "{repository:?}");
        assert!(repository.key.is_file());
    }
}
