//! A public check of derivatives against differences.

use std::fmt;

use nalgebra::DVector;

use super::{central_difference, gradient, hvp, jvp};
use crate::print::Readable;
use crate::tape::Kink;
use crate::{Tape, Var};

/// How many random directions are tried.
const DIRECTIONS: u64 = 8;

/// The largest mismatch of first derivatives that agree.
const FIRST_ORDER: f64 = 1e-7;
/// The largest mismatch of second derivatives that agree.
const SECOND_ORDER: f64 = 1e-5;

/// Derivatives of `f` along one direction `v`, each by two ways.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DirectionCheck {
    /// The direction: of length 1, or such a one with each component times
    /// `|x_i|` (times 1 where that is 0), so that all variables change alike.
    pub direction: DVector<f64>,
    /// `∇f · v` by the reverse sweep.
    pub reverse: f64,
    /// `∇f · v` by the forward sweep.
    pub forward: f64,
    /// `∇f · v` by central differences of the value.
    pub difference: f64,
    /// An estimate of the error of `difference`.
    pub difference_error: f64,
    /// `v · ∇²f v` by forward over reverse.
    pub curvature: f64,
    /// `v · ∇²f v` by central differences of the gradient.
    pub curvature_difference: f64,
    /// An estimate of the error of `curvature_difference`.
    pub curvature_difference_error: f64,
}

/// What a [`GradientCheck`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Derivatives agree with each other and with differences.
    Agrees,
    /// Derivatives disagree, with each other or by far more than the error of a difference.
    Disagrees,
    /// Derivatives are not what differences give, but at a kink they need not be.
    AtKink,
    /// The differences are too inaccurate to tell: the function is rough, or
    /// not defined on both sides.
    Untrustworthy,
    /// The value or a derivative is NaN or infinite.
    NotFinite,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Agrees => "agrees",
            Verdict::Disagrees => "DISAGREES",
            Verdict::AtKink => "at a kink, where differences need not agree",
            Verdict::Untrustworthy => "cannot tell, the differences are not trustworthy",
            Verdict::NotFinite => "NOT FINITE",
        })
    }
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

/// A derivative by the sweeps and by differences.
#[derive(Clone, Copy)]
struct Comparison {
    derivative: f64,
    difference: f64,
    error: f64,
    tolerance: f64,
    /// Smaller derivatives are compared as if they were this large.
    floor: f64,
}

impl Comparison {
    fn mismatch(&self) -> f64 {
        mismatch(self.derivative, self.difference, self.floor)
    }

    fn agrees(&self) -> bool {
        self.mismatch() <= self.tolerance
    }

    /// Whether they disagree by more than a difference so inaccurate may.
    fn disagrees(&self) -> bool {
        self.mismatch() > self.tolerance && (self.derivative - self.difference).abs() > 10.0 * self.error
    }

    /// With a difference that agrees; failing that, with the one of the smallest
    /// relative error. Each first step is a fiftieth of the one before, so that
    /// one of them suits a function that changes over the length `step` or any
    /// below it, down to rounding.
    fn seek(self, step: f64, f: impl Fn(f64) -> f64) -> Self {
        let mut found = Vec::new();
        for step in std::iter::successors(Some(step), |step| Some(step / 50.0)).take(6) {
            let (difference, error) = central_difference(0.0, step, &f);
            let comparison = Comparison { difference, error, ..self };
            if comparison.agrees() {
                return comparison;
            }
            found.push(comparison);
        }
        // An error cannot be less than the distance from the nearest other difference.
        let error = |i: usize| {
            let others = (0..found.len()).filter(|&j| j != i);
            let distances = others.map(|j| (found[i].difference - found[j].difference).abs());
            found[i].error.max(distances.fold(f64::INFINITY, f64::min))
        };
        let relative = |i: usize| (error(i) / found[i].difference.abs()).min(f64::INFINITY);
        let best = (0..found.len()).min_by(|&i, &j| relative(i).total_cmp(&relative(j)));
        best.map_or(self, |i| Comparison { error: error(i), ..found[i] })
    }
}

/// `|a - b|` relative to the larger, or to `floor` where both are smaller.
fn mismatch(a: f64, b: f64, floor: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()).max(floor) }
}

/// What derivatives along a direction must exceed to be told from zero, given
/// the value and them: rounding leaves about ten digits.
fn floor(value: f64, slope: f64, curvature: f64) -> f64 {
    1e-5 * value.abs().max(slope.abs()).max(curvature.abs()).max(1.0)
}

/// The largest number; NaN if any is.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |worst, x| if worst.is_nan() || x <= worst { worst } else { x })
}

impl GradientCheck {
    /// The largest mismatch among first derivatives: relative to them, or to
    /// `1e-5` of the largest of `|f|`, the second derivative and 1 where they
    /// are smaller; NaN if any is.
    pub fn first_order_error(&self) -> f64 {
        let differences = self.directions.iter().map(|d| self.first_order(d).mismatch());
        largest(differences.chain([self.forward_error()]))
    }

    /// The largest mismatch among second derivatives, in the same way.
    pub fn second_order_error(&self) -> f64 {
        largest(self.directions.iter().map(|d| self.second_order(d).mismatch()))
    }

