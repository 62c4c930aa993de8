//! What the threshold needs to know of each record: when it ends, and when it was last written or touched.
//!
//! Pure bookkeeping in memory, about 250 bytes per record; a store without a threshold has none. The order
//! of use is that of writes and touches, because a read writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::name::Name;
use super::record::Stamp;

/// The records of a directory, as far as this process knows.
#[derive(Default)]
pub(super) struct Room {
    records: BTreeMap<Name, Known>,
    by_deadline: BTreeSet<(u64, Name)>,
    by_use: BTreeSet<(u64, u64, Name)>,
    /// Tells apart what was used within one millisecond.
    turn: u64,
    /// The ledger's count up to which this is known.
    pub(super) seen: u64,
}

#[derive(Clone, Copy)]
struct Known {
    stamp: Stamp,
    turn: u64,
}

impl Room {
    /// Records known, expired ones that are still there included.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn has(&self, name: Name) -> bool {
        self.records.contains_key(&name)
    }

    /// Notes a record as it is now.
    pub(super) fn note(&mut self, name: Name, stamp: Stamp) {
        self.forget(name);
        self.turn += 1;
        let turn = self.turn;
        self.records.insert(name, Known { stamp, turn });
        self.by_deadline.insert((stamp.deadline, name));
        self.by_use.insert((stamp.used, turn, name));
    }

    pub(super) fn forget(&mut self, name: Name) {
        if let Some(Known { stamp, turn }) = self.records.remove(&name) {
            self.by_deadline.remove(&(stamp.deadline, name));
            self.by_use.remove(&(stamp.used, turn, name));
        }
    }

    /// Replaces what is known of a bucket.
    pub(super) fn replace_bucket(&mut self, bucket: u8, found: &[(Name, Stamp)]) {
        let known = self.records.range(Name::first_of(bucket)..);
        let known = known.map(|(name, _)| *name);
        let mut gone: BTreeSet<Name> = known.take_while(|name| name.bucket() == bucket).collect();
        for &(name, stamp) in found {
            gone.remove(&name);
            let known = self
                .records
                .get(&name)
                .is_some_and(|known| known.stamp == stamp);
            if !known {
                self.note(name, stamp);
            }
        }
        for name in gone {
            self.forget(name);
        }
    }

    /// Whom to evict: whoever ended first if anybody did, else whoever was not used for longest; never
    /// `spared`.
    pub(super) fn victim(&self, now: u64, spared: Option<Name>) -> Option<(Name, Stamp)> {
        let ended = self.by_deadline.iter().map(|&(_, name)| name);
        let ended = ended.take(2).find(|&name| {
            Some(name) != spared
                && self
                    .records
                    .get(&name)
                    .is_some_and(|it| !it.stamp.is_live(now))
        });
        let coldest = || {
            let names = self.by_use.iter().map(|&(_, _, name)| name);
            names.take(2).find(|&name| Some(name) != spared)
        };
        let name = ended.or_else(coldest)?;
        Some((name, self.records.get(&name)?.stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u8) -> Name {
        let mut bytes = [0; 32];
        bytes[31] = n;
        Name::from_bytes(bytes)
    }

    fn stamp(deadline: u64, used: u64) -> Stamp {
        Stamp { deadline, used }
    }

    #[test]
    fn the_ended_go_first_then_the_longest_unused_and_never_the_spared() {
        let mut room = Room::default();
        room.note(name(1), stamp(u64::MAX, 10));
        room.note(name(2), stamp(500, 20));
        room.note(name(3), stamp(400, 30));
        room.note(name(4), stamp(u64::MAX, 10));
        let victim =
            |room: &Room, now, spared| room.victim(now, Some(name(spared))).map(|(name, _)| name);
        assert_eq!(victim(&room, 450, 9), Some(name(3)));
        assert_eq!(victim(&room, 600, 3), Some(name(2)));
        assert_eq!(victim(&room, 100, 9), Some(name(1)));
        assert_eq!(victim(&room, 100, 1), Some(name(4)));
        room.note(name(1), stamp(u64::MAX, 40));
        assert_eq!(victim(&room, 100, 9), Some(name(4)));
        room.forget(name(4));
        room.forget(name(4));
        assert_eq!((victim(&room, 100, 9), room.len()), (Some(name(2)), 3));
        room.replace_bucket(0, &[(name(2), stamp(500, 20)), (name(7), stamp(1, 1))]);
        assert_eq!(
            (room.len(), room.has(name(7)), room.has(name(1))),
            (2, true, false)
        );
        assert_eq!(Room::default().victim(0, None), None);
    }
}
