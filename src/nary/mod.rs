//! The n-ary primitives: one node, any number of operands.
//!
//! The same contract as an elementary [rule](crate::rules), in slice form: the
//! value from the operands ([`NaryKind::forward`]) and what the operands
//! receive from the adjoint ([`NaryKind::reverse`]), for every number a sweep
//! can run on. A node may keep *weights* from its forward pass for its
//! reverse pass: for log-sum-exp they are the softmax.

use std::sync::Arc;

use nalgebra::DMatrix;
use num_traits::Float;

use crate::Error;
use crate::rules::{KinkKind, Number, Primitive};

mod by_lane;
mod custom;
mod nary_number;
mod simplex;
mod slice_number;

pub use custom::{CustomNode, SecondOrder};
pub(crate) use nary_number::NaryNumber;
pub(crate) use simplex::{project_to_simplex, simplex_pullback};
pub use slice_number::SliceNumber;

/// What an n-ary node computes.
#[doc(hidden)]
#[allow(missing_docs)]
#[derive(Clone)]
pub enum NaryKind<T> {
    /// `Σ x_i`.
    Sum,
    /// `Σ a_i x_i` with constant coefficients.
    Dot(Box<[T]>),
    /// `Σ x_i y_i`; the operands are `x` and then `y`.
    DotProduct,
    /// Exact maximum; ties share the adjoint equally.
    Max,
    /// Exact minimum; ties share the adjoint equally.
    Min,
    /// `ln Σ e^{x_i}`.
    LogSumExp,
    /// `(1/k) ln Σ e^{k x_i}` with a constant sharpness `k`.
    SmoothMax(T),
    /// The same with `k` as the last operand.
    SmoothMaxAt,
    /// `e^{x_i} / Σ e^{x_j}`, an output for each operand.
    Softmax,
    /// `x_i - ln Σ e^{x_j}`, an output for each operand.
    LogSoftmax,
    /// `e^{k x_i} / Σ e^{k x_j}` with a constant `k`, an output for each operand.
    SmoothArgmax(T),
    /// The nearest point of the probability simplex, an output for each operand.
    Sparsemax,
    /// `A x`, an output for each row.
    MatVec(Arc<DMatrix<T>>),
    /// A user's function.
    Custom(Arc<dyn CustomNode<T>>),
}

