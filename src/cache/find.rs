//! From a key to its entry: the one place where the addresses in the index are followed.
#![expect(
    unsafe_code,
    reason = "an index of slot numbers is safe and costs a read of a million entries a trip to memory more"
)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::cell::Cell;
use super::index::{Entries, Put};
use super::key::Key;
use super::packed::PackedKey;
use super::policy;
use super::shard::{Arenas, Context, State, hash_of};

/// Follows an address that the index of a shard holds.
///
/// # Safety
/// The address is in the index, or just went there or came from there, and the block is not dropped during `'a`.
#[inline(always)]
unsafe fn follow<'a>(address: u64) -> Cell<'a> {
    // Lossless: the address of a block.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    let at = address as usize;
    let head = std::ptr::with_exposed_provenance_mut(at);
    // SAFETY: blocks do not lie at address zero, and the index holds addresses of blocks only.
    let head = unsafe { NonNull::new_unchecked(head) };
    // SAFETY: the block is whole and its address was exposed when it was made; it is in a slot of the shard, whose
    // lock the caller holds, and stays there during 'a.
    unsafe { Cell::new(head) }
}

impl State {
    /// The entry of `key`, dead or alive.
    // The cold road answers with a number: were it to answer with an entry, that would travel through
    // memory on the hot road too, and loading it whole after storing it in parts stalls for 7 ns.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, key: &Key<'_>) -> Option<Cell<'_>> {
        let probe = PackedKey::new(key);
        let home = self.index.home(hash);
        for address in home.candidates(hash) {
            // SAFETY: from the index; blocks leave their slots by `&mut self` only.
            let cell = unsafe { follow(address) };
            if cell.is(&probe, key) {
                return Some(cell);
            }
        }
        if !home.has_overflow() && !self.index.is_resizing() {
            return None;
        }
        let address = self.find_further(hash, key)?;
        // SAFETY: as above.
        Some(unsafe { follow(address) })
    }

    #[cold]
    #[inline(never)]
    fn find_further(&self, hash: u64, key: &Key<'_>) -> Option<u64> {
        let probe = PackedKey::new(key);
        self.index.find_further(hash, |address| {
            // SAFETY: from the index; blocks leave their slots by `&mut self` only.
            unsafe { follow(address) }.is(&probe, key)
        })
    }

    /// The live entry of `key`.
    #[inline]
    pub(crate) fn peek(&self, hash: u64, key: &Key<'_>, now: u64) -> Option<Cell<'_>> {
        self.find(hash, key)
            .filter(|cell| cell.stamp().is_live(now))
    }

    /// The live entry of `key`, marked as used; an idle timeout starts again.
    #[inline(always)]
    pub(crate) fn hit(&self, hash: u64, key: &Key<'_>, now: u64) -> Option<Cell<'_>> {
        let cell = self.find(hash, key)?;
        let stamp = cell.stamp();
        if !stamp.is_live(now) {
            return None;
        }
        // An entry read often enough has nothing more to store.
        if stamp.is_saturated() {
            return Some(cell);
        }
        let mut used = stamp.with_mark(policy::hit(stamp.mark()));
        if let Some(life) = self.life(cell) {
            used = used.with_deadline(life.get().deadline_at(now));
        }
        if used != stamp {
            cell.set_stamp(used);
        }
        Some(cell)
    }
}

/// The slabs as the index sees them.
pub(crate) struct Residents<'a, 'b> {
    /// Borrowed, so that no block leaves meanwhile.
    arenas: PhantomData<&'a Arenas>,
    context: Context<'b>,
}

impl<'a, 'b> Residents<'a, 'b> {
    pub(crate) fn new(_: &'a Arenas, context: Context<'b>) -> Self {
        Self {
            arenas: PhantomData,
            context,
        }
    }

    #[inline]
    fn at(&self, address: u64) -> Cell<'_> {
        // SAFETY: the index asks about addresses that it holds or was just given, whose blocks are in the slots of
        // the arenas, borrowed for as long as this lives.
        unsafe { follow(address) }
    }
}

impl Entries for Residents<'_, '_> {
    fn hash(&self, address: u64) -> u64 {
        (self.at(address)).with_key(|key| hash_of(self.context.hasher, &key))
    }

    fn home_bit(&self, address: u64, bit: u32) -> Option<u64> {
        let stamp = self.at(address).stamp();
        if stamp.is_displaced() {
            return None;
        }
        stamp.hash_bit(bit)
    }

    fn moved(&mut self, address: u64, put: Put) {
        let cell = self.at(address);
        let stamp = cell.stamp();
        let displaced = put == Put::Displaced;
        if stamp.is_displaced() != displaced {
            cell.set_stamp(stamp.with_displaced(displaced));
        }
    }

    fn prefetch(&self, address: u64) {
        self.at(address).prefetch();
    }
}
