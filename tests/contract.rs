//! The face of the crate, as its design states it: this code must compile.

mod common;

use common::assert_close;
use nalgebra::DVector;
use smoothmax::{Program, Scalar, Tape, Var, gradient, log_sum_exp, smooth_abs, smooth_max, softmax};

fn rosenbrock<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    c(100.0) * (x[1] - x[0] * x[0]).powi(2) + (c(1.0) - x[0]).powi(2)
}

#[test]
fn a_gradient_of_a_closure() {
    let (value, grad): (f64, DVector<f64>) = gradient(&[1.0, 2.0, 3.0], |x| smooth_max(x, 20.0));
    assert!((3.0..3.0 + 3f64.ln() / 20.0).contains(&value));
    assert_eq!(grad.as_slice(), softmax(&[20.0, 40.0, 60.0]));
    assert_close(log_sum_exp(&[20.0, 40.0, 60.0]) / 20.0, value, 1e-15, "smooth_max");
    let point = DVector::from_vec(vec![1.0, 2.0]);
    assert_eq!(gradient(point.as_slice(), |x| rosenbrock(x)).1.as_slice(), [-400.0, 200.0]);
}

#[test]
fn a_tape_held_by_hand() {
    let tape = Tape::new();
    let x: Vec<Var<'_, f64>> = tape.vars(&[0.5, -1.0]);
    let y = 2.0 * x[0].sin() + smooth_abs(x[1], 50.0);
    let adjoints = y.backward();
    assert_eq!(adjoints[x[0]], 2.0 * 0.5f64.cos());
    let all: DVector<f64> = adjoints.wrt(&x);
    assert_eq!(all[1], -1.0);
    assert!(size_of::<Var<'_>>() == 24 && x[0].max(0.0) > 0.0 && x[1] < 0.0);
}

#[test]
fn a_program_is_recorded_once() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    let x = [1.0, 2.0];
    let program = Program::record(&[0.3, 0.7], |x| rosenbrock(x));
    is_shared(&program);
    let mut work = program.workspace();
    let (mut g, mut hv) = ([0.0; 2], [0.0; 2]);
    let value = program.gradient(&mut work, &x, &mut g).unwrap();
    assert_eq!((value, g), (100.0, [-400.0, 200.0]));
    program.hvp(&mut work, &x, &[1.0, 0.0], &mut hv).unwrap();
    assert_eq!(hv, [402.0, -400.0]);
}

#[cfg(feature = "minimax")]
#[test]
fn a_minimax_problem_is_solved() {
    use smoothmax::Minimax;
    let x0 = [2.0, 2.0];
    // CB2 of Charalambous and Bandler.
    let solution = Minimax::record(&x0, |x| {
        let (x, y) = (x[0], x[1]);
        vec![x.powi(2) + y.powi(4), (2.0 - x).powi(2) + (2.0 - y).powi(2), 2.0 * (y - x).exp()]
    })
    .solve(&x0)
    .unwrap();
    assert_close(solution.value, 1.952_224_493_870_658_6, 1e-8, "CB2");
    assert!(!solution.to_string().is_empty());
}
