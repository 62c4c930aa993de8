//! From what was given to what holds: every setting read once, then checked against the others.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::choice::{self, Chosen};
use super::cookie;
use super::name::{BROWSER_CLOSE, FLASK_LIFETIME, INVENIO_SIGN, Key};
use super::parse::{self, Parsed};
use super::profile::Profile;
use super::reader::Reader;
use super::renewal;
use super::secret::{MAKE_ONE, Secret, judge};
use super::settings::{
    KeyForm, Layout, Lifetimes, RecordForm, Remote, Saving, Secrets, Settings, SignerForm,
    SignerSettings,
};
use super::store::StoreKind;
use super::value::Raw;
use crate::codec::Format;
use crate::http::Refresh;
use crate::id::IdFormat;
use crate::session::{EmptyPolicy, OnConflict};

const PREFIX_MAX: usize = 128;
const TIMEOUT_MS_MAX: u64 = 60_000;
const ATTEMPTS_MAX: u64 = 10;
/// What each store with a pool takes.
const CONNECTIONS_MAX: u64 = 1000;
const PER_OWNER_MAX: u64 = 1_000_000;
/// Bytes of randomness in an id; a different number would make ids that nobody could tell from
/// forged ones.
const ID_BYTES: u64 = 32;

pub(super) fn settings(reader: &mut Reader<'_>, profile: &Profile, available: &[&str]) -> Settings {
    let chosen = choice::choose(reader, profile, available);
    let is_cookie = matches!(chosen, Chosen::Known(StoreKind::SecureCookie));
    let refresh = reader.get(Key::Refresh, parse::truth).or(profile.refresh);
    let lifetimes = lifetimes(reader, profile, is_cookie, refresh);
    let max_age = lifetimes.starts_permanent.then_some(lifetimes.permanent);
    let cookie = cookie::settings(reader, profile, max_age);
    let record = RecordForm {
        format: reader.get(Key::Encoding, format).unwrap_or(profile.format),
        layout: (reader.get(Key::Layout, layout)).unwrap_or(profile.layout),
    };
    let signer = signer(reader, profile);
    let needs = Needs {
        signer: signer.is_some(),
        cookie: is_cookie,
        layout: record.layout == Layout::Django && !is_cookie,
    };
    let secrets = secrets(reader, &needs);
    Settings {
        id: id(reader, profile),
        keys: keys(reader, profile, &cookie.name),
        saving: saving(reader, profile, refresh),
        store: choice::settings(reader, profile, chosen, available),
        remote: remote(reader),
        cookie,
        lifetimes,
        signer,
        record,
        secrets,
    }
}

fn remote(reader: &mut Reader<'_>) -> Remote {
    let millis = reader.get(Key::StoreTimeout, |raw| {
        parse::count(raw, 1, TIMEOUT_MS_MAX)
    });
    let attempts = reader.get(Key::StoreAttempts, |raw| parse::count(raw, 1, ATTEMPTS_MAX));
    let attempts = attempts.and_then(|attempts| u32::try_from(attempts).ok());
    let connections = reader.get(Key::StoreConnections, |raw| {
        parse::count(raw, 1, CONNECTIONS_MAX)
    });
    let connections = connections.and_then(|connections| u32::try_from(connections).ok());
    Remote {
        timeout: Duration::from_millis(millis.unwrap_or(2000)),
        attempts: attempts
            .and_then(NonZeroU32::new)
            .unwrap_or(NonZeroU32::MIN.saturating_add(2)),
        connections: connections.and_then(NonZeroU32::new),
        prepare: reader.get(Key::StorePrepare, parse::truth) == Some(true),
    }
}

