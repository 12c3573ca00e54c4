//! Recording and sweeping: what lands on a tape, what a sweep gives, and what
//! a tape tells about itself.

mod common;

use common::{OnTape, assert_close, assert_ulps};
use smoothmax::smooth::{smooth_argmax, sparsemax};
use smoothmax::tape::Tape;
use smoothmax::{
    Batch, Dual, KinkKind, Program, Scalar, Var, dot, gradient, hessian, hvp, jacobian, jvp, log_sum_exp,
    max, softmax, sum, vjp,
};

#[test]
fn constants_record_nothing() {
    let two = Var::lift(2.0);
    let y = (two * 3.0 - 1.0).sqrt() + smoothmax::sum(&[two, two]);
    assert!(y.is_constant());
    assert_eq!(y.value(), 5f64.sqrt() + 4.0);
    assert_eq!(y.backward()[two], 0.0);

    let tape = Tape::new();
    let x = tape.var(3.0);
    let y = x * two + two;
    assert!(!y.is_constant());
    assert_eq!(tape.len(), 3, "x, the product, the sum");
    assert_eq!((y.backward()[x], y.backward()[two]), (2.0, 0.0));
}

#[test]
fn adjoints_add_up_over_all_uses() {
    let tape = Tape::new();
    let x = tape.var(3.0);
    let y = x * x;
    let z = y * y + y * x + x;
    let adjoints = z.backward();
    assert_eq!(adjoints[y], 2.0 * 9.0 + 3.0);
    assert_eq!(adjoints[x], 21.0 * 6.0 + 9.0 + 1.0);
    assert_eq!(adjoints[z], 1.0);
    let later = z + x;
    assert_eq!(adjoints[later], 0.0, "recorded after the result");
    assert_eq!(y.backward().wrt(&[x, z, Var::lift(1.0)]).as_slice(), [6.0, 0.0, 0.0]);
}

/// So many operations of all kinds: of one, two and three operands, with
/// constants, n-ary with one and with many outputs, compared.
fn operations_of_all_kinds<S: Scalar<Base = f64>>(x: S, count: usize) -> S {
    let c = S::constant;
    let mut y = x;
    for i in 0..count {
        y = match i % 7 {
            0 => y * c(0.75) - c(0.25) * x,
            1 => y.mul_add(c(0.5), c(0.125)),
            2 => c(1.0) / (c(2.0) + y.square()),
            3 if i % 3 == 0 => log_sum_exp(&[y, x, c(0.5)]),
            4 if i % 5 == 0 => softmax(&[y, x * y])[1],
            5 => sum(&[x, y, c(-0.5)]),
            _ if y < c(0.3) => y + x.sin(),
            _ => y - c(0.2),
        };
    }
    y
}

#[test]
fn a_long_recording_is_that_of_a_short_one_continued() {
    for count in (0..80).chain([128, 1_000, 3_000]) {
        for x in [0.3, -1.2] {
            let dual = operations_of_all_kinds(Dual::new(x, 1.0), count);
            let (value, g) = gradient(&[x], |x| operations_of_all_kinds(x[0], count));
            assert_eq!(value.to_bits(), dual.value.to_bits(), "value of {count} at {x}");
            assert_close(g[0], dual.tangent, 1e-13, "slope");
            let program = Program::record(&[x], |x| operations_of_all_kinds(x[0], count));
            let replayed = program.value(&mut program.workspace(), &[x]).unwrap();
            assert_close(replayed, value, 1e-14, "replay");
        }
    }
}

#[test]
fn constants_keep_their_order_over_many_pages() {
    // Two constants a node fill the constants of a page, those before put them out of step.
    for before in [0, 1, 5] {
        let tape = Tape::new();
        let x = tape.var(2.0);
        let (mut y, mut value, mut slope) = (x, 2.0, 1.0);
        for _ in 0..before {
            (y, value, slope) = (y * 3.0, value * 3.0, slope * 3.0);
        }
        for i in 0..500 {
            let (a, b) = (1.0 + 1e-4 * f64::from(i), f64::from(i));
            (y, value, slope) = (y.mul_add(a, b), f64::mul_add(value, a, b), slope * a);
        }
        assert_eq!(y.value(), value);
        assert_close(y.backward()[x], slope, 1e-12 * slope, "slope");
    }
}

#[test]
fn a_recording_read_on_the_way_goes_on() {
    let tape = Tape::new();
    let x = tape.var(0.5);
    let (mut y, mut slope) = (x, 1.0);
    for i in 1..=600 {
        y = y * 0.99 + x;
        slope = slope * 0.99 + 1.0;
        assert_eq!(tape.len(), 1 + 2 * i);
        if i % 7 == 0 {
            assert_close(y.backward()[x], slope, 1e-13, "slope of a geometric sum");
        }
    }
}

