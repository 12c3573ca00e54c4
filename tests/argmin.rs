//! Programs and smoothed problems as argmin sees them.
#![cfg(feature = "minimax")]

use allocation_counter::measure;
use argmin::core::{CostFunction, Executor, Gradient, Hessian, Operator, State};
use argmin::solver::linesearch::{BacktrackingLineSearch, condition::ArmijoCondition};
use argmin::solver::newton::NewtonCG;
use nalgebra::DMatrix;
use smoothmax::{Error, Minimax, Program, Scalar, smooth_max};

/// A smooth maximum of three bowls.
fn bowls<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    let bowl = |a: f64, b: f64| (x[0] - c(a)).powi(2) + c(2.0) * (x[1] - c(b)).powi(2) + x[0] * x[1];
    smooth_max(&[bowl(0.0, 1.0), bowl(1.0, -1.0), bowl(-2.0, 0.0)], 5.0)
}

fn program() -> Program {
    Program::record(&[0.0, 0.0], |x| bowls(x))
}

#[test]
fn a_program_gives_what_its_own_methods_give() {
    let (program, x) = (program(), vec![0.3, -0.7]);
    let mut g = [0.0; 2];
    let value = program.gradient(&mut program.workspace(), &x, &mut g).unwrap();
    assert_eq!(CostFunction::cost(&program, &x).unwrap(), value);
    assert_eq!(Gradient::gradient(&program, &x).unwrap(), g);
    let rows = Hessian::hessian(&program, &x).unwrap();
    assert_eq!(DMatrix::from_fn(2, 2, |i, j| rows[i][j]), program.hessian(&x).unwrap());
    let mut product = [0.0; 2];
    program.hvp(&mut program.workspace(), &x, &[1.0, -2.0], &mut product).unwrap();
    assert_eq!(program.hessian_at(&x).unwrap().apply(&vec![1.0, -2.0]).unwrap(), product);
}

#[test]
fn hessians_use_the_pattern_and_products_keep_their_workspace() {
    const N: usize = 100;
    let chain = Program::record(&[0.5; N], |x| x.windows(2).map(|w| (w[0] * w[1]).sin()).sum());
    let x = vec![0.3; N];
    let own = chain.hessian(&x).unwrap(); // works out the pattern, once
    let own_allocations = measure(|| drop(chain.hessian(&x).unwrap())).count_total;
    let mut rows = Vec::new();
    let allocations = measure(|| rows = Hessian::hessian(&chain, &x).unwrap()).count_total;
    assert_eq!(DMatrix::from_fn(N, N, |i, j| rows[i][j]), own);
    // The rows, and the vector of them.
    assert_eq!(allocations, own_allocations + N as u64 + 1);
    let (operator, direction) = (chain.hessian_at(&x).unwrap(), vec![1.0; N]);
    operator.apply(&direction).unwrap();
    assert_eq!(measure(|| drop(operator.apply(&direction).unwrap())).count_total, 1);
    assert!(Hessian::hessian(&chain, &vec![1.0]).is_err());
}

#[test]
fn newton_by_conjugate_gradients() {
    let search = BacktrackingLineSearch::new(ArmijoCondition::new(1e-4).unwrap());
    let run = Executor::new(program(), NewtonCG::new(search));
    let result = run.configure(|state| state.param(vec![3.0, 3.0]).max_iters(50)).run().unwrap();
    let x = result.state().get_best_param().unwrap();
    // It stops when the cost changes by less than rounding, of second order in the gradient.
    let gradient = smoothmax::gradient(x, |x| bowls(x)).1;
    assert!(gradient.amax() < 1e3 * f64::EPSILON.sqrt(), "{gradient}");
}

#[test]
fn bad_input_ends_the_run() {
    let source = |error: argmin::core::Error| error.downcast::<Error>().expect("an error of this crate");
    let length = Error::Length { argument: "x", found: 1, expected: 2 };
    assert_eq!(source(program().cost(&vec![1.0]).unwrap_err()), length);
    assert_eq!(source(Hessian::hessian(&program(), &vec![1.0]).unwrap_err()), length);
    assert!(program().hessian_at(&[0.0; 2]).unwrap().apply(&vec![1.0]).is_err());
    let branching = Program::record(&[1.0], |x| if x[0] > 0.0 { x[0] } else { -x[0] });
    assert!(matches!(source(branching.cost(&vec![-1.0]).unwrap_err()), Error::BranchChanged { .. }));
    let minimax = Minimax::record(&[1.0, 1.0], |x| x.to_vec());
    assert_eq!(source(minimax.smoothed(1.0).unwrap().cost(&vec![1.0]).unwrap_err()), length);
}
