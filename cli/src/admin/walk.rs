//! All records of a store, page by page.

use sessile::store::{Cursor, PAGE_MAX, Page, Survey};

use super::place::Place;
use super::told;

/// A walk that may be left at any time.
pub(super) struct Walk<'p> {
    place: &'p Place,
    after: Option<Cursor>,
    is_over: bool,
}

impl<'p> Walk<'p> {
    pub(super) fn through(place: &'p Place) -> Result<Self, String> {
        if let Some(missing) = place.is_missing() {
            return Err(missing);
        }
        Ok(Self::from(place, None))
    }

    pub(super) fn from(place: &'p Place, after: Option<Cursor>) -> Self {
        Self {
            place,
            after,
            is_over: false,
        }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, String> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.place.store.page(self.after.take(), PAGE_MAX).await;
        let page = page.map_err(|error| told(&error))?;
        self.after.clone_from(&page.next);
        self.is_over = page.next.is_none();
        Ok(Some(page))
    }
}
