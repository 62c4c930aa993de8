//! Which entry makes room: CLOCK in slab order.

/// Read and write access to the mark bits of slots; the slab's view for the policy.
pub(crate) trait Marks {
    /// The six mark bits of a slot.
    fn mark(&self, slot: u32) -> u8;
    /// Changes them.
    fn set_mark(&mut self, slot: u32, mark: u8);
    /// Whether the slot holds an entry.
    fn is_live(&self, slot: u32) -> bool;
    /// One past the highest slot in use.
    fn slots(&self) -> u32;
    /// 32 bits of the hash of the slot's key; costs a cache miss.
    fn hash(&self, slot: u32) -> u32;
}

/// The mark after a hit.
#[inline]
pub(crate) fn hit(mark: u8) -> u8 {
    if mark < 3 { mark + 1 } else { mark }
}

pub(crate) struct Policy {
    hand: u32,
}

impl Policy {
    pub(crate) fn new(_capacity: Option<usize>) -> Self {
        Self { hand: 0 }
    }

    pub(crate) fn inserted(&mut self, slot: u32, _hash: u32, marks: &mut impl Marks) {
        marks.set_mark(slot, 0);
    }

    pub(crate) fn removed(&mut self, _slot: u32) {}

    pub(crate) fn victim(&mut self, marks: &mut impl Marks) -> Option<u32> {
        let slots = marks.slots();
        for _ in 0..u64::from(slots) * 5 {
            let slot = self.hand % slots;
            self.hand = (slot + 1) % slots;
            if !marks.is_live(slot) {
                continue;
            }
            match marks.mark(slot) {
                0 => return Some(slot),
                mark => marks.set_mark(slot, mark - 1),
            }
        }
        None
    }
}
