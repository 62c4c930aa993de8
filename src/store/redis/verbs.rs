//! The verbs, one round trip each.

use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::command::{about, set, write_run};
use super::form::{HEADER_LEN, Written};
use super::lifetime::lifetime_ms;
use super::link::{Answer, Doubt};
use super::scripts::Call;
use super::store::Inner;
use crate::cache::{Key, Replaced, Terms, TimeToLive, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Created, Lived, Loaded, check_write};

impl Inner {
    pub(super) async fn ask(&self, what: &'static str, command: Cmd) -> Result<Answer> {
        self.call(what, &Call::from(command)).await
    }

    async fn call(&self, what: &'static str, call: &Call<'_>) -> Result<Answer> {
        self.link.ask(what, &Doubt::default(), call, call).await
    }

    /// What is stored under a key, and the milliseconds it has left, of one moment.
    pub(super) async fn seen(
        &self,
        what: &'static str,
        key: &[u8],
    ) -> Result<Option<(Loaded, TimeToLive)>> {
        let script = &self.scripts.seen;
        let answer = self.call(what, &script.call(script.run(key, 0))).await?;
        let value = match answer {
            Answer::Value(Value::Nil) => return Ok(None),
            Answer::Value(Value::Array(both)) => <[Value; 2]>::try_from(both).ok(),
            Answer::Value(_) => None,
            Answer::OtherType(_) => return Ok(warn_other_type()),
        };
        let Some([Value::BulkString(stored), Value::Int(left)]) = value else {
            return Err(odd(what));
        };
        let left = match u64::try_from(left) {
            Ok(left) => TimeToLive::Left(Duration::from_millis(left.saturating_add(1))),
            Err(_) => TimeToLive::Forever,
        };
        Ok(self.read(stored).map(|loaded| (loaded, left)))
    }

    fn read(&self, stored: Vec<u8>) -> Option<Loaded> {
        let loaded = self.form.read(stored);
        if loaded.is_none() {
            tracing::warn!("a record in redis is malformed and counts as absent");
        }
        loaded
    }

