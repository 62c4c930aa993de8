//! `sessile serve`: a small web application whose sessions live in the embedded cache.
//!
//! ```text
//! options   the command line                    -> what to serve, and where
//! app       options                             -> what all requests share; routes
//! handlers  a request and its session           -> a page, or the way to one
//! pages     plain data                          -> HTML
//! ```

pub mod app;
pub mod cart;
pub mod catalogue;
pub mod csrf;
pub mod handlers;
pub mod history;
pub mod options;
pub mod pages;
pub mod refusal;
mod signals;
pub mod style;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout};

use sessile::SessionStore;
use sessile::http::config::Settings;
use sessile::store::CleanUp;

use crate::told;
use app::App;
use options::Options;
use signals::Signals;

/// How long requests under way may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until Ctrl-C or SIGTERM. `heap` tells the bytes on the program's heap.
///
/// The first line on standard output is the address, once it takes connections.
///
/// # Errors
/// One line that says why it cannot be served and what to do.
pub fn run(options: &Options, heap: fn() -> usize) -> Result<(), String> {
    // What the session layer has to say goes to standard error; it never says an id or a payload.
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false);
    let _ = log
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .try_init();
    let settings = options.settings().map_err(|error| told(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the server cannot start its threads: {error}"))?;
    runtime.block_on(serve(&settings, options, heap))
}

async fn serve(settings: &Settings, options: &Options, heap: fn() -> usize) -> Result<(), String> {
    let app = App::new(settings, heap).await;
    let app = app.map_err(|error| told(&error))?;
    let mut stopped = Signals::new().map_err(|error| format!("signals: {error}"))?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| cannot_listen(options.listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot_listen(options.listen, &error))?;

    // Whoever closed these outputs wants no telling.
    let _ = writeln!(io::stdout(), "http://{address}/");
    let _ = writeln!(
        io::stderr(),
        "sessile: {}",
        advice(settings.cookie.secure, address)
    );

    let stop = Arc::new(Notify::new());
    let stopping = stop.clone();
    let server = axum::serve(listener, app.router())
        .with_graceful_shutdown(async move { stopping.notified().await });
    let server = tokio::spawn(server.into_future());
    let store = app.store().cloned();
    let clock = tokio::spawn(tick(app));
    let cleaner = store.clone().filter(|store| store.as_cache().is_none());
    let cleaner =
        cleaner.map(|store| tokio::spawn(async move { CleanUp::new().run(&store).await }));
    stopped.wait().await;
    clock.abort();
    if let Some(cleaner) = cleaner {
        cleaner.abort();
    }
    stop.notify_one();
    // A connection that neither ends nor goes on must not hold the program.
    let _ = timeout(GRACE, server).await;
    if let Some(store) = store
        && let Ok(Err(error)) = timeout(GRACE, store.close()).await
    {
        return Err(told(&error));
    }
    Ok(())
}

/// Looks after the cache once a second.
async fn tick(app: App) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        seconds.tick().await;
        if let Err(error) = app.tick().await {
            eprintln!("sessile: {error}");
        }
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use; end the other program, or take a free port with --listen 127.0.0.1:0"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; try --listen 127.0.0.1:8080".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("{error}; take a port from 1024 on, like --listen 127.0.0.1:8080")
        }
        _ => format!("{error}; choose another address with --listen"),
    };
    format!("{address}: {advice}")
}

/// What the cookie is worth there, in one line.
fn advice(is_secure: bool, address: SocketAddr) -> &'static str {
    match (is_secure, address.ip().is_loopback()) {
        (true, _) => {
            "the cookie is Secure: put a server that speaks TLS before this one. Ctrl-C ends it"
        }
        (false, true) => {
            "plain http on this machine only, so the cookie is neither Secure nor named __Host-; behind TLS, use --secure. Ctrl-C ends it"
        }
        (false, false) => {
            "PLAIN HTTP ON THE NETWORK: whoever listens can take the sessions; put TLS before it and use --secure. Ctrl-C ends it"
        }
    }
}
