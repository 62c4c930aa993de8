//! The one stylesheet, and where it is served.

use std::hash::{DefaultHasher, Hasher};
use std::sync::LazyLock;

/// The stylesheet.
pub const SHEET: &str = include_str!("style.css");

/// Its address, which changes with its content: browsers may keep it for ever.
static PATH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    hasher.write(SHEET.as_bytes());
    format!("/style.css?v={:016x}", hasher.finish())
});

/// Returns the address to link to.
#[must_use]
pub fn path() -> &'static str {
    &PATH
}
