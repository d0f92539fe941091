//! The time in the packages: an input, never the clock.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Error;
use crate::environment;
use crate::recipe::Recipe;

/// Seconds since 1970: `SOURCE_DATE_EPOCH`, else the beginning (UTC) of the newest changelog entry's day, else 0. rpmbuild takes the
/// beginning, too, though the entry itself is dated by noon: at noon, what is built in the morning would be signed in the future,
/// and rpm 4.19 and later take no such signature.
///
/// # Errors
/// [`Error::Epoch`] for a `SOURCE_DATE_EPOCH` that is no number.
pub fn of(recipe: &Recipe) -> Result<u64, Error> {
    if let Some(stated) = stated()? {
        return Ok(stated);
    }
    let newest = recipe.changelog.iter().map(|entry| entry.date).max();
    Ok(newest.map_or(0, beginning))
}

/// The beginning of a day, UTC; 0 for one before 1970.
fn beginning(date: Date) -> u64 {
    let midnight = date.to_zoned(TimeZone::UTC).ok();
    midnight.and_then(|midnight| u64::try_from(midnight.timestamp().as_second()).ok()).unwrap_or(0)
}

/// `SOURCE_DATE_EPOCH`, where it is set.
///
/// # Errors
/// As [`of`].
pub fn stated() -> Result<Option<u64>, Error> {
    let Some(text) = environment::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let text = text.to_string_lossy();
    text.trim().parse().map(Some).map_err(|_| Error::Epoch(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_today_is_not_of_the_future() {
        assert_eq!(beginning(jiff::civil::date(2013, 5, 31)), 1_369_958_400);
        assert_eq!(beginning(jiff::civil::date(1969, 5, 31)), 0);
        let now = jiff::Timestamp::now();
        let today = now.to_zoned(TimeZone::UTC).date();
        assert!(beginning(today) <= u64::try_from(now.as_second()).unwrap());
    }
}
