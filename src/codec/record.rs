//! Whole records: header and fields.

use bytes::Bytes;

use super::fields::Fields;
use super::format::{Format, Layout, Limits, corrupt};
use super::header::{Header, MAGIC};
use crate::error::Result;

/// Where Flask-Session keeps the flag that the header keeps elsewhere.
const PERMANENT: &str = "_permanent";

/// A decoded record.
///
/// ```
/// use sessile::codec::{FieldsBuilder, Format, Header, Layout, Limits, Record};
///
/// let bytes = Record::begin(&Header::default(), Layout::Native, Format::MessagePack);
/// let mut fields = FieldsBuilder::new(Layout::Native, Format::MessagePack, 1, bytes);
/// fields.push("cart", &Format::MessagePack.encode(&[7, 9])?);
/// let (bytes, _) = fields.finish();
///
/// let record = Record::decode(bytes, &Limits::default())?;
/// let cart = record.fields.get("cart").expect("written above");
/// assert_eq!(Format::MessagePack.decode::<Vec<u32>>(&cart)?, [7, 9]);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The fixed fields; of a record in [`Layout::Bare`], only `permanent` is known.
    pub header: Header,
    /// The data.
    pub fields: Fields,
}

impl Record {
    /// Reads a record of either layout in either format; the bytes say which.
    ///
    /// One scan and one allocation, whatever the values are (JSON: one per name with escapes, too).
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for bytes that are no record within `limits`,
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) for a header of a later version
    /// of this crate. The texts hold nothing of the content.
    pub fn decode(bytes: Bytes, limits: &Limits) -> Result<Self> {
        if bytes.len() > limits.bytes {
            return Err(corrupt("it is too long"));
        }
        match bytes.first() {
            None => Err(corrupt("it is empty")),
            Some(&MAGIC) => {
                let (header, format, body) = Header::read(&bytes)?;
                let fields = Fields::unpack(bytes.slice(body..), format, limits)?;
                Ok(Self { header, fields })
            }
            Some(b'{') => Self::bare(bytes, Format::Json, limits),
            Some(_) => Self::bare(bytes, Format::MessagePack, limits),
        }
    }

    /// Begins the bytes of a record; [`FieldsBuilder`](super::FieldsBuilder) adds the body. In [`Layout::Bare`] there is
    /// nothing before the body.
    #[must_use]
    pub fn begin(header: &Header, layout: Layout, format: Format) -> Vec<u8> {
        Self::begin_with(header, layout, format, 0)
    }

    /// As [`Record::begin`], with room for a body of `body` bytes.
    pub(crate) fn begin_with(
        header: &Header,
        layout: Layout,
        format: Format,
        body: usize,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Header::BYTES_MAX + body);
        if layout == Layout::Native {
            header.write(format, &mut bytes);
        }
        bytes
    }

    /// The field that a bare record keeps its permanent flag in, if it is set.
    pub(crate) fn bare_permanent(header: &Header, format: Format) -> Option<(&'static str, &[u8])> {
        let yes: &[u8] = match format {
            Format::MessagePack => &[0xC3],
            Format::Json => b"true",
        };
        (header.permanent == Some(true)).then_some((PERMANENT, yes))
    }

    fn bare(bytes: Bytes, format: Format, limits: &Limits) -> Result<Self> {
        let fields = Fields::scan(bytes, format, limits)?;
        let Some(permanent) = fields.get(PERMANENT) else {
            return Ok(Self {
                header: Header::default(),
                fields,
            });
        };
        let header = Header {
            permanent: format.decode(&permanent).ok(),
            ..Header::default()
        };
        let fields = fields.without(PERMANENT);
        Ok(Self { header, fields })
    }
}
