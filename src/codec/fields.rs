//! The flat map of a record: where names and values lie in its bytes.

use std::fmt;
use std::ops::Range;
use std::slice;

use bytes::Bytes;

use super::format::{Format, Layout, Limits, corrupt};
use super::packed::Entries;
use super::{Value, json, msgpack, packed};
use crate::error::Result;

/// Names and encoded values of one record, checked by one scan and not decoded.
///
/// Immutable; the bytes are shared with whoever loaded them. The body of a native record needs no
/// table: it is walked from field to field. Of a map or an object, one allocation holds the places of
/// all values. Names are looked up one after the other. Of a name that occurs twice in foreign bytes,
/// the last value counts, as in Python. `Debug` shows how many there are and nothing else.
#[derive(Clone, Default)]
pub struct Fields {
    source: Bytes,
    places: Places,
    format: Format,
}

/// Where the fields lie.
#[derive(Clone)]
enum Places {
    /// One after the other, so many.
    Packed(usize),
    Listed(Box<Listed>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Packed(0)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Listed {
    slots: Vec<Slot>,
    /// Names of JSON that had escapes; their slots point behind the source.
    copies: String,
}

/// One field, as it lies in a record.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// Where one field lies. Bodies are far shorter than 4 GiB (`Limits::bytes`).
#[derive(Clone, Copy)]
pub(crate) struct Slot {
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

    fn name<'a>(&self, source: &'a [u8], copies: &'a str) -> &'a [u8] {
        let place = range(self.name);
        match place.start.checked_sub(source.len()) {
            None => &source[place],
            Some(start) => &copies.as_bytes()[start..start + place.len()],
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
    /// No fields, of values in `format`.
    pub(crate) fn none(format: Format) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }

    /// Finds the fields of `body`, one map in `format`.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for anything that is not one map from text to values
    /// within `limits`, with nothing of the content in its text.
    pub fn scan(body: Bytes, format: Format, limits: &Limits) -> Result<Self> {
        if body.len() > limits.bytes.min(BODY_BYTES_MAX) {
            return Err(corrupt("it is too long"));
        }
        let listed = match format {
            Format::MessagePack => Listed {
                slots: msgpack::scan(&body, limits)?,
                copies: String::new(),
            },
            Format::Json => {
                let (slots, copies) = json::scan(&body, limits)?;
                Listed { slots, copies }
            }
        };
        Ok(Self {
            source: body,
            places: Places::Listed(Box::new(listed)),
            format,
        })
    }

    /// The fields of the body of a native record.
    pub(super) fn unpack(body: Bytes, format: Format, limits: &Limits) -> Result<Self> {
        let count = packed::check(&body, limits)?;
        Ok(Self {
            source: body,
            places: Places::Packed(count),
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
        match &self.places {
            Places::Packed(count) => *count,
            Places::Listed(listed) => listed.slots.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The encoded value of `name`: a slice that shares the record's bytes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Bytes> {
        Some(self.source.slice_ref(self.find(name)?))
    }

    /// Whether there is a field `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All names with their encoded values, in the record's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        Pairs {
            fields: self.fields(),
            left: self.len(),
        }
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

    /// All fields, names unchecked and values undecoded.
    pub(crate) fn fields(&self) -> FieldIter<'_> {
        match &self.places {
            Places::Packed(_) => FieldIter::Packed(Entries::of(&self.source)),
            Places::Listed(listed) => FieldIter::Listed(&self.source, listed, listed.slots.iter()),
        }
    }

    /// How long the bytes are that the fields lie in.
    pub(crate) fn bytes(&self) -> usize {
        self.source.len()
    }

    /// The same fields but `name`, which only a map or an object has to spare.
    pub(crate) fn without(mut self, name: &str) -> Self {
        if let Places::Listed(listed) = &mut self.places {
            let Listed { slots, copies } = &mut **listed;
            slots.retain(|slot| slot.name(&self.source, copies) != name.as_bytes());
        }
        self
    }

    #[inline]
    fn find(&self, name: &str) -> Option<&[u8]> {
        let is_it = |field: &Field<'_>| field.name == name.as_bytes();
        // Walked to the end, since the last one counts.
        let found = match self.fields() {
            FieldIter::Packed(entries) => entries.filter(is_it).last(),
            listed => listed.filter(is_it).last(),
        };
        found.map(|field| field.value)
    }
}

/// The fields of one record, one after the other.
#[derive(Clone)]
pub(crate) enum FieldIter<'a> {
    Packed(Entries<'a>),
    Listed(&'a Bytes, &'a Listed, slice::Iter<'a, Slot>),
}

impl<'a> Iterator for FieldIter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        match self {
            Self::Packed(entries) => entries.next(),
            Self::Listed(source, listed, slots) => {
                let slot = slots.next()?;
                Some(Field {
                    name: slot.name(source, &listed.copies),
                    value: &source[range(slot.value)],
                })
            }
        }
    }
}

/// Names and values; knows how many are left.
struct Pairs<'a> {
    fields: FieldIter<'a>,
    left: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let Field { name, value, .. } = self.fields.next()?;
        self.left -= 1;
        let name = std::str::from_utf8(name).expect("names were checked by the scan");
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Pairs<'_> {}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("format", &self.format)
            .field("len", &self.len())
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

/// Writes a body field by field. Of a map or an object it remembers where each lies, so that nobody
/// needs to scan it.
pub struct FieldsBuilder {
    bytes: Vec<u8>,
    /// Where the body begins in `bytes`: behind a header.
    start: usize,
    count: usize,
    announced: usize,
    listed: Listed,
    /// JSON names that were written with escapes: (slot, place in `copies`).
    escaped: Vec<(usize, Range<usize>)>,
    format: Format,
    frame: Frame,
}

impl FieldsBuilder {
    /// Begins a body of `count` fields in `layout` behind what `bytes` holds.
    ///
    /// In [`Layout::Native`], there may be fewer in the end.
    #[must_use]
    pub fn new(layout: Layout, format: Format, count: usize, mut bytes: Vec<u8>) -> Self {
        let start = bytes.len();
        let frame = match (layout, format) {
            (Layout::Native, _) => Frame::Packed,
            (Layout::Bare, Format::MessagePack) => Frame::Map,
            (Layout::Bare, Format::Json) => Frame::Object,
        };
        let mut listed = Listed::default();
        match frame {
            Frame::Packed => packed::write_number(&mut bytes, count),
            Frame::Map => msgpack::write_map(&mut bytes, count),
            Frame::Object => bytes.push(b'{'),
        }
        if frame != Frame::Packed {
            listed.slots.reserve_exact(count);
        }
        Self {
            bytes,
            start,
            count: 0,
            announced: count,
            listed,
            escaped: Vec::new(),
            format,
            frame,
        }
    }

    /// Adds a field whose value is encoded already.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        if self.frame != Frame::Object {
            return self.push_plain(name.as_bytes(), value);
        }
        if self.count > 0 {
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
            let start = self.listed.copies.len();
            self.listed.copies.push_str(name);
            self.escaped
                .push((self.count, start..self.listed.copies.len()));
        }
        let at = self.bytes.len() - self.start;
        self.bytes.extend_from_slice(value);
        let slot = Slot::new(named, at..at + value.len());
        self.listed.slots.push(slot);
        self.count += 1;
    }

