//! The memory of a replay.

use super::code::Code;
use super::replay::Registers;
use crate::Dual;
use crate::rules::Primitive;

/// The numbers of a [`Program`](super::Program) while it is replayed.
///
/// Each thread needs one of its own. Nothing is allocated after its creation;
/// the part for second derivatives is reserved, but touched only when they are
/// first asked for.
pub struct Workspace<T = f64> {
    pub(super) plain: Registers<T>,
    pub(super) dual: Registers<Dual<T>>,
}

impl<T: Primitive> Workspace<T> {
    pub(super) fn new(code: &Code<T>) -> Self {
        let mut plain = Registers::reserve(code);
        plain.prepare(code);
        Workspace { plain, dual: Registers::reserve(code) }
    }
}

impl<T> std::fmt::Debug for Workspace<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Workspace({} slots)", self.plain.values.len())
    }
}
