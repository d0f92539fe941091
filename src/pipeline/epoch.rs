//! The time in the packages: an input, never the clock.

use std::env;

use super::Error;
use crate::recipe::Recipe;

/// Seconds since 1970: `SOURCE_DATE_EPOCH`, else noon of the newest changelog entry's day as rpmbuild takes it, else the
/// date of the patch, else 0.
///
/// # Errors
/// [`Error::Epoch`] for a `SOURCE_DATE_EPOCH` that is no number.
pub fn of(recipe: &Recipe) -> Result<u64, Error> {
    if let Some(stated) = stated()? {
        return Ok(stated);
    }
    let newest = recipe.changelog.iter().map(|entry| entry.date).max();
    let noon = newest.and_then(|date| date.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok());
    Ok(noon.and_then(|noon| u64::try_from(noon.timestamp().as_second()).ok()).unwrap_or(0))
}

/// `SOURCE_DATE_EPOCH`, where it is set.
///
/// # Errors
/// As [`of`].
pub fn stated() -> Result<Option<u64>, Error> {
    let Some(text) = env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let text = text.to_string_lossy();
    text.trim().parse().map(Some).map_err(|_| Error::Epoch(text.into_owned()))
}
