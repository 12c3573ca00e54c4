//! What the softmax of two numbers looks like.
//!
//! ```text
//! lse(x1, x2) = ln(e^x1 + e^x2),   ∂lse/∂x1 = e^x1 / (e^x1 + e^x2) = sigmoid(x1 - x2)
//! ```
//!
//! You will learn: log-sum-exp is the maximum with its kink rounded off; its gradient, the softmax,
//! depends on differences only, so it is constant along x1 - x2 = const and unchanged when the same
//! number is added to all inputs.
//!
//! Expected output:
//!
//! ```text
//! x1 - x2    softmax at x2 = -3, 0, 1000
//!      -2    0.119202922022  0.119202922022  0.119202922022
//!       0    0.500000000000  0.500000000000  0.500000000000
//!       2    0.880797077978  0.880797077978  0.880797077978
//! ```

mod draw;

use draw::Corner;
use smoothmax::{gradient, log_sum_exp, sigmoid, softmax};

fn main() {
    println!("x1 - x2    softmax at x2 = -3, 0, 1000");
    for difference in [-2.0, 0.0, 2.0] {
        let along = [-3.0, 0.0, 1000.0].map(|x2| gradient(&[x2 + difference, x2], |x| log_sum_exp(x)).1[0]);
        println!("{difference:>7}    {:.12}  {:.12}  {:.12}", along[0], along[1], along[2]);
        for slope in along {
            assert!((slope - sigmoid(difference)).abs() <= 2.0 * f64::EPSILON);
        }
    }

    let colors = [draw::BLUE, draw::SKY, draw::INK, draw::ORANGE, draw::RED];
    let contours = |title: &str, legend, levels: [f64; 5], f: fn(f64, f64) -> f64| {
        let (x, y) = (draw::linear("x1", -4.0..4.0), draw::linear("x2", -4.0..4.0));
        let plot = draw::Plot::new(title, x, y).size(800, 800).legend(legend);
        levels.into_iter().zip(colors).fold(plot, |plot, (level, color)| {
            let lines = draw::isolines(-4.0..4.0, -4.0..4.0, 40, level, f);
            lines.into_iter().fold(plot, |plot, line| plot.line(&level.to_string(), color, line))
        })
    };
    let plots = [
        contours(
            "lse(x1, x2), a rounded maximum",
            Corner::UpperRight,
            [-2.0, -1.0, 0.0, 1.0, 2.0],
            |x, y| log_sum_exp(&[x, y]),
        ),
        contours("its slope softmax(x1, x2)_1", Corner::LowerRight, [0.05, 0.25, 0.5, 0.75, 0.95], |x, y| {
            softmax(&[x, y])[0]
        }),
    ];
    draw::save("05_softmax_contours", 2, &plots);
}
