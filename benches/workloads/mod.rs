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
    let mut total = rosenbrock_term(x[0], x[1]);
    for pair in x.windows(2).skip(1) {
        total += rosenbrock_term(pair[0], pair[1]);
    }
    total
}

/// One term of W1.
#[inline(always)]
pub(crate) fn rosenbrock_term<S: Scalar>(x: S, y: S) -> S {
    let c = S::constant;
    c(100.0) * (y - x.square()).square() + (x - c(1.0)).square()
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

/// W3: squared residuals of a polynomial of degree 9 that fits `|t|`.
#[inline(always)]
pub(crate) fn residual<S: Scalar>(p: &[S], row: &[S]) -> S {
    let polynomial = p[..9].iter().rev().fold(p[9], |sum, &p| sum * row[0] + p);
    (polynomial - row[1]).square()
}

/// `t` and `|t|` on a grid of [-1, 1].
pub(crate) fn residual_data(count: usize) -> DMatrix<f64> {
    let t = |i: usize| -1.0 + 2.0 * i as f64 / (count - 1) as f64;
    DMatrix::from_fn(count, 2, |i, j| if j == 0 { t(i) } else { t(i).abs() })
}

pub(crate) fn residuals_by_hand(
    data: &DMatrix<f64>,
    k: f64,
    p: &[f64],
    [r, e]: [&mut [f64]; 2],
    gradient: &mut [f64],
) -> f64 {
    let (t, target) = data.as_slice().split_at(data.nrows());
    for i in 0..t.len() {
        let polynomial = p[..9].iter().rev().fold(p[9], |sum, p| sum * t[i] + p);
        r[i] = polynomial - target[i];
        e[i] = r[i] * r[i];
    }
    let m = e.iter().fold(f64::NEG_INFINITY, |m, &e| if e > m { e } else { m });
    for e in e.iter_mut() {
        *e = (k * (*e - m)).exp();
    }
    let sum: f64 = e.iter().sum();
    let mut total = [0.0; 10];
    for i in 0..t.len() {
        let mut slope = 2.0 * e[i] * r[i] / sum;
        for total in &mut total {
            *total += slope;
            slope *= t[i];
        }
    }
    gradient.copy_from_slice(&total);
    m + sum.ln() / k
}

/// Minus the squared distance of two points of R^3.
#[inline(always)]
pub(crate) fn nearness<S: Scalar>(x: &[S]) -> S {
    -((x[0] - x[3]).square() + (x[1] - x[4]).square() + (x[2] - x[5]).square())
}

/// The coordinates of every pair of `n` points.
pub(crate) fn pairs(n: u32) -> Vec<[u32; 6]> {
    let pair = |i: u32, j: u32| [3 * i, 3 * i + 1, 3 * i + 2, 3 * j, 3 * j + 1, 3 * j + 2];
    (0..n).flat_map(|i| (0..i).map(move |j| pair(i, j))).collect()
}

pub(crate) fn pairs_by_hand(x: &[f64], k: f64, f: &mut Vec<f64>, gradient: &mut [f64]) -> f64 {
    let n = x.len() / 3;
    let difference = |i: usize, j: usize, c: usize| x[3 * i + c] - x[3 * j + c];
    f.clear();
    let mut m = f64::NEG_INFINITY;
    for i in 0..n {
        for j in 0..i {
            let [a, b, c] = [difference(i, j, 0), difference(i, j, 1), difference(i, j, 2)];
            let value = -(a * a + b * b + c * c);
            m = if value > m { value } else { m };
            f.push(value);
        }
    }
    gradient.fill(0.0);
    let (mut sum, mut term) = (0.0, 0);
    for i in 0..n {
        for j in 0..i {
            let weight = (k * (f[term] - m)).exp();
            term += 1;
            sum += weight;
            for c in 0..3 {
                let slope = 2.0 * weight * difference(i, j, c);
                gradient[3 * i + c] -= slope;
                gradient[3 * j + c] += slope;
            }
        }
    }
    gradient.iter_mut().for_each(|g| *g /= sum);
    m + sum.ln() / k
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
        y *= x[1];
        y += x[2];
        y *= x[1];
        y -= x[0];
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
