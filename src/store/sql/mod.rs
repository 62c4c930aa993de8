//! Sessions in a database.
