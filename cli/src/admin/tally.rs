//! Whether all sessions of one store are in another.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use indicatif::ProgressBar;
use sessile::SessionStore;
use sessile::store::AnyStore;
use tokio::task::JoinSet;

use super::place::Place;
use super::told;
use super::walk::Walk;

/// Questions that are under way at once.
const ASKED_MAX: usize = 64;

/// What a comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Live in the source.
    pub(super) live: u64,
    /// Of these, in the target.
    pub(super) present: u64,
}

/// Lists the target, if it can list, at eight bytes a session; then looks for each of the source's.
/// Sessions that are not listed are asked for one by one: they may have come during the walk.
pub(super) async fn compare(
    source: &Place,
    target: &Place,
    bar: &ProgressBar,
) -> Result<Found, String> {
    let hasher = RandomState::new();
    let mut listed = HashSet::new();
    if target.store.can_list() {
        let mut walk = Walk::from(target, None);
        while let Some(page) = walk.next().await? {
            listed.extend(
                page.records
                    .iter()
                    .map(|record| hasher.hash_one(&record.key)),
            );
            bar.tick();
        }
    }
    let mut found = Found::default();
    let mut walk = Walk::from(source, None);
    while let Some(page) = walk.next().await? {
        let (here, others): (Vec<_>, Vec<_>) = page
            .records
            .into_iter()
            .filter(|record| record.left.is_none_or(|left| !left.is_zero()))
            .map(|record| record.key)
            .partition(|key| listed.contains(&hasher.hash_one(key)));
        found.live += here.len() as u64;
        found.present += here.len() as u64;
        ask(&source.store, &target.store, others, &mut found).await?;
        bar.tick();
    }
    Ok(found)
}

async fn ask(
    source: &AnyStore,
    target: &AnyStore,
    keys: Vec<Bytes>,
    found: &mut Found,
) -> Result<(), String> {
    let mut asked = JoinSet::new();
    let mut keys = keys.into_iter();
    loop {
        while asked.len() < ASKED_MAX
            && let Some(key) = keys.next()
        {
            let (source, target) = (source.clone(), target.clone());
            asked.spawn(async move {
                let present = target.exists(&key).await?;
                // What has ended meanwhile need not be anywhere.
                Ok::<_, sessile::Error>((present, present || source.exists(&key).await?))
            });
        }
        let Some(answer) = asked.join_next().await else {
            return Ok(());
        };
        let answer = answer.map_err(|error| format!("comparing: {error}"))?;
        let (present, live) = answer.map_err(|error| told(&error))?;
        found.live += u64::from(live);
        found.present += u64::from(present);
    }
}