    /// Adds the fields of a record that `is_kept` wants, each as the slice it came as.
    pub(crate) fn push_stored(&mut self, fields: &Fields, is_kept: impl Fn(&[u8]) -> bool) {
        match (fields.fields(), self.frame) {
            (FieldIter::Packed(entries), Frame::Packed) => self.copy(entries, is_kept),
            (stored, Frame::Object) => {
                for field in stored.filter(|field| is_kept(field.name)) {
                    let name = std::str::from_utf8(field.name);
                    self.push(name.expect("names were checked by the scan"), field.value);
                }
            }
            (stored, _) => {
                for field in stored.filter(|field| is_kept(field.name)) {
                    self.push_plain(field.name, field.value);
                }
            }
        }
    }

    /// Copies fields with their lengths; those between two that are left out, all at once.
    fn copy(&mut self, mut entries: Entries<'_>, is_kept: impl Fn(&[u8]) -> bool) {
        let mut run = entries.rest();
        loop {
            let before = entries.rest();
            let field = entries.next();
            if let Some(field) = &field
                && is_kept(field.name)
            {
                self.count += 1;
                continue;
            }
            self.bytes
                .extend_from_slice(&run[..run.len() - before.len()]);
            run = entries.rest();
            if field.is_none() {
                return;
            }
        }
    }

    /// Adds a field to a native body or a map.
    fn push_plain(&mut self, name: &[u8], value: &[u8]) {
        if self.frame == Frame::Packed {
            packed::write_number(&mut self.bytes, name.len());
            packed::write_number(&mut self.bytes, value.len());
        } else {
            msgpack::write_name_head(&mut self.bytes, name.len());
        }
        let start = self.bytes.len() - self.start;
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        if self.frame != Frame::Packed {
            let middle = start + name.len();
            let slot = Slot::new(start..middle, middle..middle + value.len());
            self.listed.slots.push(slot);
        }
        self.count += 1;
    }

    /// Returns all bytes, what preceded the body included, and the fields of the body.
    #[must_use]
    pub fn finish(mut self) -> (Bytes, Fields) {
        if self.frame == Frame::Object {
            self.bytes.push(b'}');
        }
        if self.frame == Frame::Packed && self.count < self.announced {
            packed::lower_number(&mut self.bytes[self.start..], self.announced, self.count);
        }
        let bytes = Bytes::from(self.bytes);
        let source = bytes.slice(self.start..);
        for (slot, place) in self.escaped {
            let place = source.len() + place.start..source.len() + place.end;
            self.listed.slots[slot].name = Slot::new(place, 0..0).name;
        }
        let places = match self.frame {
            Frame::Packed => Places::Packed(self.count),
            _ => Places::Listed(Box::new(self.listed)),
        };
        let fields = Fields {
            source,
            places,
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
