//! E8 out of noise: 240 random directions in eight dimensions, pushed apart.
//!
//! ```text
//! min over unit vectors u_1 ... u_240 in R^8  max_{i<j} u_i . u_j
//! ```
//!
//! The kissing number of R^8 is 240 (A. Odlyzko, N. Sloane; V. Levenshtein, 1979): the least largest
//! cosine is 1/2, and only the roots of the Lie algebra E8 attain it (E. Bannai, N. Sloane, 1981).
//! Nothing below knows about E8. The largest of the 28,680 cosines is smoothed and descended from
//! Gaussian noise while its sharpness grows; what comes out has the inner products of E8.
//!
//! You will learn: a problem with structure, here pairs of vectors, as an `Oracle` that works on
//! matrices instead of a tape; a smoothed problem handed to another crate's optimiser; and that a
//! blunt k first, under which every pair of vectors feels every other, is the way round the local
//! minima of a maximum.
//!
//! Expected output:
//!
//! ```text
//! sharpness   largest cosine
//!         0   0.945704
//!        10   0.500000
//!       100   0.500000
//!      1000   0.500000
//! inner products  -1: 120, -1/2: 6720, 0: 15120, 1/2: 6720
//! ```

mod draw;

use std::f64::consts::TAU;

use argmin::core::{Executor, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::{Cholesky, Complex, Const, DMatrix, Dyn, OMatrix, SMatrix, SVector, SymmetricEigen};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoothmax::minimax::Oracle;
use smoothmax::{Error, Minimax};

const DIMENSION: usize = 8;
const VECTORS: usize = 240;

type Vector = SVector<f64, DIMENSION>;

/// Vectors as columns.
type Directions = OMatrix<f64, Const<DIMENSION>, Dyn>;

/// The cosines between all pairs of vectors; the variables are the vectors, one after the other,
/// of any length.
struct Cosines;

/// The pairs `i < j` in the order of the components.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..VECTORS).flat_map(|j| (0..j).map(move |i| (i, j)))
}

/// The vectors, each divided by its length.
fn directions(x: &[f64]) -> Directions {
    let mut u = Directions::from_column_slice(x);
    u.column_iter_mut().for_each(|mut u| {
        u.normalize_mut();
    });
    u
}

impl Oracle for Cosines {
    fn dimension(&self) -> usize {
        DIMENSION * VECTORS
    }

    fn components(&self) -> usize {
        VECTORS * (VECTORS - 1) / 2
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        let u = directions(x);
        let gram = u.tr_mul(&u);
        for (value, pair) in values.iter_mut().zip(pairs()) {
            *value = gram[pair];
        }
        Ok(())
    }

    /// With the weights as a symmetric matrix W: `(I - u u') U W / |x|`, vector by vector.
    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        let u = directions(x);
        let mut w = DMatrix::zeros(VECTORS, VECTORS);
        for (&weight, (i, j)) in weights.iter().zip(pairs()) {
            w[(i, j)] = weight;
            w[(j, i)] = weight;
        }
        let mut pushes = &u * w;
        for ((mut push, u), x) in pushes.column_iter_mut().zip(u.column_iter()).zip(x.chunks(DIMENSION)) {
            let radial = push.dot(&u);
            push.axpy(-radial, &u, 1.0);
            push /= Vector::from_column_slice(x).norm();
        }
        gradient.copy_from_slice(pushes.as_slice());
        Ok(())
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        let mut rows = DMatrix::zeros(indices.len(), x.len());
        for (mut row, &index) in rows.row_iter_mut().zip(indices) {
            let mut weights = vec![0.0; self.components()];
            weights[index] = 1.0;
            let mut gradient = vec![0.0; x.len()];
            self.pullback(x, &weights, &mut gradient)?;
            row.copy_from_slice(&gradient);
        }
        Ok(rows)
    }
}

/// Standard normal numbers by G. Box and M. Muller's transform.
fn noise(seed: u64) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    (0..DIMENSION * VECTORS)
        .map(|_| (-2.0 * (1.0 - uniform()).ln()).sqrt() * (TAU * uniform()).cos())
        .collect()
}

