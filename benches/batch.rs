//! Smooth maxima over many terms against the same written by hand.
//!
//! `cargo bench --bench batch`.

mod interleave;
mod workloads;

use interleave::compare;
use smoothmax::{Batch, Rows};
use workloads::{nearness, pairs, pairs_by_hand, residual, residual_data, residuals_by_hand, uniform};

/// Near the best fit: the weights are spread over all rows.
const FIT: [f64; 10] = [0.02, 0.0, 2.9, 0.0, -5.0, 0.0, 5.0, 0.0, -2.0, 0.0];
/// Far from it: a sharp maximum is attained by few rows, as on the way there.
const START: [f64; 10] = [0.1; 10];

fn main() {
    for (rows, k, point) in [(10_000, 50.0, FIT), (10_000, 5_000.0, START), (1_000_000, 50.0, FIT)] {
        let data = residual_data(rows);
        let batch = Batch::record(&point, &data, |p, row| residual(p, row));
        let (mut g, mut g_hand) = ([0.0; 10], [0.0; 10]);
        let (mut r, mut e) = (vec![0.0; rows], vec![0.0; rows]);
        let main = rows == 10_000 && k == 50.0;
        compare(
            || batch.smooth_max(k, &point, &mut g),
            || residuals_by_hand(&data, k, &point, [&mut r, &mut e], &mut g_hand),
        )
        .report(&format!("W3 {rows} residuals, k = {k}"), rows, main.then_some(0.9));
        compare(
            || batch.smooth_max_pruned(k, &point, &mut g),
            || residuals_by_hand(&data, k, &point, [&mut r, &mut e], &mut g_hand),
        )
        .report(
            &format!("W3 {rows} residuals, k = {k}, pruned"),
            rows,
            (k == 5_000.0).then_some(0.6),
        );
    }

    let n = 1_000;
    let mut next = uniform(7);
    let x: Vec<f64> = (0..3 * n).map(|_| next()).collect();
    let indices = pairs(n as u32);
    let batch = Batch::gather(&x, &indices, Rows::empty(indices.len()), |x, _| nearness(x));
    let (mut g, mut g_hand, mut f) = (vec![0.0; 3 * n], vec![0.0; 3 * n], Vec::new());
    compare(|| batch.smooth_max(20.0, &x, &mut g), || pairs_by_hand(&x, 20.0, &mut f, &mut g_hand)).report(
        "all pairs of 1000 points in R^3, gathered",
        indices.len(),
        Some(1.3),
    );
}
