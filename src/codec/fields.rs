//! The flat map of a record: where names and values lie in its bytes.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::format::{Format, Layout, Limits, corrupt};
use super::{Value, json, msgpack, packed};
use crate::error::Result;

/// Names and encoded values of one record, found by one scan and not decoded.
///
/// Immutable. One allocation holds the places of all values; the bytes are shared with whoever
/// loaded them. Names are looked up one after the other. Of a name that occurs twice in foreign
/// bytes, the last value counts, as in Python. `Debug` shows how many there are and nothing else.
#[derive(Clone, Default)]
pub struct Fields {
    source: Bytes,
    /// Names of JSON that had escapes; their slots point behind `source`.
    copies: Box<str>,
    slots: Vec<Slot>,
    format: Format,
}

/// Where one field lies. Bodies are far shorter than 4 GiB (`Limits::bytes`).
#[derive(Clone, Copy)]
pub(super) struct Slot {
    name: (u32, u32),
    value: (u32, u32),
}

impl Slot {
    pub(super) fn new(name: Range<usize>, value: Range<usize>) -> Self {
        let short = |range: Range<usize>| {
            let number = |at| u32::try_from(at).expect("a body is shorter than 4 GiB");
            (number(range.start), number(range.end))
        };
        Self {
            name: short(name),
            value: short(value),
        }
    }

    /// A name from `start` to `middle` and a value from there to `end`, all within
    /// [`BODY_BYTES_MAX`].
    #[inline]
    pub(super) fn joined(start: usize, middle: usize, end: usize) -> Self {
        debug_assert!(start <= middle && middle <= end && end <= BODY_BYTES_MAX);
        let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, middle, end) = (short(start), short(middle), short(end));
        Self {
            name: (start, middle),
            value: (middle, end),
        }
    }
}

/// The largest body that slots can point into, names of JSON that were copied included.
const BODY_BYTES_MAX: usize = 1 << 30;

fn range((start, end): (u32, u32)) -> Range<usize> {
    let word = |at| usize::try_from(at).expect("an address has at least 32 bits");
    word(start)..word(end)
}

impl Fields {
    /// Finds the fields of `body`, one map in `format`.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for anything that is not one map from text to values
    /// within `limits`, with nothing of the content in its text.
    pub fn scan(body: Bytes, format: Format, limits: &Limits) -> Result<Self> {
        if body.len() > limits.bytes.min(BODY_BYTES_MAX) {
            return Err(corrupt("it is too long"));
        }
        let (slots, copies) = match format {
            Format::MessagePack => (msgpack::scan(&body, limits)?, String::new()),
            Format::Json => json::scan(&body, limits)?,
        };
        Ok(Self {
            source: body,
            copies: copies.into(),
            slots,
            format,
        })
    }

    /// Finds the fields of the body of a native record.
    pub(super) fn unpack(body: Bytes, format: Format, limits: &Limits) -> Result<Self> {
        if body.len() > BODY_BYTES_MAX {
            return Err(corrupt("it is too long"));
        }
        Ok(Self {
            slots: packed::scan(&body, limits)?,
            source: body,
            copies: Box::default(),
            format,
        })
    }

    /// How the values are encoded.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The encoded value of `name`: a slice that shares the record's bytes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Bytes> {
        let slot = self.find(name)?;
        Some(self.source.slice(range(slot.value)))
    }

    /// Whether there is a field `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All names with their encoded values, in the record's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.slots
            .iter()
            .map(|slot| (self.name(slot), &self.source[range(slot.value)]))
    }

    /// The same fields in another format.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if a value is malformed inside.
    pub fn transcode(&self, format: Format) -> Result<Self> {
        let mut builder = FieldsBuilder::new(Layout::Native, format, self.len(), Vec::new());
        for (name, value) in self.iter() {
            let value: Value = self
                .format
                .decode(value)
                .map_err(|_| corrupt("a value is malformed"))?;
            let value = format
                .encode(&value)
                .map_err(|_| corrupt("a value has no counterpart in the other format"))?;
            builder.push(name, &value);
        }
        Ok(builder.finish().1)
    }

    /// Each field's number and name, unchecked and undecoded.
    pub(crate) fn names(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let slots = self.slots.iter();
        slots.map(|slot| self.name_bytes(slot)).enumerate()
    }

    /// How long the bytes are that the fields lie in.
    pub(crate) fn bytes(&self) -> usize {
        self.source.len()
    }

    /// The same fields but `name`.
    pub(crate) fn without(mut self, name: &str) -> Self {
        let mut slots = std::mem::take(&mut self.slots);
        slots.retain(|slot| self.name_bytes(slot) != name.as_bytes());
        self.slots = slots;
        self
    }

    fn find(&self, name: &str) -> Option<&Slot> {
        let is_it = |slot: &&Slot| self.name_bytes(slot) == name.as_bytes();
        self.slots.iter().rev().find(is_it)
    }

    fn name(&self, slot: &Slot) -> &str {
        std::str::from_utf8(self.name_bytes(slot)).expect("names were checked by the scan")
    }

    fn name_bytes(&self, slot: &Slot) -> &[u8] {
        let place = range(slot.name);
        match place.start.checked_sub(self.source.len()) {
            None => &self.source[place],
            Some(start) => &self.copies.as_bytes()[start..start + place.len()],
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("format", &self.format)
            .field("len", &self.slots.len())
            .finish_non_exhaustive()
    }
}

