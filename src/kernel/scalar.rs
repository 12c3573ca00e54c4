//! The logarithm of a sum.

/// `ln(1 + x)` for `x >= -1/2`: the logarithm of the rounded sum, and what the
/// rounding lost to first order; the second order is below half an ulp. Within
/// 1 ulp of the standard library's `ln_1p`, which costs few elements a tenth more.
#[inline(always)]
pub(super) fn ln_1p(x: f64) -> f64 {
    let y = 1.0 + x;
    if y == f64::INFINITY {
        return y;
    }
    let lost = x - (y - 1.0);
    ln(y) + lost / y
}

#[inline(always)]
fn ln(x: f64) -> f64 {
    if cfg!(feature = "deterministic") { libm::log(x) } else { x.ln() }
}
