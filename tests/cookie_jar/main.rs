//! The jar of a request, driven by a small browser. Names beginning with `tp`, `sc`, `sg`, `dj`, `x`
//! re-create scenarios of the systems whose features we carry; `s` is the checklist of session layers.
#![cfg(feature = "cookie")]

mod browser;
mod hostile;
mod maps;
mod values;
