//! Starts the built `sessile serve`, and visits it: by hand and with a browser.

mod browser;
mod chrome;
mod command;
mod forms;
mod server;
