//! What n-ary nodes need of a number type: slice kernels for `f32` and `f64`,
//! the derivatives of those for [`Dual`].

use std::cmp::Ordering;

use nalgebra::DMatrix;
use num_traits::Float;

use super::CustomNode;
use crate::Dual;
use crate::kernel;
use crate::rules::{Number, Valued};

/// Numbers whose slices the n-ary nodes work on: everything a recording can
/// be run with.
pub trait SliceNumber: Valued {
    /// `ln Σ e^{x_i}`; writes its gradient, the softmax, to `weights`.
    fn log_sum_exp_weights(x: &[Self], weights: &mut [Self]) -> Self;

    /// `(1/k) ln Σ e^{k x_i}`; writes its gradient to `weights`.
    fn smooth_max_weights(x: &[Self], k: Self, weights: &mut [Self]) -> Self;

    /// The slope of `(1/k) ln Σ e^{k x_i}` in `k`, from its weights.
    fn smooth_max_sharpness_slope(x: &[Self], k: Self, weights: &[Self]) -> Self;

    /// Writes `x_i - ln Σ e^{x_j}` to `out` and the softmax to `weights`.
    fn log_softmax_weights(x: &[Self], out: &mut [Self], weights: &mut [Self]);

    /// Adds `w_i (ȳ_i - Σ w_j ȳ_j)` to `x_bar`.
    fn softmax_pullback(weights: &[Self], y_bar: &[Self], x_bar: &mut [Self]);

    /// Adds `ȳ_i - w_i Σ ȳ_j` to `x_bar`.
    fn log_softmax_pullback(weights: &[Self], y_bar: &[Self], x_bar: &mut [Self]);

    /// `y = A x`.
    fn mat_vec(matrix: &DMatrix<Self::Base>, x: &[Self], y: &mut [Self]);

    /// `x_bar += A' y_bar`.
    fn mat_vec_transposed(matrix: &DMatrix<Self::Base>, y_bar: &[Self], x_bar: &mut [Self]);

    /// The common value of tied numbers, with the mean of their derivatives;
    /// NaN derivatives if there are none.
    fn tie(value: Self::Base, tied: impl Iterator<Item = Self> + Clone) -> Self;

    /// The value of a user's node.
    fn custom_value(node: &dyn CustomNode<Self::Base>, x: &[Self]) -> Self;

    /// Adds to `x_bar` the pullback of a user's node.
    fn custom_pullback(node: &dyn CustomNode<Self::Base>, x: &[Self], y_bar: Self, x_bar: &mut [Self]);

    /// Writes the Hessian of a user's node times `direction`; NaN where the
    /// node has no rule of that order.
    fn custom_hessian_vector(
        node: &dyn CustomNode<Self::Base>,
        x: &[Self],
        direction: &[Self],
        product: &mut [Self],
    );
}

macro_rules! impl_slice_number {
    ($($float:ty),+) => {$(
        impl SliceNumber for $float {
            fn log_sum_exp_weights(x: &[Self], weights: &mut [Self]) -> Self {
                kernel::log_sum_exp_weights(x, weights)
            }

            fn smooth_max_weights(x: &[Self], k: Self, weights: &mut [Self]) -> Self {
                kernel::smooth_max_weights(x, k, weights)
            }

            fn smooth_max_sharpness_slope(x: &[Self], k: Self, weights: &[Self]) -> Self {
                kernel::smooth_max_sharpness_slope(x, k, weights)
            }

            fn log_softmax_weights(x: &[Self], out: &mut [Self], weights: &mut [Self]) {
                kernel::log_softmax(x, out);
                kernel::softmax(x, weights);
            }

            fn softmax_pullback(weights: &[Self], y_bar: &[Self], x_bar: &mut [Self]) {
                let mut pull = vec![0.0; weights.len()];
                kernel::softmax_pullback(weights, y_bar, &mut pull);
                x_bar.iter_mut().zip(pull).for_each(|(x_bar, pull)| *x_bar += pull);
            }

            fn log_softmax_pullback(weights: &[Self], y_bar: &[Self], x_bar: &mut [Self]) {
                let mut pull = vec![0.0; weights.len()];
                kernel::log_softmax_pullback(weights, y_bar, &mut pull);
                x_bar.iter_mut().zip(pull).for_each(|(x_bar, pull)| *x_bar += pull);
            }

            fn mat_vec(matrix: &DMatrix<Self>, x: &[Self], y: &mut [Self]) {
                kernel::mat_vec(matrix.as_slice(), x, y);
            }

            fn mat_vec_transposed(matrix: &DMatrix<Self>, y_bar: &[Self], x_bar: &mut [Self]) {
                kernel::mat_vec_pullback(matrix.as_slice(), y_bar, x_bar);
            }

            fn tie(value: Self, _: impl Iterator<Item = Self> + Clone) -> Self {
                value
            }

            fn custom_value(node: &dyn CustomNode<Self>, x: &[Self]) -> Self {
                node.value(x)
            }

            fn custom_pullback(node: &dyn CustomNode<Self>, x: &[Self], y_bar: Self, x_bar: &mut [Self]) {
                node.pullback(x, y_bar, x_bar);
            }

            fn custom_hessian_vector(
                node: &dyn CustomNode<Self>,
                x: &[Self],
                direction: &[Self],
                product: &mut [Self],
            ) {
                match node.second_order() {
                    Some(rule) => rule.hessian_vector(x, direction, product),
                    None => product.fill(<$float>::NAN),
                }
            }
        }
    )+};
}
impl_slice_number!(f32, f64);

