//! The settings of renewed ids, checked against the others.

use std::time::Duration;

use super::name::Key;
use super::parse;
use super::reader::Reader;
use crate::session::IdRenewal;

/// After how long ids are renewed, and how long the old ones lead on.
pub(super) fn times(
    reader: &mut Reader<'_>,
    is_cookie: bool,
    absolute: Option<Duration>,
) -> (Option<Duration>, Option<Duration>) {
    const NONE: &str = "leave the key out, and ids change at logins only";
    let renewal = reader.get(Key::RenewalTimeout, |raw| parse::lifetime(raw, NONE));
    let overlap = reader.get(Key::RenewalOverlap, |raw| {
        match parse::lifetime(raw, "leave the key out for the default")? {
            overlap if overlap <= IdRenewal::OVERLAP_MAX => Ok(overlap),
            _ => Err("an id that stays good is not renewed; at most 60 s".to_owned()),
        }
    });
    let cited = reader.cite(Key::RenewalTimeout);
    let both = [Key::RenewalTimeout, Key::RenewalOverlap];
    let Some(after) = renewal else {
        if overlap.is_some() {
            let overlap = reader.cite(Key::RenewalOverlap);
            let problem =
                format!("{overlap} is set and SESSION_RENEWAL_TIMEOUT is not: no id is renewed");
            reader.contradict(&both, problem);
        }
        return (None, overlap);
    };
    if is_cookie {
        let problem = format!(
            "{cited} is set and {} keeps whole sessions in the cookie: there are no ids to renew; \
             leave the first out",
            reader.cite(Key::Store)
        );
        reader.contradict(&[Key::RenewalTimeout, Key::Store], problem);
    }
    if after <= overlap.unwrap_or(IdRenewal::OVERLAP_DEFAULT) {
        let problem = format!(
            "{cited} is {} s, and {} is no shorter: ids would be renewed while older ones are good",
            after.as_secs(),
            reader.cite(Key::RenewalOverlap)
        );
        reader.contradict(&both, problem);
    }
    if absolute.is_some_and(|absolute| after >= absolute) {
        let problem = format!(
            "{cited} is {} s, and {} is no longer: no id would be renewed",
            after.as_secs(),
            reader.cite(Key::AbsoluteTimeout)
        );
        reader.contradict(&[Key::RenewalTimeout, Key::AbsoluteTimeout], problem);
    }
    (renewal, overlap)
}
