//! What tells a target's configuration from what it was before.

use super::files::Files;
use super::order::without_main;
use super::{Options, survey};
use crate::hash::ListHash;
use crate::target::Target;

/// Lower-case hexadecimal digits that are others where the target's configuration is another that a build depends on: where
/// [`place`](super::place) may put a drop-in elsewhere, or [`simulate`](super::simulate) may say something else. They are of
/// what is loaded, from where and in which order, and of the text of each file that says so.
pub fn fingerprint(target: &Target) -> String {
    let survey = survey(target, &Options::default());
    let survey = survey.ok().or_else(|| without_main(target, &target.layout.load_file_for("", 0)));
    let mut list = ListHash::default();
    list.add(format!("{survey:?}"));
    let files = Files::new(target.roots(), &std::collections::BTreeMap::new());
    for path in survey.iter().flat_map(|survey| &survey.files) {
        // What cannot be read is an error of httpd's, in its words.
        list.add(files.read(path).unwrap_or_else(|error| error));
    }
    list.hex()
}
