//! How far a copy got, in a file, so that it can go on there.

use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Write};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sessile::store::Cursor;

/// The file. It holds a place in the source, which may be a key, so nobody else may read it.
pub(super) struct Mark {
    file: PathBuf,
    /// Tells the pair of stores apart from others; their addresses may hold passwords.
    pair: String,
    begin: Option<Cursor>,
}

impl Mark {
    /// Reads what an earlier copy between the same stores noted.
    pub(super) fn at(file: PathBuf, from: &str, to: &str) -> Result<Self, String> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((from, to));
        let pair = format!("{hash:016x}");
        let failed = |why: &str| format!("{}: {why}", file.display());
        let begin = match fs::read_to_string(&file) {
            Ok(text) => {
                let noted = text.trim_end().split_once(' ');
                let (of, cursor) = noted.ok_or_else(|| failed("no copy wrote this file"))?;
                if of != pair {
                    return Err(failed("it belongs to a copy between other stores"));
                }
                let cursor = STANDARD.decode(cursor);
                let cursor = cursor.map_err(|_| failed("no copy wrote this file"))?;
                Some(Cursor::new(cursor))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&error.to_string())),
        };
        Ok(Self { file, pair, begin })
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.begin.clone()
    }

    /// Notes that everything before `cursor` is copied.
    pub(super) fn note(&self, cursor: &Cursor) -> Result<(), String> {
        let text = format!("{} {}\n", self.pair, STANDARD.encode(cursor.as_bytes()));
        let temporary = self.file.with_extension("tmp");
        let written = private(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&temporary, &self.file));
        written.map_err(|error| format!("{}: {error}", self.file.display()))
    }

    /// Removes the file: everything is copied.
    pub(super) fn forget(self) -> Result<(), String> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", self.file.display()))
            }
            _ => Ok(()),
        }
    }
}

fn private(file: &std::path::Path) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
