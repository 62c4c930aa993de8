//! The catalogue and the cart.
//!
//! The cart is changed by `modify`: two clicks at the same time both count.

use axum::response::Redirect;
use serde::Deserialize;
use sessile::Result;
use sessile::session::{Level, Session};

use super::{Answer, CART, Posted, answer, frame};
use crate::serve::cart::{Cart, QUANTITY_MAX};
use crate::serve::catalogue::{self, Item};
use crate::serve::pages::{self, Place};
use crate::serve::refusal::Refusal;

/// Shows both.
pub async fn page(session: Session) -> Answer {
    let frame = frame(&session, Place::Cart)?;
    let cart = session.get(CART)?.unwrap_or_default();
    Ok(answer(pages::cart::cart(&frame, &cart)))
}

/// Which item.
#[derive(Deserialize)]
pub struct Choice {
    item: String,
}

/// Which item, and how many there shall be.
#[derive(Deserialize)]
pub struct Change {
    item: String,
    quantity: u8,
}

fn find(slug: &str) -> Result<&'static Item, Refusal> {
    catalogue::find(slug).ok_or(Refusal::BadForm)
}

/// Puts one more in.
pub async fn add(Posted { session, form }: Posted<Choice>) -> Answer<Redirect> {
    let item = find(&form.item)?;
    let before: Cart = session.get(CART)?.unwrap_or_default();
    if !before.clone().add(item) {
        let told = format!("{QUANTITY_MAX} of “{}” are all we have.", item.name);
        session.messages().add(Level::WARNING, told)?;
        return Ok(Redirect::to("/cart"));
    }
    change_cart(&session, move |cart| {
        cart.add(item);
    })?;
    let told = format!("“{}” is in your cart.", item.name);
    session.messages().add(Level::SUCCESS, told)?;
    Ok(Redirect::to("/cart"))
}

/// Sets how many there are.
pub async fn change(Posted { session, form }: Posted<Change>) -> Answer<Redirect> {
    let item = find(&form.item)?;
    let quantity = form.quantity;
    change_cart(&session, move |cart| cart.set(item, quantity))?;
    Ok(Redirect::to("/cart#cart"))
}

/// Takes all of one item out.
pub async fn remove(Posted { session, form }: Posted<Choice>) -> Answer<Redirect> {
    let item = find(&form.item)?;
    change_cart(&session, move |cart| cart.set(item, 0))?;
    let told = format!("“{}” is out of your cart.", item.name);
    session.messages().add(Level::INFO, told)?;
    Ok(Redirect::to("/cart"))
}

fn change_cart(
    session: &Session,
    change: impl Fn(&mut Cart) + Send + Sync + 'static,
) -> Result<()> {
    session.modify(CART, move |cart: Option<Cart>| {
        let mut cart = cart.unwrap_or_default();
        change(&mut cart);
        (!cart.is_empty()).then_some(cart)
    })
}