fn lifetimes(
    reader: &mut Reader<'_>,
    profile: &Profile,
    is_cookie: bool,
    refresh: Option<bool>,
) -> Lifetimes {
    const PERMANENT: &str = "leave the key out for the default, or say \
                             SESSION_EXPIRE_AT_BROWSER_CLOSE=true for a cookie that ends with the \
                             browser";
    const IDLE: &str = "leave the key out for the default, or state how long an unused session \
                        may live";
    const ABSOLUTE: &str = "leave the key out for the default, or say \"none\" for no limit";
    let permanent = reader.get(Key::Lifetime, |raw| parse::lifetime(raw, PERMANENT));
    let idle = reader.get(Key::IdleTimeout, |raw| parse::lifetime(raw, IDLE));
    let absolute = reader.get(Key::AbsoluteTimeout, |raw| {
        match parse::word(raw, &[("none", ())]) {
            Ok(()) => Ok(None),
            Err(_) => parse::lifetime(raw, ABSOLUTE).map(Some),
        }
    });
    let starts_permanent = reader.get_named(Key::Permanent, |name, raw| {
        parse::truth(raw).map(|truth| truth != (name == BROWSER_CLOSE))
    });
    // Django and tipfy know no other sign for a persistent cookie than its age.
    let implied = permanent.is_some() && reader.name(Key::Lifetime) != FLASK_LIFETIME;
    let starts_permanent =
        starts_permanent.unwrap_or(implied || profile.permanent[usize::from(!is_cookie)]);

    let permanent = permanent.unwrap_or(Duration::from_secs(profile.lifetime_s));
    let longest = match reader.is_given(Key::IdleTimeout) {
        true => Key::IdleTimeout,
        false => Key::Lifetime,
    };
    let idle = idle.unwrap_or(permanent);
    if let Some(Some(absolute)) = absolute
        && idle > absolute
    {
        let (inner, outer) = (reader.cite(longest), reader.cite(Key::AbsoluteTimeout));
        reader.contradict(
            &[longest, Key::AbsoluteTimeout],
            format!(
                "{inner} is {} s and {outer} is {} s: a session would end before it could be \
                 idle so long; make the idle time (SESSION_IDLE_TIMEOUT, or the lifetime where \
                 that is not set) the shorter one",
                idle.as_secs(),
                absolute.as_secs()
            ),
        );
    }
    let fallback = || profile.absolute_s.map(|s| Duration::from_secs(s).max(idle));
    let absolute = absolute.unwrap_or_else(fallback);
    let (renewal, renewal_overlap) = renewal::times(reader, is_cookie, absolute);
    Lifetimes {
        idle,
        absolute,
        renewal,
        renewal_overlap,
        permanent,
        starts_permanent,
        // Without refreshing, Flask's and Django's sessions live on from their last change.
        sliding: refresh != Some(false),
    }
}

fn signer(reader: &mut Reader<'_>, profile: &Profile) -> Option<SignerSettings> {
    let signs = reader.get(Key::Signer, parse::truth);
    let salt = reader.get(Key::Salt, |raw| match parse::text(raw)? {
        salt if salt.len() > PREFIX_MAX => Err(format!("has more than {PREFIX_MAX} bytes")),
        salt => Ok(salt.to_owned()),
    });
    if salt.is_some() && signs != Some(true) {
        let (salt, signs) = (reader.cite(Key::Salt), reader.cite(Key::Signer));
        reader.contradict(
            &[Key::Salt, Key::Signer],
            format!(
                "{salt} is set while {signs} is false: nothing is signed with it; set {} to true, \
                 or leave the salt out",
                reader.name(Key::Signer)
            ),
        );
    }
    if signs != Some(true) {
        return None;
    }
    // Only Invenio has a key of this name.
    let is_invenio =
        profile.signer == SignerForm::FlaskSession && reader.name(Key::Signer) == INVENIO_SIGN;
    let (form, default) = match is_invenio {
        true => (SignerForm::Invenio, "inveniosalt"),
        false => (profile.signer, profile.salt),
    };
    Some(SignerSettings {
        salt: salt.unwrap_or_else(|| default.to_owned()),
        form,
    })
}

/// What cannot do without a key.
struct Needs {
    signer: bool,
    cookie: bool,
    layout: bool,
}

fn secrets(reader: &mut Reader<'_>, needs: &Needs) -> Secrets {
    let primary = reader.get(Key::Secret, |raw| {
        let secret = Secret::new(parse::text(raw)?);
        judge(secret.expose()).map(|()| secret)
    });
    let fallbacks = reader.get(Key::Fallbacks, |raw| {
        let keys = parse::list(raw)?;
        for (at, key) in keys.iter().enumerate() {
            judge(key.as_bytes()).map_err(|wrong| format!("number {} {wrong}", at + 1))?;
        }
        Ok(keys
            .iter()
            .map(|key| Secret::new(key.as_bytes()))
            .collect::<Vec<_>>())
    });
    let fallbacks = fallbacks.unwrap_or_default();
    if primary.is_none() {
        let who = [
            (
                needs.cookie,
                Key::Store,
                "keeps whole sessions in the cookie",
            ),
            (needs.signer, Key::Signer, "signs ids"),
            (needs.layout, Key::Layout, "signs records"),
            (
                !fallbacks.is_empty(),
                Key::Fallbacks,
                "lists the keys that came before it",
            ),
        ];
        let asking: Vec<String> = who
            .into_iter()
            .filter(|(needs, ..)| *needs)
            .map(|(_, key, why)| format!("{} {why}", reader.cite(key)))
            .collect();
        if !asking.is_empty() {
            let problem = format!(
                "SECRET_KEY is missing, and {}: {MAKE_ONE}",
                asking.join(", ")
            );
            reader.contradict(&[Key::Secret], problem);
        }
    }
    Secrets { primary, fallbacks }
}

