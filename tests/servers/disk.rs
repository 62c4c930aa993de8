//! A disk of a test's own, which may be small.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{not_tested, program};

/// A small file system in memory that belongs to a server's user, gone with the test.
pub struct Disk(TempDir);

impl Disk {
    /// Mounts one of `size`, such as `4m`; `None`, loudly, where that is not permitted.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn mount(what: &str, size: &str, user: &str) -> Option<Self> {
        let (user, group) = program::account(user);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={size},mode=0700,uid={user},gid={group}"))
            .arg("tmpfs")
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            failed => {
                not_tested(what, &format!("no tmpfs can be mounted: {failed:?}"));
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes what room is left.
    pub fn fill(&self) {
        use std::io::Write;
        let filler = File::create(self.path().join("filler")).expect("a file needs no room yet");
        while (&filler).write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    }

    /// Makes room: the disk has this size from now on.
    pub fn grow(&self, size: &str) {
        let grown = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.path())
            .status();
        assert!(grown.expect("it was mounted").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Out of the tree at once, also while a server that is ending has files open on it.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
