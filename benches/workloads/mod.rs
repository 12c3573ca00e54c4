//! The workloads of the speed table: generic functions, and value + gradient
//! of each written by hand, in scalar code with `std`'s exponential.

#![allow(dead_code, reason = "each bench uses a part of it")]

use nalgebra::DMatrix;
use smoothmax::{Scalar, mat_vec, smooth_max};
use std::sync::Arc;

/// Reproducible numbers in [0, 1): a xorshift generator.
pub(crate) fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// W1: the chained Rosenbrock function.
#[inline(always)]
pub(crate) fn rosenbrock<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    let term = |pair: &[S]| c(100.0) * (pair[1] - pair[0].square()).square() + (pair[0] - c(1.0)).square();
    let mut total = term(&x[..2]);
    for pair in x.windows(2).skip(1) {
        total = total + term(pair);
    }
    total
}

pub(crate) fn rosenbrock_by_hand(x: &[f64], gradient: &mut [f64]) -> f64 {
    let mut value = 0.0;
    gradient.fill(0.0);
    for i in 0..x.len() - 1 {
        let u = x[i + 1] - x[i] * x[i];
        let v = x[i] - 1.0;
        value += 100.0 * u * u + v * v;
        gradient[i] += -400.0 * u * x[i] + 2.0 * v;
        gradient[i + 1] += 200.0 * u;
    }
    value
}

/// W2: the smooth maximum of affine functions.
pub(crate) struct Affine {
    pub(crate) a: Arc<DMatrix<f64>>,
    pub(crate) b: Vec<f64>,
    rows: Vec<f64>,
}

/// The sharpness of W2.
pub(crate) const AFFINE_SHARPNESS: f64 = 50.0;

impl Affine {
    pub(crate) fn new(m: usize, n: usize) -> Self {
        let mut next = uniform(3);
        let rows: Vec<f64> = (0..m * n).map(|_| next() - 0.5).collect();
        let b = (0..m).map(|_| next()).collect();
        Affine { a: Arc::new(DMatrix::from_row_slice(m, n, &rows)), b, rows }
    }

    pub(crate) fn value<S: Scalar<Base = f64>>(&self, x: &[S]) -> S {
        let z: Vec<S> =
            mat_vec(&self.a, x).into_iter().zip(&self.b).map(|(z, &b)| z + S::constant(b)).collect();
        smooth_max(&z, AFFINE_SHARPNESS)
    }

    pub(crate) fn by_hand(&self, x: &[f64], z: &mut [f64], gradient: &mut [f64]) -> f64 {
        let n = x.len();
        for (r, z) in z.iter_mut().enumerate() {
            *z = dot(&self.rows[r * n..][..n], x) + self.b[r];
        }
        let m = z.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        for z in z.iter_mut() {
            *z = (AFFINE_SHARPNESS * (*z - m)).exp();
        }
        let sum: f64 = z.iter().sum();
        gradient.fill(0.0);
        for (r, z) in z.iter().enumerate() {
            let weight = z / sum;
            for (g, a) in gradient.iter_mut().zip(&self.rows[r * n..][..n]) {
                *g += weight * a;
            }
        }
        m + sum.ln() / AFFINE_SHARPNESS
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// W4: one long log-sum-exp.
pub(crate) fn log_sum_exp_by_hand(x: &[f64], gradient: &mut [f64]) -> f64 {
    let m = x.iter().fold(f64::NEG_INFINITY, |m, &x| if x > m { x } else { m });
    let mut sum = 0.0;
    for (g, x) in gradient.iter_mut().zip(x) {
        *g = (x - m).exp();
        sum += *g;
    }
    let factor = 1.0 / sum;
    for g in gradient.iter_mut() {
        *g *= factor;
    }
    m + sum.ln()
}

/// W5: a chain of `n` multiplications and additions, each on the last result.
#[inline(always)]
pub(crate) fn chain<S: Scalar>(x: &[S], n: usize) -> S {
    let mut y = x[0];
    for _ in 0..n / 4 {
        y = y * x[1];
        y = y + x[2];
        y = y * x[1];
        y = y - x[0];
    }
    y
}

pub(crate) fn chain_by_hand(x: &[f64], n: usize, kept: &mut Vec<[f64; 2]>, gradient: &mut [f64]) -> f64 {
    kept.clear();
    let mut y = x[0];
    for _ in 0..n / 4 {
        let b = y * x[1] + x[2];
        kept.push([y, b]);
        y = b * x[1] - x[0];
    }
    let mut d = 1.0;
    let mut g = [0.0; 3];
    for &[y, b] in kept.iter().rev() {
        g[0] -= d;
        g[1] += d * b;
        d *= x[1];
        g[2] += d;
        g[1] += d * y;
        d *= x[1];
    }
    gradient.copy_from_slice(&[g[0] + d, g[1], g[2]]);
    y
}