fn id(reader: &mut Reader<'_>, profile: &Profile) -> IdFormat {
    let forms = [
        ("base64", IdFormat::Base64),
        ("django", IdFormat::Django),
        ("uuid", IdFormat::Uuid),
    ];
    let form = reader
        .get(Key::IdForm, |raw| parse::word(raw, &forms))
        .unwrap_or(profile.id);
    let length = reader.get(Key::IdLength, |raw| {
        parse::count(raw, ID_BYTES, ID_BYTES).map_err(|_| {
            format!("ids are made of {ID_BYTES} random bytes; leave the key out, or say {ID_BYTES}")
        })
    });
    if length.is_some() && form != IdFormat::Base64 {
        let problem = format!(
            "{} and {} exclude each other: ids of the second form have one length; leave the \
             first out",
            reader.cite(Key::IdLength),
            reader.cite(Key::IdForm)
        );
        reader.contradict(&[Key::IdLength, Key::IdForm], problem);
    }
    form
}

fn keys(reader: &mut Reader<'_>, profile: &Profile, cookie: &str) -> KeyForm {
    let forms = [("digest", false), ("plain", true)];
    let plain = reader
        .get(Key::StoreKeys, |raw| parse::word(raw, &forms))
        .unwrap_or(profile.plain_keys.is_some());
    let prefix = reader.get(Key::StorePrefix, |raw| {
        let prefix = parse::text(raw)?;
        if prefix.len() > PREFIX_MAX || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "must be at most {PREFIX_MAX} visible ASCII characters without spaces"
            ));
        }
        Ok(prefix.to_owned())
    });
    let default = profile.plain_keys.unwrap_or("session:");
    let prefix = prefix.unwrap_or_else(|| default.to_owned());
    match plain {
        true => KeyForm::Plain { prefix },
        // The cookie's name cannot hold the separator.
        false => KeyForm::Digest {
            namespace: format!("{cookie}/{prefix}"),
        },
    }
}

fn format(raw: &Raw) -> Parsed<Format> {
    let words = [
        ("msgpack", Format::MessagePack),
        ("json", Format::Json),
        (
            "django.contrib.sessions.serializers.JSONSerializer",
            Format::Json,
        ),
    ];
    parse::word(raw, &words).map_err(|_| {
        "must be msgpack or json; what Python pickled is never read, since unpickling runs what \
         is in it"
            .to_owned()
    })
}

fn layout(raw: &Raw) -> Parsed<Layout> {
    let words = [
        ("native", Layout::Native),
        ("bare", Layout::Bare),
        ("django", Layout::Django),
    ];
    parse::word(raw, &words)
}

fn saving(reader: &mut Reader<'_>, profile: &Profile, refresh: Option<bool>) -> Saving {
    let empty = [("delete", EmptyPolicy::Delete), ("keep", EmptyPolicy::Keep)];
    let conflict = [("merge", OnConflict::Merge), ("fail", OnConflict::Fail)];
    let per_owner = reader.get(Key::MaxPerOwner, |raw| {
        parse::count(raw, 1, PER_OWNER_MAX)
            .map_err(|wanted| format!("{wanted}; leave the key out for no limit"))
    });
    let cleanup = reader.get(Key::CleanupRequests, |raw| {
        parse::count(raw, 1, u32::MAX.into())
            .map_err(|wanted| format!("{wanted}; leave the key out to purge by a task instead"))
    });
    Saving {
        refresh: match refresh {
            Some(true) => Refresh::EachRequest,
            _ => Refresh::WhenRenewed,
        },
        save_every_request: reader.get(Key::SaveEvery, parse::truth).unwrap_or(false),
        save_on_error: (reader.get(Key::SaveOnError, parse::truth))
            .unwrap_or(profile.save_on_error),
        empty: (reader.get(Key::Empty, |raw| parse::word(raw, &empty))).unwrap_or(profile.empty),
        on_conflict: (reader.get(Key::OnConflict, |raw| parse::word(raw, &conflict)))
            .unwrap_or(OnConflict::Merge),
        max_per_owner: per_owner
            .and_then(|count| u32::try_from(count).ok())
            .and_then(NonZeroU32::new),
        cleanup_n_requests: cleanup.and_then(NonZeroU64::new),
    }
}