impl<T: 'static> NaryKind<T> {
    /// The name of the function, for messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            NaryKind::Sum => "sum",
            NaryKind::Dot(_) => "dot",
            NaryKind::DotProduct => "dot_product",
            NaryKind::Max => "max",
            NaryKind::Min => "min",
            NaryKind::LogSumExp => "log_sum_exp",
            NaryKind::SmoothMax(_) => "smooth_max",
            NaryKind::SmoothMaxAt => "smooth_max_at",
            NaryKind::Softmax => "softmax",
            NaryKind::LogSoftmax => "log_softmax",
            NaryKind::SmoothArgmax(_) => "smooth_argmax",
            NaryKind::Sparsemax => "sparsemax",
            NaryKind::MatVec(_) => "mat_vec",
            NaryKind::Custom(node) => node.name(),
        }
    }

    /// The number of outputs for so many operands.
    pub(crate) fn outputs(&self, operands: usize) -> usize {
        match self {
            NaryKind::Softmax | NaryKind::LogSoftmax | NaryKind::SmoothArgmax(_) | NaryKind::Sparsemax => {
                operands
            }
            NaryKind::MatVec(matrix) => matrix.nrows(),
            _ => 1,
        }
    }

    /// Whether second derivatives can be taken of it.
    pub(crate) fn require_second_order(&self) -> Result<(), Error> {
        match self {
            NaryKind::Custom(node) if node.second_order().is_none() => {
                Err(Error::NoSecondOrder { node: node.name().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Whether it can be evaluated again at other operands.
    pub(crate) fn require_replayable(&self) -> Result<(), Error> {
        match self {
            NaryKind::Custom(node) if !node.is_replayable() => {
                Err(Error::NotReplayable { node: node.name().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The number of weights kept between the sweeps.
    pub(crate) fn weights(&self, operands: usize) -> usize {
        match self {
            NaryKind::LogSoftmax => operands,
            _ if self.weights_are_gradient() => operands,
            _ => 0,
        }
    }

    /// Whether the weights are the partial derivatives of the one output.
    pub(crate) fn weights_are_gradient(&self) -> bool {
        matches!(self, NaryKind::LogSumExp | NaryKind::SmoothMax(_) | NaryKind::SmoothMaxAt)
    }
}

impl<T: Primitive> NaryKind<T> {
    /// The outputs `y` and the weights at the operands `x`.
    pub(crate) fn forward<R: SliceNumber<Base = T>>(&self, x: &[R], y: &mut [R], weights: &mut [R]) {
        match self {
            NaryKind::Sum => y[0] = sum(x.iter().copied()),
            NaryKind::Dot(coefficients) => {
                y[0] = sum(x.iter().zip(coefficients).map(|(&x, &a)| x * R::from_base(a)));
            }
            NaryKind::DotProduct => {
                let (left, right) = x.split_at(x.len() / 2);
                y[0] = sum(left.iter().zip(right).map(|(&x, &y)| x * y));
            }
            NaryKind::Max => y[0] = extreme(x, T::neg_infinity(), |x, m| x > m),
            NaryKind::Min => y[0] = extreme(x, T::infinity(), |x, m| x < m),
            NaryKind::LogSumExp => y[0] = R::log_sum_exp_weights(x, weights),
            NaryKind::SmoothMax(k) => y[0] = R::smooth_max_weights(x, R::from_base(*k), weights),
            NaryKind::SmoothMaxAt => {
                let (&k, x) = x.split_last().expect("the sharpness is the last operand");
                let (slope, weights) = weights.split_last_mut().expect("a weight for each operand");
                y[0] = R::smooth_max_weights(x, k, weights);
                *slope = R::smooth_max_sharpness_slope(x, k, weights);
            }
            NaryKind::Softmax => {
                R::log_sum_exp_weights(x, y);
            }
            NaryKind::LogSoftmax => R::log_softmax_weights(x, y, weights),
            NaryKind::SmoothArgmax(k) => {
                R::smooth_max_weights(x, R::from_base(*k), y);
            }
            NaryKind::Sparsemax => project_to_simplex(x, T::one(), y),
            NaryKind::MatVec(matrix) => R::mat_vec(matrix, x, y),
            NaryKind::Custom(node) => y[0] = R::custom_value(&**node, x),
        }
    }

    /// Adds to `x_bar` what the operands receive from the adjoints `y_bar` of the outputs.
    pub(crate) fn reverse<R: SliceNumber<Base = T>>(
        &self,
        x: &[R],
        y: &[R],
        weights: &[R],
        y_bar: &[R],
        x_bar: &mut [R],
    ) {
        let g = y_bar[0];
        match self {
            NaryKind::Sum => x_bar.iter_mut().for_each(|x_bar| *x_bar = *x_bar + g),
            NaryKind::Dot(coefficients) => {
                for (x_bar, &a) in x_bar.iter_mut().zip(coefficients) {
                    *x_bar = *x_bar + g.chain(R::from_base(a));
                }
            }
            NaryKind::DotProduct => {
                let n = x.len() / 2;
                for i in 0..n {
                    x_bar[i] = x_bar[i] + g.chain(x[n + i]);
                    x_bar[n + i] = x_bar[n + i] + g.chain(x[i]);
                }
            }
            NaryKind::Max | NaryKind::Min => share_among_ties(x, y[0], g, x_bar),
            NaryKind::LogSumExp | NaryKind::SmoothMax(_) | NaryKind::SmoothMaxAt => {
                for (x_bar, &w) in x_bar.iter_mut().zip(weights) {
                    *x_bar = *x_bar + g.chain(w);
                }
            }
            NaryKind::Softmax => R::softmax_pullback(y, y_bar, x_bar),
            NaryKind::LogSoftmax => R::log_softmax_pullback(weights, y_bar, x_bar),
            NaryKind::SmoothArgmax(k) if k.is_finite() => {
                let scaled: Vec<R> = y_bar.iter().map(|&g| g * R::from_base(*k)).collect();
                R::softmax_pullback(y, &scaled, x_bar);
            }
            NaryKind::SmoothArgmax(_) => {} // the indicator of the maximum: constant
            NaryKind::Sparsemax => simplex_pullback(y, T::one(), y_bar, x_bar),
            NaryKind::MatVec(matrix) => R::mat_vec_transposed(matrix, y_bar, x_bar),
            NaryKind::Custom(node) => R::custom_pullback(&**node, x, g, x_bar),
        }
    }

    /// How the node `y = f(x)` fails to be differentiable: an exact extremum -
    /// also that of an infinite sharpness - may be attained more than once, a
    /// projection may be at the border of a face.
    pub(crate) fn kink(&self, x: &[T], y: T) -> Option<KinkKind> {
        let tie = |x: &[T], m: T, kind| (x.iter().filter(|&&x| x == m).count() > 1).then_some(kind);
        match self {
            NaryKind::Max | NaryKind::Min => tie(x, y, KinkKind::Corner),
            NaryKind::SmoothMax(k) if Float::is_infinite(*k) => tie(x, y, KinkKind::Corner),
            NaryKind::SmoothMaxAt => match x.split_last() {
                Some((k, x)) if Float::is_infinite(*k) => tie(x, y, KinkKind::Corner),
                _ => None,
            },
            NaryKind::SmoothArgmax(k) if Float::is_infinite(*k) => {
                let sign = Float::signum(*k);
                tie(x, extreme(x, -*k, |x, m| sign * x > sign * m), KinkKind::Jump)
            }
            NaryKind::Sparsemax => simplex::is_at_border(x).then_some(KinkKind::Corner),
            NaryKind::Custom(node) => node.has_corner(x).then_some(KinkKind::Corner),
            _ => None,
        }
    }
}

/// The outputs of an n-ary function of numbers that are not on a tape.
pub(crate) fn evaluate<R: SliceNumber>(kind: &NaryKind<R::Base>, x: &[R]) -> Vec<R> {
    let zero = R::constant(0.0);
    let mut y = vec![zero; kind.outputs(x.len())];
    let mut weights = vec![zero; kind.weights(x.len())];
    kind.forward(x, &mut y, &mut weights);
    y
}

fn sum<R: Number>(mut terms: impl Iterator<Item = R>) -> R {
    let first = terms.next().unwrap_or(R::constant(0.0));
    terms.fold(first, |sum, term| sum + term)
}

/// [`NaryKind::Sum`] with its terms a few at a time: the sum so far, and more.
pub(crate) fn add_terms<R: Number>(so_far: Option<R>, terms: &[R]) -> R {
    sum(so_far.into_iter().chain(terms.iter().copied()))
}

/// The extreme operand by `is_beyond`, which is `neutral` if there is none and
/// NaN - attained by none, so with undefined derivatives - if any is NaN.
fn extreme<R: SliceNumber>(x: &[R], neutral: R::Base, is_beyond: impl Fn(R::Base, R::Base) -> bool) -> R {
    if x.is_empty() {
        return R::from_base(neutral);
    }
    let values = x.iter().map(|x| x.base());
    let best = values.fold(neutral, |best, x| if is_beyond(x, best) || x.is_nan() { x } else { best });
    R::tie(best, x.iter().copied().filter(|x| x.base() == best))
}

/// Gives each operand that attains the extremum an equal share; all get NaN if it is NaN.
fn share_among_ties<R: SliceNumber>(x: &[R], y: R, g: R, x_bar: &mut [R]) {
    let ties = x.iter().filter(|x| x.base() == y.base()).count();
    if ties == 0 {
        x_bar.fill(R::constant(f64::NAN));
        return;
    }
    let share = g / R::constant(ties as f64);
    for (x_bar, x) in x_bar.iter_mut().zip(x) {
        if x.base() == y.base() {
            *x_bar = *x_bar + share;
        }
    }
}
