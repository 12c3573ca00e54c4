//! Sixteen points in the plane, as equally far from each other as can be.
//!
//! ```text
//! min over x  (max_{i<j} |x_i - x_j| / min_{i<j} |x_i - x_j|)^2
//! ```
//!
//! Its logarithm is a sum of two maxima, `max ln d_ij^2 + max (-ln d_ij^2)`: two groups of 120
//! components each. The best value known is 12.8892299077; nobody has proven it optimal.
//!
//! You will learn: `groups` for a sum of maxima; a problem with many local minima takes many
//! starts, each solved to the end; without declared convexity the answer carries no bracket, but how
//! stationary it is; and the multipliers draw the contacts that hold the points in place.
//!
//! Expected output (abridged; the number of starts may differ between processors):
//!
//! ```text
//! squared ratio 12.8892299077, reached from 8 of 40 starts
//! ```

mod draw;

use nalgebra::Complex;
use smoothmax::minimax::Starts;
use smoothmax::{Error, Minimax, Scalar};

const POINTS: usize = 16;
const BEST_KNOWN: f64 = 12.889229907695544;

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..POINTS).flat_map(|j| (0..j).map(move |i| (i, j)))
}

/// `ln d_ij^2` of all pairs, then the negatives of the same.
fn log_distances<S: Scalar>(x: &[S]) -> Vec<S> {
    let log =
        |(i, j): (usize, usize)| ((x[2 * i] - x[2 * j]).powi(2) + (x[2 * i + 1] - x[2 * j + 1]).powi(2)).ln();
    let logs: Vec<S> = pairs().map(log).collect();
    logs.iter().copied().chain(logs.iter().map(|&log| -log)).collect()
}

fn main() -> Result<(), Error> {
    let count = pairs().count();
    let groups: Vec<usize> = (0..2 * count).map(|component| component / count).collect();
    let apart: Vec<f64> = (0..2 * POINTS).map(|i| i as f64).collect();
    let problem = Minimax::record(&apart, |x| log_distances(x)).groups(&groups);

    let starts = Starts::uniform(&[0.0; 2 * POINTS], &[1.0; 2 * POINTS], 40, 1);
    let minima = problem.multistart(&starts)?;
    let best = &minima[0];
    let as_good = minima.iter().filter(|other| (other.value - best.value).abs() < 1e-9).count();
    println!("squared ratio {:.10}, reached from {as_good} of 40 starts", best.value.exp());
    println!("\n{best}");
    assert!((best.value.exp() - BEST_KNOWN).abs() < 1e-9 && best.stationarity < 1e-9);
    assert_eq!(best.bracket(), None);

    let points = upright(best.x.as_slice());
    let pairs_at = |wanted: f64| {
        let distance = |(i, j): (usize, usize)| (points[i].0 - points[j].0).hypot(points[i].1 - points[j].1);
        let at = pairs().filter(move |&pair| (distance(pair) - wanted).abs() < 1e-6);
        at.map(|(i, j)| vec![points[i], points[j]]).collect::<Vec<_>>()
    };
    let axis = |name| draw::linear(name, -2.2..2.2);
    let mut plot = draw::Plot::new("16 points, (largest / least distance)^2 = 12.8892", axis("x"), axis("y"))
        .size(1000, 1000);
    for pair in pairs_at(BEST_KNOWN.sqrt()) {
        plot = plot.thin("largest distance", draw::ORANGE, pair);
    }
    for pair in pairs_at(1.0) {
        plot = plot.line("least distance, 1", draw::BLUE, pair);
    }
    draw::save("14_sixteen_points", 1, &[plot.discs("", draw::RED, 14, points)]);
    Ok(())
}

/// The points scaled to least distance 1, centred, turned so that one of the outermost lies on the
/// positive x axis, in the order of their coordinates. Of all ways to do that, mirrored or not, the
/// first in the order of those lists: the same picture for every congruent solution.
fn upright(x: &[f64]) -> Vec<draw::Point> {
    let points: Vec<Complex<f64>> = x.chunks(2).map(|p| Complex::new(p[0], p[1])).collect();
    let centre = points.iter().sum::<Complex<f64>>() / POINTS as f64;
    let least = pairs().map(|(i, j)| (points[i] - points[j]).norm()).fold(f64::INFINITY, f64::min);
    let points: Vec<Complex<f64>> = points.iter().map(|p| (p - centre) / least).collect();
    let outermost = points.iter().map(|p| p.norm()).fold(0.0, f64::max);

    let rounded = |v: f64| (v * 1e6).round() as i64;
    let turned = |p: &Complex<f64>, mirrored: bool| {
        let turn = |q: &Complex<f64>| q * p.conj() / p.norm();
        let mirror = |q: Complex<f64>| (q.re, if mirrored { -q.im } else { q.im });
        let mut list: Vec<draw::Point> = points.iter().map(turn).map(mirror).collect();
        list.sort_by_key(|&(x, y)| (rounded(x), rounded(y)));
        list
    };
    let ends = points.iter().filter(|p| p.norm() > outermost - 1e-6);
    let ways = ends.flat_map(|p| [turned(p, false), turned(p, true)]);
    ways.min_by_key(|list| list.iter().map(|&(x, y)| (rounded(x), rounded(y))).collect::<Vec<_>>())
        .expect("a point is outermost")
}
