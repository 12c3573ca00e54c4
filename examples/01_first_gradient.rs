//! A first gradient, and how to know that it is right.
//!
//! The log-sum-exp function and its gradient, the softmax:
//!
//! ```text
//! lse(x) = ln Σ e^{x_i},     ∂ lse / ∂x_i = e^{x_i} / Σ e^{x_j} = softmax(x)_i
//! ```
//!
//! You will learn: a function is plain Rust; the tape records it; one reverse
//! sweep gives all partial derivatives; a finite difference confirms them.
//! The picture shows the tape: values flow to the right, adjoints to the left.
//!
//! Expected output:
//!
//! ```text
//! lse(-1, 0, 1) = 1.407605964444380
//!          x   reverse mode   difference
//!         -1    9.0031e-2    9.0031e-2
//!          0    2.4473e-1    2.4473e-1
//!          1    6.6524e-1    6.6524e-1
//! ```

mod draw;

use smoothmax::diff::central_difference;
use smoothmax::{Tape, Var, check_gradient, log_sum_exp, softmax, sum};

fn main() {
    let at = [-1.0, 0.0, 1.0];

    // The tape lends out variables; operations on them are recorded.
    let tape = Tape::new();
    let x = tape.vars(&at);
    let y = log_sum_exp(&x);

    // One sweep from the result back to the variables.
    let gradient = y.backward().wrt(&x);

    println!("lse(-1, 0, 1) = {:.15}", y.value());
    println!("{:>10} {:>14} {:>12}", "x", "reverse mode", "difference");
    for i in 0..at.len() {
        let (difference, _) = central_difference(at[i], 0.5, |x_i| {
            let mut x = at;
            x[i] = x_i;
            log_sum_exp(&x)
        });
        println!("{:>10} {:>12.4e} {:>12.4e}", at[i], gradient[i], difference);
        assert!((gradient[i] - difference).abs() < 1e-10);
    }

    // The digits that N. Higham prints in "What is the softmax function?".
    let digits: Vec<String> = gradient.iter().map(|p| format!("{p:.4e}")).collect();
    assert_eq!(digits, ["9.0031e-2", "2.4473e-1", "6.6524e-1"]);
    assert_eq!(gradient.as_slice(), softmax(&at));

    // The same check for any function, along random directions, to second order.
    let check = check_gradient(&at, |x| log_sum_exp(x) * x[0].sin());
    assert!(check.is_ok(), "{check}");

    draw_tape(&at);
}

/// The same function from elementary operations, so that there is a tape to see.
fn draw_tape(at: &[f64]) {
    let tape = Tape::new();
    let x = tape.vars(at);
    let exponentials: Vec<Var> = x.iter().map(|x| x.exp()).collect();
    let total = sum(&exponentials);
    let y = total.ln();
    let adjoints = y.backward();

    let mut plot = draw::Plot::new(
        "The tape of y = ln(exp x0 + exp x1 + exp x2): each node's value and, below, its adjoint dy/dnode",
        draw::linear("", 0.3..4.7),
        draw::linear("", -0.8..2.6),
    )
    .size(1600, 760)
    .words(draw::BLUE, (3.5, 2.2), "values flow forward →")
    .words(draw::RED, (3.5, -0.2), "← adjoints flow back");
    let rows = [2.0, 1.0, 0.0];
    let mut nodes = vec![("sum".to_string(), total, (3.0, 1.0)), ("ln".to_string(), y, (4.0, 1.0))];
    plot = plot.line("", draw::GREY, vec![(3.0, 1.0), (4.0, 1.0)]);
    for (i, row) in rows.into_iter().enumerate() {
        plot = plot.line("", draw::GREY, vec![(1.0, row), (2.0, row), (3.0, 1.0)]);
        nodes.push((format!("x{i}"), x[i], (1.0, row)));
        nodes.push(("exp".to_string(), exponentials[i], (2.0, row)));
    }
    for (name, var, (column, row)) in nodes {
        plot = plot
            .discs("", draw::SKY, 40, vec![(column, row)])
            .words(draw::INK, (column, row), &name)
            .words(draw::BLUE, (column, row + 0.35), &format!("{:.4}", var.value()))
            .words(draw::RED, (column, row - 0.35), &format!("{:.4}", adjoints[var]));
    }
    draw::save("01_first_gradient", 1, &[plot]);
}
