//! Errors of calls whose every argument is a canary, with all that they and their sources show.

use std::error::Error as _;
use std::fmt::Write as _;

use sessile::codec::{Fields, Format, Limits, Record};
use sessile::cookie::{CookieConfig, Jar, JarSettings, Keyring};
use sessile::id::{IdFormat, KeyMaker, SessionId};
use sessile::session::{Session, Sessions};
use sessile::{Cache, CacheStore, Error};

/// Writes an error as every reader may see it.
fn show<T>(result: Result<T, Error>, into: &mut String) {
    let error = result.err().expect("a canary is no good argument");
    let _ = writeln!(into, "{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        let _ = writeln!(into, "{inner} {inner:?}");
        source = inner.source();
    }
}

fn session(format: Format) -> Session {
    let cache = Cache::builder().max_entries(10).build().unwrap();
    let sessions = Sessions::builder(CacheStore::new(cache.into()));
    sessions.format(format).build().unwrap().fresh()
}

pub(crate) fn all(secrets: &mut Vec<String>, shown: &mut String) {
    for format in [Format::MessagePack, Format::Json] {
        values(&session(format), shown);
        codec(format, shown);
    }
    cookies(shown);
    ids(secrets, shown);
}

fn values(session: &Session, shown: &mut String) {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "it is never made")]
    struct Whole {
        canary_number: u32,
    }
    session.insert("canary-name", "canary-value").unwrap();
    session.insert("canary_number", "canary-value").unwrap();
    show(session.get::<u32>("canary-name"), shown);
    show(session.get::<Vec<u32>>("canary-name"), shown);
    show(session.pop::<bool>("canary-name"), shown);
    show(session.setdefault("canary-name", || 1_u8), shown);
    show(session.modify("canary-name", |old: Option<u32>| old), shown);
    show(session.read::<Whole>(), shown);
    show(session.write("canary-text"), shown);
    show(session.insert("_sessile.canary", &1), shown);
    show(session.update([("_sessile.canary", 1)]), shown);
    show(session.bind_owner(&"canary-owner".repeat(40)), shown);
    let _ = writeln!(
        shown,
        "{session:?} {:?} {:?}",
        session.messages(),
        session.flashes()
    );
}

fn codec(format: Format, shown: &mut String) {
    let limits = Limits::default();
    for body in ["canary", "{\"canary\":canary}", "{\"canary\":1}canary"] {
        show(Fields::scan(body.into(), format, &limits), shown);
        show(
            Record::decode(format!("\u{0}{body}").into(), &limits),
            shown,
        );
    }
    let mut torn = vec![0xC1, 1, b'm', 0];
    torn.extend([0; 40]);
    torn.extend(b"\x01\x06\xffcanary");
    show(Record::decode(torn.into(), &limits), shown);
    show(
        format.decode::<u32>(&format.encode("canary").unwrap()),
        shown,
    );
}

fn cookies(shown: &mut String) {
    let config = CookieConfig::default();
    show(config.set("canary value; with a space", 0), shown);
    show(config.set(&"canary".repeat(1000), 0), shown);
    let ring = Keyring::new("canary-key of more than sixteen bytes").unwrap();
    let settings = JarSettings::new().keyring(ring.clone());
    let mut jar = Jar::new(settings.clone().into(), ["id=canary"], 0);
    show(jar.set("name", "canary value"), shown);
    show(Keyring::new("canary"), shown);
    let signed = ring.sign("purpose", "name", b"canary");
    let opened = ring.verify("purpose", "name", &signed);
    let _ = writeln!(shown, "{ring:?} {settings:?} {jar:?} {config:?} {opened:?}");
}

fn ids(secrets: &mut Vec<String>, shown: &mut String) {
    let id = SessionId::random(IdFormat::Base64).unwrap();
    secrets.push(id.expose().to_owned());
    let plain = KeyMaker::plain("canary-prefix").unwrap();
    let digest = KeyMaker::digest("canary-namespace", Some(b"canary-secret"));
    let key = digest.key(&id);
    secrets.push(
        key.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    );
    let _ = writeln!(
        shown,
        "{id:?} {plain:?} {digest:?} {key:?} {:?}",
        plain.key(&id)
    );
    show(KeyMaker::plain(&"canary".repeat(20)), shown);
}
