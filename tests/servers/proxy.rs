//! A bad network between a store and its server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes at once.
    Fair,
    /// Each answer waits so long.
    Slow(Duration),
    /// Requests arrive, answers are lost: the connection is cut when the first byte comes back.
    CutAnswers,
    /// As many bytes of the answers pass, counted from now on per connection, then it is cut.
    CutAfter(usize),
    /// Connections are taken and closed at once.
    Down,
}

/// Listens on a port of its own and passes everything to the server. Needs tokio; ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    turns: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts in fair weather.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (weather, forecast) = watch::channel(Weather::Fair);
        let turns = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&turns);
        let task = tokio::spawn(async move {
            let server = SocketAddr::from(([127, 0, 0, 1], port));
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(
                    client,
                    server,
                    forecast.clone(),
                    Arc::clone(&counter),
                ));
            }
        });
        Self {
            address,
            weather,
            turns,
            task,
        }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The round trips since the last time: how often a client spoke after its server had. What is sent
    /// together, or while an answer is still awaited, is one.
    pub fn turns(&self) -> usize {
        self.turns.swap(0, SeqCst)
    }

    /// Changes the weather, for connections that are open too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    client: TcpStream,
    server: SocketAddr,
    mut forecast: watch::Receiver<Weather>,
    turns: Arc<AtomicUsize>,
) {
    if *forecast.borrow() == Weather::Down {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let over = Arc::new(tokio::sync::Notify::new());
    let ended = Arc::clone(&over);
    // Set before a byte is passed on: whoever has an answer finds its question counted.
    let client_spoke_last = Arc::new(AtomicBool::new(false));
    let spoke = Arc::clone(&client_spoke_last);
    let requests = tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            if !spoke.swap(true, SeqCst) {
                turns.fetch_add(1, SeqCst);
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        ended.notify_one();
    });
    let mut weather = *forecast.borrow_and_update();
    let mut passed = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            // What comes after a change of weather meets the new one, also where both are found at once.
            biased;
            changed = forecast.changed() => {
                if changed.is_err() {
                    break;
                }
                weather = *forecast.borrow_and_update();
                passed = 0;
                match weather {
                    Weather::Down => break,
                    _ => continue,
                }
            }
            read = from_server.read(&mut buffer) => read,
            () = over.notified() => break,
        };
        let Ok(read @ 1..) = read else { break };
        client_spoke_last.store(false, SeqCst);
        let let_through = match weather {
            Weather::Fair => read,
            Weather::Slow(time) => {
                tokio::time::sleep(time).await;
                read
            }
            Weather::CutAnswers | Weather::Down => 0,
            Weather::CutAfter(bytes) => read.min(bytes.saturating_sub(passed)),
        };
        if to_client.write_all(&buffer[..let_through]).await.is_err() || let_through < read {
            break;
        }
        passed += read;
    }
    requests.abort();
}