/// How fields follow one another in a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// Lengths, name, value: the body of a native record.
    Packed,
    /// One MessagePack map.
    Map,
    /// One JSON object.
    Object,
}

/// Writes a body field by field, and remembers where each lies, so that nobody needs to scan it.
pub struct FieldsBuilder {
    bytes: Vec<u8>,
    /// Where the body begins in `bytes`: behind a header.
    start: usize,
    slots: Vec<Slot>,
    copies: String,
    /// JSON names that were written with escapes: (slot, place in `copies`).
    escaped: Vec<(usize, Range<usize>)>,
    format: Format,
    frame: Frame,
}

impl FieldsBuilder {
    /// Begins a body of exactly `count` fields in `layout` behind what `bytes` holds.
    #[must_use]
    pub fn new(layout: Layout, format: Format, count: usize, mut bytes: Vec<u8>) -> Self {
        let start = bytes.len();
        let frame = match (layout, format) {
            (Layout::Native, _) => Frame::Packed,
            (Layout::Bare, Format::MessagePack) => Frame::Map,
            (Layout::Bare, Format::Json) => Frame::Object,
        };
        match frame {
            Frame::Packed => packed::write_number(&mut bytes, count),
            Frame::Map => msgpack::write_map(&mut bytes, count),
            Frame::Object => bytes.push(b'{'),
        }
        Self {
            bytes,
            start,
            slots: Vec::with_capacity(count),
            copies: String::new(),
            escaped: Vec::new(),
            format,
            frame,
        }
    }

    /// Adds a field whose value is encoded already.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        if self.frame != Frame::Object {
            self.head(name.len(), value.len());
            let start = self.bytes.len() - self.start;
            self.bytes.extend_from_slice(name.as_bytes());
            self.bytes.extend_from_slice(value);
            self.note(start, name.len(), value.len());
            return;
        }
        if !self.slots.is_empty() {
            self.bytes.push(b',');
        }
        let before = self.bytes.len();
        json::write_name(&mut self.bytes, name);
        let mut named = 0..0;
        // Two quotes and the colon: no escapes.
        if self.bytes.len() - before == name.len() + 3 {
            let start = before - self.start + 1;
            named = start..start + name.len();
        } else {
            let start = self.copies.len();
            self.copies.push_str(name);
            self.escaped
                .push((self.slots.len(), start..self.copies.len()));
        }
        let at = self.bytes.len() - self.start;
        self.bytes.extend_from_slice(value);
        self.slots.push(Slot::new(named, at..at + value.len()));
    }

    /// Adds field `number` of `fields`, as the slice it came as.
    pub(crate) fn push_stored(&mut self, fields: &Fields, number: usize) {
        let Some(slot) = fields.slots.get(number) else {
            return;
        };
        let (name, value) = (range(slot.name), range(slot.value));
        if self.frame == Frame::Object || name.end != value.start {
            let value = &fields.source[value];
            return self.push(fields.name(slot), value);
        }
        // Name and value lie side by side: one copy.
        self.head(name.len(), value.len());
        let start = self.bytes.len() - self.start;
        self.bytes
            .extend_from_slice(&fields.source[name.start..value.end]);
        self.note(start, name.len(), value.len());
    }

    /// Writes what precedes a name and its value.
    fn head(&mut self, name_len: usize, value_len: usize) {
        if self.frame == Frame::Packed {
            packed::write_number(&mut self.bytes, name_len);
            packed::write_number(&mut self.bytes, value_len);
        } else {
            msgpack::write_name_head(&mut self.bytes, name_len);
        }
    }

    fn note(&mut self, start: usize, name_len: usize, value_len: usize) {
        let middle = start + name_len;
        self.slots
            .push(Slot::joined(start, middle, middle + value_len));
    }

    /// Returns all bytes, what preceded the body included, and the fields of the body.
    #[must_use]
    pub fn finish(mut self) -> (Bytes, Fields) {
        if self.frame == Frame::Object {
            self.bytes.push(b'}');
        }
        let bytes = Bytes::from(self.bytes);
        let source = bytes.slice(self.start..);
        for (slot, place) in self.escaped {
            let place = source.len() + place.start..source.len() + place.end;
            self.slots[slot].name = Slot::new(place, 0..0).name;
        }
        let fields = Fields {
            source,
            copies: self.copies.into(),
            slots: self.slots,
            format: self.format,
        };
        (bytes, fields)
    }
}

impl fmt::Debug for FieldsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldsBuilder").finish_non_exhaustive()
    }
}
