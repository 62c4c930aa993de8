//! The catalogue and the cart.

use maud::{Markup, html};

use super::{Frame, euros, page, picture, token};
use crate::serve::cart::{Cart, QUANTITY_MAX};
use crate::serve::catalogue::{CATALOGUE, Item};

/// Renders the page.
#[must_use]
pub fn cart(frame: &Frame, cart: &Cart) -> Markup {
    let body = html! {
        h1.title { "Shop" }
        @if !cart.is_empty() {
            p.down { a href="#cart" { "Your cart: " (euros(cart.cents())) } }
        }
        div.shop {
            section aria-label="Catalogue" {
                ul.goods { @for item in &CATALOGUE { (good(frame, item)) } }
            }
            section.card.basket #cart aria-labelledby="cart-title" {
                h2 #cart-title { "Your cart" }
                @if cart.is_empty() {
                    p.hint { "Nothing in it yet." }
                } @else {
                    ul.lines { @for (item, quantity) in cart.lines() { (line(frame, item, quantity)) } }
                    p.total { span { "Total" } strong { (euros(cart.cents())) } }
                }
                p.hint { "The cart is part of your session. It is still there after you restart the browser." }
            }
        }
    };
    page(frame, "Shop", &html! {}, &body)
}

fn good(frame: &Frame, item: &Item) -> Markup {
    html! {
        li.card.good {
            div.tile { (picture(item.picture)) }
            h2 { (item.name) }
            p.hint { (item.text) }
            form method="post" action="/cart/add" {
                (token(frame))
                input type="hidden" name="item" value=(item.slug);
                span.price { (euros(item.cents)) }
                button type="submit" aria-label={ "Add to cart: " (item.name) } { "Add to cart" }
            }
        }
    }
}

fn line(frame: &Frame, item: &Item, quantity: u8) -> Markup {
    let step = |quantity: u8, sign: &str, what: &str, is_possible: bool| {
        html! {
            button type="submit" name="quantity" value=(quantity) disabled[!is_possible]
                aria-label={ (what) ": " (item.name) } { (sign) }
        }
    };
    html! {
        li.line {
            span.what { (item.name) }
            span.sum { (euros(item.cents * u64::from(quantity))) }
            form.stepper method="post" action="/cart/change" {
                (token(frame))
                input type="hidden" name="item" value=(item.slug);
                (step(quantity.saturating_sub(1), "−", "One less", quantity > 1))
                span.quantity { (quantity) }
                (step(quantity.saturating_add(1), "+", "One more", quantity < QUANTITY_MAX))
            }
            form method="post" action="/cart/remove" {
                (token(frame))
                input type="hidden" name="item" value=(item.slug);
                button.link type="submit" aria-label={ "Remove: " (item.name) } { "Remove" }
            }
        }
    }
}
