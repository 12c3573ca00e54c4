//! Walks the rule table: every rule, at every sample and edge, on every number
//! it can run on.

mod common;

use common::{assert_close, assert_ulps, difference, ulps_f32};
use smoothmax::rules::{Elementary, KinkTable, Rule, TABLE};
use smoothmax::{Dual, KinkKind, Tape, Var, hvp};

/// "`sin` at [0.5]", for messages.
fn at(rule: &Rule, x: &[f64]) -> String {
    format!("`{}` at {x:?}", rule.name)
}

/// Calls `check` with each rule and each of its samples.
fn each_sample(mut check: impl FnMut(&Rule, &[f64])) {
    for rule in TABLE {
        assert!(!rule.samples.is_empty(), "`{}` has no samples", rule.name);
        rule.samples.iter().for_each(|x| check(rule, x));
    }
}

/// The arguments that a rule can be differentiated in; the exponent of `powi` is a constant.
fn variables(rule: &Rule) -> std::ops::Range<usize> {
    if rule.name == "powi" { 0..1 } else { 0..rule.op.arity() }
}

/// The gradient of a rule by a reverse sweep over a tape.
fn reverse(rule: &Rule, x: &[f64]) -> Vec<f64> {
    let tape = Tape::new();
    let x = tape.vars(x);
    rule.apply(&x).backward().wrt(&x).as_slice().to_vec()
}

/// The gradient of a rule by forward mode, a direction at a time.
fn forward(rule: &Rule, x: &[f64]) -> Vec<f64> {
    (0..x.len()).map(|i| rule.value(&along(x, i)).tangent).collect()
}

/// The arguments with a unit tangent in one of them.
fn along<T: Elementary>(x: &[T], i: usize) -> Vec<Dual<T>> {
    let unit = |j| T::constant(if j == i { 1.0 } else { 0.0 });
    x.iter().enumerate().map(|(j, &x)| Dual::new(x, unit(j))).collect()
}

/// `x` with element `i` replaced.
fn with(x: &[f64], i: usize, value: f64) -> Vec<f64> {
    let mut x = x.to_vec();
    x[i] = value;
    x
}

fn column(rule: &Rule, x: &[f64], j: usize) -> Vec<f64> {
    let mut direction = vec![0.0; x.len()];
    direction[j] = 1.0;
    hvp(x, &direction, |x| rule.apply(x)).2.as_slice().to_vec()
}

#[test]
fn the_value_on_a_tape_is_that_on_floats_bit_for_bit() {
    each_sample(|rule, x| {
        let tape = Tape::new();
        let recorded = rule.apply(&tape.vars(x)).value();
        assert_eq!(recorded.to_bits(), rule.value(x).to_bits(), "{}", at(rule, x));
        let constants: Vec<_> = x.iter().map(|&x| Var::lift(x)).collect();
        assert_eq!(rule.apply(&constants).value().to_bits(), recorded.to_bits(), "{}", at(rule, x));
    });
}

#[test]
fn reverse_and_forward_mode_give_the_declared_partials() {
    each_sample(|rule, x| {
        let declared = rule.partials(x);
        let (reverse, forward) = (reverse(rule, x), forward(rule, x));
        for i in 0..x.len() {
            assert_ulps(reverse[i], declared[i], 4.0, &format!("reverse, {}", at(rule, x)));
            assert_ulps(forward[i], declared[i], 4.0, &format!("forward, {}", at(rule, x)));
        }
    });
}

#[test]
fn partials_are_central_differences() {
    each_sample(|rule, x| {
        let declared = rule.partials(x);
        for i in variables(rule) {
            let measured = difference(x[i], |t| rule.value(&with(x, i, t)));
            let tolerance = 1e-9 * declared[i].abs() + measured.noise;
            assert_close(
                declared[i],
                measured.derivative,
                tolerance,
                &format!("partial {i}, {}", at(rule, x)),
            );
        }
    });
}

