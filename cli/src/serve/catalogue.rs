//! What the shop sells.

/// One thing to buy.
#[derive(Debug)]
pub struct Item {
    /// Names it in forms and in the cart.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// One line about it.
    pub text: &'static str,
    /// Its price in euro cents.
    pub cents: u64,
    /// Its picture: an SVG path, drawn as a line in a square of 24.
    pub picture: &'static str,
}

/// Everything there is.
pub const CATALOGUE: [Item; 6] = [
    Item {
        slug: "tide-table",
        name: "Tide table",
        text: "Every high and low water of the coming year.",
        cents: 900,
        picture: "M3 8c1.5 0 1.5-2 4.5-2S10.5 8 12 8s1.5-2 4.5-2S19.5 8 21 8M3 13c1.5 0 1.5-2 4.5-2s3 2 4.5 2 \
                  1.5-2 4.5-2 3 2 4.5 2M3 18c1.5 0 1.5-2 4.5-2s3 2 4.5 2 1.5-2 4.5-2 3 2 4.5 2",
    },
    Item {
        slug: "mug",
        name: "Harbour mug",
        text: "Stoneware. Stays warm, stays put.",
        cents: 1400,
        picture: "M5 9h11v7a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4zM16 11h2a2.5 2.5 0 0 1 0 5h-2M8.5 3c0 1.5-1 1.5-1 3M12.5 \
                  3c0 1.5-1 1.5-1 3",
    },
    Item {
        slug: "lantern",
        name: "Storm lantern",
        text: "Burns through the night, whatever the wind does.",
        cents: 3900,
        picture: "M9 6a3 3 0 0 1 6 0M6.5 7.5h11M8 7.5v10h8v-10M6.5 20.5h11M8 17.5l-1 3M16 17.5l1 3M12 \
                  15.5a2 2 0 0 0 2-2c0-1.5-2-3.2-2-3.2s-2 1.7-2 3.2a2 2 0 0 0 2 2z",
    },
    Item {
        slug: "notebook",
        name: "Limpet notebook",
        text: "Found again exactly where you left it.",
        cents: 1250,
        picture: "M6.5 3.5h10a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5h-10zM6.5 \
                  3.5v17M10 8h4.5M10 11.5h4.5M4.5 7.5h2M4.5 12h2M4.5 16.5h2",
    },
    Item {
        slug: "compass",
        name: "Pocket compass",
        text: "Points north. Asks for no permissions.",
        cents: 2800,
        picture: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM15.5 8.5l-2 5-5 2 2-5z",
    },
    Item {
        slug: "rope",
        name: "Ten metres of rope",
        text: "Three strands, spliced, dries overnight.",
        cents: 750,
        picture: "M5 7.5C5 5.6 8 4.5 12 4.5s7 1.1 7 3-3 3-7 3-7-1.1-7-3zM5 7.5V12c0 1.9 3 3 7 3s7-1.1 \
                  7-3V7.5M5 12v4.5c0 1.9 3 3 7 3 1.7 0 3.2-.2 4.4-.6M19 12v5c0 2 1 3 2.5 3",
    },
];

/// Returns the item called `slug`.
#[must_use]
pub fn find(slug: &str) -> Option<&'static Item> {
    CATALOGUE.iter().find(|item| item.slug == slug)
}
