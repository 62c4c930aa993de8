//! A server process that ends with the test.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::{free_port, wait_until};

/// A running server in a temporary folder of its own, killed when dropped.
pub struct Program {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    user: Option<(u32, u32)>,
    child: Option<Child>,
    folder: TempDir,
}

impl Program {
    /// Makes the folder; nothing runs yet.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            user: None,
            child: None,
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    /// Gives the server, and not its commands, these variables.
    pub fn with(mut self, environment: Vec<(&'static str, String)>) -> Self {
        self.environment = environment;
        self
    }

    /// The server's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs it as another user, for servers that refuse the superuser. The folder becomes theirs.
    pub fn as_user(mut self, name: &str) -> Self {
        let (user, group) = account(name);
        // Only the superuser can become somebody else; everybody else already is.
        if std::fs::metadata("/proc/self").is_ok_and(|it| {
            use std::os::unix::fs::MetadataExt;
            it.uid() == 0
        }) {
            std::os::unix::fs::chown(self.folder(), Some(user), Some(group))
                .expect("the folder can be given away");
            self.user = Some((user, group));
        }
        self
    }

    /// Puts a file into the folder that its user alone can read, as servers want it of their keys;
    /// returns its path.
    pub fn give(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::{OpenOptionsExt, chown};
        let path = self.folder().join(name);
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .expect("the folder can be written");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("it can be written");
        if let Some((user, group)) = self.user {
            chown(&path, Some(user), Some(group)).expect("the file can be given away");
        }
        path.to_string_lossy().into_owned()
    }

    /// Runs a command of the server's to its end, in its folder and as its user.
    ///
    /// # Panics
    /// If it fails.
    pub fn run<A: AsRef<OsStr>>(&self, program: &Path, arguments: impl IntoIterator<Item = A>) {
        let output = self.attempt(program, arguments);
        assert!(
            output.status.success(),
            "{}: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// As [`run`](Self::run), however it ends.
    pub fn attempt<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Output {
        let mut command = self.command(program);
        command
            .args(arguments)
            .output()
            .expect("the command starts")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder()).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it; what it prints goes to a file in its folder.
    pub fn start<A: Into<String>>(&mut self, arguments: impl IntoIterator<Item = A>) {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self.restart();
    }

    /// Starts it on a free port until `is_ready` says so, and returns the port.
    ///
    /// Between the choice of a port and its use somebody else may take it, and the server ends: then
    /// it gets another one.
    ///
    /// # Panics
    /// If it ends on five ports, or does not come up.
    pub fn start_on_a_free_port(
        &mut self,
        arguments: impl Fn(u16) -> Vec<String>,
        is_ready: impl Fn(&Self) -> bool,
    ) -> u16 {
        for _ in 0..5 {
            let port = free_port();
            self.start(arguments(port));
            if self.comes_up(&is_ready) {
                return port;
            }
        }
        panic!("no port will do: {}", self.output());
    }

    /// Starts it again where it was, until `is_ready` says so.
    ///
    /// # Panics
    /// If it ends before, or does not come up.
    pub fn restart_until(&mut self, is_ready: impl Fn(&Self) -> bool) {
        self.restart();
        assert!(self.comes_up(&is_ready), "it ended: {}", self.output());
    }

    /// Waits until it is ready; `false` if it ends before.
    fn comes_up(&mut self, is_ready: &impl Fn(&Self) -> bool) -> bool {
        let name = self.program.display().to_string();
        // Asked in this order: a server that is not ready and no longer runs will never be.
        wait_until(&name, || !self.is_running() || is_ready(self));
        is_ready(self)
    }

    /// How often it has printed `text` so far.
    pub fn times_printed(&self, text: &str) -> usize {
        self.output().matches(text).count()
    }

    /// Starts it again as it was started before, killing it if it runs.
    pub fn restart(&mut self) {
        self.kill();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder().join("output.log"))
            .expect("the log can be written");
        let errors = log
            .try_clone()
            .expect("a file has as many handles as wanted");
        let child = self
            .command(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(log)
            .stderr(errors)
            .spawn();
        self.child = Some(child.expect("the server starts"));
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it was started and has not ended by itself.
    pub fn is_running(&mut self) -> bool {
        let ended = self.child.as_mut().map(Child::try_wait);
        ended.is_some_and(|ended| ended.expect("it is our child").is_none())
    }

    /// Stops it in its tracks, or lets it go on: a server that accepts and does not answer.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { libc::SIGSTOP } else { libc::SIGCONT };
        let id = self.child.as_ref().expect("it runs").id();
        let id = libc::pid_t::try_from(id).expect("the number of a process");
        // SAFETY: kill touches no memory of ours.
        #[expect(unsafe_code, reason = "the standard library sends one signal only")]
        let done = unsafe { libc::kill(id, signal) };
        assert_eq!(done, 0);
        if frozen {
            // The signal is on its way when `kill` returns: each thread stops a little later.
            wait_until("the stop of all threads", || all_stopped(id));
        }
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder().join("output.log")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The numbers of a user and of the user's group.
///
/// # Panics
/// If there is no such user.
pub(super) fn account(name: &str) -> (u32, u32) {
    let accounts = std::fs::read_to_string("/etc/passwd").expect("there is a list of users");
    let account = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let mut numbers = fields.skip(1).map_while(|field| field.parse::<u32>().ok());
        is_it.then(|| Some((numbers.next()?, numbers.next()?)))?
    });
    account.unwrap_or_else(|| panic!("there is no user {name}"))
}

fn all_stopped(id: libc::pid_t) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{id}/task"));
    threads.into_iter().flatten().flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state follows the name, which is in brackets.
        stat.rsplit(')')
            .next()
            .is_none_or(|rest| rest.trim_start().starts_with('T'))
    })
}
