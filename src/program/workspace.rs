//! The memory of a replay.

use super::code::{Code, Identity};
use super::replay::Registers;
use crate::rules::Primitive;
use crate::{Dual, Error};

/// The numbers of a [`Program`](super::Program) while it is replayed.
///
/// Each thread needs one of its own. Values and gradients allocate nothing after
/// its creation. The part for second derivatives is reserved, but touched only
/// when they are first asked for; smooth n-ary nodes allocate for them.
pub struct Workspace<T = f64> {
    /// Of the program it was made for.
    identity: Identity,
    pub(super) plain: Registers<T>,
    pub(super) dual: Registers<Dual<T>>,
}

impl<T: Primitive> Workspace<T> {
    pub(super) fn new(code: &Code<T>) -> Self {
        let mut plain = Registers::reserve(code);
        plain.prepare(code);
        Workspace { identity: code.identity, plain, dual: Registers::reserve(code) }
    }

    /// An error unless it was made for this code.
    pub(super) fn require_of(&self, code: &Code<T>) -> Result<(), Error> {
        if self.identity == code.identity {
            Ok(())
        } else {
            Err(Error::Invalid { argument: "work", reason: "must be a workspace of this program" })
        }
    }
}

impl<T> std::fmt::Debug for Workspace<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Workspace({} slots)", self.plain.values.len())
    }
}
