//! The files of Django's `file` engine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::StoredSession;
use super::session::AGE;
use crate::cookie::compat::{DateTime, Map, Value};
use crate::error::{Error, ErrorKind, Result};

/// Reads and writes the sessions of Django's `file` engine, one at a time, to share or to move them.
///
/// A session is the file `<cookie's name><key>` in one folder: the text of `SessionBase.encode`. It ends
/// when the date ends that is in its data under `_session_expiry`, or [`age`](Self::age) after the file was
/// written; in whole seconds, rounded down, as in Django. As there, a number under that name sets no end.
///
/// Every call blocks. A file is replaced in one step, so a reader finds the old session or the new one; of
/// two writers the last one wins, because Django's engine has neither locks nor versions. The folder must
/// be the programs' own. For sessions of this crate alone take `FileStore`, which has all that.
///
/// ```
/// use std::time::SystemTime;
/// use sessile::cookie::compat::Map;
/// use sessile::cookie::compat::django::{DjangoFiles, StoredSession};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let session_file_path = folder.path();
/// let files = DjangoFiles::new(session_file_path, StoredSession::new(["SECRET_KEY"])?);
/// let mut session = Map::new();
/// session.insert("visits", 1);
/// let now = SystemTime::now();
/// assert!(files.create("k3y0fth1rtytw0charact3rs00000000", &session, now)?);
/// assert_eq!(files.read("k3y0fth1rtytw0charact3rs00000000", now)?, Some(session));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DjangoFiles {
    folder: PathBuf,
    prefix: String,
    age: Duration,
    texts: StoredSession,
}

/// Longer files are none of Django's sessions; the limits of the texts are far below.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Keys of Django have 32 characters; no file system takes names much longer than this.
const KEY_CHARS_MAX: usize = 128;

impl DjangoFiles {
    /// Takes `SESSION_FILE_PATH`, and the texts with their keys and limits.
    pub fn new(folder: impl Into<PathBuf>, texts: StoredSession) -> Self {
        Self {
            folder: folder.into(),
            prefix: "sessionid".to_owned(),
            age: AGE,
            texts,
        }
    }

    /// Sets `SESSION_COOKIE_NAME`, which files' names begin with: `sessionid`.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` for a name that could lead out of the folder.
    pub fn cookie_name(mut self, name: &str) -> Result<Self> {
        if name.contains(['/', '\\', '\0']) {
            return Err(Error::config(
                "read django's session files: the cookie's name has a character that no file's may have",
            ));
        }
        name.clone_into(&mut self.prefix);
        Ok(self)
    }

    /// Sets how long after it was written a session ends (`SESSION_COOKIE_AGE`): two weeks.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// The session of `key`, if there is one that has not ended.
    ///
    /// One that no key signed, or that cannot be read, is absent and a line in the security log. The empty
    /// file that Django makes before it writes is an empty session.
    ///
    /// # Errors
    ///
    /// `Io` if the system refuses.
    pub fn read(&self, key: &str, now: SystemTime) -> Result<Option<Map>> {
        let Some(path) = self.path(key) else {
            return Ok(None);
        };
        let mut text = String::new();
        let written = match read(&path, &mut text) {
            Ok(Some(written)) => written,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                // No text: nobody signed it.
                text.clear();
                text.push('\u{fffd}');
                now
            }
            Err(error) => return Err(failed("read a session file of django's", &error)),
        };
        if text.is_empty() {
            return Ok(Some(Map::new()));
        }
        let session = match self.texts.try_decode(&text) {
            Ok(session) => session,
            Err(refused) => {
                tracing::warn!(
                    target: "sessile::security",
                    %refused,
                    "session data corrupted; the file is taken for absent"
                );
                return Ok(None);
            }
        };
        Ok(self.is_live(&session, written, now).then_some(session))
    }

    /// Writes a session under a key that has no file; `false` if it has one, whatever is in it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key of other characters than `a` to `z` and `0` to `9`, and as
    /// [`StoredSession::encode`]; `Io` if the system refuses.
    pub fn create(&self, key: &str, session: &Map, now: SystemTime) -> Result<bool> {
        let path = self.path(key).ok_or_else(impossible)?;
        let text = self.texts.encode(session, now)?;
        let written = self.written(text.as_bytes(), now, |draft| {
            // Unlike renaming, linking never takes another file's place.
            match fs::hard_link(draft, &path) {
                Ok(()) => fs::remove_file(draft).map(|()| true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            }
        });
        written.map_err(|error| failed("write a session file for django", &error))
    }

    /// Replaces the session of a key that has a file; `false` if it has none: nothing is brought back that
    /// was removed before the call.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn write(&self, key: &str, session: &Map, now: SystemTime) -> Result<bool> {
        let path = self.path(key).ok_or_else(impossible)?;
        let text = self.texts.encode(session, now)?;
        let written = self.written(text.as_bytes(), now, |draft| {
            match path.symlink_metadata() {
                Ok(data) if data.is_file() => fs::rename(draft, &path).map(|()| true),
                Ok(_) => Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        });
        written.map_err(|error| failed("write a session file for django", &error))
    }

    /// Removes the file of `key`; says whether there was one.
    ///
    /// # Errors
    ///
    /// `Io` if the system refuses.
    pub fn remove(&self, key: &str) -> Result<bool> {
        let Some(path) = self.path(key) else {
            return Ok(false);
        };
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("remove a session file of django's", &error)),
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let is_possible = (1..=KEY_CHARS_MAX).contains(&key.len())
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        is_possible.then(|| self.folder.join(format!("{}{key}", self.prefix)))
    }

    fn is_live(&self, session: &Map, written: SystemTime, now: SystemTime) -> bool {
        let end = match session.get("_session_expiry") {
            None | Some(Value::Null | Value::Bool(false) | Value::Int(0)) => {
                written.checked_add(self.age)
            }
            Some(Value::Int(seconds)) => return *seconds > 0,
            Some(Value::Text(date)) if date.is_empty() => written.checked_add(self.age),
            Some(Value::Text(date)) => match moment(date) {
                Some(date) => date.to_system_time(),
                None => return false,
            },
            Some(_) => return false,
        };
        // An end beyond all times is never reached.
        end.is_none_or(|end| {
            end.duration_since(now)
                .is_ok_and(|left| left >= Duration::from_secs(1))
        })
    }

    /// Writes `text` to a file beside its place and has `publish` put it there; the file does not stay
    /// unless it was published.
    fn written(
        &self,
        text: &[u8],
        now: SystemTime,
        publish: impl FnOnce(&PathBuf) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let mut drawn = [0; 16];
        getrandom::fill(&mut drawn).map_err(io::Error::from)?;
        let number = u128::from_le_bytes(drawn);
        // No key has a dot, so Django takes it for nobody's session.
        let draft = self.folder.join(format!(".sessile-{number:032x}.tmp"));
        let published = write_new(&draft, text, now).and_then(|()| publish(&draft));
        if !matches!(published, Ok(true)) {
            // The first error is the one to tell.
            let _ = fs::remove_file(&draft);
        }
        published
    }
}

