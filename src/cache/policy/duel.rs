//! Choosing the settings of a small cache by trial.
//!
//! A cache of a hundred entries sees one kind of traffic, and no fixed division suits logins, loops and scans alike.
//! It is also small enough to play several divisions against each other on fingerprints: each candidate runs the real
//! queues over an imagined slab, and the real queues follow whoever hits most. Hits are gathered when something has to
//! be evicted, so that a hit itself costs nothing more.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a duel has at most SMALL slots"
)]

use super::Marks;
use super::ghost::{find, fingerprint};
use super::mark::{hit, in_main};
use super::queues::Queues;
use super::settings::Settings;

/// Largest capacity that is worth a duel.
pub(crate) const SMALL: u32 = 192;

/// Recency for session streams, a wide window, and two narrow ones with short and long memory.
const CANDIDATES: [Settings; 4] = [
    Settings {
        window: 256,
        ghosts: 0,
        doubt: false,
        recency: true,
    },
    Settings {
        window: 26,
        ghosts: 6,
        doubt: true,
        recency: false,
    },
    Settings {
        window: 0,
        ghosts: 2,
        doubt: false,
        recency: false,
    },
    Settings {
        window: 0,
        ghosts: 8,
        doubt: false,
        recency: false,
    },
];

/// Accesses per entry of capacity between two decisions.
const ROUND: u32 = 2;
/// Rounds the scores remember, as a power of two.
const MEMORY_SHIFT: u32 = 3;
/// Scores count in 256ths, so that ageing them loses nothing that matters.
const HIT: u64 = 256;
/// A challenger has to lead by one part in this many.
const MARGIN: u64 = 50;

/// A slab that holds fingerprints only.
#[derive(Debug)]
struct Shadow {
    keys: Vec<u16>,
    marks: Vec<u8>,
    seats: Vec<u8>,
}

impl Marks for Shadow {
    fn mark(&self, slot: u32) -> u8 {
        self.marks.get(slot as usize).copied().unwrap_or_default()
    }
    fn set_mark(&mut self, slot: u32, mark: u8) {
        if let Some(place) = self.marks.get_mut(slot as usize) {
            *place = mark;
        }
    }
    fn seat(&self, slot: u32) -> u8 {
        self.seats.get(slot as usize).copied().unwrap_or_default()
    }
    fn set_seat(&mut self, slot: u32, seat: u8) {
        if let Some(place) = self.seats.get_mut(slot as usize) {
            *place = seat;
        }
    }
    fn is_live(&self, slot: u32) -> bool {
        (slot as usize) < self.keys.len()
    }
    fn slots(&self) -> u32 {
        self.keys.len() as u32
    }
    fn hash(&self, slot: u32) -> u32 {
        self.keys.get(slot as usize).copied().map_or(0, widen)
    }
}

/// The ghosts expect a hash of 32 bits; a small memory has a single bucket, so its upper bits are of no use.
fn widen(key: u16) -> u32 {
    u32::from(key)
}

#[derive(Debug)]
struct Player {
    queues: Queues,
    shadow: Shadow,
    score: u64,
}

impl Player {
    fn access(&mut self, key: u16, capacity: usize) {
        if let Some(slot) = find(&self.shadow.keys, key) {
            self.score += HIT;
            if let Some(mark) = self.shadow.marks.get_mut(slot) {
                *mark = hit(*mark);
            }
            return;
        }
        let slot = if self.shadow.keys.len() < capacity {
            self.shadow.keys.push(key);
            self.shadow.marks.push(0);
            self.shadow.seats.push(0);
            (self.shadow.keys.len() - 1) as u32
        } else {
            let Some(slot) = self.queues.victim(&mut self.shadow) else {
                return;
            };
            if let Some(place) = self.shadow.keys.get_mut(slot as usize) {
                *place = key;
            }
            slot
        };
        self.queues
            .inserted(slot, widen(key), false, &mut self.shadow);
    }
}

/// The candidates and the one that leads.
#[derive(Debug)]
pub(crate) struct Duel {
    players: [Player; CANDIDATES.len()],
    capacity: usize,
    leader: usize,
    accesses: u32,
}

impl Duel {
    pub(crate) fn new(capacity: usize) -> Self {
        let player = |settings| Player {
            queues: Queues::new(settings),
            shadow: Shadow {
                keys: Vec::new(),
                marks: Vec::new(),
                seats: Vec::new(),
            },
            score: 0,
        };
        Self {
            players: CANDIDATES.map(player),
            capacity,
            leader: 0,
            accesses: 0,
        }
    }

    /// What the real queues should follow.
    pub(crate) fn settings(&self) -> Settings {
        self.players
            .get(self.leader)
            .map_or(Settings::STANDARD, |player| player.queues.settings())
    }

    /// Makes the real queues continue from where the leader stands.
    pub(crate) fn hand_over(&self, queues: &mut Queues, marks: &mut impl Marks) {
        let Some(player) = self.players.get(self.leader) else {
            return;
        };
        let here: Vec<(u16, u32)> = (0..marks.slots())
            .filter(|slot| marks.is_live(*slot))
            .map(|slot| (fingerprint(marks.hash(slot)), slot))
            .collect();
        let own = |slot: u32| {
            let key = player.shadow.keys.get(slot as usize)?;
            here.iter()
                .find(|(held, _)| held == key)
                .map(|(_, slot)| *slot)
        };
        queues.adopt(&player.queues, &player.shadow, own, marks);
    }

    /// Whether the leader has the key in its main part, where the real queues then want it too.
    pub(crate) fn proved(&self, hash: u32) -> bool {
        let Some(player) = self.players.get(self.leader) else {
            return false;
        };
        find(&player.shadow.keys, fingerprint(hash))
            .is_some_and(|slot| in_main(player.shadow.seat(slot as u32)))
    }

    /// Plays one access to every candidate; true when the lead changed.
    pub(crate) fn access(&mut self, hash: u32) -> bool {
        let key = fingerprint(hash);
        for player in &mut self.players {
            player.access(key, self.capacity);
        }
        self.accesses += 1;
        if self.accesses < ROUND * self.capacity as u32 {
            return false;
        }
        self.accesses = 0;
        self.decide()
    }

    fn decide(&mut self) -> bool {
        let held = self
            .players
            .get(self.leader)
            .map_or(0, |player| player.score);
        let mut best = (self.leader, held + held / MARGIN + HIT);
        for (at, player) in self.players.iter_mut().enumerate() {
            if player.score > best.1 {
                best = (at, player.score);
            }
            player.score -= player.score >> MEMORY_SHIFT;
        }
        let changed = best.0 != self.leader;
        self.leader = best.0;
        changed
    }
}
