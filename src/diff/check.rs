//! A public check of derivatives against differences.

use std::fmt;

use nalgebra::DVector;

use super::{central_difference, gradient, hvp, jvp};
use crate::print::Readable;
use crate::tape::Kink;
use crate::{Tape, Var};

/// How many random directions are tried.
const DIRECTIONS: u64 = 8;

/// Derivatives of `f` along one direction `v`, each by two ways.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DirectionCheck {
    /// The direction, of length 1.
    pub direction: DVector<f64>,
    /// `∇f · v` by the reverse sweep.
    pub reverse: f64,
    /// `∇f · v` by the forward sweep.
    pub forward: f64,
    /// `∇f · v` by central differences of the value.
    pub difference: f64,
    /// `v · ∇²f v` by forward over reverse.
    pub curvature: f64,
    /// `v · ∇²f v` by central differences of the gradient.
    pub curvature_difference: f64,
}

/// The result of [`check_gradient`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GradientCheck {
    /// The value of `f`.
    pub value: f64,
    /// The gradient by the reverse sweep.
    pub gradient: DVector<f64>,
    /// What was found along each direction.
    pub directions: Vec<DirectionCheck>,
    /// Kinks on the way to the value: differences need not agree across them.
    pub kinks: Vec<Kink>,
}

/// `|a - b|` relative to the larger, or to 1 where both are smaller.
fn mismatch(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()).max(1.0) }
}

impl GradientCheck {
    /// The largest mismatch among first derivatives: relative above 1, absolute below.
    pub fn first_order_error(&self) -> f64 {
        self.worst(|d| mismatch(d.reverse, d.difference).max(mismatch(d.reverse, d.forward)))
    }

    /// The largest mismatch among second derivatives.
    pub fn second_order_error(&self) -> f64 {
        self.worst(|d| mismatch(d.curvature, d.curvature_difference))
    }

    /// Whether first derivatives agree to `1e-7` and second ones to `1e-5`.
    pub fn is_ok(&self) -> bool {
        self.first_order_error() <= 1e-7 && self.second_order_error() <= 1e-5
    }

    fn worst(&self, error: impl Fn(&DirectionCheck) -> f64) -> f64 {
        let errors = self.directions.iter().map(error);
        errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
    }
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "gradient check at f = {}: {}",
            Readable(self.value),
            if self.is_ok() { "agrees" } else { "DISAGREES" }
        )?;
        writeln!(
            f,
            "{:>15} {:>15} {:>15} {:>15} {:>15}",
            "reverse", "forward", "difference", "curvature", "difference"
        )?;
        for d in &self.directions {
            writeln!(
                f,
                "{:>15.8e} {:>15.8e} {:>15.8e} {:>15.8e} {:>15.8e}",
                d.reverse, d.forward, d.difference, d.curvature, d.curvature_difference
            )?;
        }
        write!(
            f,
            "largest mismatch {:.1e}, second order {:.1e}",
            self.first_order_error(),
            self.second_order_error()
        )?;
        self.kinks.iter().try_for_each(|kink| write!(f, "\nkink: {kink}"))
    }
}

/// Compares the derivatives of `f` at `x` with each other and with central
/// differences, along eight fixed pseudo-random directions, to second order.
///
/// ```
/// use smoothmax::{check_gradient, smooth_max};
///
/// let check = check_gradient(&[0.3, -0.2, 0.5], |x| smooth_max(x, 5.0) * x[0].sin());
/// assert!(check.is_ok(), "{check}");
/// ```
///
/// # Panics
///
/// As [`hvp`] does.
pub fn check_gradient<F>(x: &[f64], f: F) -> GradientCheck
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let (value, g) = gradient(x, &f);
    let at =
        |t: f64, v: &DVector<f64>| -> Vec<f64> { x.iter().zip(v.iter()).map(|(x, v)| x + t * v).collect() };
    let step = 0.05 * x.iter().fold(1.0, |scale: f64, x| scale.max(x.abs()));
    let directions = (0..DIRECTIONS)
        .map(|seed| {
            let v = direction(x.len(), seed);
            let (_, tangent) = jvp(x, v.as_slice(), |x| vec![f(x)]);
            let (_, _, hv) = hvp(x, v.as_slice(), &f);
            DirectionCheck {
                reverse: g.dot(&v),
                forward: tangent[0],
                difference: central_difference(0.0, step, |t| gradient(&at(t, &v), &f).0).0,
                curvature: hv.dot(&v),
                curvature_difference: central_difference(0.0, step, |t| gradient(&at(t, &v), &f).1.dot(&v)).0,
                direction: v,
            }
        })
        .collect();
    GradientCheck { value, gradient: g, directions, kinks: kinks(x, &f) }
}

fn kinks<F>(x: &[f64], f: &F) -> Vec<Kink>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let tape = Tape::new();
    f(&tape.vars(x)).backward().kinks()
}

/// A unit vector from the SplitMix64 generator (S. Vigna, public domain):
/// directions need to be generic, not statistically random.
fn direction(n: usize, seed: u64) -> DVector<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x2545_F491_4F6C_DD1D;
    let v = DVector::from_fn(n, |_, _| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    });
    let length = v.norm();
    if length > 0.0 { v / length } else { v }
}
