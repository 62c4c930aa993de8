//! All cookies of one request and its response: read on demand, written together at the end.

use std::fmt;
use std::sync::Arc;

use super::attributes::CookieConfig;
use super::check::shown;
use super::keyring::{Keyring, Opened};
use super::parse::{Cookies, Request};
use super::set_cookie::SetCookie;
use super::settings::{JarSettings, Protection};
use super::signed::SignedCookie;
use crate::error::{Error, ErrorKind, Result};

/// Cookies that one response may set or remove; browsers keep about 180 for a site.
pub const CHANGES_MAX: usize = 256;
/// Cookies of one name that are tried: each forged one costs a proof for every key.
const TRIES_MAX: usize = 64;

/// The cookies of one request, and what its response changes about them.
///
/// Plain, signed and private values, maps that are written when they changed, and the session's own
/// cookie lie side by side; [`Jar::finish`] writes each name at most once, the last word winning.
/// Removal repeats every attribute and is sent only if the request carried the cookie.
///
/// What a request claims in a signed or private cookie is believed only if it verifies; of several
/// cookies of one name the first that does is taken, whatever their order (64 are tried). Everything
/// else counts as absent and is never written back.
///
/// A jar belongs to one request and is not shared: it has no lock. Making one copies the header
/// lines (one allocation, 64 KiB at most); nothing is parsed before it is asked for.
///
/// ```
/// use std::sync::Arc;
/// use sessile::cookie::{Jar, JarSettings, Keyring};
///
/// let ring = Keyring::new(b"an example key of 32 bytes, not!")?;
/// let settings = Arc::new(JarSettings::new().keyring(ring));
/// let now_ms = 1_000;
///
/// let mut jar = Jar::new(settings.clone(), &["theme=dark"], now_ms);
/// assert_eq!(jar.get("theme"), Some("dark"));
/// jar.remove("theme")?;
/// jar.signed("cart")?.insert("apples", &3)?;
/// let cookies = jar.finish()?;
/// assert_eq!(cookies.len(), 2);
///
/// let sent = format!("cart={}", cookies[1].value());
/// let mut jar = Jar::new(settings, &[sent], now_ms);
/// assert_eq!(jar.signed("cart")?.get::<u32>("apples")?, Some(3));
/// assert!(jar.finish()?.is_empty(), "nothing changed");
/// # Ok::<(), sessile::Error>(())
/// ```
pub struct Jar {
    settings: Arc<JarSettings>,
    request: Request,
    now_ms: u64,
    /// Attributes for this response only.
    overrides: Vec<CookieConfig>,
    changes: Vec<Change>,
}

/// What becomes of one name.
enum Change {
    /// Set or removed as the text says.
    Ready(SetCookie),
    /// Written if it changed.
    Tracked(Tracked),
}

struct Tracked {
    name: String,
    protection: Protection,
    cookie: SignedCookie,
    /// To be written although the application changed nothing: an old key signed it.
    is_outdated: bool,
    /// The name was removed before this map took its place.
    is_successor: bool,
}

impl Change {
    fn name(&self) -> &str {
        match self {
            Self::Ready(cookie) => cookie.name(),
            Self::Tracked(tracked) => &tracked.name,
        }
    }
}

impl Jar {
    /// Makes the jar of a request from its `Cookie` header lines; `now_ms` is the wall time.
    pub fn new<'h, I, H>(settings: Arc<JarSettings>, lines: I, now_ms: u64) -> Self
    where
        I: IntoIterator<Item = &'h H>,
        H: AsRef<[u8]> + ?Sized + 'h,
    {
        Self {
            settings,
            request: Request::new(lines),
            now_ms,
            overrides: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Iterates over what the request carried, in its order and with its duplicates.
    pub fn sent(&self) -> Cookies<'_, std::slice::Iter<'_, Vec<u8>>> {
        self.request.pairs()
    }

    /// Says whether the request carried a cookie called `name`.
    #[must_use]
    pub fn was_sent(&self, name: &str) -> bool {
        self.request.candidates(name).next().is_some()
    }

    /// Returns the plain value of `name`: the one set in this jar, else the first in the request.
    ///
    /// Anybody can write what a request carries here. Maps are not seen by this method.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.change(name) {
            Some(Change::Ready(cookie)) if cookie.is_removal() => None,
            Some(Change::Ready(cookie)) => Some(cookie.value()),
            _ => self.request.candidates(name).next(),
        }
    }

