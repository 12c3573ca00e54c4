//! Many components, many variables: oracles written by hand, optima known by construction.
#![cfg(not(debug_assertions))]

use nalgebra::DMatrix;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::minimax::{Method, Oracle};
use smoothmax::{Error, Minimax};

/// `F_j = D_j . d^2 / 2 + g_j . d - c_j`, `d = x - x*`; the first `active` components have `c = 0`
/// and slopes whose positive combination vanishes, so `f* = 0` at `x*`.
struct Manufactured {
    minimiser: Vec<f64>,
    curvatures: Vec<f64>,
    slopes: Vec<f64>,
    offsets: Vec<f64>,
}

impl Manufactured {
    fn new(n: usize, m: usize, active: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let minimiser = (0..n).map(|_| 4.0 * draw() - 2.0).collect();
        let weights: Vec<f64> = (0..active).map(|_| draw() + 0.2).collect();
        let mut slopes: Vec<f64> = (0..n * m).map(|_| 4.0 * draw() - 2.0).collect();
        for i in 0..n {
            let others: f64 = (0..active - 1).map(|j| weights[j] * slopes[n * j + i]).sum();
            slopes[n * (active - 1) + i] = -others / weights[active - 1];
        }
        let offsets = (0..m).map(|j| if j < active { 0.0 } else { draw() + 0.05 }).collect();
        let curvatures = (0..n * m).map(|_| draw() + 0.1).collect();
        Manufactured { minimiser, curvatures, slopes, offsets }
    }
}

impl Oracle for Manufactured {
    fn dimension(&self) -> usize {
        self.minimiser.len()
    }

    fn components(&self) -> usize {
        self.offsets.len()
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        let n = x.len();
        let d: Vec<f64> = x.iter().zip(&self.minimiser).map(|(a, b)| a - b).collect();
        for (j, value) in values.iter_mut().enumerate() {
            let (curvature, slope) = (&self.curvatures[n * j..n * (j + 1)], &self.slopes[n * j..n * (j + 1)]);
            *value =
                (0..n).map(|i| (0.5 * curvature[i] * d[i] + slope[i]) * d[i]).sum::<f64>() - self.offsets[j];
        }
        Ok(())
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        let n = x.len();
        let entry = |r: usize, i: usize| {
            let at = n * indices[r] + i;
            self.curvatures[at] * (x[i] - self.minimiser[i]) + self.slopes[at]
        };
        Ok(DMatrix::from_fn(indices.len(), n, entry))
    }
}

/// OET4, `min max |e^t - (x0 + x1 t)/(1 + x2 t)|` on a fine grid of [0, 1].
struct Oet4 {
    points: usize,
}

impl Oet4 {
    fn t(&self, i: usize) -> f64 {
        i as f64 / (self.points - 1) as f64
    }
}

impl Oracle for Oet4 {
    fn dimension(&self) -> usize {
        3
    }

    fn components(&self) -> usize {
        self.points
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        for (i, value) in values.iter_mut().enumerate() {
            let t = self.t(i);
            *value = t.exp() - (x[0] + x[1] * t) / (1.0 + x[2] * t);
        }
        Ok(())
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        let entry = |r: usize, j: usize| {
            let t = self.t(indices[r]);
            let q = 1.0 + x[2] * t;
            [-1.0 / q, -t / q, (x[0] + x[1] * t) * t / (q * q)][j]
        };
        Ok(DMatrix::from_fn(indices.len(), 3, entry))
    }
}

#[test]
fn a_million_components_need_few_rows() {
    let minimax = Minimax::oracle(Manufactured::new(10, 1_000_000, 6, 1)).convex().radius(20.0);
    let solution = minimax.solve(&[0.0; 10]).unwrap();
    assert!(solution.value.abs() <= 1e-10, "{solution}");
    assert!(solution.counts.gradient_rows < 1_000, "{solution}");
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= 0.0 && upper >= -1e-15 && upper - lower <= 1e-7, "{solution}");
}

#[test]
fn exponential_multipliers_handle_2000_variables() {
    let minimax = Minimax::oracle(Manufactured::new(2_000, 200, 50, 2));
    let solution = minimax.solve(&[0.0; 2_000]).unwrap();
    assert_eq!(solution.method, Method::ExponentialMultipliers);
    assert!(solution.value.abs() <= 1e-8, "{solution}");
}

#[test]
fn oet4_on_half_a_million_points() {
    let solution = Minimax::oracle(Oet4 { points: 500_001 }).absolute().solve(&[1.0; 3]).unwrap();
    assert!(solution.stationarity <= 1e-10, "{solution}");
    assert!((solution.value - 0.0042954).abs() < 1e-6, "{solution}");
    assert!(solution.counts.gradient_rows < 2_000, "{solution}");
}
