//! Sessions that live in their cookie: nothing on the server, everything with the client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backend::Backend;
use super::cookie_form::{self, Form};
use super::interface::Change;
use crate::cookie::{Keyring, Protection};
use crate::error::Result;
use crate::id::SessionId;
use crate::session::{Carried, Committed, EmptyPolicy, Rules, Session};
use crate::time::{Clock, CoarseClock};

/// Keeps whole sessions in the cookie, sealed or signed, with the end of their life inside the proof.
///
/// The [`Session`] is the same object as with a store, and the layer the same. What differs follows
/// from there being no record on the server:
///
/// - There is no id: [`Session::id`] is `None`, [`Session::cycle_id`] has the cookie written anew, and
///   [`Session::save`] does nothing, since only a response can carry a session.
/// - There is no list of an owner's sessions and no limit on them: [`Session::bind_owner`] keeps the
///   owner in the cookie, for the application to read.
/// - *A copied cookie stays good until the end inside it*, also after a logout, a change or a destroyed
///   session: nobody can revoke one but by dropping the key, which ends all. Keep lifetimes short.
/// - Of two responses at once the one that the browser gets last wins, [`Session::modify`] included.
/// - A session that does not fit the cookie (sealed, 3,011 bytes of record under the default name) is
///   [`TooLarge`](crate::ErrorKind::TooLarge): logged and answered by an empty 500, never cut.
///
/// What does not verify, is expired or comes from the future is no session. What a fallback key signed
/// is written anew by the next request that opens it, unless sessions do not slide: then by the next
/// that changes it. Each value of the cookie's name costs a proof per key, each response that sends
/// the cookie another.
///
/// ```
/// use std::time::Duration;
/// use sessile::cookie::Keyring;
/// use sessile::http::{CookieSessions, Core, SessionLayer};
///
/// let ring = Keyring::new(b"an example key of 32 bytes, not!")?;
/// let sessions = CookieSessions::builder(ring)
///     .idle(Duration::from_secs(20 * 60))
///     .absolute(Some(Duration::from_secs(8 * 60 * 60)))
///     .build()?;
/// let layer = SessionLayer::new(Core::on(sessions).build()?);
/// # let _ = layer;
/// # Ok::<(), sessile::Error>(())
/// ```
pub struct CookieSessions {
    form: Form,
    carried: Carried,
}

/// Builds [`CookieSessions`]; [`CookieSessions::builder`] makes one.
#[must_use = "a builder does nothing until `build`"]
pub struct CookieSessionsBuilder {
    form: FormChoice,
    idle: Duration,
    absolute: Option<Duration>,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

enum FormChoice {
    Own(Keyring, Protection),
    #[cfg(feature = "compat")]
    Foreign(Form),
}

impl CookieSessions {
    /// Starts from the defaults: sealed by `keyring`, 14 days without use, 30 days in all.
    pub fn builder(keyring: Keyring) -> CookieSessionsBuilder {
        CookieSessionsBuilder::new(FormChoice::Own(keyring, Protection::Sealed))
    }

    /// Starts from Flask's session cookie: signed, readable by whoever has it, good for 31 days.
    ///
    /// `secret` and `fallbacks` are the application's `SECRET_KEY` and `SECRET_KEY_FALLBACKS`. Values
    /// are JSON as Flask writes it: what it tags (tuples, bytes, dates) is read with its tag and stays
    /// as it came unless it is written. There is no place for an owner, nor for the end of single
    /// sessions.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for an empty secret.
    #[cfg(feature = "compat")]
    pub fn flask(secret: &[u8], fallbacks: &[&[u8]]) -> Result<CookieSessionsBuilder> {
        const LIFETIME: Duration = Duration::from_secs(31 * 86_400);
        let form = cookie_form::flask(secret, fallbacks)?;
        let builder = CookieSessionsBuilder::new(FormChoice::Foreign(form));
        Ok(builder.idle(LIFETIME).absolute(None).permanent(false))
    }

