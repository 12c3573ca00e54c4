//! What the smoothings of the [table](super::SMOOTHINGS) tend to.

/// The exact function that a smoothing tends to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// `max x_i`.
    Max,
    /// `min x_i`.
    Min,
    /// `max |x_i|`.
    NormInf,
    /// The sum of so many largest entries.
    SumLargest(usize),
    /// `|x|`.
    Abs,
    /// `max(x, 0)`.
    Relu,
    /// `x` clamped to an interval.
    Clamp(f64, f64),
    /// `max(1 - x, 0)`.
    Hinge,
    /// `max(τ x, (τ - 1) x)`.
    Pinball(f64),
    /// 0 below 0, 1 above, 1/2 at 0.
    Step,
    /// -1 below 0, 1 above, 0 at 0.
    Sign,
}

impl Target {
    /// The exact value. Functions of one number look at `x[0]`.
    ///
    /// # Panics
    ///
    /// If `x` is empty, or shorter than the number of entries to be summed.
    pub fn value(self, x: &[f64]) -> f64 {
        let first = x[0];
        match self {
            Target::Max => x.iter().copied().fold(first, f64::max),
            Target::Min => x.iter().copied().fold(first, f64::min),
            Target::NormInf => x.iter().fold(0.0, |m, x| x.abs().max(m)),
            Target::SumLargest(m) => {
                let mut sorted = x.to_vec();
                sorted.sort_by(|a, b| b.total_cmp(a));
                sorted[..m].iter().sum()
            }
            Target::Abs => first.abs(),
            Target::Relu => first.max(0.0),
            Target::Clamp(low, high) => first.clamp(low, high),
            Target::Hinge => (1.0 - first).max(0.0),
            Target::Pinball(tau) => (tau * first).max((tau - 1.0) * first),
            Target::Step => 0.5 * (1.0 + Target::Sign.value(x)),
            Target::Sign => {
                if first == 0.0 {
                    0.0
                } else {
                    first.signum()
                }
            }
        }
    }

    /// The number of operands, if it is fixed.
    pub const fn operands(self) -> Option<usize> {
        match self {
            Target::Max | Target::Min | Target::NormInf | Target::SumLargest(_) => None,
            _ => Some(1),
        }
    }
}
