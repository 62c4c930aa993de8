//! Stands in for the session layer, under the names and signatures of its public items, until that
//! layer is here. Nothing outside this file knows that it is not the real one.

#![expect(
    unreachable_pub,
    reason = "the real layer's items are public; this file goes when they come"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sessile::{Cache, Error, ErrorKind, Result, Terms};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level(pub u16);

impl Level {
    pub const INFO: Self = Self(20);
    pub const SUCCESS: Self = Self(25);
    pub const WARNING: Self = Self(30);
    pub const ERROR: Self = Self(40);

    pub fn tag(self) -> &'static str {
        match self.0 {
            20 => "info",
            25 => "success",
            30 => "warning",
            40 => "error",
            _ => "",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub level: Level,
    pub body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHandle(u128);

impl SessionHandle {
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }

    fn of(id: &[u8]) -> Self {
        use std::hash::{DefaultHasher, Hasher};
        let mut hasher = DefaultHasher::new();
        hasher.write(id);
        Self(u128::from(hasher.finish()) << 64 | u128::from(hasher.finish()))
    }
}

impl std::fmt::Display for SessionHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct SessionInfo {
    pub handle: SessionHandle,
    pub created: SystemTime,
    pub last_seen: SystemTime,
    pub is_current: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Record {
    owner: Option<String>,
    created_ms: u64,
    seen_ms: u64,
    data: BTreeMap<String, Value>,
    messages: Vec<Message>,
}

#[derive(Debug, Default)]
struct Inner {
    id: Option<String>,
    record: Record,
    modified: bool,
    rotate: bool,
    destroyed: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Session(Arc<Mutex<Inner>>);

fn input(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, "a value of the session").with_source(error)
}

impl Session {
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let value = self.lock().record.data.get(name).cloned();
        value.map(serde_json::from_value).transpose().map_err(input)
    }

    pub fn insert<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        let value = serde_json::to_value(value).map_err(input)?;
        let mut inner = self.lock();
        inner.modified = true;
        inner.record.data.insert(name.to_owned(), value);
        Ok(())
    }

    pub fn modify<T, F>(&self, name: &str, change: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    {
        match change(self.get(name)?) {
            Some(value) => self.insert(name, &value),
            None => {
                let mut inner = self.lock();
                inner.modified |= inner.record.data.remove(name).is_some();
                Ok(())
            }
        }
    }

    pub fn items(&self) -> Result<Vec<(String, Value)>> {
        Ok(self.lock().record.data.clone().into_iter().collect())
    }

    pub fn cycle_id(&self) {
        let mut inner = self.lock();
        inner.rotate = true;
        inner.modified = true;
    }

    pub fn destroy(&self) {
        let mut inner = self.lock();
        inner.record = Record::default();
        inner.destroyed = true;
        inner.modified = false;
    }

    pub fn bind_owner(&self, owner: &str) -> Result<()> {
        let mut inner = self.lock();
        inner.record.owner = Some(owner.to_owned());
        inner.modified = true;
        Ok(())
    }

    pub fn owner(&self) -> Option<Arc<str>> {
        self.lock().record.owner.as_deref().map(Arc::from)
    }

    pub fn messages(&self) -> Messages<'_> {
        Messages(self)
    }
}

#[derive(Debug)]
pub struct Messages<'a>(&'a Session);

