//! Many components, many variables: one term over many rows, optima known by construction.
#![cfg(not(debug_assertions))]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::minimax::{Method, Status};
use smoothmax::{Batch, Minimax, Rows};

/// Components `F_j = sum_i (c_ji d_i / 2 + g_ji) d_i - o_j` of `d = x - x*`. The first `active`
/// have `o = 0` and slopes of which a positive combination vanishes, so `f* = 0` at `x*`.
struct Manufactured {
    minimiser: Vec<f64>,
    /// For each component its curvatures, its slopes and its offset.
    rows: Vec<f64>,
}

impl Manufactured {
    fn new(n: usize, m: usize, active: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let minimiser = (0..n).map(|_| 4.0 * draw() - 2.0).collect();
        let weights: Vec<f64> = (0..active).map(|_| draw() + 0.2).collect();
        let mut rows = Vec::with_capacity(m * (2 * n + 1));
        for j in 0..m {
            rows.extend((0..n).map(|_| draw() + 0.1));
            rows.extend((0..n).map(|_| 4.0 * draw() - 2.0));
            rows.push(if j < active { 0.0 } else { draw() + 0.05 });
        }
        let slope = |j: usize, i: usize| (2 * n + 1) * j + n + i;
        for i in 0..n {
            let others: f64 = (0..active - 1).map(|j| weights[j] * rows[slope(j, i)]).sum();
            rows[slope(active - 1, i)] = -others / weights[active - 1];
        }
        Manufactured { minimiser, rows }
    }

    fn minimax(&self) -> Minimax<'_> {
        let n = self.minimiser.len();
        let rows = Rows::row_major(&self.rows, 2 * n + 1);
        Minimax::batch(Batch::record(&vec![0.0; n], rows, |x, row| {
            let d = x.iter().zip(&self.minimiser).map(|(&x, &minimiser)| x - minimiser);
            let terms = d.enumerate().map(|(i, d)| (0.5 * row[i] * d + row[n + i]) * d);
            terms.fold(-row[2 * n], |sum, term| sum + term)
        }))
    }
}

#[test]
fn a_million_components_need_few_rows() {
    let problem = Manufactured::new(10, 1_000_000, 6, 1);
    let solution = problem.minimax().convex().radius(20.0).solve(&[0.0; 10]).unwrap();
    assert!(solution.value.abs() <= 1e-10, "{solution}");
    assert!(solution.counts.gradient_rows < 1_000, "{solution}");
    let (lower, upper) = solution.bracket().unwrap();
    assert!(lower <= 0.0 && upper >= -1e-15 && upper - lower <= 1e-7, "{solution}");
}

#[test]
fn exponential_multipliers_handle_2000_variables() {
    let problem = Manufactured::new(2_000, 200, 50, 2);
    let solution = problem.minimax().solve(&[0.0; 2_000]).unwrap();
    assert_eq!((solution.method, solution.status), (Method::ExponentialMultipliers, Status::Converged));
    assert!(solution.value.abs() <= 1e-10, "{solution}");
}

/// OET4, `min max |e^t - (x0 + x1 t)/(1 + x2 t)|` on a fine grid of [0, 1].
#[test]
fn oet4_on_half_a_million_points() {
    let grid: Vec<f64> = (0..=500_000).map(|i| i as f64 / 500_000.0).collect();
    let residuals = Batch::record(&[1.0; 3], Rows::row_major(&grid, 1), |x, t| {
        t[0].exp() - (x[0] + x[1] * t[0]) / (1.0 + x[2] * t[0])
    });
    let solution = Minimax::batch(residuals).absolute().solve(&[1.0; 3]).unwrap();
    assert!(solution.stationarity <= 1e-10, "{solution}");
    assert!((solution.value - 0.0042954).abs() < 1e-6, "{solution}");
    assert!(solution.counts.gradient_rows < 2_000, "{solution}");
}
