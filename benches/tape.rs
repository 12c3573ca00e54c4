//! Recording and one reverse sweep against the gradient written by hand.
//!
//! `cargo bench --bench tape`.

mod interleave;
mod workloads;

use interleave::compare;
use smoothmax::{Tape, Var};
use workloads::{Affine, rosenbrock, rosenbrock_by_hand, rosenbrock_term, uniform};

fn main() {
    let n = 1_000;
    let mut next = uniform(1);
    let x: Vec<f64> = (0..n).map(|_| next()).collect();
    let mut g_hand = vec![0.0; n];

    let mut tape = Tape::new();
    let mut buffer = Vec::new();
    compare(
        || {
            let adjoints = {
                let vars = tape.vars(&x);
                rosenbrock(&vars).backward_reusing(std::mem::take(&mut buffer))
            };
            buffer = adjoints.into_buffer();
            tape.clear();
        },
        || rosenbrock_by_hand(&x, &mut g_hand),
    )
    .report("W1 Rosenbrock n = 1000, record + reverse", 7 * n, Some(11.0));

    let mut tape = Tape::new();
    compare(
        || {
            let adjoints = {
                let x = tape.vars(&x);
                let terms = x
                    .windows(2)
                    .map(|pair| tape.preaccumulate([pair[0], pair[1]], |[x, y]| rosenbrock_term(x, y)));
                terms.sum::<Var>().backward_reusing(std::mem::take(&mut buffer))
            };
            buffer = adjoints.into_buffer();
            tape.clear();
        },
        || rosenbrock_by_hand(&x, &mut g_hand),
    )
    .report("W1 preaccumulated by terms", 7 * n, Some(4.5));

    let problem = Affine::new(1_000, 100);
    let (mut z, mut g_hand) = (vec![0.0; 1_000], vec![0.0; 100]);
    let mut tape = Tape::new();
    compare(
        || {
            let adjoints = {
                let vars = tape.vars(&x[..100]);
                problem.value(&vars).backward_reusing(std::mem::take(&mut buffer))
            };
            buffer = adjoints.into_buffer();
            tape.clear();
        },
        || problem.by_hand(&x[..100], &mut z, &mut g_hand),
    )
    .report("W2 smooth_max(Ax + b) by mat_vec", 100_000, Some(1.3));

    rosenbrock(&tape.vars(&x));
    println!("W1: {:.1} bytes per operation recorded (goal 28)", tape.memory() as f64 / (8 * n) as f64);
}
