//! The n-ary primitives: single nodes, constants among their operands, their
//! pullbacks and second derivatives, and nodes of one's own.

mod common;

use std::sync::Arc;

use common::{OnTape, assert_close, assert_ulps, difference, panic_message};
use nalgebra::{DMatrix, dmatrix};
use smoothmax::{CustomNode, Dual, SecondOrder, Tape, Var, gradient, hessian, hvp, jacobian, jvp};
use smoothmax::{dot, dot_product, log_softmax, log_sum_exp, mat_vec, max, min, smooth_max, smooth_max_at};
use smoothmax::{smooth_min, softmax, sum};

/// Every n-ary primitive of four variables with one output.
const PRIMITIVES: [(&str, OnTape); 9] = [
    ("sum", |x| sum(x)),
    ("dot", |x| dot(&[1.0, -2.0, 0.5, 3.0], x)),
    ("dot_product", |x| dot_product(&x[..2], &x[2..])),
    ("max", |x| max(x)),
    ("min", |x| min(x)),
    ("log_sum_exp", |x| log_sum_exp(x)),
    ("smooth_max", |x| smooth_max(x, 3.0)),
    ("smooth_min", |x| smooth_min(x, 3.0)),
    ("smooth_max_at", |x| smooth_max_at(&x[..3], x[3])),
];

const POINT: [f64; 4] = [0.5, -0.25, 0.75, 1.5];

#[test]
fn each_is_a_single_node() {
    for (name, f) in PRIMITIVES {
        let tape = Tape::new();
        let x = tape.vars(&POINT);
        let y = f(&x);
        assert_eq!(tape.len(), 5, "{name}");
        assert_eq!(y.backward().wrt(&x).len(), 4);
    }
    let tape = Tape::new();
    let x = tape.vars(&POINT);
    assert_eq!(softmax(&x).len() + log_softmax(&x).len(), 8);
    assert_eq!(tape.len(), 4 + 4 + 4, "an output for each operand");
    let y = mat_vec(&Arc::new(DMatrix::from_element(3, 4, 1.0)), &x);
    assert_eq!((y.len(), tape.len()), (3, 12 + 3), "an output for each row");
}

#[test]
fn constants_among_the_operands_change_nothing_else() {
    for (name, f) in PRIMITIVES {
        let (value, all) = gradient(&POINT, f);
        for constant in 0..4 {
            let tape = Tape::new();
            let x: Vec<_> = (0..4)
                .map(|i| if i == constant { Var::lift(POINT[i]) } else { tape.var(POINT[i]) })
                .collect();
            let y = f(&x);
            let adjoints = y.backward();
            assert_eq!(y.value(), value, "{name}");
            for i in 0..4 {
                assert_eq!(adjoints[x[i]], if i == constant { 0.0 } else { all[i] }, "{name}");
            }
        }
        let constants = f(&POINT.map(Var::lift));
        assert!(constants.is_constant() && constants.value() == value, "{name}");
    }
}

#[test]
fn operands_out_of_order_or_repeated() {
    for (name, f) in PRIMITIVES {
        let (value, g) = gradient(&POINT, f);
        let (shuffled, h) =
            gradient(&[POINT[2], POINT[0], POINT[3], POINT[1]], |x| f(&[x[1], x[3], x[0], x[2]]));
        assert_eq!((shuffled, h.as_slice()), (value, &[g[2], g[0], g[3], g[1]][..]), "{name}");
        let (_, g) = gradient(&[0.5; 4], f);
        let (_, h) = gradient(&[0.5], |x| f(&[x[0]; 4]));
        assert_close(h[0], g.sum(), 1e-15, name);
    }
}

#[test]
fn gradients_and_hessians_are_differences() {
    for (name, f) in PRIMITIVES {
        let (_, g, h) = hessian(&POINT, f);
        let moved = |i: usize, t: f64| {
            let mut x = POINT;
            x[i] = t;
            gradient(&x, f)
        };
        for i in 0..4 {
            let slope = difference(POINT[i], |t| moved(i, t).0);
            assert_close(g[i], slope.derivative, 1e-9 * g[i].abs() + slope.noise, name);
            for j in 0..4 {
                let curvature = difference(POINT[i], |t| moved(i, t).1[j]);
                let tolerance = 1e-7 * h[(i, j)].abs() + curvature.noise;
                assert_close(h[(i, j)], curvature.derivative, tolerance, name);
            }
        }
    }
}

#[test]
fn softmax_pulls_back_by_its_jacobian() {
    for x in [vec![0.5, -0.25, 0.75], vec![1e4, 1e4 + 1.0, 1e4 - 2.0], vec![0.0, -50.0, -800.0]] {
        let p = softmax(&x);
        let (_, j) = jacobian(&x, |x| softmax(x));
        let (_, log_j) = jacobian(&x, |x| log_softmax(x));
        for i in 0..3 {
            for k in 0..3 {
                let delta = if i == k { 1.0 } else { 0.0 };
                assert_close(j[(i, k)], p[i] * (delta - p[k]), 1e-15 * p[i], "p_i (δ - p_k)");
                assert_close(log_j[(i, k)], delta - p[k], 1e-15, "δ - p_k");
            }
            let unit: Vec<f64> = (0..3).map(|k| if k == i { 1.0 } else { 0.0 }).collect();
            let (_, forward) = jvp(&x, &unit, |x| softmax(x));
            assert_close((forward - j.column(i)).amax(), 0.0, 1e-15, "forward mode");
            let (_, forward) = jvp(&x, &unit, |x| log_softmax(x));
            assert_close((forward - log_j.column(i)).amax(), 0.0, 1e-15, "forward mode");
        }
    }
}

