//! Zero-sum games: the multipliers are the opponent.
//!
//! The column player mixes columns with probabilities `q` so that the best row gains least:
//!
//! ```text
//! min_q max_i (A q)_i,   q >= 0,   Σ q_j = 1
//! ```
//!
//! Von Neumann: that equals `max_p min_j (p' A)_j`, what the row player can make sure of. The
//! multipliers of the rows are that player's optimal mixture `p`: one solve answers for both.
//!
//! You will learn: bounds and linear constraints; multipliers as a dual solution; a bracket that
//! needs no radius, because the bounds already keep `q` in a box.
//!
//! Expected output (abridged):
//!
//! ```text
//! rock, paper, scissors: value 0.000000000000
//! three by three:        value -0.908256880734 = -99/109
//!   rows    0.394495 0.311927 0.293578
//!   columns 0.321101 0.082569 0.596330
//! 100 by 100:            value 0.903053246164, mixtures of 47 rows and 47 columns
//! ```

mod draw;

use std::sync::Arc;

use nalgebra::{DMatrix, dmatrix};
use smoothmax::minimax::Solution;
use smoothmax::{Error, Minimax, mat_vec};

/// Solves the game in which the rows of `a` gain what the columns lose.
fn play(a: DMatrix<f64>) -> Result<Solution, Error> {
    let n = a.ncols();
    let uniform = vec![1.0 / n as f64; n];
    let a = Arc::new(a);
    Minimax::record(&uniform, |q| mat_vec(&a, q))
        .bounds(&vec![0.0; n], &vec![1.0; n])
        .linear_eq(DMatrix::from_element(1, n, 1.0), &[1.0])
        .convex()
        .solve(&uniform)
}

/// Payoffs from -100 to 100 by a linear congruential generator, row by row.
fn random_payoffs(n: usize, seed: u64) -> DMatrix<f64> {
    let mut state = seed;
    let payoffs = std::iter::repeat_with(|| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        ((state >> 8) % 201) as f64 - 100.0
    });
    DMatrix::from_row_iterator(n, n, payoffs.take(n * n))
}

fn main() -> Result<(), Error> {
    let rock_paper_scissors = play(dmatrix![0.0, -1.0, 1.0; 1.0, 0.0, -1.0; -1.0, 1.0, 0.0])?;
    println!("rock, paper, scissors: value {:.12}", rock_paper_scissors.value.abs());
    assert!(rock_paper_scissors.value.abs() < 1e-12);

    let small = play(dmatrix![3.0, -1.0, -3.0; -2.0, 4.0, -1.0; -5.0, -6.0, 2.0])?;
    println!("three by three:        value {:.12} = -99/109", small.value);
    println!("  rows    {:.6} {:.6} {:.6}", small.multipliers[0], small.multipliers[1], small.multipliers[2]);
    println!("  columns {:.6} {:.6} {:.6}", small.x[0], small.x[1], small.x[2]);
    assert!((small.value + 99.0 / 109.0).abs() < 1e-12);
    for (found, exact) in small.multipliers.iter().chain(&small.x).zip([43, 34, 32, 35, 9, 65]) {
        assert!((found - f64::from(exact) / 109.0).abs() < 1e-10);
    }

    let large = play(random_payoffs(100, 5))?;
    let columns = large.x.iter().filter(|&&q| q > 1e-9).count();
    let rows = large.active().len();
    println!(
        "100 by 100:            value {:.12}, mixtures of {rows} rows and {columns} columns",
        large.value
    );
    println!("\n{large}");
    let value = 0.9030532461641655;
    let (lower, upper) = large.bracket().expect("convex, in a box");
    assert!((large.value - value).abs() < 1e-10 && (rows, columns) == (47, 47));
    assert!(lower <= value && value <= upper && upper - lower < 1e-8);

    let plots = [
        strategies("3 by 3 game", &small).size(640, 720),
        strategies("100 by 100 game: 47 rows against 47 columns", &large).size(1200, 720),
    ];
    draw::save("08_games", 2, &plots);
    Ok(())
}

/// The row player's mixture above the axis, the column player's below.
fn strategies(title: &str, game: &Solution) -> draw::Plot {
    let n = game.x.len() as f64;
    let top = game.multipliers.max().max(game.x.max()) * 1.3;
    let (x, y) = (draw::linear("pure strategy", 0.5..n + 0.5), draw::linear("probability", -top..top));
    let mut plot = draw::Plot::new(title, x.marks(5), y).legend(draw::Corner::UpperRight);
    for i in 0..game.x.len() {
        let span = i as f64 + 0.6..i as f64 + 1.4;
        plot = plot.bar("rows, upward", draw::BLUE, span.clone(), game.multipliers[i]).bar(
            "columns, downward",
            draw::RED,
            span,
            -game.x[i],
        );
    }
    plot
}
