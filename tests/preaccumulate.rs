//! Jets, and the blocks of a tape that are made of them.

use approx::assert_relative_eq;
use smoothmax::rules::TABLE;
use smoothmax::{
    Error, Jet, KinkKind, Program, Scalar, Tape, Var, gradient, hvp, jvp, log_sum_exp, max, smooth_max,
    softmax,
};

/// One of everything: operators, functions, n-ary nodes.
fn block<S: Scalar>(x: S, y: S, z: S) -> S {
    let c = S::constant;
    let weights = softmax(&[x, y * c(2.0), z]);
    let sum = log_sum_exp(&[x * y, y.sin(), z / c(3.0)]) + smooth_max(&[x, z], 4.0);
    sum * weights[1] + (x - y).square().exp() / (c(1.0) + z.square()) - x.powi(3) + max(&[x, y, z])
}

#[test]
fn jets_follow_every_rule() {
    for rule in TABLE {
        for sample in rule.samples {
            let expected: Vec<f64> = rule.partials(sample);
            let tape = Tape::new();
            let x: Vec<Var> = tape.vars(sample);
            let y = match x[..] {
                [x] => tape.preaccumulate([x], |x| record(rule.name, &x)),
                [a, b] => tape.preaccumulate([a, b], |x| record(rule.name, &x)),
                [a, b, c] => tape.preaccumulate([a, b, c], |x| record(rule.name, &x)),
                _ => unreachable!("rules take one to three arguments"),
            };
            assert_eq!(
                y.value().to_bits(),
                rule.value::<f64>(sample).to_bits(),
                "{} at {sample:?}",
                rule.name
            );
            let found = y.backward().wrt(&x);
            for (found, expected) in found.iter().zip(&expected) {
                // The slope of an integer power in its exponent is not taken by either.
                assert!(
                    (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(),
                    "{} at {sample:?}: {found} against {expected}",
                    rule.name
                );
            }
        }
    }
}

/// Applies the rule of a name to jets.
fn record<const N: usize>(name: &str, x: &[Jet<N>]) -> Jet<N> {
    let rule = TABLE.iter().find(|rule| rule.name == name).unwrap();
    rule.apply(x)
}

#[test]
fn a_block_has_the_gradient_of_its_operations() {
    let point = [0.3, -0.7, 1.1];
    let (value, g) = gradient(&point, |x| block(x[0], x[1], x[2]));
    let tape = Tape::new();
    let x = tape.vars(&point);
    let y = tape.preaccumulate([x[0], x[1], x[2]], |[x, y, z]| block(x, y, z));
    assert_relative_eq!(y.value(), value, max_relative = 1e-15);
    assert_relative_eq!(y.backward().wrt(&x), g, max_relative = 1e-14);
    assert_eq!(tape.len(), 4);
}

#[test]
fn operands_may_be_scattered_repeated_and_constant() {
    let tape = Tape::new();
    let x = tape.vars(&[2.0, 3.0, 5.0]);
    let y = tape.preaccumulate([x[2], x[0], x[2], Var::lift(7.0)], |[a, b, c, d]| a * b + c * d);
    assert_eq!(y.value(), 45.0);
    assert_eq!(y.backward().wrt(&x).as_slice(), [5.0, 0.0, 2.0 + 7.0]);
    let constant = tape.preaccumulate([Var::lift(2.0)], |[x]| x * x);
    assert!(constant.is_constant() && constant.value() == 4.0);
}

#[test]
fn forward_mode_passes_through_a_block() {
    let (value, product) = jvp(&[2.0, 3.0], &[1.0, 10.0], |x| vec![preaccumulated(x)]);
    assert_eq!((value[0], product[0]), (18.0, 9.0 + 120.0));
}

/// `x y^2`, its product with `y` preaccumulated.
fn preaccumulated<'t>(x: &[Var<'t>]) -> Var<'t> {
    let tape = x[0].tape().expect("a variable");
    tape.preaccumulate([x[0], x[1]], |[x, y]| x * y) * x[1]
}

#[test]
fn an_infinite_slope_stays_with_its_variable() {
    let tape = Tape::new();
    let x = tape.vars(&[0.0, 2.0]);
    let y = tape.preaccumulate([x[0], x[1]], |[x, y]| x.sqrt() + y * y);
    assert_eq!(y.backward().wrt(&x).as_slice(), [f64::INFINITY, 4.0]);
    let (value, product) = jvp(&[0.0, 2.0], &[0.0, 1.0], |x| {
        vec![x[0].tape().unwrap().preaccumulate([x[0], x[1]], |[x, y]| x.sqrt() + y * y)]
    });
    assert_eq!((value[0], product[0]), (4.0, 4.0));
}

#[test]
fn what_a_block_cannot_do_is_refused_by_name() {
    let refused = Program::try_record(&[2.0, 3.0], |x| preaccumulated(x));
    assert!(matches!(refused, Err(Error::NotReplayable { node }) if node == "preaccumulated"));
}

#[test]
#[should_panic(expected = "the node `preaccumulated` has no second-order rule")]
fn a_block_has_no_second_derivative() {
    hvp(&[2.0, 3.0], &[1.0, 0.0], |x| preaccumulated(x));
}

#[test]
#[should_panic(expected = "variables of two tapes")]
fn a_block_takes_variables_of_its_tape() {
    let (tape, other) = (Tape::new(), Tape::new());
    tape.preaccumulate([other.var(1.0)], |[x]| x * x);
}

#[test]
fn a_kink_in_a_block_is_reported() {
    let tape = Tape::new();
    let x = tape.vars(&[1.0, 1.0]);
    let y = tape.preaccumulate([x[0], x[1]], |[x, y]| (x - y).abs() + max(&[x, y]));
    let adjoints = y.backward();
    let kinks = adjoints.kinks();
    assert_eq!(kinks.len(), 1);
    assert_eq!((kinks[0].operation.as_str(), kinks[0].kind), ("preaccumulated", KinkKind::Corner));
    assert_eq!(adjoints.wrt(&x).as_slice(), [0.5, 0.5]);
}

#[test]
fn jets_read_well() {
    let [x, y] = Jet::<2, f32>::variables([1.5, -2.0]);
    assert_eq!((2.0 * x - y).to_string(), "5 + ε·(2, -1)");
    assert!(x > y && x > -1.0 && x == 1.5);
}
