//! The cache under test, behind a thin wrapper in which a bug can be planted.

use std::time::Duration;

use sessile::{Builder, Cache, ManualClock, Namespace};

use crate::ops::{Name, Op};

/// A bug that the properties must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// None.
    Sound,
    /// `remove` answers without removing.
    KeepsTheRemoved,
    /// Time passes for the model one millisecond further than for the cache.
    ServesTheEnded,
    /// `touch` does nothing.
    ForgetsTouches,
    /// The cache has room for one entry more than its limit says, and for one byte more.
    OneTooMany,
    /// The cache has room for one entry less.
    OneTooFew,
    /// A newcomer takes the place of a protected entry.
    EvictsTheProtected,
    /// A newcomer is evicted at once.
    EvictsTheNewcomer,
}

pub(crate) struct Subject {
    pub(crate) cache: Cache,
    pub(crate) clock: ManualClock,
    pub(crate) namespaces: [Namespace; 3],
    pub(crate) plant: Plant,
}

impl Subject {
    pub(crate) fn new(builder: Builder, plant: Plant) -> Self {
        // Far from zero, so that it can be set back.
        Self::at(builder, plant, 1 << 44)
    }

    /// A subject whose clock stands at `now_ms` from the beginning.
    pub(crate) fn at(builder: Builder, plant: Plant, now_ms: u64) -> Self {
        let clock = ManualClock::new();
        clock.set_ms(now_ms);
        let cache = builder
            .copy_up_to(64)
            .clock(clock.clone())
            .build()
            .expect("a valid configuration");
        let name = |prefix| cache.namespace(prefix).expect("a short prefix");
        let namespaces = [name(""), name("a:"), name("b:")];
        Self {
            cache,
            clock,
            namespaces,
            plant,
        }
    }

    pub(crate) fn namespace(&self, name: Name) -> Namespace {
        self.namespaces[usize::from(name.namespace)]
    }

    /// The name behind an entry that the cache shows.
    pub(crate) fn name(&self, namespace: Namespace, key: &[u8]) -> Name {
        let at = self.namespaces.iter().position(|&known| known == namespace);
        let name = Name {
            namespace: u8::try_from(at.expect("a namespace of this test")).expect("three"),
            number: key[0] - b'a',
        };
        assert_eq!(name.bytes(), key, "a key comes out as it went in");
        name
    }

    pub(crate) fn tick(&self, op: &Op) {
        match *op {
            Op::Advance(ms) => {
                let late = u64::from(self.plant == Plant::ServesTheEnded);
                self.clock.advance(Duration::from_millis(ms - late));
            }
            Op::Rewind(ms) => self.clock.rewind(Duration::from_millis(ms)),
            _ => {}
        }
        // Any operation reads the clock; a step is noticed when it is read.
        assert!(!self.cache.contains("nobody"));
    }
}