#[test]
fn a_tape_is_used_again() {
    let mut tape = Tape::with_capacity(16);
    let mut buffer = Vec::new();
    for round in 1..4 {
        let n = round as usize;
        {
            let x = tape.vars(&vec![2.0; n]);
            let y = smoothmax::log_sum_exp(&x) * x[0].mul_add(3.0, x[n - 1]);
            let adjoints = y.backward_reusing(buffer);
            assert_ulps(y.value(), (2.0 + (n as f64).ln()) * 8.0, 2.0, "value");
            assert_eq!(adjoints.wrt(&x).len(), n);
            buffer = adjoints.into_buffer();
            assert_eq!(tape.len(), n + 3);
        }
        let memory = tape.memory();
        assert!(memory > 0);
        tape.clear();
        assert!(tape.is_empty() && tape.memory() == 0);
    }
}

const STEPS: usize = 500_000;
const STEP: f64 = 1e-6;

/// The solution of `x' = 1 - x` by Euler's method: two operations a step.
fn relaxed(x: Var<'_>) -> Var<'_> {
    (0..STEPS).fold(x, |x, _| (1.0 - x).mul_add(STEP, x))
}

#[test]
fn a_million_operations_do_not_recurse() {
    let tape = Tape::new();
    let x = tape.var(0.25);
    let y = relaxed(x);
    assert_eq!(tape.len(), 2 * STEPS + 1);
    let decay = (1.0 - STEP).powi(STEPS as i32);
    assert_close(y.backward()[x], decay, 1e-10, "the slope of the flow");
    let (_, gradient, curvature) = hvp(&[0.25], &[2.0], |x| relaxed(x[0]).powi(2));
    assert_close(gradient[0], 2.0 * y.value() * decay, 1e-10, "gradient");
    assert_close(curvature[0], 2.0 * 2.0 * decay * decay, 1e-10, "curvature along 2");
}

#[test]
fn single_precision_tapes() {
    let tape = Tape::<f32>::with_capacity(8);
    let x = tape.vars(&[0.5f32, 2.0]);
    let y = (x[0] * x[1]).sin() + x[1].max(1.0) / 4.0;
    assert_eq!(y.value(), 1f32.sin() + 0.5);
    let adjoints = y.backward();
    assert_eq!(adjoints.wrt(&x).as_slice(), [2.0 * 1f32.cos(), 0.5 * 1f32.cos() + 0.25]);
    // 2^24 + 1 is no f32, so the power is taken in steps.
    let z = tape.var(-1f32);
    assert_eq!(z.powi((1 << 24) + 1).value(), -1.0);
    assert_eq!(z.powi(-(1 << 24) - 1).backward()[z], -((1 << 24) + 1) as f32);
}

#[test]
fn jacobians_by_rows_and_by_columns_agree() {
    let f = |x: Var<'_>, y: Var<'_>| [x * y.sin(), x.exp() - y, x / y, y.powi(3)].map(|f| f.value());
    let tape = Tape::new();
    let (_, tall) =
        jacobian(&[0.5, 1.5], |x| vec![x[0] * x[1].sin(), x[0].exp() - x[1], x[0] / x[1], x[1].powi(3)]);
    let (values, wide) = jacobian(&[0.5, 1.5], |x| vec![x[0] * x[1].sin(), x[0].exp() - x[1]]);
    assert_eq!(values.as_slice(), &f(tape.var(0.5), tape.var(1.5))[..2]);
    assert_eq!(tall.rows(0, 2), wide);
    let (_, forward) = jvp(&[0.5, 1.5], &[1.0, -2.0], |x| vec![x[0] / x[1], x[1].powi(3)]);
    let (_, reverse) = vjp(&[0.5, 1.5], &[3.0, 0.5], |x| vec![x[0] / x[1], x[1].powi(3)]);
    let block = tall.rows(2, 2);
    let (expected_forward, expected_reverse) =
        (block * nalgebra::dvector![1.0, -2.0], block.tr_mul(&nalgebra::dvector![3.0, 0.5]));
    for i in 0..2 {
        assert_ulps(forward[i], expected_forward[i], 2.0, "J v");
        assert_ulps(reverse[i], expected_reverse[i], 2.0, "J' w");
    }
}

#[test]
fn functions_that_ignore_their_variables_have_zero_derivatives() {
    let (value, g, h) = hessian(&[1.0, 2.0], |_| Var::lift(7.0));
    assert_eq!((value, g.as_slice(), h.as_slice()), (7.0, &[0.0; 2][..], &[0.0; 4][..]));
    let (_, j) = jacobian(&[1.0], |x| vec![Var::lift(1.0), x[0], Var::lift(2.0)]);
    assert_eq!(j.as_slice(), [0.0, 1.0, 0.0]);
    let (_, product) = vjp(&[1.0], &[5.0, 2.0], |x| vec![Var::lift(1.0), x[0]]);
    assert_eq!(product.as_slice(), [2.0]);
    let (_, g) = gradient(&[], |_| Var::lift(1.0));
    assert!(g.is_empty());
}

#[test]
fn infinite_slopes_do_not_leak_from_what_is_not_used() {
    // The branch not taken has an infinite slope at 0; so has what is multiplied by nothing.
    let (value, g, h) = hessian(&[0.0, 2.0], |x| x[0].select(x[0].sqrt(), x[1] * x[1]));
    assert_eq!((value, g.as_slice(), h[(1, 1)]), (4.0, &[0.0, 4.0][..], 2.0));
    // An infinity with a vanishing slope is reported as unknown, not as zero.
    let (value, g) = gradient(&[-800.0], |x| x[0].exp().ln());
    assert!(value == f64::NEG_INFINITY && g[0].is_nan());
    let (_, forward) = jvp(&[-800.0], &[1.0], |x| vec![x[0].exp().ln()]);
    assert!(forward[0].is_nan());
}

#[test]
fn arguments_that_do_not_vary_do_not_spoil_forward_mode() {
    // (-2)^3 has no slope in the exponent.
    let (_, g, h) = hessian(&[-2.0, 1.0], |x| x[0].powf(3.0) + x[1] * x[1]);
    assert_eq!(g.as_slice(), [12.0, 2.0]);
    assert_eq!(h.as_slice(), [-12.0, 0.0, 0.0, 2.0]);
    let (_, forward) = jvp(&[-2.0], &[1.0], |x| vec![x[0].powf(3.0), x[0] / 0.0]);
    assert_eq!(forward.as_slice(), [12.0, f64::INFINITY]);
}

#[test]
fn an_infinite_slope_of_what_does_not_vary_does_not_spoil_forward_mode() {
    let (_, forward) = jvp(&[1.0, 0.0], &[1.0, 0.0], |x| vec![x[0] + x[1].sqrt()]);
    assert_eq!(forward[0], 1.0);
    let (_, columns) = jacobian(&[1.0, 0.0], |x| vec![x[0], x[1].sqrt(), x[1]]);
    let (_, rows) = jacobian(&[1.0, 0.0], |x| vec![x[0], x[1].sqrt()]);
    assert_eq!(columns.as_slice(), [1.0, 0.0, 0.0, 0.0, f64::INFINITY, 1.0]);
    assert_eq!(columns.rows(0, 2), rows);
    let nested = Dual::variable(Dual::variable(1.0)) + Dual::lift(Dual::lift(0.0)).sqrt();
    assert_eq!((nested.tangent.value, nested.tangent.tangent), (1.0, 0.0));
    // Second order, on one number and on lanes: along x0 the root does not vary.
    let (_, _, product) = hvp(&[1.0, 0.0], &[1.0, 0.0], |x| x[0] * x[1].sqrt());
    assert_eq!(product[0], 0.0);
    let batch = Batch::record(&[1.0, 0.0], &[[2.0]; 3][..], |x, row| row[0] * x[0] * x[1].sqrt());
    assert_eq!(batch.hessian_of_sum(&[1.0, 0.0], &[1.0; 3]).unwrap()[(0, 0)], 0.0);
    // An infinite value of something that does not vary stays unknown.
    assert!(Dual::lift(0.0f64).ln().tangent.is_nan());
}

#[test]
fn the_first_nonfinite_value_is_found() {
    let tape = Tape::new();
    let x = tape.vars(&[2.0, 5.0]);
    assert_eq!(tape.first_nonfinite(), None);
    let line = line!() + 1;
    let y = x[1] / (x[0] - 2.0);
    let _ = (y - y).sin();
    let culprit = tape.first_nonfinite().unwrap();
    assert_eq!((culprit.operation.as_str(), culprit.node, culprit.value), ("div", 3, f64::INFINITY));
    let operands: Vec<_> = culprit.operands.iter().map(|operand| (operand.value, operand.node)).collect();
    assert_eq!(operands, [(5.0, Some(1)), (0.0, Some(2))]);
    assert_eq!(culprit.location.map(|location| location.line()), cfg!(debug_assertions).then_some(line));
    assert!(culprit.to_string().starts_with("`div` of 5, 0 at node 3 is inf"), "{culprit}");
}

#[test]
fn a_nonfinite_n_ary_node_names_its_operands() {
    let tape = Tape::new();
    let x = tape.vars(&[1.0, 1e308, 1e308, 4.0, 5.0]);
    let line = line!() + 1;
    let _ = smoothmax::sum(&[x[0], x[1], x[2], x[3], Var::lift(0.5), x[4]]);
    let culprit = tape.first_nonfinite().unwrap();
    assert_eq!((culprit.operation.as_str(), culprit.operands.len()), ("sum", 6));
    assert_eq!(culprit.operands[4].node, None, "a constant");
    assert_eq!(culprit.location.map(|location| location.line()), cfg!(debug_assertions).then_some(line));
    assert!(culprit.to_string().contains(".. (6 operands) at node 5 is inf"), "{culprit}");
    let input = Tape::new();
    input.var(f64::NAN);
    assert_eq!(input.first_nonfinite().unwrap().operation, "input");
}

#[test]
fn kinks_on_the_way_are_reported_with_their_place() {
    let tape = Tape::new();
    let x = tape.vars(&[1.0, 1.0, 3.0]);
    let line = line!() + 1;
    let tied = max(&x[..2]);
    let y = tied + (x[2] - 3.0).abs() + x[2].floor() + x[0].max(0.5) + 0.0 * x[1].min(x[0]);
    let kinks = y.backward().kinks();
    let found: Vec<_> = kinks.iter().map(|kink| (kink.operation.as_str(), kink.kind)).collect();
    let expected = [("max", KinkKind::Corner), ("abs", KinkKind::Corner), ("floor", KinkKind::Jump)];
    assert_eq!(found, expected, "neither the clear maximum nor what is multiplied by 0");
    assert_eq!((kinks[0].node, kinks[0].operands.len()), (3, 2));
    assert_eq!(kinks[0].location.map(|location| location.line()), cfg!(debug_assertions).then_some(line));
    assert!(kinks[0].to_string().starts_with("`max` of 1, 1 at node 3 is at a corner"), "{}", kinks[0]);
    assert!(tied.backward()[x[0]] == 0.5 && x[0].exp().backward().kinks().is_empty());
    assert!(Var::<f64>::lift(0.0).abs().backward().kinks().is_empty(), "a constant has no kink");
}

#[test]
fn ties_of_a_sharp_smooth_maximum_are_kinks() {
    let kinks = |k: f64| {
        let tape = Tape::new();
        smoothmax::smooth_max(&tape.vars(&[1.0, 1.0, 0.0]), k).backward().kinks().len()
    };
    assert_eq!((kinks(50.0), kinks(f64::INFINITY), kinks(f64::NEG_INFINITY)), (0, 1, 0));
}

#[test]
fn a_node_of_several_outputs_reports_its_kink_once() {
    fn kinks(x: &[f64], f: OnTape) -> Vec<String> {
        let tape = Tape::new();
        let kinks = f(&tape.vars(x)).backward().kinks();
        kinks.into_iter().map(|kink| kink.operation).collect()
    }
    let tie = [1.0, 1.0];
    assert_eq!(kinks(&tie, |x| smooth_argmax(x, f64::INFINITY)[0]), ["smooth_argmax"]);
    assert_eq!(kinks(&tie, |x| smooth_argmax(x, f64::INFINITY)[1]), ["smooth_argmax"]);
    assert_eq!(kinks(&tie, |x| dot(&[1.0, 2.0], &smooth_argmax(x, f64::INFINITY))), ["smooth_argmax"]);
    // At the border of the support.
    assert_eq!(kinks(&[1.0, 0.0], |x| sparsemax(x)[0]), ["sparsemax"]);
    assert_eq!(kinks(&[1.0, 0.5, 0.25], |x| sparsemax(x)[1]), ["sparsemax"]);
    let none: [&str; 0] = [];
    assert_eq!(kinks(&[1.0, 0.5], |x| sparsemax(x)[1]), none, "inside");
    assert_eq!(kinks(&[1.0, -0.5], |x| sparsemax(x)[0]), none, "outside");
    assert_eq!(kinks(&[1.0, f64::INFINITY], |x| sparsemax(x)[0]), none);
    assert_eq!(kinks(&[1.0, 0.0], |x| sparsemax(x)[0] * 0.0), none, "not used");
}
