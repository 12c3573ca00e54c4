//! Walks the table of smoothings: every bound and every property it states, on
//! random operands, and the same function on every number.

use std::panic::catch_unwind;

use proptest::prelude::*;
use smoothmax::smooth::{Bound, Direction, Domain, SMOOTHINGS, Smoothing, Target, smoothing};
use smoothmax::{Dual, check_gradient, gradient};

/// A row at a point: sharpness and operands that suit it.
fn suited(row: &Smoothing, z: &[f64], k: f64) -> (Vec<f64>, f64) {
    let k = if row.is_relative() { k.max(1.0) } else { k };
    let n = row.operands.unwrap_or(z.len());
    let mut x: Vec<f64> = z[..n].iter().map(|z| z / k).collect();
    match row.domain {
        Domain::Positive => x.iter_mut().for_each(|x| *x = x.abs() + 1e-3 / k),
        Domain::NonnegativeMax if !row.domain.contains(&x) => x[0] = -x[0],
        _ => {}
    }
    assert!(row.domain.contains(&x));
    (x, k)
}

/// What rounding may do to a value: the operands and the width of the smoothing
/// are not exact.
fn rounding(x: &[f64], k: f64) -> f64 {
    64.0 * f64::EPSILON * (x.iter().map(|x| x.abs()).sum::<f64>() + 1.0 / k)
}

/// How much a row is out of its error interval.
fn excess(row: &Smoothing, x: &[f64], k: f64) -> f64 {
    let Some((low, high)) = row.error_interval(x.len(), k) else { return 0.0 };
    let exact = row.target.value(x);
    let scale = if row.is_relative() { exact } else { 1.0 };
    let error = row.apply(x, k) - exact;
    (error - high * scale).max(low * scale - error)
}

/// A sharpness, and two to six operands in units of its inverse: near each
/// other, far from each other, tied.
fn points() -> impl Strategy<Value = (f64, Vec<f64>)> {
    let operand = prop_oneof![-3.0..3.0, -40.0..40.0, -800.0..800.0, Just(0.0), Just(1.5)];
    ((-3.0..3.0f64).prop_map(|e| 10f64.powf(e)), proptest::collection::vec(operand, 2..=6))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn errors_stay_in_the_stated_interval((k, z) in points()) {
        for row in SMOOTHINGS {
            let (x, k) = suited(row, &z, k);
            let excess = excess(row, &x, k);
            prop_assert!(excess <= rounding(&x, k), "{} at {x:?}, k = {k}: {excess:e} outside", row.name);
        }
    }

    #[test]
    fn order_does_not_matter((k, z) in points(), turn in 0usize..6) {
        for row in SMOOTHINGS {
            let (x, k) = suited(row, &z, k);
            let mut other = x.clone();
            other.reverse();
            other.rotate_left(turn % x.len());
            let change = (row.apply(&x, k) - row.apply(&other, k)).abs();
            prop_assert!(change <= rounding(&x, k), "{} at {x:?}, k = {k}: {change:e}", row.name);
        }
    }

    #[test]
    fn stated_properties_hold((k, z) in points(), (_, w) in points(), c in -9.0..9.0f64) {
        for row in SMOOTHINGS {
            for property in &PROPERTIES {
                if (property.stated)(row) {
                    let violation = violation(property, row, (&z, &w), k, c);
                    prop_assert!(violation <= 0.0, "{} is not {} at k = {k}: {violation:e}", row.name, property.name);
                }
            }
        }
    }
}

/// A property of the table: its column, and by how much it is violated at `x`,
/// with another point and a number to compare with.
struct Property {
    name: &'static str,
    stated: fn(&Smoothing) -> bool,
    violated_by: Violation,
}

/// How far a function is from a property, at two points and a number.
type Violation = fn(&dyn Fn(&[f64]) -> f64, &[f64], &[f64], f64) -> f64;

const PROPERTIES: [Property; 4] = [
    Property {
        name: "convex",
        stated: |row| row.convex,
        violated_by: |f, x, y, _| {
            let middle: Vec<f64> = x.iter().zip(y).map(|(x, y)| 0.5 * (x + y)).collect();
            f(&middle) - 0.5 * (f(x) + f(y))
        },
    },
    Property {
        name: "monotone",
        stated: |row| row.monotone,
        violated_by: |f, x, y, _| {
            let above: Vec<f64> = x.iter().zip(y).map(|(x, y)| x + y.abs()).collect();
            let first: Vec<f64> = [&above[..1], &x[1..]].concat();
            (f(x) - f(&above)).max(f(x) - f(&first))
        },
    },
    Property {
        name: "shift-equivariant",
        stated: |row| row.shift_equivariant,
        violated_by: |f, x, _, c| {
            let shifted: Vec<f64> = x.iter().map(|x| x + c).collect();
            (f(&shifted) - (f(x) + c)).abs()
        },
    },
    Property {
        name: "homogeneous",
        stated: |row| row.homogeneous,
        violated_by: |f, x, _, c| {
            let c = c.abs() + 0.1;
            let scaled: Vec<f64> = x.iter().map(|x| c * x).collect();
            (f(&scaled) - c * f(x)).abs()
        },
    },
];

