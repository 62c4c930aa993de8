//! What takes more than one command, as scripts of one key each, so that Redis Cluster runs them too.

use redis::Cmd;
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

const SET: &str = "
local function set()
  if ARGV[2] == '' then redis.call('SET', KEYS[1], ARGV[1])
  else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
  return 1
end
";

/// KEYS: the record. ARGV: what to store, its lifetime, the expected version or ''.
/// Answers 1 (done), 0 (gone), or the version that is in the way.
///
/// Finding the version that it was to write, it knows itself repeated: done, and nothing to do.
const REPLACE: &str = "
if not live then return 0 end
if version == string.sub(ARGV[1], 2, HEADER) then return 1 end
if ARGV[3] ~= '' and ARGV[3] ~= version then return version end
return set()
";

/// As [`REPLACE`]; ARGV[4] is '1' if an earlier attempt may have arrived. Only then the same content
/// tells that it did: another writer can have stored the same.
const REPLACE_BARE: &str = "
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if ARGV[4] == '1' and stored == ARGV[1] then return 1 end
if ARGV[3] ~= '' then
  local version = string.sub(redis.sha1hex(stored), 1, 16)
  if ARGV[3] ~= version then return version end
end
return set()
";

/// KEYS: the record. ARGV: what to store, its lifetime. Stores it where nothing is, or something
/// malformed. Answers 1, or the version of the record that is there.
const CLAIM: &str = "
if live then return version end
return set()
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
             local header = redis.call('GETRANGE', KEYS[1], 0, {last})
             local live = #header == HEADER and string.byte(header) == {FORMAT}
             local version = string.sub(header, 2)"
        );
        let replace = match form.is_bare() {
            true => format!("{SET}{REPLACE_BARE}"),
            false => format!("{SET}{header}{REPLACE}"),
        };
        Self {
            replace: Script::new(replace),
            claim: Script::new(format!("{SET}{header}{CLAIM}")),
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

    pub(super) fn call<'a>(&'a self, key: &'a [u8], arguments: &'a [&'a [u8]]) -> Call<'a> {
        let run = Run {
            script: self,
            key,
            arguments,
        };
        Call {
            command: run.command("EVALSHA", &self.hash),
            run: Some(run),
        }
    }
}

/// A run of a script.
struct Run<'a> {
    script: &'a Script,
    key: &'a [u8],
    arguments: &'a [&'a [u8]],
}

impl Run<'_> {
    fn command(&self, verb: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(verb);
        command.arg(script).arg(1).arg(self.key).arg(self.arguments);
        command
    }
}

/// What is sent to the server.
pub(super) struct Call<'a> {
    pub(super) command: Cmd,
    run: Option<Run<'a>>,
}

impl Call<'_> {
    /// The same with the script itself, for a server that does not know it by name: a new one, or one
    /// that was told to forget. It knows it from then on.
    pub(super) fn in_full(&self) -> Option<Cmd> {
        let run = self.run.as_ref()?;
        Some(run.command("EVAL", &run.script.code))
    }
}

impl From<Cmd> for Call<'_> {
    fn from(command: Cmd) -> Self {
        Self { command, run: None }
    }
}