/// A slice of duals as its values and its tangents.
fn split<T: Copy>(x: &[Dual<T>]) -> (Vec<T>, Vec<T>) {
    x.iter().map(|x| (x.value, x.tangent)).unzip()
}

/// `Σ w_i ẋ_i`.
fn weighted<T: Number>(weights: &[T], tangents: &[T]) -> T {
    weights.iter().zip(tangents).fold(T::constant(0.0), |sum, (&w, &t)| sum + w.chain(t))
}

/// The index of the largest weight.
fn heaviest<T: Valued>(weights: &[T]) -> Option<usize> {
    let order = |&i: &usize, &j: &usize| weights[i].base().partial_cmp(&weights[j].base());
    (0..weights.len()).max_by(|i, j| order(i, j).unwrap_or(Ordering::Equal))
}

/// `x_i - Σ w_j x_j` for weights that sum to 1, without the cancellation where
/// one weight is nearly 1: centred there first.
fn centred<T: Valued>(weights: &[T], x: &[T]) -> Vec<T> {
    let Some(heaviest) = heaviest(weights) else {
        return Vec::new();
    };
    let offsets: Vec<T> = x.iter().map(|&x_i| x_i - x[heaviest]).collect();
    let mean = weighted(weights, &offsets);
    offsets.into_iter().map(|offset| offset - mean).collect()
}

impl<T: SliceNumber> SliceNumber for Dual<T> {
    fn log_sum_exp_weights(x: &[Self], weights: &mut [Self]) -> Self {
        let (values, tangents) = split(x);
        let mut w = vec![T::constant(0.0); x.len()];
        let y = T::log_sum_exp_weights(&values, &mut w);
        for ((weight, &w), t) in weights.iter_mut().zip(&w).zip(centred(&w, &tangents)) {
            *weight = Dual::new(w, w.chain(t));
        }
        Dual::new(y, weighted(&w, &tangents))
    }

    /// `Ṡ = Σ w_i ẋ_i + S_k k̇` and
    /// `ẇ_i = w_i (k (ẋ_i - Σ w_j ẋ_j) + k̇ (x_i - Σ w_j x_j))`.
    fn smooth_max_weights(x: &[Self], k: Self, weights: &mut [Self]) -> Self {
        let zero = T::constant(0.0);
        let (values, tangents) = split(x);
        let mut w = vec![zero; x.len()];
        let y = T::smooth_max_weights(&values, k.value, &mut w);
        let mut y_dot = weighted(&w, &tangents);
        // The exact maximum of an infinite sharpness has constant weights.
        let is_exact = k.value.base().is_infinite();
        let unchanged = T::constant(if y.base().is_nan() { f64::NAN } else { 0.0 });
        for ((weight, &w), t) in weights.iter_mut().zip(&w).zip(centred(&w, &tangents)) {
            *weight = Dual::new(w, if is_exact { unchanged } else { w.chain(k.value * t) });
        }
        if !k.tangent.is_zero() && !is_exact {
            for (weight, offset) in weights.iter_mut().zip(centred(&w, &values)) {
                weight.tangent = weight.tangent + weight.value.chain(k.tangent * offset);
            }
            y_dot = y_dot + T::smooth_max_sharpness_slope(&values, k.value, &w) * k.tangent;
        }
        Dual::new(y, y_dot)
    }

