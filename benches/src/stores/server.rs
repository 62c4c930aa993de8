//! A Redis server of the bench's own: in a temporary folder, on a free port, gone with the bench.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// How long it may take to come up.
const UP_MAX: Duration = Duration::from_secs(10);

/// Where the clients of such a server run: on two threads.
pub(super) fn clients() -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|reason| reason.to_string())
}

/// A running server.
pub(super) struct Redis {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// Starts one that keeps nothing on disk.
    pub(super) fn start() -> Result<Self, String> {
        let folder =
            tempfile::tempdir().map_err(|reason| format!("a temporary folder: {reason}"))?;
        let port = free_port().map_err(|reason| format!("a free port: {reason}"))?;
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|reason| format!("NOT MEASURED: redis-server does not start: {reason}"))?;
        let server = Self {
            child,
            port,
            _folder: folder,
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > UP_MAX {
                return Err("NOT MEASURED: redis-server did not come up".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}?protocol=resp3", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It holds nothing that anybody wants.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}
