//! What nobody has written down, and httpd says: the modules without which it does not start with the new one.

use super::Request;
use crate::check;
use crate::recipe::Input;
use crate::report::Reporter;

/// Does `work`; where httpd then ends and its log names modules that the target has, once more with those loaded first. Only where there is
/// no recipe: one that somebody has written is to say it.
///
/// # Errors
/// Those of `work`.
pub(super) fn with_required<T>(
    request: &Request,
    reporter: &dyn Reporter,
    work: impl Fn(&Request) -> Result<T, crate::Error>,
) -> Result<T, crate::Error> {
    let mut request = request.clone();
    loop {
        let error = match work(&request) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        // Each round adds one that was not there.
        let new: Vec<String> = missing(&error, &request);
        if new.is_empty() {
            return Err(error);
        }
        reporter.note(format!("httpd ends without {}: once more, with that loaded first", new.join(" and ")));
        request.requires.extend(new);
    }
}

fn missing(error: &crate::Error, request: &Request) -> Vec<String> {
    let (crate::Error::Check(error), Input::Patches(_) | Input::Files { .. }) = (error, &request.input)
    else {
        return Vec::new();
    };
    let check::Error::Ended { named, .. } = &**error else { return Vec::new() };
    named.iter().filter(|name| !request.requires.contains(name)).cloned().collect()
}
