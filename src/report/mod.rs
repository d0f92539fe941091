//! Events to a person, to JSON lines, to a page.