impl Messages<'_> {
    pub fn add(&self, level: Level, body: impl Into<String>) -> Result<bool> {
        let mut inner = self.0.lock();
        inner.modified = true;
        inner.record.messages.push(Message {
            level,
            body: body.into(),
        });
        Ok(true)
    }

    pub fn take(&self) -> Result<Vec<Message>> {
        let mut inner = self.0.lock();
        let messages = std::mem::take(&mut inner.record.messages);
        inner.modified |= !messages.is_empty();
        Ok(messages)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let session = parts.extensions.get::<Self>().cloned();
        session.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[derive(Clone, Debug)]
pub struct Sessions {
    cache: Arc<Cache>,
    idle: Duration,
    secure: bool,
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

impl Sessions {
    pub fn new(cache: Arc<Cache>, idle: Duration, secure: bool) -> Self {
        Self {
            cache,
            idle,
            secure,
        }
    }

    fn of(&self, owner: &str) -> Vec<(Vec<u8>, Record)> {
        let record = |value: &[u8]| serde_json::from_slice::<Record>(value).ok();
        let all = self.cache.iter();
        all.filter_map(|entry| Some((entry.key.to_vec(), record(&entry.value)?)))
            .filter(|(_, record)| record.owner.as_deref() == Some(owner))
            .collect()
    }

    pub async fn list(&self, owner: &str, current: Option<&Session>) -> Result<Vec<SessionInfo>> {
        let current = current.and_then(|session| session.lock().id.clone());
        let mut list = Vec::new();
        for (id, record) in self.of(owner) {
            list.push(SessionInfo {
                handle: SessionHandle::of(&id),
                created: UNIX_EPOCH + Duration::from_millis(record.created_ms),
                last_seen: UNIX_EPOCH + Duration::from_millis(record.seen_ms),
                is_current: current.as_ref().is_some_and(|own| own.as_bytes() == id),
            });
        }
        list.sort_by_key(|info| std::cmp::Reverse(info.last_seen));
        Ok(list)
    }

    pub async fn end(&self, owner: &str, handle: &SessionHandle) -> Result<bool> {
        let mut ended = false;
        for (id, _) in self.of(owner) {
            ended |= SessionHandle::of(&id) == *handle && self.cache.remove(&id);
        }
        Ok(ended)
    }

    pub async fn end_all(&self, owner: &str, keep: Option<&Session>) -> Result<usize> {
        let keep = keep.and_then(|session| session.lock().id.clone());
        let mut ended = 0;
        for (id, _) in self.of(owner) {
            if keep.as_ref().is_none_or(|keep| keep.as_bytes() != id) {
                ended += usize::from(self.cache.remove(&id));
            }
        }
        Ok(ended)
    }

    pub fn cookie_name(&self) -> &'static str {
        if self.secure {
            "__Host-session"
        } else {
            "session"
        }
    }

    fn open(&self, request: &Request) -> Session {
        let header = request.headers().get(COOKIE).and_then(|v| v.to_str().ok());
        let pairs = header.into_iter().flat_map(|header| header.split("; "));
        let id = pairs
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(name, value)| (name == self.cookie_name()).then_some(value));
        let found = id.filter(|id| id.len() == 43).and_then(|id| {
            let value = self.cache.get(id)?;
            let record = serde_json::from_slice(&value).ok()?;
            Some((id.to_owned(), record))
        });
        let session = Session::new();
        if let Some((id, record)) = found {
            let mut inner = session.lock();
            inner.id = Some(id);
            inner.record = record;
        }
        session
    }

    fn save(&self, session: &Session) -> Result<Option<String>> {
        let mut inner = session.lock();
        let flags = if self.secure { "; Secure" } else { "" };
        let name = self.cookie_name();
        let old = inner.id.clone();
        if let Some(old) = old.as_ref().filter(|_| inner.destroyed || inner.rotate) {
            self.cache.remove(old);
            inner.id = None;
        }
        if inner.destroyed && !inner.modified {
            return Ok(
                old.map(|_| format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{flags}"))
            );
        }
        if !inner.modified && inner.id.is_none() {
            return Ok(None);
        }
        inner.record.seen_ms = now_ms();
        if inner.id.is_none() && inner.record.created_ms == 0 {
            inner.record.created_ms = inner.record.seen_ms;
        }
        let id = inner.id.clone().map_or_else(new_id, Ok)?;
        let value = serde_json::to_vec(&inner.record).map_err(input)?;
        let mut terms = Terms::forever().idle(self.idle);
        if inner.record.owner.is_some() {
            terms = terms.protected();
        }
        self.cache.insert(&id, value, terms)?;
        inner.id = Some(id.clone());
        let age = self.idle.as_secs();
        let cookie = format!("{name}={id}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{flags}");
        Ok((old.as_ref() != Some(&id)).then_some(cookie))
    }
}

fn new_id() -> Result<String> {
    use base64::Engine;
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::new(ErrorKind::Unavailable, "make an id").with_source(e))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

pub async fn layer(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let session = sessions.open(&request);
    request.extensions_mut().insert(session.clone());
    let mut response = next.run(request).await;
    if !response.status().is_server_error()
        && let Ok(Some(cookie)) = sessions.save(&session)
        && let Ok(cookie) = HeaderValue::try_from(cookie)
    {
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, cookie);
        headers.append(VARY, HeaderValue::from_static("cookie"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
