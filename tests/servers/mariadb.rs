//! A MariaDB server of the test's own.

use super::{Certificates, Disk, Program, need};

/// What it prints once it takes connections. Its port is open earlier.
const IS_READY: &str = "ready for connections";

/// A running server with the user `app`, whose password is `secret`, and the database `app`.
pub struct MariaDb {
    program: Program,
    port: u16,
}

impl MariaDb {
    /// Starts one, or says loudly that it cannot. `more` are further arguments.
    pub fn start(more: &[&str]) -> Option<Self> {
        Self::start_with(more, None)
    }

    /// As [`start`](Self::start), but it takes connections over TLS only, also at
    /// 127.0.0.2, which is not in its certificate.
    pub fn start_over_tls(made: &Certificates) -> Option<Self> {
        let more = [
            "--require-secure-transport",
            "--bind-address=127.0.0.1,127.0.0.2",
        ];
        Self::start_with(&more, Some(made))
    }

    fn start_with(more: &[&str], made: Option<&Certificates>) -> Option<Self> {
        let [server, install] = need("MariaDB", ["mariadbd", "mariadb-install-db"])?;
        let mut program = Program::new(server).as_user("mysql");
        let data = program.folder().join("data").display().to_string();
        // Each server that starts tidies up its folder of temporary tables, also the tables of others.
        let temporary = format!("--tmpdir={}", program.folder().display());
        program.run(
            &install,
            [
                "--no-defaults",
                &format!("--datadir={data}"),
                &temporary,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=8M",
            ],
        );
        let first = program.folder().join("first.sql");
        let statements = "CREATE DATABASE IF NOT EXISTS app;\n\
             CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 'secret';\n\
             GRANT ALL ON *.* TO 'app'@'%';\n\
             CREATE USER IF NOT EXISTS 'plain'@'%' IDENTIFIED BY 'secret';\n\
             GRANT ALL ON app.* TO 'plain'@'%';\n";
        std::fs::write(&first, statements).expect("the folder can be written");
        let socket = program.folder().join("socket");
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--datadir={data}"),
            temporary,
            "--bind-address=127.0.0.1".to_owned(),
            format!("--socket={}", socket.display()),
            format!("--pid-file={}/pid", data),
            format!("--init-file={}", first.display()),
            "--skip-name-resolve".to_owned(),
            "--innodb-buffer-pool-size=24M".to_owned(),
            "--innodb-log-file-size=8M".to_owned(),
            "--performance-schema=OFF".to_owned(),
            // What it has written survives its own end; nobody cuts the power here.
            "--innodb-flush-log-at-trx-commit=2".to_owned(),
        ];
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        if let Some(made) = made {
            for (option, file) in [
                ("ca", "ca.crt"),
                ("cert", "server.crt"),
                ("key", "server.key"),
            ] {
                let path = program.give(file, &made.text(file));
                arguments.push(format!("--ssl-{option}={path}"));
            }
        }
        let on = |port: u16| {
            let mut arguments = arguments.clone();
            arguments.push(format!("--port={port}"));
            arguments
        };
        let port = program.start_on_a_free_port(on, |it| it.times_printed(IS_READY) > 0);
        Some(Self { program, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The address of one more database, whose tables are all on a disk.
    ///
    /// # Panics
    /// If there is one of that name.
    pub fn url_on(&self, disk: &Disk, name: &str) -> String {
        // A folder is a database.
        let database = self.program.folder().join("data").join(name);
        std::os::unix::fs::symlink(disk.path(), database).expect("the folder can be written");
        self.url().replace("/app?", &format!("/{name}?"))
    }

    /// The address of its database for a user who may do there what an application does and
    /// administers nothing.
    pub fn url_of_plain_user(&self) -> String {
        self.url().replace("app:", "plain:")
    }

    /// The address of its database, with other parameters.
    pub fn url_with(&self, parameters: &str) -> String {
        let url = self.url();
        let (address, _) = url.split_once('?').expect("it has parameters");
        format!("{address}?{parameters}")
    }

    /// The address of its database behind a proxy.
    pub fn url_at(&self, port: u16) -> String {
        format!("mariadb://app:secret@127.0.0.1:{port}/app?ssl-mode=disabled")
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
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

    /// Stops it in its tracks, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        self.program.freeze(frozen);
    }
}
