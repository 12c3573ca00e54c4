//! Numbers as people read them.

use std::fmt::{self, Display, Formatter, LowerExp};

use num_traits::ToPrimitive;

/// A number in plain notation, or in scientific notation where plain would be a
/// long row of zeros: from 1e16 on, and below 1e-5 unless a precision rounds it.
pub(crate) struct Readable<T>(pub(crate) T);

impl<T: Display + LowerExp + ToPrimitive> Display for Readable<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = self.0.to_f64().map_or(f64::NAN, f64::abs);
        let is_huge = size >= 1e16 && size.is_finite();
        let is_tiny = size < 1e-5 && size > 0.0 && f.precision().is_none();
        if is_huge || is_tiny { LowerExp::fmt(&self.0, f) } else { Display::fmt(&self.0, f) }
    }
}

/// Where a number came from that is not what was given: " (1e-60 in single precision)".
pub(crate) fn rounded_from(given: f64, rounded: f64) -> String {
    let is_same = given == rounded || given.is_nan();
    if is_same { String::new() } else { format!(" ({} in single precision)", Readable(given)) }
}

/// The first eight items, and how many more there are.
pub(crate) fn leading(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(8);
    let mut text = items.take(8).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(", and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moderate_numbers_are_plain_and_others_scientific() {
        let plain = [0.0, -3.0, 1e-5, 123456789.125, -9e15, f64::INFINITY, f64::NAN];
        for x in plain {
            assert_eq!(Readable(x).to_string(), x.to_string());
        }
        for x in [9.9e-6, -5e-324, 1e16, f64::MAX] {
            assert_eq!(Readable(x).to_string(), format!("{x:e}"));
        }
        assert_eq!(format!("{:.3} {:.3}", Readable(1e-9), Readable(-2.5e300)), "0.000 -2.500e300");
    }

    #[test]
    fn a_number_lost_to_single_precision_is_told() {
        assert_eq!(rounded_from(0.5, 0.5), "");
        assert_eq!(rounded_from(1e-60, 0.0), " (1e-60 in single precision)");
    }
}