    /// Since `k S_k = Σ w_i x_i - S`: `k Ṡ_k = Σ ẇ_i x_i - 2 S_k k̇`.
    fn smooth_max_sharpness_slope(x: &[Self], k: Self, weights: &[Self]) -> Self {
        let (values, _) = split(x);
        let (w, w_dot) = split(weights);
        let slope = T::smooth_max_sharpness_slope(&values, k.value, &w);
        let Some(heaviest) = heaviest(&w) else {
            return Dual::lift(slope);
        };
        let offsets: Vec<T> = values.iter().map(|&x| x - values[heaviest]).collect();
        let change = weighted(&w_dot, &offsets) - (slope + slope) * k.tangent;
        let is_exact = k.value.base().is_infinite();
        Dual::new(slope, if is_exact { T::constant(0.0) } else { change / k.value })
    }

    fn log_softmax_weights(x: &[Self], out: &mut [Self], weights: &mut [Self]) {
        let (values, tangents) = split(x);
        let zero = T::constant(0.0);
        let (mut y, mut w) = (vec![zero; x.len()], vec![zero; x.len()]);
        T::log_softmax_weights(&values, &mut y, &mut w);
        for (i, t) in centred(&w, &tangents).into_iter().enumerate() {
            out[i] = Dual::new(y[i], t);
            weights[i] = Dual::new(w[i], w[i].chain(t));
        }
    }

    fn softmax_pullback(weights: &[Self], y_bar: &[Self], x_bar: &mut [Self]) {
        for ((x_bar, &w), g) in x_bar.iter_mut().zip(weights).zip(centred(weights, y_bar)) {
            *x_bar += w.chain(g);
        }
    }

    fn log_softmax_pullback(weights: &[Self], y_bar: &[Self], x_bar: &mut [Self]) {
        let total = y_bar.iter().fold(Self::constant(0.0), |total, &g| total + g);
        let is_constant = weights.iter().all(|w| w.is_zero());
        for ((x_bar, &w), &g) in x_bar.iter_mut().zip(weights).zip(y_bar) {
            if !is_constant {
                *x_bar += g - w.chain(total);
            }
        }
    }

    fn mat_vec(matrix: &DMatrix<T::Base>, x: &[Self], y: &mut [Self]) {
        let (values, tangents) = split(x);
        let zero = T::constant(0.0);
        let (mut v, mut t) = (vec![zero; y.len()], vec![zero; y.len()]);
        T::mat_vec(matrix, &values, &mut v);
        T::mat_vec(matrix, &tangents, &mut t);
        for i in 0..y.len() {
            y[i] = Dual::new(v[i], t[i]);
        }
    }

    fn mat_vec_transposed(matrix: &DMatrix<T::Base>, y_bar: &[Self], x_bar: &mut [Self]) {
        let (values, tangents) = split(y_bar);
        let (mut v, mut t) = split(x_bar);
        T::mat_vec_transposed(matrix, &values, &mut v);
        T::mat_vec_transposed(matrix, &tangents, &mut t);
        for i in 0..x_bar.len() {
            x_bar[i] = Dual::new(v[i], t[i]);
        }
    }

    fn tie(value: T::Base, tied: impl Iterator<Item = Self> + Clone) -> Self {
        let count = tied.clone().count();
        let total = tied.clone().fold(T::constant(0.0), |sum, x| sum + x.tangent);
        let value = T::tie(value, tied.map(|x| x.value).collect::<Vec<_>>().into_iter());
        Dual::new(value, total / T::constant(count as f64))
    }

    fn custom_value(node: &dyn CustomNode<T::Base>, x: &[Self]) -> Self {
        let (values, tangents) = split(x);
        let mut gradient = vec![T::constant(0.0); x.len()];
        T::custom_pullback(node, &values, T::constant(1.0), &mut gradient);
        Dual::new(T::custom_value(node, &values), weighted(&gradient, &tangents))
    }

    fn custom_pullback(node: &dyn CustomNode<T::Base>, x: &[Self], y_bar: Self, x_bar: &mut [Self]) {
        let (values, tangents) = split(x);
        let (mut v, mut t) = split(x_bar);
        T::custom_pullback(node, &values, y_bar.value, &mut v);
        T::custom_pullback(node, &values, y_bar.tangent, &mut t);
        let mut curvature = vec![T::constant(0.0); x.len()];
        T::custom_hessian_vector(node, &values, &tangents, &mut curvature);
        for i in 0..x.len() {
            x_bar[i] = Dual::new(v[i], t[i] + y_bar.value.chain(curvature[i]));
        }
    }

    fn custom_hessian_vector(_: &dyn CustomNode<T::Base>, _: &[Self], _: &[Self], product: &mut [Self]) {
        product.fill(Dual::lift(T::constant(f64::NAN)));
    }
}