#[test]
fn second_derivatives_are_central_differences_of_partials() {
    each_sample(|rule, x| {
        for j in variables(rule) {
            let second = column(rule, x, j);
            for i in variables(rule) {
                let measured = difference(x[j], |t| rule.partials(&with(x, j, t))[i]);
                let tolerance = 1e-7 * second[i].abs() + measured.noise;
                let what = format!("second derivative {i}, {j}, {}", at(rule, x));
                assert_close(second[i], measured.derivative, tolerance, &what);
            }
        }
    });
}

#[test]
fn nested_duals_agree_with_forward_over_reverse() {
    each_sample(|rule, x| {
        for j in variables(rule) {
            let second = column(rule, x, j);
            let scale = second.iter().fold(0.0, |scale: f64, h| scale.max(h.abs()));
            for i in variables(rule) {
                let nested = rule.value(&along(&along(x, i), j)).tangent.tangent;
                let what = format!("second derivative {i}, {j}, {}", at(rule, x));
                assert_close(nested, second[i], 1e-14 * scale, &what);
            }
        }
    });
}

#[test]
fn single_precision_is_double_precision_rounded() {
    each_sample(|rule, x| {
        let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        if single.iter().any(|x| !x.is_finite()) {
            return; // a sample for double precision only
        }
        let double: Vec<f64> = single.iter().map(|&x| f64::from(x)).collect();
        let check = |found: f32, expected: f64, what: &str| {
            let distance = ulps_f32(found, expected as f32);
            assert!(distance <= 8.0, "{what} of {}: {found:e} for {expected:e}", at(rule, &double));
        };
        check(rule.value(&single), rule.value(&double), "value");
        let (found, expected) = (rule.partials(&single), rule.partials(&double));
        for i in 0..x.len() {
            check(found[i], expected[i], "partial");
        }
    });
}

#[test]
fn every_edge_has_its_declared_slopes_both_ways() {
    for rule in TABLE {
        for edge in rule.edges {
            let computed = rule.partials(edge.at);
            let (reverse, forward) = (reverse(rule, edge.at), forward(rule, edge.at));
            for i in 0..edge.at.len() {
                let what = at(rule, edge.at);
                assert_ulps(computed[i], edge.partials[i], 1.0, &format!("partial {i}, {what}"));
                assert_ulps(reverse[i], computed[i], 0.0, &format!("reverse {i}, {what}"));
                assert_ulps(forward[i], computed[i], 0.0, &format!("forward {i}, {what}"));
            }
        }
    }
}

fn reported_kink(rule: &Rule, x: &[f64]) -> Option<KinkKind> {
    let tape = Tape::new();
    let kinks = rule.apply(&tape.vars(x)).backward().kinks();
    assert!(kinks.len() <= 1, "{} reports {kinks:?}", at(rule, x));
    assert!(kinks.iter().all(|kink| kink.operation == rule.name));
    kinks.first().map(|kink| kink.kind)
}

#[test]
fn no_sample_is_at_a_kink() {
    each_sample(|rule, x| assert_eq!(reported_kink(rule, x), None, "{}", at(rule, x)));
}

#[test]
fn kinks_are_reported_where_the_table_declares_them() {
    for rule in TABLE {
        for edge in rule.edges {
            let mut x = [0.0; 3];
            x[..edge.at.len()].copy_from_slice(edge.at);
            let declared = f64::kink(rule.op, &x, rule.value(edge.at));
            assert_eq!(reported_kink(rule, edge.at), declared, "{}", at(rule, edge.at));
        }
    }
}

/// What values next to a point say about it: the value jumps, the slope jumps, or neither.
fn measured_kink(rule: &Rule, x: &[f64]) -> Option<KinkKind> {
    const STEP: f64 = 1e-6;
    const SEEN: f64 = 1e-3;
    let mut kind = None;
    for i in variables(rule) {
        let value = |t: f64| rule.value(&with(x, i, x[i] + t));
        let (left, here, right) = (value(-STEP), value(0.0), value(STEP));
        if (left - here).abs().max((right - here).abs()) > SEEN {
            return Some(KinkKind::Jump);
        }
        if ((right - here) - (here - left)).abs() > SEEN * STEP {
            kind = Some(KinkKind::Corner);
        }
    }
    kind
}