fn largest_cosine(u: &Directions) -> f64 {
    let gram = u.tr_mul(u);
    pairs().map(|pair| gram[pair]).fold(-1.0, f64::max)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cosines = Minimax::oracle(Cosines);
    let mut u = directions(&noise(1));
    println!("sharpness   largest cosine");
    println!("{:>9}   {:.6}", 0, largest_cosine(&u));
    for k in [10.0, 100.0, 1000.0] {
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10).with_tolerance_grad(1e-8)?;
        let run = Executor::new(cosines.smoothed(k)?, solver);
        let result = run.configure(|state| state.param(u.as_slice().to_vec()).max_iters(1000)).run()?;
        u = directions(result.state().get_best_param().ok_or("L-BFGS found no point")?);
        println!("{k:>9}   {:.6}", largest_cosine(&u));
    }
    assert!((largest_cosine(&u) - 0.5).abs() < 1e-6);

    // E8 is known by its inner products: multiples of 1/2 that occur so many times.
    let gram = u.tr_mul(&u);
    let halves = gram.map(|cosine| (2.0 * cosine).round());
    assert!((&gram - 0.5 * &halves).amax() < 1e-4);
    let count = |half: f64| pairs().filter(|&pair| halves[pair] == half).count();
    let histogram = [-2.0, -1.0, 0.0, 1.0].map(count);
    let [opposite, wide, square, near] = histogram;
    println!("inner products  -1: {opposite}, -1/2: {wide}, 0: {square}, 1/2: {near}");
    assert_eq!(histogram, [120, 6720, 15120, 6720]);

    draw_roots(&snap(&u, &(0.5 * halves)));
    Ok(())
}

/// The vectors with exactly the inner products `gram`, nearest to `u`: on the row space of `gram`,
/// and with `U U' = 30 I`, which holds for E8.
fn snap(u: &Directions, gram: &DMatrix<f64>) -> Directions {
    let on_row_space = u * gram;
    let squares = Cholesky::new(&on_row_space * on_row_space.transpose()).expect("eight independent rows");
    squares.l().solve_lower_triangular(&on_row_space).expect("a factor is invertible") * 30f64.sqrt()
}

/// Simple roots: those on one side of a plane that are no sum of two others there.
fn simple_roots(u: &Directions) -> Vec<Vector> {
    let above = Vector::from_fn(|i, _| 0.3f64.powi(i as i32));
    let positive: Vec<Vector> = u.column_iter().map(Vector::from).filter(|u| u.dot(&above) > 0.0).collect();
    let is_root = |difference: Vector| positive.iter().any(|root| (root - difference).norm() < 1e-6);
    positive.iter().filter(|&u| !positive.iter().any(|other| is_root(u - other))).copied().collect()
}

/// The projection along which the reflections at the simple roots, one after the other, are a
/// rotation by a thirtieth of a turn. A root of the outermost ring is put on the horizontal axis.
fn coxeter_plane(u: &Directions) -> Vec<draw::Point> {
    let mut rotation = SMatrix::<f64, DIMENSION, DIMENSION>::identity();
    for root in simple_roots(u) {
        rotation -= 2.0 * rotation * root * root.transpose();
    }
    let eigen = SymmetricEigen::new(rotation + rotation.transpose());
    let mut order: Vec<usize> = (0..DIMENSION).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let [first, second] = [order[0], order[1]].map(|i| eigen.eigenvectors.column(i).into_owned());
    let plane: Vec<Complex<f64>> =
        u.column_iter().map(|u| Complex::new(first.dot(&u), second.dot(&u))).collect();
    let outermost = plane.iter().copied().max_by(|a, b| a.norm().total_cmp(&b.norm())).expect("240 points");
    let turn = outermost.conj() / outermost.norm();
    plane.into_iter().map(|z| z * turn).map(|z| (z.re, z.im)).collect()
}

/// Draws roots as dots and the 6720 pairs at 60 degrees as lines.
fn draw_roots(u: &Directions) {
    let points = coxeter_plane(u);
    // In the order of rings and angles, whatever the order in which the noise became roots.
    let key = |&(x, y): &draw::Point| {
        let degrees = y.atan2(x).to_degrees().rem_euclid(360.0);
        ((x.hypot(y) * 1e6).round() as i64, degrees.round() as i64 % 360)
    };
    let mut order: Vec<usize> = (0..VECTORS).collect();
    order.sort_by_key(|&i| key(&points[i]));

    let axis = || draw::linear("", -0.85..0.85);
    let mut plot = draw::Plot::new("E8 from noise, in its Coxeter plane", axis(), axis()).size(1300, 1360);
    for (rank, &i) in order.iter().enumerate() {
        let neighbours = order[rank..].iter().filter(|&&j| (u.column(i).dot(&u.column(j)) - 0.5).abs() < 0.1);
        let star = neighbours.flat_map(|&j| [points[i], points[j]]).collect();
        plot = plot.hair(draw::PALE, star);
    }
    let colors = [draw::RED, draw::ORANGE, draw::GREEN, draw::BLUE];
    for (ring, roots) in order.chunks(30).enumerate() {
        plot = plot.dots("", colors[ring % 4], roots.iter().map(|&i| points[i]).collect());
    }
    draw::save("15_e8_from_noise", 1, &[plot]);
}