    /// Starts from the cookie of Django's `signed_cookies`: signed, readable by whoever has it, good
    /// for two weeks. As [`CookieSessions::flask`] otherwise.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for an empty secret.
    #[cfg(feature = "compat")]
    pub fn django(secret: &[u8], fallbacks: &[&[u8]]) -> Result<CookieSessionsBuilder> {
        let form = cookie_form::django(secret, fallbacks)?;
        let builder = CookieSessionsBuilder::new(FormChoice::Foreign(form));
        Ok(builder.absolute(None).sliding(false))
    }
}

impl CookieSessionsBuilder {
    fn new(form: FormChoice) -> Self {
        Self {
            form,
            idle: Duration::from_secs(14 * 86_400),
            absolute: Some(Duration::from_secs(30 * 86_400)),
            clock: Arc::new(CoarseClock),
            rules: Rules::default(),
        }
    }

    /// Says whether the client can read its session. Default: [`Protection::Sealed`], it cannot. The
    /// forms of Flask and Django are signed whatever is said here.
    pub fn protection(mut self, protection: Protection) -> Self {
        match &mut self.form {
            FormChoice::Own(_, chosen) => *chosen = protection,
            #[cfg(feature = "compat")]
            FormChoice::Foreign(_) => {}
        }
        self
    }

    /// Sets how long a session lives without use. Default: 14 days.
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// Sets how long a session lives in all, however much it is used. Default: 30 days.
    pub fn absolute(mut self, timeout: Option<Duration>) -> Self {
        self.absolute = timeout;
        self
    }

    /// Says whether reading a session prolongs it, which sends the cookie anew, at most once per
    /// twentieth of the idle timeout. Default: yes.
    pub fn sliding(mut self, sliding: bool) -> Self {
        self.rules.sliding = sliding;
        self
    }

    /// Says whether cookies outlive the browser unless the session says otherwise. Default: yes.
    pub fn permanent(mut self, permanent: bool) -> Self {
        self.rules.permanent = permanent;
        self
    }

    /// Sets what becomes of sessions whose last value is gone. Default: [`EmptyPolicy::Delete`], the
    /// cookie is taken back.
    pub fn on_empty(mut self, policy: EmptyPolicy) -> Self {
        self.rules.on_empty = policy;
        self
    }

    /// Replaces the clock. Only its wall time is read.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for timeouts below a millisecond.
    pub fn build(mut self) -> Result<CookieSessions> {
        self.rules.set_timeouts(self.idle, self.absolute)?;
        let form = match self.form {
            FormChoice::Own(keyring, protection) => cookie_form::own(keyring, protection),
            #[cfg(feature = "compat")]
            FormChoice::Foreign(form) => form,
        };
        (self.rules.layout, self.rules.format) = form.record();
        Ok(CookieSessions {
            form,
            carried: Carried::new(self.rules, self.clock),
        })
    }
}

/// Nothing is awaited in here.
impl Backend for CookieSessions {
    fn is_immediate(&self) -> bool {
        true
    }

    async fn open<'v>(
        &'v self,
        name: &'v str,
        mut values: impl Iterator<Item = &'v str> + Send + 'v,
    ) -> Result<Option<Session>> {
        let now_ms = self.now_ms();
        let life = Duration::from_millis(self.carried.rules().idle_ms);
        Ok(values.find_map(|value| {
            let opened = self.form.open(name, value, now_ms, life)?;
            self.carried.open(opened.record, opened.made_ms)
        }))
    }

    fn fresh(&self) -> Session {
        self.carried.fresh()
    }

    async fn commit(&self, session: &Session) -> Result<Committed> {
        Ok(match session.refusal() {
            None => self.carried.settle(session),
            Some(_) => Committed::Nothing,
        })
    }

    /// A session that was written or prolonged is another text, which the client must be sent.
    fn change(&self, _: Option<&SessionId>, session: &Session, done: Committed) -> Option<Change> {
        match done {
            Committed::Nothing | Committed::Removed => (!session.is_new()).then_some(Change::None),
            _ => Some(Change::NewId),
        }
    }

    fn value(&self, name: &str, session: &Session) -> Result<String> {
        let (record, life) = self.carried.record(session)?;
        self.form.seal(name, &record, life, self.now_ms())
    }

    fn now_ms(&self) -> u64 {
        self.carried.now_ms()
    }
}

impl fmt::Debug for CookieSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessions")
            .field("rules", self.carried.rules())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CookieSessionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessionsBuilder")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
