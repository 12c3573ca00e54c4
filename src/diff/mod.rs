//! Derivatives of a closure at a point: record once, sweep.
//!
//! | function | gives | sweeps |
//! |---|---|---|
//! | [`gradient`] | `f`, `∇f` | 1 reverse |
//! | [`jacobian`] | `f`, `J` | min(n, m) |
//! | [`vjp`] | `f`, `J'w` | 1 reverse |
//! | [`jvp`] | `f`, `J v` | 1 forward |
//! | [`hvp`] | `f`, `∇f`, `∇²f v` | 1 forward over reverse |
//! | [`hessian`] | `f`, `∇f`, `∇²f` | n forward over reverse |
//! | [`check_gradient`] | a report | some, and differences |
//!
//! `n` is the number of variables, `m` that of the outputs. Closures take
//! `&[Var]`; a generic function is passed in place, `|x| rosenbrock(x)`. Second
//! derivatives run [`Dual`] numbers over the recording, so the closure is
//! called once, on `Var`, in every case. What it returns must depend on its
//! arguments or be constant: variables of another tape panic. A variable that
//! the closure itself makes, with [`Tape::var`], is a constant of the function.

use nalgebra::{DMatrix, DVector};

use crate::rules::{Number, Op};
use crate::tape::{Adjoints, Recording, sweep};
use crate::{Dual, Error, Tape, Var};

mod check;
mod difference;

pub use check::{DirectionCheck, GradientCheck, Verdict, check_gradient};
pub use difference::central_difference;

/// The value and the gradient of `f: R^n -> R` at `x`.
///
/// ```
/// use smoothmax::{gradient, smooth_max, softmax};
///
/// let (value, g) = gradient(&[1.0, 2.0, 3.0], |x| smooth_max(x, 20.0));
/// assert_eq!(value, smooth_max(&[1.0, 2.0, 3.0], 20.0));
/// assert_eq!(g.as_slice(), softmax(&[20.0, 40.0, 60.0]));
/// ```
pub fn gradient<F>(x: &[f64], f: F) -> (f64, DVector<f64>)
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let tape = Tape::new();
    let x = tape.vars(x);
    let y = f(&x);
    (y.value(), y.backward().wrt(&x))
}

/// The values and the Jacobian (a row for each output) of `f: R^n -> R^m` at `x`.
///
/// ```
/// use smoothmax::jacobian;
///
/// let (value, j) = jacobian(&[2.0, 3.0], |x| vec![x[0] * x[1], x[0] - x[1], x[1]]);
/// assert_eq!(value.as_slice(), [6.0, -1.0, 3.0]);
/// assert_eq!(j.row(0).iter().copied().collect::<Vec<_>>(), [3.0, 2.0]);
/// assert_eq!(j.shape(), (3, 2));
/// ```
pub fn jacobian<F>(x: &[f64], f: F) -> (DVector<f64>, DMatrix<f64>)
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
{
    let tape = Tape::new();
    let vars = tape.vars(x);
    let y = f(&vars);
    let mut matrix = DMatrix::zeros(y.len(), x.len());
    if x.len() < y.len() {
        for j in 0..x.len() {
            let mut direction = vec![0.0; x.len()];
            direction[j] = 1.0;
            matrix.set_column(j, &tangents(&tape, x, &direction, &y));
        }
    } else {
        for (i, y) in y.iter().enumerate() {
            matrix.set_row(i, &y.backward().wrt(&vars).transpose());
        }
    }
    (values(&y), matrix)
}

/// The values of `f: R^n -> R^m` at `x` and the product `J' w`.
///
/// ```
/// use smoothmax::vjp;
///
/// let (_, product) = vjp(&[2.0, 3.0], &[1.0, 10.0], |x| vec![x[0] * x[1], x[0] - x[1]]);
/// assert_eq!(product.as_slice(), [3.0 + 10.0, 2.0 - 10.0]);
/// ```
///
/// # Panics
///
/// If `w` has not an element for each output.
pub fn vjp<F>(x: &[f64], w: &[f64], f: F) -> (DVector<f64>, DVector<f64>)
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
{
    let tape = Tape::new();
    let x = tape.vars(x);
    let y = f(&x);
    assert!(w.len() == y.len(), "vjp: `w` has {} elements, the function {} outputs", w.len(), y.len());
    let seeds: Vec<_> = y.iter().copied().zip(w.iter().copied()).collect();
    (values(&y), Adjoints::of(&seeds, Vec::new()).wrt(&x))
}

/// The values of `f: R^n -> R^m` at `x` and the product `J v`.
///
/// ```
/// use smoothmax::jvp;
///
/// let (_, product) = jvp(&[2.0, 3.0], &[1.0, 10.0], |x| vec![x[0] * x[1], x[0] - x[1]]);
/// assert_eq!(product.as_slice(), [3.0 + 20.0, 1.0 - 10.0]);
/// ```
///
/// # Panics
///
/// If `v` has not an element for each variable.
pub fn jvp<F>(x: &[f64], v: &[f64], f: F) -> (DVector<f64>, DVector<f64>)
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
{
    assert!(v.len() == x.len(), "jvp: `v` has {} elements, the function {} variables", v.len(), x.len());
    let tape = Tape::new();
    let y = f(&tape.vars(x));
    (values(&y), tangents(&tape, x, v, &y))
}