    /// Whether first derivatives agree to `1e-7` and second ones to `1e-5`.
    pub fn is_ok(&self) -> bool {
        self.verdict() == Verdict::Agrees
    }

    /// What the numbers say.
    pub fn verdict(&self) -> Verdict {
        let numbers = self.directions.iter().flat_map(|d| [d.reverse, d.forward, d.curvature]);
        if !numbers.chain([self.value]).all(f64::is_finite) {
            return Verdict::NotFinite;
        }
        let comparisons = || self.directions.iter().flat_map(|d| [self.first_order(d), self.second_order(d)]);
        if self.forward_error() > FIRST_ORDER {
            Verdict::Disagrees
        } else if comparisons().all(|comparison| comparison.agrees()) {
            Verdict::Agrees
        } else if !self.kinks.is_empty() {
            Verdict::AtKink
        } else if comparisons().any(|comparison| comparison.disagrees()) {
            Verdict::Disagrees
        } else {
            Verdict::Untrustworthy
        }
    }

    fn floor(&self, d: &DirectionCheck) -> f64 {
        floor(self.value, d.reverse, d.curvature)
    }

    fn first_order(&self, d: &DirectionCheck) -> Comparison {
        Comparison {
            derivative: d.reverse,
            difference: d.difference,
            error: d.difference_error,
            tolerance: FIRST_ORDER,
            floor: self.floor(d),
        }
    }

    fn second_order(&self, d: &DirectionCheck) -> Comparison {
        Comparison {
            derivative: d.curvature,
            difference: d.curvature_difference,
            error: d.curvature_difference_error,
            tolerance: SECOND_ORDER,
            floor: self.floor(d),
        }
    }

    /// The largest mismatch between the two sweeps.
    fn forward_error(&self) -> f64 {
        largest(self.directions.iter().map(|d| mismatch(d.reverse, d.forward, self.floor(d))))
    }
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "gradient check at f = {}: {}", Readable(self.value), self.verdict())?;
        writeln!(
            f,
            "{:>15} {:>15} {:>15} {:>8} {:>15} {:>15} {:>8}",
            "reverse", "forward", "difference", "error", "curvature", "difference", "error"
        )?;
        for d in &self.directions {
            writeln!(
                f,
                "{:>15.8e} {:>15.8e} {:>15.8e} {:>8.0e} {:>15.8e} {:>15.8e} {:>8.0e}",
                d.reverse,
                d.forward,
                d.difference,
                d.difference_error,
                d.curvature,
                d.curvature_difference,
                d.curvature_difference_error
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
/// Half of the directions change all variables by as much, half each in
/// proportion to its size. Steps shrink until a difference agrees; where none
/// does, the most accurate one counts, and if its error explains what is
/// missing, the [verdict](GradientCheck::verdict) is that it cannot be trusted.
///
/// ```
/// use smoothmax::diff::Verdict;
/// use smoothmax::{check_gradient, smooth_max};
///
/// let check = check_gradient(&[0.3, -0.2, 0.5], |x| smooth_max(x, 5.0) * x[0].sin());
/// assert!(check.is_ok(), "{check}");
///
/// let check = check_gradient(&[0.0], |x| x[0].abs());
/// assert_eq!(check.verdict(), Verdict::AtKink);
/// ```
///
/// # Panics
///
/// As [`hvp`] does: if the result depends on a custom node without a
/// second-order rule, or on a [preaccumulated](Tape::preaccumulate) block.
pub fn check_gradient<F>(x: &[f64], f: F) -> GradientCheck
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let (value, g) = gradient(x, &f);
    let directions = (0..DIRECTIONS).map(|seed| check_direction(x, (value, &g), seed, &f)).collect();
    GradientCheck { value, gradient: g, directions, kinks: kinks(x, &f) }
}

/// Every other direction is scaled with the variables.
fn check_direction<F>(x: &[f64], (value, g): (f64, &DVector<f64>), seed: u64, f: &F) -> DirectionCheck
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let (mut v, mut size) = (direction(x.len(), seed), 1.0);
    if seed.is_multiple_of(2) {
        size = x.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
    } else {
        let scales = x.iter().map(|&x| if x == 0.0 { 1.0 } else { x.abs() });
        v.iter_mut().zip(scales).for_each(|(v, scale)| *v *= scale);
    }
    let at = |t: f64| -> Vec<f64> { x.iter().zip(v.iter()).map(|(x, v)| x + t * v).collect() };
    let (_, tangent) = jvp(x, v.as_slice(), |x| vec![f(x)]);
    let (_, _, hv) = hvp(x, v.as_slice(), f);
    let (reverse, curvature) = (g.dot(&v), hv.dot(&v));
    let compare = |derivative: f64, tolerance: f64| Comparison {
        derivative,
        difference: f64::NAN,
        error: f64::INFINITY,
        tolerance,
        floor: floor(value, reverse, curvature),
    };
    let first = compare(reverse, FIRST_ORDER).seek(0.05 * size, |t| gradient(&at(t), f).0);
    let second = compare(curvature, SECOND_ORDER).seek(0.05 * size, |t| gradient(&at(t), f).1.dot(&v));
    DirectionCheck {
        reverse,
        forward: tangent[0],
        difference: first.difference,
        difference_error: first.error,
        curvature,
        curvature_difference: second.difference,
        curvature_difference_error: second.error,
        direction: v,
    }
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
