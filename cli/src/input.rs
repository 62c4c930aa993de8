//! Where a trace comes from: a file, standard input, or the embedded log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use zstd::stream::read::Decoder;

use crate::trace::one_line;

/// The log that is part of the command, compressed with zstd.
pub const EMBEDDED: &[u8] = include_bytes!("../data/sess_nasa.csv.zst");

/// The first bytes of a zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The place a trace is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The embedded log of a web server.
    Embedded,
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// Understands the argument of the command: nothing, `-`, or a path.
    #[must_use]
    pub fn from_argument(path: Option<PathBuf>) -> Self {
        match path {
            None => Self::Embedded,
            Some(path) if path == Path::new("-") => Self::Standard,
            Some(path) => Self::File(path),
        }
    }

    /// Returns the name for messages and reports, on one line.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Embedded => "embedded NASA web server log".to_owned(),
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => one_line(&path.display().to_string()),
        }
    }

    /// Returns where the data is from, where that is known.
    #[must_use]
    pub fn origin(&self) -> Option<&'static str> {
        match self {
            Self::Embedded => Some(
                "NASA Kennedy Space Center, 1 August 1995; Internet Traffic Archive, \
                 freely redistributable; clients as sessions",
            ),
            Self::Standard | Self::File(_) => None,
        }
    }

    /// Opens the trace and unpacks it if it begins like zstd, whatever its name.
    ///
    /// # Errors
    /// A file that cannot be opened or is a directory. The text of the error says
    /// what to do.
    pub fn open(&self) -> Result<Box<dyn BufRead>, OpenError> {
        match self {
            Self::Embedded => unpack(EMBEDDED),
            Self::Standard => unpack(io::stdin().lock()),
            Self::File(path) => {
                let file = File::open(path).map_err(OpenError::of)?;
                // A directory opens as a file on Unix and then fails to read.
                if file.metadata().map_err(OpenError::of)?.is_dir() {
                    return Err(OpenError::of(io::ErrorKind::IsADirectory.into()));
                }
                unpack(BufReader::with_capacity(1 << 16, file))
            }
        }
    }
}

/// A trace that cannot be opened: one line, reason and what to do.
#[derive(Debug)]
pub struct OpenError {
    error: io::Error,
}

impl OpenError {
    fn of(error: io::Error) -> Self {
        Self { error }
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.error.kind() {
            io::ErrorKind::NotFound => f.write_str(
                "there is no such file; give the path of a trace, or none for the embedded one",
            ),
            io::ErrorKind::IsADirectory => {
                f.write_str("this is a directory; give the path of one trace file in it")
            }
            io::ErrorKind::PermissionDenied => {
                f.write_str("the file may not be read; ask its owner for the permission")
            }
            _ => write!(
                f,
                "the trace cannot be opened: {}; check the path",
                one_line(&self.error.to_string())
            ),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

fn unpack<R: BufRead + 'static>(mut input: R) -> Result<Box<dyn BufRead>, OpenError> {
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    // A pipe may deliver single bytes, so the head is read rather than peeked at.
    input
        .by_ref()
        .take(ZSTD_MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(OpenError::of)?;
    let packed = head == ZSTD_MAGIC;
    let whole = io::Cursor::new(head).chain(input);
    if packed {
        let decoder = Decoder::with_buffer(whole).map_err(OpenError::of)?;
        Ok(Box::new(BufReader::with_capacity(1 << 17, decoder)))
    } else {
        Ok(Box::new(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{HEADER, Reader};

    #[test]
    fn embedded_log_is_whole() {
        let reader = Reader::new(Source::Embedded.open().unwrap()).unwrap();
        assert_eq!(reader.map(Result::unwrap).count(), 30_969);
    }

    #[test]
    fn damaged_zstd_is_an_error_at_every_length() {
        let text = format!("{HEADER}\n{}", "0,t,1,0,0\n".repeat(50));
        let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        let read = |bytes: Vec<u8>| {
            Reader::new(unpack(io::Cursor::new(bytes)).unwrap())
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        };
        assert_eq!(read(packed.clone()).unwrap().len(), 50);
        for length in 0..packed.len() {
            assert!(read(packed[..length].to_vec()).is_err(), "{length}");
        }
        let mut trailing = packed;
        trailing.extend(b"rest");
        assert!(read(trailing).is_err());
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(Source::File("a\nb".into()).name(), "a?b");
        assert_eq!(Source::from_argument(Some("-".into())), Source::Standard);
        assert_eq!(Source::from_argument(None), Source::Embedded);
    }
}