/// The value, the gradient and the Hessian-vector product `∇²f v` of
/// `f: R^n -> R` at `x`.
///
/// ```
/// use smoothmax::hvp;
///
/// let (value, g, hv) = hvp(&[1.0, 2.0], &[1.0, 0.0], |x| x[0].powi(3) * x[1]);
/// assert_eq!((value, g.as_slice(), hv.as_slice()), (2.0, &[6.0, 1.0][..], &[12.0, 3.0][..]));
/// ```
///
/// # Panics
///
/// If `v` has not an element for each variable, or if the result depends on a
/// custom node that has no second-order rule, or on a
/// [preaccumulated](Tape::preaccumulate) block.
pub fn hvp<F>(x: &[f64], v: &[f64], f: F) -> (f64, DVector<f64>, DVector<f64>)
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    assert!(v.len() == x.len(), "hvp: `v` has {} elements, the function {} variables", v.len(), x.len());
    let tape = Tape::new();
    let y = f(&tape.vars(x));
    let duals = second_order(&tape, x, v, y);
    let part = |pick: fn(&Dual) -> f64| DVector::from_iterator(x.len(), duals.iter().map(pick));
    (y.value(), part(|dual| dual.value), part(|dual| dual.tangent))
}

/// The value, the gradient and the Hessian of `f: R^n -> R` at `x`.
///
/// ```
/// use smoothmax::hessian;
///
/// let (_, _, h) = hessian(&[1.0, 2.0], |x| x[0].powi(3) * x[1]);
/// assert_eq!(h.as_slice(), [12.0, 3.0, 3.0, 0.0]);
/// ```
///
/// # Panics
///
/// If the result depends on a custom node that has no second-order rule, or on
/// a [preaccumulated](Tape::preaccumulate) block.
pub fn hessian<F>(x: &[f64], f: F) -> (f64, DVector<f64>, DMatrix<f64>)
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let n = x.len();
    let tape = Tape::new();
    let vars = tape.vars(x);
    let y = f(&vars);
    let mut matrix = DMatrix::zeros(n, n);
    for j in 0..n {
        let mut direction = vec![0.0; n];
        direction[j] = 1.0;
        for (i, dual) in second_order(&tape, x, &direction, y).into_iter().enumerate() {
            matrix[(i, j)] = dual.tangent;
        }
    }
    let symmetric = (&matrix + matrix.transpose()) * 0.5;
    (y.value(), y.backward().wrt(&vars), symmetric)
}

fn values(y: &[Var<'_, f64>]) -> DVector<f64> {
    DVector::from_iterator(y.len(), y.iter().map(|y| y.value()))
}

/// The inputs of a recording as duals with a given direction.
fn along<'a>(x: &'a [f64], direction: &'a [f64]) -> impl Iterator<Item = Dual> + 'a {
    x.iter().zip(direction).map(|(&x, &v)| Dual::new(x, v))
}

/// The tangents of the outputs `y` along a direction.
fn tangents(tape: &Tape, x: &[f64], direction: &[f64], y: &[Var<'_, f64>]) -> DVector<f64> {
    let evaluation = sweep::forward(&tape.recording(), along(x, direction));
    let tangent = |y: &Var<'_, f64>| y.node_on(tape).map_or(0.0, |node| evaluation.values[node].tangent);
    DVector::from_iterator(y.len(), y.iter().map(tangent))
}

/// For each variable, the gradient of `y` with its change along a direction.
fn second_order(tape: &Tape, x: &[f64], direction: &[f64], y: Var<'_, f64>) -> Vec<Dual> {
    let recording = tape.recording();
    let mut adjoints = vec![Dual::constant(0.0); recording.len()];
    if let Some(node) = y.node_on(tape) {
        require_second_order(&recording, node).unwrap_or_else(|error| panic!("{error}"));
        adjoints[node] = Dual::constant(1.0);
        let evaluation = sweep::forward(&recording, along(x, direction));
        sweep::reverse(&recording, &evaluation.values, &evaluation.weights, &mut adjoints);
    }
    adjoints.truncate(x.len());
    adjoints
}

/// Whether all that a node depends on has a second-order rule: no block, and no
/// custom node without.
fn require_second_order(recording: &Recording<f64>, result: usize) -> Result<(), Error> {
    let mut is_used = vec![false; result + 1];
    is_used[result] = true;
    for node in (0..=result).rev() {
        if !is_used[node] {
            continue;
        }
        let instruction = recording.instruction(node);
        match instruction.op {
            Op::Preaccumulated => {
                return Err(Error::NoSecondOrder { node: Op::Preaccumulated.name().to_owned() });
            }
            Op::Nary => recording.nary(instruction).kind.require_second_order()?,
            _ => {}
        }
        recording.for_each_operand(node, |operand| is_used[operand] = true);
    }
    Ok(())
}