#[test]
fn a_matrix_of_constants_is_applied_and_transposed() {
    let a = Arc::new(dmatrix![1.0, -2.0; 0.25, 3.0; 4.0, 5.0]);
    let (value, j) = jacobian(&[0.5, -1.5], |x| mat_vec(&a, x));
    assert_eq!(value.as_slice(), [3.5, -4.375, -5.5]);
    assert_eq!(&j, a.as_ref());
    let duals = mat_vec(&Arc::clone(&a), &[0.5, -1.5]);
    assert_eq!(duals, value.as_slice());
    let (_, forward) = jvp(&[0.5, -1.5], &[1.0, 2.0], |x| mat_vec(&a, x));
    assert_eq!(forward.as_slice(), [-3.0, 6.25, 14.0]);
    assert_eq!(mat_vec::<f64>(&Arc::new(DMatrix::zeros(2, 0)), &[]), [0.0, 0.0]);
}

#[test]
fn an_infinite_sharpness_is_the_exact_maximum_to_second_order() {
    let (value, g, h) = hessian(&[1.0, 2.0, 2.0], |x| smooth_max(x, f64::INFINITY).powi(2));
    assert_eq!((value, g.as_slice()), (4.0, &[0.0, 2.0, 2.0][..]));
    let exact = hessian(&[1.0, 2.0, 2.0], |x| max(x).powi(2)).2;
    assert_eq!(h, exact);
    let (_, g) = gradient(&[1.0, f64::INFINITY], |x| smooth_max_at(&[x[0], x[0] + 1.0], x[1]));
    assert_eq!(g.as_slice(), [1.0, 0.0]);
}

/// `Π x_i`, with or without its second derivatives.
struct Product {
    second_order: bool,
}

impl CustomNode for Product {
    fn name(&self) -> &str {
        "product"
    }

    fn value(&self, x: &[f64]) -> f64 {
        x.iter().product()
    }

    fn pullback(&self, x: &[f64], y_bar: f64, x_bar: &mut [f64]) {
        for i in 0..x.len() {
            x_bar[i] += y_bar * product_without(x, &[i]);
        }
    }

    fn second_order(&self) -> Option<&dyn SecondOrder> {
        self.second_order.then_some(self)
    }
}

impl SecondOrder for Product {
    fn hessian_vector(&self, x: &[f64], direction: &[f64], product: &mut [f64]) {
        for i in 0..x.len() {
            let others = (0..x.len()).filter(|&j| j != i);
            product[i] = others.map(|j| product_without(x, &[i, j]) * direction[j]).sum();
        }
    }
}

fn product_without(x: &[f64], left_out: &[usize]) -> f64 {
    (0..x.len()).filter(|i| !left_out.contains(i)).map(|i| x[i]).product()
}

fn product<'t>(x: &[Var<'t>], second_order: bool) -> Var<'t> {
    Var::custom(Arc::new(Product { second_order }), x)
}

#[test]
fn a_custom_node_is_as_good_as_a_built_in_one() {
    let x = [2.0, -3.0, 0.5];
    let custom = hessian(&x, |x| product(&[x[0].exp(), x[1], x[2] * x[0]], true).sin());
    let spelled_out = hessian(&x, |x| (x[0].exp() * x[1] * (x[2] * x[0])).sin());
    assert_ulps(custom.0, spelled_out.0, 1.0, "value");
    assert_close((&custom.1 - &spelled_out.1).amax(), 0.0, 1e-14 * spelled_out.1.amax(), "gradient");
    assert_close((&custom.2 - &spelled_out.2).amax(), 0.0, 1e-14 * spelled_out.2.amax(), "Hessian");

    let tape = Tape::new();
    let vars = tape.vars(&x);
    let y = product(&vars, true);
    assert_eq!((y.value(), tape.len()), (-3.0, 4));
    assert!(product(&[Var::lift(2.0); 3], true).is_constant());
}

#[test]
fn a_custom_node_without_second_order_says_so() {
    let x = [2.0, -3.0];
    let (value, g) = gradient(&x, |x| product(x, false));
    assert_eq!((value, g.as_slice()), (-6.0, &[-3.0, 2.0][..]));
    let (_, tangent) = jvp(&x, &[1.0, 1.0], |x| vec![product(x, false)]);
    assert_eq!(tangent[0], -1.0, "forward mode needs first derivatives only");
    let expected = "the node `product` has no second-order rule";
    assert_eq!(panic_message(|| hvp(&x, &[1.0, 0.0], |x| product(x, false))), expected);
    assert_eq!(panic_message(|| hessian(&x, |x| product(x, false))), expected);
}

#[test]
fn primitives_take_duals_of_duals() {
    // The third derivative of log_sum_exp along one variable: p (1 - p) (1 - 2p).
    type Third = Dual<Dual<Dual>>;
    let at =
        |x: f64, t: f64| Third::new(Dual::new(Dual::new(x, t), Dual::lift(t)), Dual::lift(Dual::lift(t)));
    let y = log_sum_exp(&[at(0.5, 1.0), at(1.25, 0.0), at(-1.0, 0.0)]);
    let p = softmax(&[0.5, 1.25, -1.0])[0];
    assert_close(y.tangent.tangent.tangent, p * (1.0 - p) * (1.0 - 2.0 * p), 1e-15, "third derivative");
}

/// Where one weight is nearly 1, the curvature `w (1 - w)` keeps its digits.
#[test]
fn curvature_of_log_sum_exp_does_not_cancel() {
    let (_, _, h) = hessian(&[0.0, -40.0], |x| log_sum_exp(x));
    let curvature = (-40f64).exp();
    for entry in [h[(0, 0)], h[(1, 1)], -h[(0, 1)]] {
        assert!((entry - curvature).abs() <= 4.0 * f64::EPSILON * curvature, "{entry:e}");
    }
}