/// By how much more than rounding a property is violated.
fn violation(property: &Property, row: &Smoothing, (z, w): (&[f64], &[f64]), k: f64, c: f64) -> f64 {
    let n = z.len().min(w.len());
    let (x, k) = suited(row, &z[..n], k);
    let (y, _) = suited(row, &w[..n], k);
    let f = |x: &[f64]| row.apply(x, k);
    // A shift moves the operands by a rounding error, and the Boltzmann
    // operator magnifies that by its largest weight and more.
    let steepness = 1.0 + k * spread(&x);
    let slack = (rounding(&x, k) + rounding(&y, k) + rounding(&[c], k)) * (c.abs() + 1.0) * steepness;
    (property.violated_by)(&f, &x, &y, c / k) - slack
}

fn spread(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    x.iter().map(|x| (max - x).min(40.0)).sum()
}

/// Points on a grid, for searches that must not depend on luck.
fn grid(n: usize) -> Vec<Vec<f64>> {
    let mut points = Vec::new();
    let sizes: Vec<f64> = (0..300).map(|i| 1e-2 * 1.05f64.powi(i)).chain([0.0, 50.0, 1e6]).collect();
    for &size in &sizes {
        for (first, rest) in [(0.0, -size), (size, 0.0), (size, size), (-size, -size), (size, -size)] {
            let mut z = vec![rest; n];
            z[0] = first;
            points.push(z);
        }
        points.push((0..n).map(|i| i as f64 * size).collect());
    }
    points
}

#[test]
fn properties_not_stated_fail_somewhere() {
    let points: Vec<Vec<f64>> =
        grid(3).into_iter().step_by(7).filter(|z| z.iter().all(|z| z.abs() < 30.0)).collect();
    for row in SMOOTHINGS {
        for property in PROPERTIES.iter().filter(|property| !(property.stated)(row)) {
            let is_violated = points
                .iter()
                .any(|z| points.iter().any(|w| violation(property, row, (z, w), 1.5, 0.7) > 1e-9));
            assert!(is_violated, "{} seems to be {}", row.name, property.name);
        }
    }
}

#[test]
fn bounds_are_reached_within_a_hundredth() {
    const K: f64 = 50.0;
    for row in SMOOTHINGS {
        for n in row.operands.map_or(vec![2, 3, 10], |n| vec![n]) {
            let Some((low, high)) = row.error_interval(n, K) else { continue };
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            for z in grid(n) {
                let (x, k) = suited(row, &z, K);
                let exact = row.target.value(&x);
                let scale = if row.is_relative() { exact } else { 1.0 };
                let error = (row.apply(&x, odd(row, k)) - exact) / scale;
                (least, most) = (least.min(error), most.max(error));
            }
            let slack = 0.01 * (high - low);
            assert!(
                most >= high - slack && least <= low + slack,
                "{}, n = {n}: [{least}, {most}] of [{low}, {high}]",
                row.name
            );
        }
    }
}

/// The odd root rounds its exponent up to an odd number.
fn odd(row: &Smoothing, k: f64) -> f64 {
    if row.name == "odd_root_max" { k - 1.0 } else { k }
}

#[test]
fn sharpness_for_inverts_the_bound() {
    for row in SMOOTHINGS {
        for (n, error) in [(2, 0.1), (10, 1e-3), (1000, 1e-9)] {
            let Some(k) = row.sharpness_for(error, n) else {
                assert!(matches!(row.bound, Bound::Pointwise), "{}", row.name);
                assert_eq!(row.direction(n), None);
                continue;
            };
            if k == 0.0 {
                assert_eq!(row.error_interval(n, 1.0), Some((0.0, 0.0)), "{}", row.name);
                continue;
            }
            let (low, high) = row.error_interval(n, k).expect("a bound");
            assert!((high.max(-low) - error).abs() <= 1e-12 * error, "{}: {low}, {high}", row.name);
            let direction = row.direction(n).expect("a direction");
            assert_eq!(direction == Direction::Above, low == 0.0, "{}", row.name);
            assert_eq!(direction == Direction::Below, high == 0.0, "{}", row.name);
        }
    }
    // No exponent is below 1.
    assert_eq!(smoothing("p_norm").unwrap().sharpness_for(10.0, 3), Some(1.0));
}