#[test]
fn kinks_are_declared_where_values_show_them() {
    let mut seen = 0;
    for rule in TABLE {
        for edge in rule.edges {
            let is_inside = edge.at.iter().chain(edge.partials).all(|x| x.is_finite());
            if is_inside {
                assert_eq!(
                    reported_kink(rule, edge.at),
                    measured_kink(rule, edge.at),
                    "{}",
                    at(rule, edge.at)
                );
                seen += usize::from(reported_kink(rule, edge.at).is_some());
            }
        }
    }
    assert!(seen >= 16, "only {seen} kinks in the table");
}

/// Arguments over the whole range of doubles.
const EXTREMES: [f64; 14] =
    [f64::MAX, 1e308, 1e200, 750.0, 30.0, 1.5, 1.0, 0.3, 1e-9, 1e-200, f64::MIN_POSITIVE, 5e-324, 0.0, -1e-3];

/// All arguments of a rule that [`EXTREMES`], `more` and their negatives make.
fn extreme_arguments(rule: &Rule, more: &[f64]) -> Vec<Vec<f64>> {
    let values: Vec<f64> = EXTREMES.iter().chain(more).flat_map(|&x| [x, -x]).collect();
    let mut arguments = vec![vec![]];
    for i in 0..rule.op.arity() {
        let is_exponent = rule.name == "powi" && i == 1;
        let choices: &[f64] = if is_exponent { &[-5.0, -2.0, 0.0, 1.0, 2.0, 7.0] } else { &values };
        arguments =
            arguments.iter().flat_map(|x| choices.iter().map(move |&c| [&x[..], &[c]].concat())).collect();
    }
    arguments
}

#[test]
fn an_infinity_from_finite_arguments_has_no_zero_gradient() {
    for rule in TABLE {
        for x in extreme_arguments(rule, &[]) {
            if rule.value(&x).is_infinite() {
                assert!(rule.partials(&x).iter().any(|&slope| slope != 0.0), "{}", at(rule, &x));
            }
        }
    }
}

#[test]
fn a_nan_has_no_zero_gradient() {
    for rule in TABLE {
        for x in extreme_arguments(rule, &[f64::INFINITY, f64::NAN]) {
            if rule.value(&x).is_nan() {
                assert!(rule.partials(&x).iter().any(|&slope| slope != 0.0), "{}", at(rule, &x));
            }
        }
    }
}

#[test]
fn a_finite_value_of_finite_arguments_has_slopes() {
    // The angle of the zero vector, and a power of a negative number, have none.
    const UNDEFINED: [&str; 3] = ["powf", "atan2", "direction"];
    for rule in TABLE.iter().filter(|rule| !UNDEFINED.contains(&rule.name)) {
        for x in extreme_arguments(rule, &[1e160]) {
            if rule.value(&x).is_finite() {
                assert!(!rule.partials(&x).iter().any(|slope| slope.is_nan()), "{}", at(rule, &x));
            }
        }
    }
}

/// `rule` by name.
fn rule(name: &str) -> &'static Rule {
    TABLE.iter().find(|rule| rule.name == name).unwrap_or_else(|| panic!("no rule `{name}`"))
}

#[test]
fn inverse_hyperbolic_functions_do_not_overflow() {
    for name in ["asinh", "acosh"] {
        for x in [1e300, 1e308, f64::MAX] {
            let expected = std::f64::consts::LN_2 + x.ln();
            assert_ulps(rule(name).value(&[x]), expected, 2.0, name);
            assert_ulps(rule(name).partials(&[x])[0], x.recip(), 2.0, name);
        }
    }
}

#[test]
fn names_and_codes_are_distinct() {
    for (i, rule) in TABLE.iter().enumerate() {
        assert_eq!(rule.op.name(), rule.name);
        assert!(!rule.doc.trim().is_empty(), "`{}` is not documented", rule.name);
        assert!(
            TABLE[..i].iter().all(|other| other.name != rule.name && other.op != rule.op),
            "{}",
            rule.name
        );
    }
}
