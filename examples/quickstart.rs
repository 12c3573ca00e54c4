//! The main job: minimise the largest of several functions, and know how good
//! the answer is.
//!
//! ```text
//! min_x max_i f_i(x)
//! ```
//!
//! First on real data: K. A. Brownlee's stack-loss measurements (21 days in the
//! life of a plant that oxidises ammonia to nitric acid), fitted so that the
//! largest residual is as small as it can be - Chebyshev regression. Then on a
//! problem of the classical test sets, CB2 (C. Charalambous, A. R. Conn).
//!
//! You will learn: write the functions, say what you know about them (convex,
//! a ball that holds the solution), and get a point, multipliers and a bracket
//! that the optimal value provably lies in.

use smoothmax::{Error, Minimax};

/// Air flow, cooling-water temperature (°C), acid concentration (‰ - 500) and
/// the loss of ammonia (‰).
const STACK_LOSS: [[f64; 4]; 21] = [
    [80.0, 27.0, 89.0, 42.0],
    [80.0, 27.0, 88.0, 37.0],
    [75.0, 25.0, 90.0, 37.0],
    [62.0, 24.0, 87.0, 28.0],
    [62.0, 22.0, 87.0, 18.0],
    [62.0, 23.0, 87.0, 18.0],
    [62.0, 24.0, 93.0, 19.0],
    [62.0, 24.0, 93.0, 20.0],
    [58.0, 23.0, 87.0, 15.0],
    [58.0, 18.0, 80.0, 14.0],
    [58.0, 18.0, 89.0, 14.0],
    [58.0, 17.0, 88.0, 13.0],
    [58.0, 18.0, 82.0, 11.0],
    [58.0, 19.0, 93.0, 12.0],
    [50.0, 18.0, 89.0, 8.0],
    [50.0, 18.0, 86.0, 7.0],
    [50.0, 19.0, 72.0, 8.0],
    [50.0, 19.0, 79.0, 8.0],
    [50.0, 20.0, 80.0, 9.0],
    [56.0, 20.0, 82.0, 15.0],
    [70.0, 20.0, 91.0, 15.0],
];

fn main() -> Result<(), Error> {
    // The largest |residual| of a linear model, over all 21 days.
    let start = [0.0; 4];
    let residuals = Minimax::record(&start, |c| {
        STACK_LOSS
            .iter()
            .map(|&[air, water, acid, loss]| c[0] + c[1] * air + c[2] * water + c[3] * acid - loss)
            .collect()
    });
    let fit = residuals.absolute().convex().radius(100.0).solve(&start)?;
    println!("Stack loss, largest residual:\n{fit}\n");

    let exact = 19705.0 / 4154.0; // by rational arithmetic on the active days
    let (lower, upper) = fit.bracket().expect("declared convex, with a radius");
    assert!((fit.value - exact).abs() <= 1e-8);
    assert!(lower <= exact && exact <= upper && upper - lower <= 1e-6);

    // Three smooth functions of two variables.
    let start = [2.0, 2.0];
    let cb2 = Minimax::record(&start, |x| {
        vec![
            x[0].powi(2) + x[1].powi(4),
            (2.0 - x[0]).powi(2) + (2.0 - x[1]).powi(2),
            2.0 * (x[1] - x[0]).exp(),
        ]
    });
    let solution = cb2.convex().radius(2.0).solve(&start)?;
    println!("CB2:\n{solution}");

    let published = 1.9522244938706588;
    assert!((solution.value - published).abs() <= 1e-8);
    Ok(())
}
