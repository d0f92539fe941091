//! Entries of a header and their types.

use rpm::{HeaderEntry, IndexData, IndexTag};

/// Entries as they come; the crate sorts them.
#[derive(Default)]
pub(super) struct Tags(pub(super) Vec<HeaderEntry>);

impl Tags {
    pub(super) fn add(&mut self, tag: IndexTag, data: IndexData) {
        self.number(tag as u32, data);
    }

    pub(super) fn number(&mut self, tag: u32, data: IndexData) {
        self.0.push(HeaderEntry::new(tag, data));
    }
}

pub(super) fn seconds(time: u64) -> u32 {
    // The payload was built, so the time fits.
    u32::try_from(time).unwrap_or(u32::MAX)
}

pub(super) fn int(value: u32) -> IndexData {
    IndexData::Int32(vec![value])
}

pub(super) fn ints(values: impl IntoIterator<Item = u32>) -> IndexData {
    IndexData::Int32(values.into_iter().collect())
}

pub(super) fn string(text: &str) -> IndexData {
    IndexData::StringTag(text.to_owned())
}

pub(super) fn i18n(text: &str) -> IndexData {
    IndexData::I18NString(vec![text.to_owned()])
}

pub(super) fn strings<S: ToString>(texts: impl IntoIterator<Item = S>) -> IndexData {
    IndexData::StringArray(texts.into_iter().map(|text| text.to_string()).collect())
}