#[test]
fn the_table_takes_what_the_functions_take() {
    for row in SMOOTHINGS {
        let operands = [0.5, 0.25, 2.0];
        for n in 0..=3 {
            for k in [-2.0, 0.0, 0.5, 1.0, 3.0, f64::INFINITY, f64::NAN] {
                let by_function = catch_unwind(|| row.apply(&operands[..n], k)).is_ok();
                let by_table = catch_unwind(|| row.error_interval(n, k)).is_ok();
                // Some exact functions of nothing are defined, but have no error to speak of.
                assert_eq!(by_table, by_function && n > 0, "{}, n = {n}, k = {k}", row.name);
            }
        }
    }
}

#[test]
fn a_negative_sharpness_exchanges_maximum_and_minimum() {
    let x = [0.3, -0.2, 0.25, 0.1];
    let negative = SMOOTHINGS.iter().filter(|row| catch_unwind(|| row.error_interval(4, -2.0)).is_ok());
    let names: Vec<&str> = negative.clone().map(|row| row.name).collect();
    assert_eq!(names, ["smooth_max", "mellowmax", "boltzmann_max", "smooth_min"]);
    for row in negative {
        let target = if row.target == Target::Max { Target::Min } else { Target::Max };
        let (low, high) = row.error_interval(x.len(), -2.0).expect("a bound");
        let error = row.apply(&x, -2.0) - target.value(&x);
        assert!(low <= error && error <= high, "{}: {error} of [{low}, {high}]", row.name);
    }
}

#[test]
fn steps_converge_except_at_the_jump() {
    for row in SMOOTHINGS.iter().filter(|row| matches!(row.bound, Bound::Pointwise)) {
        for x in [-2.0, -0.1, 0.0, 0.1, 2.0] {
            assert!((row.apply(&[x], 1e3) - row.target.value(&[x])).abs() < 1e-15, "{} at {x}", row.name);
            // Not uniformly: however sharp, somewhere it is half the way.
            assert!((row.apply(&[1e-9], 1e3) - row.target.value(&[1e-9])).abs() > 0.4, "{}", row.name);
        }
    }
}

/// Points away from where second derivatives jump.
fn smooth_points(row: &Smoothing) -> Vec<Vec<f64>> {
    let several = [vec![0.3, -0.45, 1.7], vec![2.1, 1.95], vec![-1.3, 0.2, 0.25, -0.1, 0.8]];
    let single = [0.3, -0.45, 1.7, -2.2];
    let points: Vec<Vec<f64>> = match row.operands {
        None => several.to_vec(),
        Some(1) => single.map(|x| vec![x]).to_vec(),
        Some(n) => several.iter().map(|x| x[..n].to_vec()).collect(),
    };
    points.into_iter().filter(|x| row.domain.contains(x)).collect()
}

#[test]
fn derivatives_agree_with_differences_to_second_order() {
    for row in SMOOTHINGS {
        for x in smooth_points(row) {
            for k in [1.5, 5.0] {
                let check = check_gradient(&x, |x| row.apply(x, k));
                assert!(check.is_ok(), "{} at {x:?}, k = {k}: {check}", row.name);
            }
        }
    }
}

#[test]
fn every_number_gives_the_same() {
    for row in SMOOTHINGS {
        for x in smooth_points(row) {
            let k = 3.0;
            let value = row.apply(&x, k);
            let (on_tape, g) = gradient(&x, |x| row.apply(x, k));
            assert_eq!(on_tape.to_bits(), value.to_bits(), "{} on a tape", row.name);
            for i in 0..x.len() {
                let duals: Vec<Dual> =
                    x.iter().enumerate().map(|(j, &x)| Dual::new(x, f64::from(i == j))).collect();
                let dual = row.apply(&duals, k);
                assert_eq!(dual.value.to_bits(), value.to_bits(), "{} of duals", row.name);
                let error = (dual.tangent - g[i]).abs();
                assert!(error <= 4.0 * f64::EPSILON * g[i].abs().max(1e-3), "{}: {error:e}", row.name);
            }

            let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let double: Vec<f64> = single.iter().map(|&x| x.into()).collect();
            let error = (f64::from(row.apply(&single, k)) - row.apply(&double, k)).abs();
            assert!(error <= 8.0 * f64::from(f32::EPSILON), "{} in single precision: {error:e}", row.name);
        }
    }
}

#[test]
fn names_and_targets_are_consistent() {
    for (i, row) in SMOOTHINGS.iter().enumerate() {
        assert!(SMOOTHINGS[..i].iter().all(|other| other.name != row.name));
        assert!(row.target.operands().is_none_or(|n| row.operands == Some(n)), "{}", row.name);
        let is_slice =
            matches!(row.target, Target::Max | Target::Min | Target::NormInf | Target::SumLargest(_));
        assert!(is_slice || row.operands == Some(1), "{}", row.name);
    }
}
