//! nalgebra's view of a scalar as a vector of one lane.
//!
//! Its trait declares two methods `unsafe`, so an implementation has to write
//! the word; the bodies are safe.

/// Implements `nalgebra::SimdValue` for a scalar type.
macro_rules! impl_one_lane {
    ([$($generics:tt)*] $Type:ty) => {
        #[allow(unsafe_code)]
        impl<$($generics)*> nalgebra::SimdValue for $Type {
            const LANES: usize = 1;
            type Element = Self;
            type SimdBool = bool;

            fn splat(value: Self) -> Self {
                value
            }

            fn extract(&self, _: usize) -> Self {
                *self
            }

            // SAFETY: nothing is assumed; there is one lane, whatever the index.
            unsafe fn extract_unchecked(&self, _: usize) -> Self {
                *self
            }

            fn replace(&mut self, _: usize, value: Self) {
                *self = value;
            }

            // SAFETY: nothing is assumed; there is one lane, whatever the index.
            unsafe fn replace_unchecked(&mut self, _: usize, value: Self) {
                *self = value;
            }

            fn select(self, condition: bool, other: Self) -> Self {
                if condition { self } else { other }
            }
        }
    };
}
pub(crate) use impl_one_lane;
