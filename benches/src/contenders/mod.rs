//! Ours and its peers, each given its own best way.

mod cell;
mod dash;
mod foyer;
mod locked;
mod moka;
mod ours;
mod papaya;
mod quick;
mod scc;
mod stretto;

pub use cell::Cell;
pub use dash::Dash;
pub use foyer::{Foyer, FoyerLru, FoyerS3};
pub use locked::Locked;
pub use moka::{MokaExpiry, MokaIdle};
pub use ours::Ours;
pub use papaya::Papaya;
pub use quick::{Quick, QuickHeld, QuickInline};
pub use scc::{SccCache, SccMap};
pub use stretto::Stretto;
