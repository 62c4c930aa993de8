//! What `sessile serve` can be told on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};
use sessile::Result;
use sessile::http::config::{Config, Settings};

/// The longest idle time: no session here lives longer, however much it is used.
pub(super) const IDLE_DAYS_MAX: u64 = 90;

/// Serve a small web application whose sessions live in the embedded cache, or in any other store
///
/// Log in under any name, fill a cart, see your sessions and end them, and watch the cache at work. The
/// address is the first line on standard output. Ctrl-C ends the program, and with it all sessions that
/// lie in its memory. The environment says where else they may lie: SESSION_TYPE=redis, and so on.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The most sessions the cache may hold; one more evicts one [default: 100000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1 << 32))]
    pub max_entries: Option<u64>,

    /// How long an unused session lives: a number and s, m, h or d; at most 90d [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = idle)]
    pub idle: Option<Duration>,

    /// A document of settings, TOML or JSON; the environment wins over it, and these options over both
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Name the cookie __Host-session and have browsers send it over https only: for use behind a
    /// server that speaks TLS
    #[arg(long)]
    pub secure: bool,
}

/// What holds where nobody says otherwise. The cookie is for plain http on one's own machine.
const DEFAULTS: &str = "
PERMANENT_SESSION_LIFETIME = '30m'
[session]
permanent = true
cookie_name = 'session'
cookie_secure = false
absolute_timeout = '90d'
max_entries = 100000
";

impl Options {
    /// The settings of the defaults, the document, the environment and these options, the later of them
    /// winning.
    ///
    /// # Errors
    /// One [`InvalidConfig`](sessile::ErrorKind::InvalidConfig) that lists all problems.
    pub fn settings(&self) -> Result<Settings> {
        let mut config = Config::new().toml(DEFAULTS);
        if let Some(file) = &self.config {
            config = config.file(file);
        }
        config = config.env(std::env::vars_os());
        if self.secure {
            // A cookie that is not Secure cannot have the prefix of one host either.
            config = config
                .set("SESSION_COOKIE_SECURE", true)
                .set("SESSION_COOKIE_NAME", "__Host-session");
        }
        if let Some(idle) = self.idle {
            config = config
                .set("SESSION_IDLE_TIMEOUT", idle)
                .set("PERMANENT_SESSION_LIFETIME", idle);
        }
        if let Some(max) = self.max_entries {
            config = config.set("SESSION_MAX_ENTRIES", max.to_string());
        }
        config.resolve()
    }
}

/// Reads a time like `90s`, `30m`, `12h` or `7d`.
fn idle(text: &str) -> std::result::Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => 0,
    };
    if number.is_empty() || unit_seconds == 0 {
        return Err("write a number and s, m, h or d, like 30m".to_owned());
    }
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit_seconds));
    match seconds {
        Some(seconds @ 1..) if seconds <= IDLE_DAYS_MAX * 24 * 60 * 60 => {
            Ok(Duration::from_secs(seconds))
        }
        _ => Err(format!("choose between 1s and {IDLE_DAYS_MAX}d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_time_is_a_number_and_a_unit() {
        let seconds = |text| idle(text).map(|time| time.as_secs());
        assert_eq!(seconds("1s"), Ok(1));
        assert_eq!(seconds("30m"), Ok(1800));
        assert_eq!(seconds("12h"), Ok(43_200));
        assert_eq!(seconds("90d"), Ok(7_776_000));
        for wrong in ["", "m", "30", "30 m", "-1m", "1.5h", "3µ", "30M"] {
            assert!(
                seconds(wrong).is_err_and(|e| e.contains("like 30m")),
                "{wrong}"
            );
        }
        for absurd in [
            "0s",
            "91d",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(
                seconds(absurd).is_err_and(|e| e.contains("90d")),
                "{absurd}"
            );
        }
    }
}
