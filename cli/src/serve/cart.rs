//! The cart that a session holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::{self, Item};

/// The most pieces of one item.
pub const QUANTITY_MAX: u8 = 99;

/// How many of what; at most the whole catalogue, so it stays small whoever fills it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cart(BTreeMap<String, u8>);

impl Cart {
    /// Puts one more of `item` in; says whether there was room for it.
    pub fn add(&mut self, item: &Item) -> bool {
        let quantity = self.0.entry(item.slug.to_owned()).or_default();
        let has_room = *quantity < QUANTITY_MAX;
        if has_room {
            *quantity += 1;
        }
        has_room
    }

    /// Sets how many of `item` there are; with none it leaves the cart.
    pub fn set(&mut self, item: &Item, quantity: u8) {
        if quantity == 0 {
            self.0.remove(item.slug);
        } else {
            self.0
                .insert(item.slug.to_owned(), quantity.min(QUANTITY_MAX));
        }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pieces are in it.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        self.lines().map(|(_, quantity)| u64::from(quantity)).sum()
    }

    /// What they cost together, in cents.
    #[must_use]
    pub fn cents(&self) -> u64 {
        let price = |(item, quantity): (&Item, u8)| item.cents * u64::from(quantity);
        self.lines().map(price).sum()
    }

    /// What is in it and how many; what is not sold any more is left out.
    pub fn lines(&self) -> impl Iterator<Item = (&'static Item, u8)> {
        let line = |(slug, quantity): (&String, &u8)| Some((catalogue::find(slug)?, *quantity));
        self.0.iter().filter_map(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_counts_and_sums() {
        let [table, mug, ..] = &catalogue::CATALOGUE;
        let mut cart = Cart::default();
        assert!(cart.add(table) && cart.add(table) && cart.add(mug));
        assert_eq!((cart.pieces(), cart.cents()), (3, 2 * 900 + 1400));
        cart.set(table, 0);
        cart.set(mug, 255);
        assert_eq!(cart.pieces(), u64::from(QUANTITY_MAX));
        assert!(!cart.add(mug), "more than a cart may hold");
        cart.set(mug, 0);
        assert!(cart.is_empty());
    }

    #[test]
    fn what_is_not_sold_any_more_is_left_out() {
        let cart: Cart = serde_json::from_str(r#"{"mug":2,"sundial":4}"#).expect("a cart");
        assert_eq!((cart.pieces(), cart.cents()), (2, 2800));
    }
}
