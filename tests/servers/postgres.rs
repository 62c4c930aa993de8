//! A PostgreSQL server of the test's own.

use std::path::PathBuf;

use super::{Certificates, Disk, Program, need};

/// What it prints once it takes connections. Its port is open earlier.
const IS_READY: &str = "ready to accept connections";

/// A running server with the user `postgres`, whom it trusts, and the user `locked`, who needs the
/// password `secret`.
pub struct Postgres {
    program: Program,
    control: PathBuf,
    data: String,
    port: u16,
}

impl Postgres {
    /// Starts one, or says loudly that it cannot.
    pub fn start() -> Option<Self> {
        Self::start_with(None, None)
    }

    /// As [`start`](Self::start), but it takes connections over TLS only, also at
    /// 127.0.0.2, which is not in its certificate.
    pub fn start_over_tls(made: &Certificates) -> Option<Self> {
        Self::start_with(Some(made), None)
    }

    /// As [`start`](Self::start), with its log of writes on a disk of this size, or with all its data.
    pub fn start_on_disk(what: &str, size: &str, is_all: bool) -> Option<(Self, Disk)> {
        need(what, ["postgres"])?;
        let disk = Disk::mount(what, size, "postgres")?;
        let server = Self::start_with(None, Some((&disk, is_all)))?;
        Some((server, disk))
    }

    fn start_with(made: Option<&Certificates>, disk: Option<(&Disk, bool)>) -> Option<Self> {
        let [server, initdb, control] = need("PostgreSQL", ["postgres", "initdb", "pg_ctl"])?;
        let mut program = Program::new(server).as_user("postgres");
        let (mut folder, mut log) = (program.folder().join("data"), String::new());
        match disk {
            Some((disk, true)) => folder = disk.path().join("data"),
            Some((disk, false)) => log = format!("--waldir={}", disk.path().join("log").display()),
            None => {}
        }
        let data = folder.display().to_string();
        let mut init = vec!["-D", &data, "-N", "-A", "trust", "-U", "postgres"];
        init.extend(["-E", "UTF8", "--locale=C"]);
        // Pieces of the log, in MiB, the least: a small disk has room for some.
        init.push("--wal-segsize=1");
        if !log.is_empty() {
            init.push(&log);
        }
        program.run(&initdb, init);
        let rules = folder.join("pg_hba.conf");
        let trust = std::fs::read_to_string(&rules).expect("initdb wrote it");
        let rule = match made {
            None => format!("host all locked 127.0.0.1/32 scram-sha-256\n{trust}"),
            Some(_) => "hostssl all all 127.0.0.0/8 trust\n".to_owned(),
        };
        std::fs::write(&rules, rule).expect("it can be written");
        let mut arguments: Vec<String> = [
            "-D",
            &data,
            "-k",
            "",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "shared_buffers=16MB",
            "-c",
            "max_connections=60",
            // What it has written survives its own end; nobody cuts the power here.
            "-c",
            "fsync=off",
        ]
        .map(str::to_owned)
        .into();
        if let Some(made) = made {
            let [crt, key] =
                ["server.crt", "server.key"].map(|it| program.give(it, &made.text(it)));
            for setting in [
                "ssl=on",
                "listen_addresses=127.0.0.1,127.0.0.2",
                &format!("ssl_cert_file={crt}"),
                &format!("ssl_key_file={key}"),
            ] {
                arguments.extend(["-c".to_owned(), setting.to_owned()]);
            }
        }
        let on = |port: u16| {
            let mut arguments = arguments.clone();
            arguments.extend(["-p".to_owned(), port.to_string()]);
            arguments
        };
        let port = program.start_on_a_free_port(on, |it| it.times_printed(IS_READY) > 0);
        Some(Self {
            program,
            control,
            data,
            port,
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The address of its database, with other parameters.
    pub fn url_with(&self, parameters: &str) -> String {
        let url = self.url();
        let (address, _) = url.split_once('?').expect("it has parameters");
        format!("{address}?{parameters}")
    }

    /// The address of its database behind a proxy.
    pub fn url_at(&self, port: u16) -> String {
        format!("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// Ends it as a crash would, if it has not ended by itself: nothing is written back, and all its
    /// processes are gone.
    pub fn kill(&mut self) {
        let stop = ["-D", &self.data, "-m", "immediate", "-w", "stop"];
        let stopped = self.program.attempt(&self.control, stop);
        let is_over = stopped.status.success() || !self.program.is_running();
        assert!(is_over, "{stopped:?}");
        self.program.kill();
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        let starts = self.program.times_printed(IS_READY);
        self.program
            .restart_until(|it| it.times_printed(IS_READY) > starts);
    }

    /// What it logged.
    pub fn output(&self) -> String {
        self.program.output()
    }
}
