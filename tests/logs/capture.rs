//! Collects what is logged: where each line was written, and all that it says.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// What was logged so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    places: BTreeSet<(String, u32)>,
    text: String,
}

impl Log {
    /// File and line of every statement that logged.
    pub(crate) fn places(&self) -> BTreeSet<(String, u32)> {
        self.0.lock().expect("not poisoned").places.clone()
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("not poisoned").text.clone()
    }

    fn keep(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Text<'_>)) {
        let kept = &mut *self.0.lock().expect("not poisoned");
        if !metadata.target().starts_with("sessile") {
            return;
        }
        let file = metadata.file().unwrap_or_default().replace('\\', "/");
        // The crate's own files, wherever it was built from.
        let file = file.rsplit_once("src/").map_or(file.as_str(), |it| it.1);
        kept.places
            .insert((file.to_owned(), metadata.line().unwrap_or_default()));
        let _ = write!(kept.text, "{} {}", metadata.target(), metadata.name());
        record(&mut Text(&mut kept.text));
        kept.text.push('\n');
    }
}

/// Every field, as text.
struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?} {value:#?}", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.keep(span.metadata(), |text| span.record(text));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Text(&mut self.0.lock().expect("not poisoned").text));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep(event.metadata(), |text| event.record(text));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
