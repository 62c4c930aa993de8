//! A record's file while it is written: beside its place, under a name of its own.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::fs::Mode;

use super::directory::{Bucket, try_flock};
use super::name::{Name, draft_file};

/// A file that becomes a record when it is published and is removed when it is not.
pub(super) struct Draft<'b> {
    bucket: &'b Bucket,
    name: String,
    published: bool,
    /// Locked as long as it is open: others take one that is not for what a killed writer left.
    file: File,
}

impl<'b> Draft<'b> {
    pub(super) fn write(
        bucket: &'b Bucket,
        content: &[u8],
        mode: Mode,
        durable: bool,
    ) -> io::Result<Self> {
        let mut drawn = [0; 16];
        getrandom::fill(&mut drawn).map_err(io::Error::from)?;
        let name = draft_file(drawn);
        let file = bucket.create_file(&name, mode)?;
        // Made first, so that a failure from here on removes the file.
        let mut draft = Self {
            bucket,
            name,
            published: false,
            file,
        };
        // Where files cannot be locked, its age alone tells; see the sweep.
        let _ = try_flock(draft.file.as_fd());
        draft.file.write_all(content)?;
        if durable {
            draft.file.sync_all()?;
        }
        Ok(draft)
    }

    /// Puts the file in the place of the record's, in one step.
    pub(super) fn publish(mut self, name: Name) -> io::Result<()> {
        self.bucket.rename(&self.name, &name.file())?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed by a sweep.
            let _ = self.bucket.unlink(&self.name);
        }
    }
}
