//! Where a step finds the numbers of its slots.
//!
//! The slots that a step writes are split from all others, so that loops over
//! both are safe and fast. The others are below and above them - and active
//! inputs and their adjoints may be [in place](super::code::Code::in_place),
//! that is in the slices of the caller rather than among the numbers of a
//! replay.

use std::ops::Range;

use crate::rules::Number;

/// The values a step may read.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a, R> {
    /// The slot of the first active input.
    first_active: usize,
    /// The active inputs if they are in place, else nothing.
    inputs: &'a [R],
    below: &'a [R],
    above: &'a [R],
    first_above: usize,
}

impl<'a, R> Sources<'a, R> {
    /// All values.
    pub(super) fn all(first_active: usize, inputs: &'a [R], values: &'a [R]) -> Self {
        Sources { first_active, inputs, below: values, above: &[], first_above: values.len() }
    }

    /// The values of some slots, to be written, and all others.
    #[inline(always)]
    pub(super) fn around(
        slots: Range<usize>,
        first_active: usize,
        inputs: &'a [R],
        values: &'a mut [R],
    ) -> (&'a mut [R], Self) {
        let first_above = slots.end;
        let (below, rest) = values.split_at_mut(slots.start);
        let (written, above) = rest.split_at_mut(slots.len());
        (written, Sources { first_active, inputs, below, above, first_above })
    }

    /// The slice that has a slot, and the slot's place there.
    #[inline(always)]
    pub(super) fn find(&self, slot: usize) -> (&'a [R], usize) {
        let input = slot.wrapping_sub(self.first_active);
        if input < self.inputs.len() {
            (self.inputs, input)
        } else if slot < self.below.len() {
            (self.below, slot)
        } else {
            (self.above, slot - self.first_above)
        }
    }
}

/// The adjoints a step may add to.
pub(super) struct Targets<'a, R> {
    first_active: usize,
    /// The adjoints of the active inputs if they are in place, else nothing.
    inputs: &'a mut [R],
    below: &'a mut [R],
    above: &'a mut [R],
    /// The place of the first one above.
    first_above: usize,
}

impl<'a, R> Targets<'a, R> {
    /// The adjoints of some slots and all others.
    #[inline(always)]
    pub(super) fn around(
        slots: Range<usize>,
        first_active: usize,
        inputs: &'a mut [R],
        adjoints: &'a mut [R],
    ) -> (&'a mut [R], Self) {
        let (below, rest) = adjoints.split_at_mut(slots.start - first_active);
        let (written, above) = rest.split_at_mut(slots.len());
        (written, Targets { first_active, inputs, below, above, first_above: slots.end - first_active })
    }

    /// The slice that has the adjoint of a slot, and its place there; nothing
    /// for a passive slot.
    #[inline(always)]
    pub(super) fn find(&mut self, slot: usize) -> Option<(&mut [R], usize)> {
        let place = slot.checked_sub(self.first_active)?;
        Some(if place < self.inputs.len() {
            (&mut *self.inputs, place)
        } else if place < self.below.len() {
            (&mut *self.below, place)
        } else {
            (&mut *self.above, place - self.first_above)
        })
    }

    /// Adds to the adjoint of a slot, if it has one.
    #[inline(always)]
    pub(super) fn add(&mut self, slot: usize, adjoint: R)
    where
        R: Number,
    {
        if let Some((adjoints, place)) = self.find(slot) {
            adjoints[place] = adjoints[place] + adjoint;
        }
    }
}
