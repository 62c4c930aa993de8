//! What takes more than one command, as scripts of one key each, so that Redis Cluster runs them too.

use redis::{Arg, Cmd};
use sha1::{Digest, Sha1};

use super::form::{FORMAT, Form, HEADER_LEN};

/// The scripts of one form of records.
///
/// All of them write by `SET`, which takes the lifetime in milliseconds (`''`: for ever) along, so that
/// a record never is without its end.
pub(super) struct Scripts {
    pub(super) replace: Script,
    pub(super) claim: Script,
    pub(super) seen: Script,
}

/// The beginning of those that write: what KEYS and the first two of ARGV are.
const NAMES: &str = "
local key, stored, lifetime = KEYS[1], ARGV[1], ARGV[2]
";

/// Their end: inline, since a function is made anew by each run.
const SET: &str = "
if lifetime == '' then redis.call('SET', key, stored)
else redis.call('SET', key, stored, 'PX', lifetime) end
return 1
";

/// KEYS: the record. ARGV: what to store, its lifetime, the expected version or ''.
/// Answers 1 (done), 0 (gone), or the version that is in the way.
///
/// Finding the version that it was to write, it knows itself repeated: done, and nothing to do.
const REPLACE: &str = "
if not live then return 0 end
if header == string.sub(stored, 1, HEADER) then return 1 end
local version, expected = string.sub(header, 2), ARGV[3]
if expected ~= '' and expected ~= version then return version end
";

/// As [`REPLACE`]; ARGV[4] is '1' if an earlier attempt may have arrived. Only then the same content
/// tells that it did: another writer can have stored the same.
const REPLACE_BARE: &str = "
local there, expected = redis.call('GET', key), ARGV[3]
if not there then return 0 end
if ARGV[4] == '1' and there == stored then return 1 end
if expected ~= '' then
  local version = string.sub(redis.sha1hex(there), 1, 16)
  if expected ~= version then return version end
end
";

/// KEYS: the record. ARGV: what to store, its lifetime. Stores it where nothing is, or something
/// malformed. Answers 1, or the version of the record that is there.
const CLAIM: &str = "
if live then return string.sub(header, 2) end
";

/// KEYS: the record. Answers what is stored and the milliseconds it has left, both of one moment.
const SEEN: &str = "
local stored = redis.call('GET', KEYS[1])
if not stored then return false end
return {stored, redis.call('PTTL', KEYS[1])}
";

impl Scripts {
    pub(super) fn new(form: &Form) -> Self {
        let last = HEADER_LEN - 1;
        let header = format!(
            "local HEADER = {HEADER_LEN}
             local header = redis.call('GETRANGE', key, 0, {last})
             local live = #header == HEADER and string.byte(header) == {FORMAT}"
        );
        let replace = match form.is_bare() {
            true => format!("{NAMES}{REPLACE_BARE}{SET}"),
            false => format!("{NAMES}{header}{REPLACE}{SET}"),
        };
        Self {
            replace: Script::new(replace),
            claim: Script::new(format!("{NAMES}{header}{CLAIM}{SET}")),
            seen: Script::new(SEEN.to_owned()),
        }
    }
}

/// A script and the name that the server gives it.
pub(super) struct Script {
    code: String,
    hash: String,
}

impl Script {
    fn new(code: String) -> Self {
        let digest = <[u8; 20]>::from(Sha1::digest(&code));
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { code, hash }
    }

    /// Begins a run of it, with room for so many bytes of arguments.
    pub(super) fn run(&self, key: &[u8], room: usize) -> Cmd {
        let mut command = Cmd::with_capacity(8, self.hash.len() + key.len() + room + 16);
        command.arg("EVALSHA").arg(&self.hash).arg(1).arg(key);
        command
    }

    /// A whole run of it.
    pub(super) fn call(&self, run: Cmd) -> Call<'_> {
        Call {
            command: run,
            script: Some(self),
        }
    }
}

/// What is sent to the server.
pub(super) struct Call<'a> {
    pub(super) command: Cmd,
    script: Option<&'a Script>,
}

impl Call<'_> {
    /// The same with the script itself, for a server that does not know it by name: a new one, or one
    /// that was told to forget. It knows it from then on.
    pub(super) fn in_full(&self) -> Option<Cmd> {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.script?.code);
        for argument in self.command.args_iter().skip(2) {
            if let Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        Some(command)
    }
}

impl From<Cmd> for Call<'_> {
    fn from(command: Cmd) -> Self {
        Self {
            command,
            script: None,
        }
    }
}
