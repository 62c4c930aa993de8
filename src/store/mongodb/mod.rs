//! Sessions in MongoDB, through the official driver.
//!
//! [`MongoStore`] is the store, [`MongoBuilder`] its settings. Below them, each in a file of its own:
//! the verbs on documents of our form and on those of Flask-Session's, what the documents look like,
//! what becomes of the driver's errors, and the listing.

mod bare;
mod builder;
mod document;
mod fault;
mod native;
mod page;
mod store;

pub use builder::MongoBuilder;
pub use store::MongoStore;