/// The moment of a date as Python's `isoformat` writes it; one without an offset is taken for UTC.
fn moment(text: &str) -> Option<DateTime> {
    let (date, rest) = text.split_at_checked("2026-01-01T00:00:00".len())?;
    let at = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (fraction, offset) = rest.split_at(at);
    let local = DateTime::parse_rfc3339(&format!("{date}{fraction}Z"))?;
    let ahead = match offset {
        "" | "Z" => 0,
        offset => {
            let (hours, minutes) = offset[1..].split_once(':')?;
            let seconds = hours.parse::<u8>().ok().zip(minutes.parse::<u8>().ok());
            let seconds = seconds.map(|(h, m)| i64::from(h) * 3600 + i64::from(m) * 60)?;
            if offset.starts_with('-') {
                -seconds
            } else {
                seconds
            }
        }
    };
    DateTime::from_unix(local.unix_seconds() - ahead, local.nanos())
}

/// Reads a file, and says when it was written; `None` if there is none.
fn read(path: &PathBuf, text: &mut String) -> io::Result<Option<SystemTime>> {
    // Asked by name first: opening a pipe would wait for its other end.
    let read = match path.symlink_metadata() {
        Ok(data) if data.is_file() && data.len() <= FILE_BYTES_MAX => File::open(path),
        Ok(_) => return Ok(None),
        Err(error) => Err(error),
    };
    let file = match read {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let written = file.metadata()?.modified()?;
    file.take(FILE_BYTES_MAX).read_to_string(text)?;
    Ok(Some(written))
}

/// Writes a new file, for its owner only, dated `now`: Django counts a session's age from that date.
fn write_new(path: &PathBuf, text: &[u8], now: SystemTime) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.set_modified(now.max(UNIX_EPOCH))?;
    file.sync_all()
}

fn impossible() -> Error {
    Error::input(
        "write a session file for django: its keys are of the characters a to z and 0 to 9",
    )
}

/// The system's text names no file, and so no key.
fn failed(what: &str, error: &io::Error) -> Error {
    let source = match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::from(error.kind()),
    };
    Error::new(ErrorKind::Io, format!("{what}: the system refused")).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_python_writes_them() {
        let seconds = |text: &str| moment(text).map(|at| (at.unix_seconds(), at.nanos()));
        let noon = 1_795_262_400;
        for (text, expected) in [
            ("2026-11-21T12:00:00+00:00", Some((noon, 0))),
            (
                "2026-11-21T12:00:00.945103+00:00",
                Some((noon, 945_103_000)),
            ),
            ("2026-11-21T12:00:00", Some((noon, 0))),
            ("2026-11-21T12:00:00Z", Some((noon, 0))),
            ("2026-11-21T17:30:00+05:30", Some((noon, 0))),
            ("2026-11-21T04:00:00-08:00", Some((noon, 0))),
            ("2026-11-21T12:00:00+0000", None),
            ("2026-13-21T12:00:00+00:00", None),
            ("2026-11-21", None),
            ("2026-11-21T12:00:0é+00:00", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