    /// Sets a plain cookie; encode values that are not made of cookie octets with
    /// [`percent_encode`](super::percent_encode).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the name cannot be sent with its attributes or the value holds
    /// anything but cookie octets; [`ErrorKind::TooLarge`] if a browser would drop it or the
    /// response changes more than [`CHANGES_MAX`] cookies. The jar is as before.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let config = self.config(name);
        config.check_name(name)?;
        let cookie = config.set_as(name, value, config.max_age(), self.now_ms)?;
        self.put(Change::Ready(cookie))
    }

    /// Returns the genuine value of a signed cookie: the one set in this jar, else the first in the
    /// request that verifies.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the jar has no keyring.
    pub fn get_signed(&self, name: &str) -> Result<Option<String>> {
        self.get_protected(name, Protection::Signed)
    }

    /// Sets a cookie whose value everybody can read and nobody can change. Any text.
    ///
    /// # Errors
    ///
    /// As [`Jar::set`] and [`Jar::get_signed`].
    pub fn set_signed(&mut self, name: &str, value: &str) -> Result<()> {
        self.set_protected(name, value, Protection::Signed)
    }

    /// Returns the genuine value of a private cookie; as [`Jar::get_signed`].
    ///
    /// # Errors
    ///
    /// As [`Jar::get_signed`].
    pub fn get_private(&self, name: &str) -> Result<Option<String>> {
        self.get_protected(name, Protection::Sealed)
    }

    /// Sets a cookie whose value nobody can read or change. Any text.
    ///
    /// # Errors
    ///
    /// As [`Jar::set_signed`], and [`ErrorKind::Unavailable`] without randomness.
    pub fn set_private(&mut self, name: &str, value: &str) -> Result<()> {
        self.set_protected(name, value, Protection::Sealed)
    }

    /// Returns the signed map called `name`, which is written at the end if it changed.
    ///
    /// The first call reads it from the request, later ones return the same map. One that a fallback
    /// key signed is written anew. One that is empty in the end is removed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the jar has no keyring, [`ErrorKind::InvalidInput`] if the
    /// name cannot be sent or is a private map in this jar.
    pub fn signed(&mut self, name: &str) -> Result<&mut SignedCookie> {
        self.track(name, Protection::Signed)
    }

    /// Returns the private map called `name`; as [`Jar::signed`].
    ///
    /// # Errors
    ///
    /// As [`Jar::signed`].
    pub fn private(&mut self, name: &str) -> Result<&mut SignedCookie> {
        self.track(name, Protection::Sealed)
    }

    /// Returns the signed map that the request carried, without tracking it: changes of it go
    /// nowhere unless given to [`Jar::put_signed`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the jar has no keyring.
    pub fn read_signed(&self, name: &str) -> Result<SignedCookie> {
        Ok(self.read(name, Protection::Signed)?.0)
    }

    /// Returns the private map that the request carried; as [`Jar::read_signed`].
    ///
    /// # Errors
    ///
    /// As [`Jar::read_signed`].
    pub fn read_private(&self, name: &str) -> Result<SignedCookie> {
        Ok(self.read(name, Protection::Sealed)?.0)
    }

    /// Puts `cookie` in the place of whatever was called `name`, to be written signed in any case
    /// but empty.
    ///
    /// # Errors
    ///
    /// As [`Jar::signed`].
    pub fn put_signed(&mut self, name: &str, cookie: SignedCookie) -> Result<()> {
        self.put_map(name, cookie, Protection::Signed)
    }

    /// Puts `cookie` in the place of whatever was called `name`, to be written sealed in any case
    /// but empty.
    ///
    /// # Errors
    ///
    /// As [`Jar::signed`].
    pub fn put_private(&mut self, name: &str, cookie: SignedCookie) -> Result<()> {
        self.put_map(name, cookie, Protection::Sealed)
    }

    /// Removes the cookie called `name`, whatever was set in this jar.
    ///
    /// The browser is told with the attributes that setting would use, and only if it sent one. A map
    /// asked for afterwards is a new one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the name cannot be sent with its attributes.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let config = self.config(name);
        config.check_name(name)?;
        if self.was_sent(name) {
            let removal = config.remove_as(name);
            return self.put(Change::Ready(removal));
        }
        self.unset(name);
        Ok(())
    }

    /// Forgets what this jar was to do about `name` and says whether there was something.
    pub fn unset(&mut self, name: &str) -> bool {
        let before = self.changes.len();
        self.changes.retain(|change| change.name() != name);
        self.changes.len() < before
    }

    /// Uses `config` for its name from now on in this response, for setting and removal.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] for more than [`CHANGES_MAX`] names.
    pub fn configure(&mut self, config: CookieConfig) -> Result<()> {
        let at = (self.overrides.iter()).position(|other| other.name() == config.name());
        place(&mut self.overrides, at, config).map_err(|config| crowded(config.name()))
    }

    /// The attributes that a cookie called `name` gets: those given to [`Jar::configure`], else to
    /// the settings for this name, else the settings' defaults.
    #[must_use]
    pub fn config(&self, name: &str) -> &CookieConfig {
        self.overrides
            .iter()
            .find(|config| config.name() == name)
            .unwrap_or_else(|| self.settings.config(name))
    }

    /// Adds a finished header, as that of a session, in the place of whatever had its name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] for more than [`CHANGES_MAX`] names.
    pub fn register(&mut self, cookie: SetCookie) -> Result<()> {
        self.put(Change::Ready(cookie))
    }

    /// Returns the headers to send: at most one for each name, in the order of first mention. Asking
    /// twice gives the same cookies, private ones sealed anew.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] if a map has become larger than a browser keeps,
    /// [`ErrorKind::Unavailable`] if one could not be sealed for lack of randomness.
    pub fn finish(&self) -> Result<Vec<SetCookie>> {
        let headers = self.changes.iter().map(|change| match change {
            Change::Ready(cookie) => Ok(Some(cookie.clone())),
            Change::Tracked(tracked) => self.write(tracked),
        });
        headers.filter_map(Result::transpose).collect()
    }

    fn write(&self, tracked: &Tracked) -> Result<Option<SetCookie>> {
        let (name, cookie) = (&*tracked.name, &tracked.cookie);
        let is_due = cookie.is_modified() || cookie.is_forced();
        let config = self.config(name);
        if cookie.is_empty() {
            let is_gone = (is_due || tracked.is_successor) && self.was_sent(name);
            return Ok(is_gone.then(|| config.remove_as(name)));
        }
        if !is_due && !tracked.is_outdated {
            return Ok(None);
        }
        let text = self.protect(name, &cookie.payload()?, tracked.protection)?;
        let cookie = config.set_as(name, &text, config.max_age(), self.now_ms)?;
        Ok(Some(cookie))
    }

    fn track(&mut self, name: &str, protection: Protection) -> Result<&mut SignedCookie> {
        let at = match self.position(name) {
            Some(at) if matches!(self.changes[at], Change::Tracked(_)) => at,
            other => {
                self.config(name).check_name(name)?;
                let (cookie, is_outdated) = match other {
                    Some(_) => (SignedCookie::new(), false),
                    None => self.read(name, protection)?,
                };
                self.put(Change::Tracked(Tracked {
                    name: name.to_owned(),
                    protection,
                    cookie,
                    is_outdated,
                    is_successor: other.is_some(),
                }))?;
                other.unwrap_or(self.changes.len() - 1)
            }
        };
        match &mut self.changes[at] {
            Change::Tracked(tracked) if tracked.protection == protection => Ok(&mut tracked.cookie),
            _ => Err(Error::input(format!(
                "use map cookie `{}` as a {protection} one: in this jar it is the other kind",
                shown(name)
            ))),
        }
    }

    fn read(&self, name: &str, protection: Protection) -> Result<(SignedCookie, bool)> {
        let ring = self.settings.ring(name)?;
        let mut was_sent = false;
        for text in self.request.candidates(name).take(TRIES_MAX) {
            was_sent = true;
            let Some(opened) = self.unprotect(ring, name, text, protection) else {
                continue;
            };
            if let Some(cookie) = SignedCookie::received(Some(&opened.payload)) {
                return Ok((cookie, opened.is_fallback));
            }
            tracing::warn!(
                cookie = name,
                "a genuine {protection} cookie is no map; ignored"
            );
        }
        let forged = was_sent.then(|| SignedCookie::received(None)).flatten();
        Ok((forged.unwrap_or_default(), false))
    }

    fn put_map(
        &mut self,
        name: &str,
        mut cookie: SignedCookie,
        protection: Protection,
    ) -> Result<()> {
        self.settings.ring(name)?;
        self.config(name).check_name(name)?;
        cookie.set_modified(true);
        self.put(Change::Tracked(Tracked {
            name: name.to_owned(),
            protection,
            cookie,
            is_outdated: false,
            is_successor: false,
        }))
    }

    fn get_protected(&self, name: &str, protection: Protection) -> Result<Option<String>> {
        let ring = self.settings.ring(name)?;
        let open = |text: &str| {
            let opened = self.unprotect(ring, name, text, protection)?;
            String::from_utf8(opened.payload).ok()
        };
        Ok(match self.change(name) {
            Some(Change::Ready(cookie)) => open(cookie.value()),
            _ => (self.request.candidates(name).take(TRIES_MAX)).find_map(open),
        })
    }

    fn set_protected(&mut self, name: &str, value: &str, protection: Protection) -> Result<()> {
        let config = self.config(name);
        config.check_name(name)?;
        let text = self.protect(name, value.as_bytes(), protection)?;
        let cookie = config.set_as(name, &text, config.max_age(), self.now_ms)?;
        self.put(Change::Ready(cookie))
    }

    fn protect(&self, name: &str, payload: &[u8], protection: Protection) -> Result<String> {
        let ring = self.settings.ring(name)?;
        let purpose = self.settings.purpose.as_str();
        match protection {
            Protection::Signed => Ok(ring.sign_timed(purpose, name, payload, self.now_ms)),
            Protection::Sealed => ring.seal_timed(purpose, name, payload, self.now_ms),
        }
    }

    fn unprotect(
        &self,
        ring: &Keyring,
        name: &str,
        text: &str,
        protection: Protection,
    ) -> Option<Opened> {
        let purpose = self.settings.purpose.as_str();
        let max_age = self.settings.content_ttl;
        match protection {
            Protection::Signed => ring.verify_timed(purpose, name, text, max_age, self.now_ms),
            Protection::Sealed => ring.open_timed(purpose, name, text, max_age, self.now_ms),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.changes.iter().position(|change| change.name() == name)
    }

    fn change(&self, name: &str) -> Option<&Change> {
        self.position(name).map(|at| &self.changes[at])
    }

    fn put(&mut self, change: Change) -> Result<()> {
        let at = self.position(change.name());
        place(&mut self.changes, at, change).map_err(|change| crowded(change.name()))
    }
}

/// Puts `item` where `at` says, or last if there is room.
fn place<T>(list: &mut Vec<T>, at: Option<usize>, item: T) -> Result<(), T> {
    match at {
        Some(at) => list[at] = item,
        None if list.len() >= CHANGES_MAX => return Err(item),
        None => list.push(item),
    }
    Ok(())
}

fn crowded(name: &str) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "change cookie `{}`: the response changes {CHANGES_MAX} already",
            shown(name)
        ),
    )
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.changes.iter().map(Change::name);
        f.debug_struct("Jar")
            .field("changes", &names.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
