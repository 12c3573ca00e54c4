//! Regression on real data with other norms than least squares.
//!
//! Stack loss: 21 days of a plant that oxidises ammonia (K. A. Brownlee, 1965), the loss `y` of
//! ammonia explained by air flow, water temperature and acid concentration. With the residuals
//! `r_i(c) = c_0 + c_1 air_i + c_2 water_i + c_3 acid_i - y_i`, minimise
//!
//! ```text
//! Σ |r_i|    (L1, robust: half of the days are fitted nearly exactly, outliers do not matter)
//! max |r_i|  (L-infinity, Chebyshev: the worst day counts alone)
//! ```
//!
//! You will learn: `absolute` turns components into their magnitudes, `groups` turns one maximum
//! into a sum of maxima, and neither needs a hand-made epigraph.
//!
//! Expected output:
//!
//! ```text
//! least absolute deviations: sum |r| = 42.081159420290
//!   c = -39.689855 0.831884 0.573913 -0.060870
//! Chebyshev:                 max |r| = 4.743620606644
//!   c = -27.175494 0.576793 1.858450 -0.336543
//! ```

mod draw;

use smoothmax::minimax::Solution;
use smoothmax::{Error, Minimax, Scalar};

/// Air flow, cooling-water temperature (°C), acid concentration (‰ - 500), loss of ammonia (‰).
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

fn residuals<S: Scalar>(c: &[S]) -> Vec<S> {
    let number = S::constant;
    let residual = |&[air, water, acid, loss]: &[f64; 4]| {
        c[0] + c[1] * number(air) + c[2] * number(water) + c[3] * number(acid) - number(loss)
    };
    STACK_LOSS.iter().map(residual).collect()
}

fn print(name: &str, fit: &Solution) {
    println!("{name} = {:.12}", fit.value);
    println!("  c = {:.6} {:.6} {:.6} {:.6}", fit.x[0], fit.x[1], fit.x[2], fit.x[3]);
}

fn main() -> Result<(), Error> {
    let start = [0.0; 4];
    let days: Vec<usize> = (0..STACK_LOSS.len()).collect();

    // A maximum over all days ...
    let problem = || Minimax::record(&start, |c| residuals(c)).absolute().convex().radius(100.0);
    let chebyshev = problem().solve(&start)?;
    // ... or, with each day a group of its own, a sum of |r_i|.
    let deviations = problem().groups(&days).solve(&start)?;

    print("least absolute deviations: sum |r|", &deviations);
    print("Chebyshev:                 max |r|", &chebyshev);
    for (fit, exact, coefficients) in [
        (&deviations, 42.08115942028986, [-13693.0 / 345.0, 287.0 / 345.0, 66.0 / 115.0, -7.0 / 115.0]),
        (
            &chebyshev,
            19705.0 / 4154.0,
            [-27.17549350024073, 0.5767934520943668, 1.8584496870486278, -0.33654309099662977],
        ),
    ] {
        assert!((fit.value - exact).abs() < 1e-9);
        assert!(fit.x.iter().zip(coefficients).all(|(found, exact)| (found - exact).abs() < 1e-8));
        let (lower, upper) = fit.bracket().expect("convex, with a radius");
        assert!(lower <= exact && exact <= upper + 1e-12 && upper - lower < 1e-6);
    }

    let dots = |fit: &Solution, shift: f64| -> Vec<draw::Point> {
        let residuals = residuals(fit.x.as_slice());
        residuals.into_iter().zip(1..).map(|(r, day)| (f64::from(day) + shift, -r)).collect()
    };
    let level = |y: f64| vec![(0.0, y), (22.0, y)];
    let plot = draw::Plot::new(
        "Stack loss: what two fits leave unexplained",
        draw::linear("day", 0.0..22.0).marks(12),
        draw::linear("loss minus fit (‰ of the ammonia)", -11.0..11.0),
    )
    .thin("", draw::INK, level(0.0))
    .dashed("+- 4.74, no smaller band holds all days", draw::GREY, level(chebyshev.value))
    .dashed("", draw::GREY, level(-chebyshev.value))
    .dots("L1: most days near 0, a few far off", draw::BLUE, dots(&deviations, -0.12))
    .dots("L-infinity: five days at the edge", draw::RED, dots(&chebyshev, 0.12));
    draw::save("09_stackloss", 1, &[plot.size(1200, 720)]);
    Ok(())
}