    fn prepare(&self, key: &[u8], value: Bytes, terms: &Terms) -> Result<(Vec<u8>, Written)> {
        check_write(key, terms)?;
        if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
            return Err(Error::input(
                "store a record in redis: it keeps times to live, no idle timeout and no maximum age",
            ));
        }
        let form = &self.form;
        Ok((form.key(key), form.write(value)?))
    }

    /// Stores a native record where a malformed one is in the way.
    async fn claim(
        &self,
        what: &'static str,
        key: &[u8],
        written: &Written,
        terms: &Terms,
    ) -> Result<Created> {
        let script = &self.scripts.claim;
        let run = write_run(script, key, written, terms);
        match self.call(what, &script.call(run)).await? {
            Answer::Value(Value::Int(1)) => Ok(Created::Done(written.version)),
            Answer::Value(Value::BulkString(version)) => {
                let is_ours = self.form.spelt(&version) == Some(written.version);
                Ok(if is_ours {
                    Created::Done(written.version)
                } else {
                    Created::Taken
                })
            }
            Answer::Value(_) => Err(odd(what)),
            Answer::OtherType(fault) => Err(fault.error(what)),
        }
    }

    pub(super) async fn load(&self, key: &[u8]) -> Result<Option<Loaded>> {
        const WHAT: &str = "load a record from redis";
        if is_impossible(key) {
            return Ok(None);
        }
        let command = about("GET", &self.form.key(key));
        match self.ask(WHAT, command).await? {
            Answer::Value(Value::Nil) => Ok(None),
            Answer::Value(Value::BulkString(stored)) => Ok(self.read(stored)),
            Answer::Value(_) => Err(odd(WHAT)),
            Answer::OtherType(_) => Ok(warn_other_type()),
        }
    }

    pub(super) async fn load_left(&self, key: &[u8]) -> Result<Option<Lived>> {
        if is_impossible(key) {
            return Ok(None);
        }
        let key = self.form.key(key);
        let seen = self.seen("load a record from redis", &key).await?;
        Ok(seen.map(|(loaded, left)| Lived {
            loaded,
            left: Some(left),
        }))
    }

    pub(super) async fn create(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Created> {
        const WHAT: &str = "create a record in redis";
        let (key, written) = self.prepare(key, value, &terms)?;
        let mut command = set(&key, &written, &terms);
        // What is there comes back with the refusal, and tells whether it is our own.
        command.arg("NX").arg("GET");
        let (doubt, call) = (Doubt::default(), Call::from(command));
        let stored = match self.link.ask(WHAT, &doubt, &call, &call).await? {
            Answer::Value(Value::Nil) => return Ok(Created::Done(written.version)),
            Answer::Value(Value::BulkString(stored)) => stored,
            Answer::Value(_) => return Err(odd(WHAT)),
            Answer::OtherType(fault) => return Err(fault.error(WHAT)),
        };
        let is_ours = match self.form.is_bare() {
            true => doubt.is_left() && written.is(&stored),
            false => match self.form.version(&stored) {
                Some(version) => version == written.version,
                None => return self.claim(WHAT, &key, &written, &terms).await,
            },
        };
        Ok(if is_ours {
            Created::Done(written.version)
        } else {
            Created::Taken
        })
    }

    pub(super) async fn replace(
        &self,
        key: &[u8],
        value: Bytes,
        terms: Terms,
        expected: Option<Version>,
    ) -> Result<Replaced> {
        const WHAT: &str = "replace a record in redis";
        let (key, written) = self.prepare(key, value, &terms)?;
        let Inner {
            form,
            scripts,
            link,
            ..
        } = self;
        let script = &scripts.replace;
        let call = |again: &str| {
            let mut run = write_run(script, &key, &written, &terms);
            match expected {
                Some(version) => run.arg(form.spell(version)),
                None => run.arg(""),
            };
            if form.is_bare() {
                run.arg(again);
            }
            script.call(run)
        };
        // A native record knows its own version: nothing has to be said of earlier attempts.
        let again = form.is_bare().then(|| call("1"));
        let call = call("0");
        let again = again.as_ref().unwrap_or(&call);
        match link.ask(WHAT, &Doubt::default(), &call, again).await? {
            Answer::Value(Value::Int(0)) => Ok(Replaced::Gone),
            Answer::Value(Value::Int(1)) => Ok(Replaced::Done(written.version)),
            Answer::Value(Value::BulkString(there)) => match form.spelt(&there) {
                Some(version) => Ok(Replaced::Conflict(version)),
                None => Err(odd(WHAT)),
            },
            Answer::Value(_) => Err(odd(WHAT)),
            Answer::OtherType(fault) => Err(fault.error(WHAT)),
        }
    }

    pub(super) async fn put(&self, key: &[u8], value: Bytes, terms: Terms) -> Result<Version> {
        const WHAT: &str = "put a record into redis";
        let (key, written) = self.prepare(key, value, &terms)?;
        let mut command = set(&key, &written, &terms);
        // Without it, whatever is under the key would be overwritten, a list as well.
        command.arg("GET");
        match self.ask(WHAT, command).await? {
            Answer::Value(_) => Ok(written.version),
            Answer::OtherType(fault) => Err(fault.error(WHAT)),
        }
    }

    pub(super) async fn touch(&self, key: &[u8], time_to_live: Duration) -> Result<bool> {
        const WHAT: &str = "touch a record in redis";
        if time_to_live.is_zero() {
            return self.remove(key).await;
        }
        if is_impossible(key) {
            return Ok(false);
        }
        let mut command = about("PEXPIRE", &self.form.key(key));
        command.arg(lifetime_ms(time_to_live));
        match self.ask(WHAT, command).await? {
            Answer::Value(Value::Int(found @ 0..=1)) => Ok(found == 1),
            _ => Err(odd(WHAT)),
        }
    }

    pub(super) async fn remove(&self, key: &[u8]) -> Result<bool> {
        const WHAT: &str = "remove a record from redis";
        if is_impossible(key) {
            return Ok(false);
        }
        // Unlike DEL it leaves alone what is no string, and shows what it removed.
        let mut command = redis::cmd("GETDEL");
        command.arg(self.form.key(key));
        let (doubt, call) = (Doubt::default(), Call::from(command));
        match self.link.ask(WHAT, &doubt, &call, &call).await? {
            Answer::Value(Value::Nil) => Ok(doubt.is_left()),
            Answer::Value(Value::BulkString(stored)) => Ok(self.read(stored).is_some()),
            Answer::Value(_) => Err(odd(WHAT)),
            Answer::OtherType(_) => Ok(warn_other_type::<()>().is_some()),
        }
    }

    pub(super) async fn exists(&self, key: &[u8]) -> Result<bool> {
        const WHAT: &str = "look for a record in redis";
        if is_impossible(key) {
            return Ok(false);
        }
        let form = &self.form;
        if form.is_bare() {
            let mut command = redis::cmd("TYPE");
            command.arg(form.key(key));
            return match self.ask(WHAT, command).await? {
                Answer::Value(Value::SimpleString(kind)) => Ok(kind == "string"),
                _ => Err(odd(WHAT)),
            };
        }
        let mut command = redis::cmd("GETRANGE");
        command.arg(form.key(key)).arg(0).arg(HEADER_LEN - 1);
        match self.ask(WHAT, command).await? {
            Answer::Value(Value::BulkString(header)) => Ok(form.version(&header).is_some()),
            Answer::Value(_) => Err(odd(WHAT)),
            Answer::OtherType(_) => Ok(warn_other_type::<()>().is_some()),
        }
    }
}

fn is_impossible(key: &[u8]) -> bool {
    Key::from(key).check().is_err()
}

fn odd(what: &str) -> Error {
    let text = format!("{what}: the server's answer is not what Redis answers");
    Error::new(ErrorKind::Unavailable, text)
}

fn warn_other_type<T>() -> Option<T> {
    tracing::warn!("a key in redis holds something that is no string and counts as absent");
    None
}
