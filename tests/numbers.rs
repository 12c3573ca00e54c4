//! The numbers that carry derivatives behave as the plain ones do: operators,
//! `num_traits`, and functions generic over `Scalar`.

mod common;

use common::assert_close;
use nalgebra::{Matrix2, Matrix3};
use num_traits::{Float, NumCast, One, Zero};
use smoothmax::{Dual, Scalar, Tape, Var, gradient, hessian, log_sum_exp, smooth_max, softmax};

/// `x op y` with a variable on either side, on both sides, and as an
/// assignment: the value of the plain operation, and the slopes `$dx`, `$dy`.
macro_rules! check_operator {
    ($float:ty, $op:tt, $assign:tt, $dx:expr, $dy:expr) => {{
        let (a, b): ($float, $float) = (7.25, -2.5);
        let tape = Tape::<$float>::with_capacity(8);
        let (x, y) = (tape.var(a), tape.var(b));
        let mut both = x;
        both $assign y;
        let mut right = x;
        right $assign b;
        for z in [x $op y, both] {
            assert_eq!(z.value(), a $op b);
            let adjoints = z.backward();
            assert_eq!((adjoints[x], adjoints[y]), ($dx(a, b), $dy(a, b)));
        }
        for z in [x $op b, right] {
            assert_eq!((z.value(), z.backward()[x]), (a $op b, $dx(a, b)));
        }
        let z = a $op y;
        assert_eq!((z.value(), z.backward()[y]), (a $op b, $dy(a, b)));

        let (u, v) = (Dual::variable(a), Dual::variable(b));
        let mut both = u;
        both $assign v;
        let mut right = u;
        right $assign b;
        assert_eq!((both.value, both.tangent), (a $op b, $dx(a, b) + $dy(a, b)));
        assert_eq!(((u $op v).value, (u $op v).tangent), (both.value, both.tangent));
        assert_eq!((right.value, right.tangent), (a $op b, $dx(a, b)));
        assert_eq!(((u $op b).value, (u $op b).tangent), (right.value, right.tangent));
        assert_eq!(((a $op v).value, (a $op v).tangent), (a $op b, $dy(a, b)));
    }};
}

/// All operators in one precision.
macro_rules! check_operators {
    ($float:ty) => {{
        check_operator!($float, +, +=, |_, _| 1.0, |_, _| 1.0);
        check_operator!($float, -, -=, |_, _| 1.0, |_, _| -1.0);
        check_operator!($float, *, *=, |_, b: $float| b, |a: $float, _| a);
        check_operator!($float, /, /=, |_, b: $float| 1.0 / b, |a: $float, b: $float| -(a / b / b));
        check_operator!($float, %, %=, |_, _| 1.0, |a: $float, b: $float| -(a / b).trunc());
    }};
}

#[test]
fn operators_take_plain_numbers_on_either_side() {
    check_operators!(f64);
    check_operators!(f32);
    let tape = Tape::new();
    let x = tape.var(3.0);
    assert_eq!(((-x).value(), (-x).backward()[x]), (-3.0, -1.0));
}

#[test]
fn methods_take_plain_numbers() {
    let tape = Tape::new();
    let x = tape.var(0.75);
    assert_eq!(x.max(0.0).backward()[x], 1.0);
    assert_eq!(x.min(0.0).backward()[x], 0.0);
    assert_eq!(x.powf(2.0).backward()[x], 1.5);
    assert_eq!(x.hypot(1.0).backward()[x], 0.6);
    assert_eq!(x.atan2(1.0).backward()[x], 1.0 / (1.0 + 0.75 * 0.75));
    assert_eq!(x.log(2.0).value(), 0.75f64.log(2.0));
    assert_eq!(x.mul_add(2.0, 1.0).value(), 2.5);
}

#[test]
fn sums_and_products_of_iterators() {
    let tape = Tape::new();
    let x = tape.vars(&[1.0, 2.0, 4.0]);
    let total: Var<'_> = x.iter().sum();
    assert_eq!((total.value(), tape.len()), (7.0, 4), "one node");
    let total: Var<'_> = x.iter().map(|&x| x * x).sum();
    assert_eq!((total.value(), total.backward().wrt(&x).as_slice()), (21.0, &[2.0, 4.0, 8.0][..]));
    let product: Var<'_> = x.iter().copied().product();
    assert_eq!(product.backward().wrt(&x).as_slice(), [8.0, 4.0, 2.0]);
    let duals = [Dual::variable(2.0), Dual::lift(5.0)];
    let (total, product): (Dual, Dual) = (duals.into_iter().sum(), duals.into_iter().product());
    assert_eq!((total.value, total.tangent, product.value, product.tangent), (7.0, 1.0, 10.0, 5.0));
}

/// Every method of `Float` that gives a number, by name.
fn float_methods<F: Float>(x: F, y: F, z: F) -> Vec<(&'static str, F)> {
    macro_rules! methods {
        ($($name:ident($($argument:expr),*)),+) => { vec![$((stringify!($name), F::$name(x $(, $argument)*))),+] };
    }
    let mut results = methods!(
        floor(),
        ceil(),
        round(),
        trunc(),
        fract(),
        abs(),
        signum(),
        recip(),
        sqrt(),
        cbrt(),
        exp(),
        exp2(),
        exp_m1(),
        ln(),
        ln_1p(),
        log2(),
        log10(),
        sin(),
        cos(),
        tan(),
        asin(),
        acos(),
        atan(),
        sinh(),
        cosh(),
        tanh(),
        asinh(),
        acosh(),
        atanh(),
        to_degrees(),
        to_radians(),
        powf(y),
        log(y),
        max(y),
        min(y),
        abs_sub(y),
        hypot(y),
        atan2(y),
        copysign(y),
        mul_add(y, z),
        powi(0),
        powi(1),
        powi(2),
        powi(-3),
        powi(19)
    );
    let (sin, cos) = x.sin_cos();
    results.extend([("sin_cos", sin), ("sin_cos", cos)]);
    results
}

/// The answers to all that `Float` asks about a number.
fn float_answers<F: Float>(x: F) -> String {
    let questions = [
        x.is_nan(),
        x.is_infinite(),
        x.is_finite(),
        x.is_normal(),
        x.is_sign_positive(),
        x.is_sign_negative(),
    ];
    let comparisons = [x > F::zero(), x >= F::one(), x == F::zero(), x < F::neg_infinity(), x.is_zero()];
    let conversions =
        (x.to_i64(), x.to_u64(), x.to_i32(), x.to_f32().map(f32::to_bits), x.to_f64().map(f64::to_bits));
    format!("{questions:?} {comparisons:?} {conversions:?} {:?} {:?}", x.classify(), x.integer_decode())
}

const ARGUMENTS: [f64; 9] = [0.5, -0.5, 2.5, -7.3, 0.0, -0.0, 1.0, 1e-9, 300.0];

#[test]
fn float_methods_give_what_floats_give() {
    for x in ARGUMENTS {
        for (y, z) in [(0.5, 2.0), (3.0, -1.0), (-2.0, 0.25)] {
            let tape = Tape::new();
            let on_tape = float_methods(tape.var(x), tape.var(y), tape.var(z));
            let dual = float_methods(Dual::variable(x), Dual::variable(y), Dual::variable(z));
            for (i, (name, expected)) in float_methods(x, y, z).into_iter().enumerate() {
                let what = format!("{name} of {x}, {y}, {z}");
                assert_eq!(on_tape[i].1.value().to_bits(), expected.to_bits(), "{what} on a tape");
                assert_eq!(dual[i].1.value.to_bits(), expected.to_bits(), "{what} in forward mode");
            }
        }
    }
}

#[test]
fn signs_of_nan_and_differences_of_infinities_are_those_of_floats() {
    for (x, y) in [(3.0, f64::NAN), (-3.0, -f64::NAN), (-0.0, 1.0), (f64::INFINITY, -0.0)] {
        let (var, dual) =
            (Float::copysign(Var::lift(x), Var::lift(y)), Float::copysign(Dual::lift(x), y.into()));
        assert_eq!((var.value(), dual.value), (x.copysign(y), x.copysign(y)), "copysign({x}, {y})");
    }
    assert!(Float::copysign(Dual::lift(f64::NAN), Dual::lift(1.0)).value.is_nan());
    for (x, y) in [(f64::INFINITY, f64::INFINITY), (-f64::INFINITY, -f64::INFINITY), (f64::INFINITY, 1.0)] {
        let (var, dual) =
            (Float::abs_sub(Var::lift(x), Var::lift(y)), Float::abs_sub(Dual::lift(x), y.into()));
        let expected = if x == y { 0.0 } else { x };
        assert_eq!((var.value(), dual.value), (expected, expected), "abs_sub({x}, {y})");
    }
    let (_, slopes) = gradient(&[-2.0, f64::NAN], |x| Float::copysign(x[0], x[1]));
    assert_eq!(slopes.as_slice(), [-1.0, 0.0]);
}

#[test]
fn the_exponential_of_a_matrix_differentiates() {
    // d/dt exp(tB) = B exp(tB), at norms that take every way through the algorithm.
    let b = Matrix3::new(0.2, -1.0, 0.5, 0.7, 0.0, -0.3, 0.0, 0.4, -0.6);
    for t in [0.0, 1e-3, 0.1, 0.3, 1.0, 3.0, 30.0] {
        let exp = (b.map(Dual::lift) * Dual::variable(t)).exp();
        let expected = (b * t).exp();
        let tolerance = 1e-13 * (1.0 + t) * expected.norm();
        assert!((exp.map(|y| y.value) - expected).norm() <= tolerance, "value at {t}");
        assert!((exp.map(|y| y.tangent) - b * expected).norm() <= tolerance, "slope at {t}");
    }
    // At the zero matrix along a nilpotent one.
    let exp = Matrix2::new(Dual::lift(0.0), Dual::variable(0.0), Dual::lift(0.0), Dual::lift(0.0)).exp();
    assert_eq!(exp.map(|y| y.tangent), Matrix2::new(0.0, 1.0, 0.0, 0.0));
    assert_eq!(nalgebra::try_convert::<Dual, f64>(Dual::variable(2.0)), Some(2.0));
}

#[test]
fn float_questions_are_answered_by_the_value() {
    for x in ARGUMENTS.into_iter().chain([f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324]) {
        let tape = Tape::new();
        assert_eq!(float_answers(tape.var(x)), float_answers(x));
        assert_eq!(float_answers(Dual::variable(x)), float_answers(x));
    }
}

fn float_constants<F: Float>() -> [F; 9] {
    [
        F::infinity(),
        F::neg_infinity(),
        F::neg_zero(),
        F::min_value(),
        F::min_positive_value(),
        F::max_value(),
        F::epsilon(),
        F::one(),
        <F as NumCast>::from(0.1f32).unwrap(),
    ]
}

#[test]
fn float_constants_are_constants() {
    let expected = float_constants::<f64>();
    for (i, (var, dual)) in float_constants::<Var>().iter().zip(float_constants::<Dual>()).enumerate() {
        assert!(var.is_constant());
        assert_eq!(var.value().to_bits(), expected[i].to_bits());
        assert_eq!((dual.value.to_bits(), dual.tangent), (expected[i].to_bits(), 0.0));
    }
    assert!(<Var<'_> as Float>::nan().value().is_nan());
    assert!(<Var<'_> as Zero>::zero().is_constant() && <Var<'_> as One>::one() == 1.0);
    assert_eq!(<Var<'_> as num_traits::Num>::from_str_radix("1.5", 10).unwrap().value(), 1.5);
    assert_eq!(Var::<f64>::default().value(), 0.0);
}

#[test]
fn comparisons_look_at_values() {
    let tape = Tape::new();
    let (x, y) = (tape.var(1.0), tape.var(2.0));
    assert!(x < y && x <= 1.0 && x == 1.0 && y > 1.5 && x != y);
    assert!(Dual::new(1.0, 5.0) == Dual::new(1.0, 7.0) && Dual::variable(1.0) < 2.0);
    assert_eq!(tape.var(f64::NAN).partial_cmp(&x), None);
}

/// A function of everything that `Scalar` adds to `Float`.
fn everything<S: Scalar>(x: &[S]) -> S {
    let c = S::constant;
    let smooth = x[0].softplus() + x[1].sigmoid() * x[2].log_sigmoid() + x[0].log_add_exp(x[1]);
    let sharp = x[0].smooth_abs(c(3.0)) * x[1].smooth_sign(c(2.0)) + (x[2] - c(0.1)).relu();
    let chosen = x[2].select(x[0] * x[1], x[1].square());
    let n_ary = log_sum_exp(x) * smooth_max(x, 4.0) - softmax(x)[1];
    smooth + sharp + chosen + n_ary.exp() / c(7.0)
}

#[test]
fn one_source_runs_on_every_number() {
    let x = [0.5, -0.75, 0.25];
    let value = everything(&x);
    let (on_tape, gradient) = gradient(&x, |x| everything(x));
    let (_, _, hessian) = hessian(&x, |x| everything(x));
    assert_close(on_tape, value, 1e-15 * value.abs(), "f64 and Var");

    let single = everything(&x.map(|x| x as f32));
    assert_close(<f64 as From<f32>>::from(single), value, 1e-6 * value.abs(), "f32 and f64");
    let tape = Tape::<f32>::with_capacity(64);
    let vars = tape.vars(&x.map(|x| x as f32));
    let single = everything(&vars).backward().wrt(&vars);

    for i in 0..3 {
        let unit = |j| if j == i { 1.0 } else { 0.0 };
        let dual = everything(&[0, 1, 2].map(|j| Dual::new(x[j], unit(j))));
        assert_close(dual.value, value, 1e-15 * value.abs(), "Dual");
        assert_close(dual.tangent, gradient[i], 1e-14 * gradient.amax(), "Dual and Var");
        assert_close(
            <f64 as From<f32>>::from(single[i]),
            gradient[i],
            1e-5 * gradient.amax(),
            "Var in single precision",
        );
        for k in 0..3 {
            let inner = |j| if j == k { 1.0 } else { 0.0 };
            let nested = [0, 1, 2].map(|j| Dual::new(Dual::new(x[j], inner(j)), Dual::lift(unit(j))));
            let second = everything(&nested).tangent.tangent;
            assert_close(second, hessian[(i, k)], 1e-13 * hessian.amax(), "Dual of Dual");
        }
    }
}

#[test]
fn numbers_print_as_what_they_are() {
    let tape = Tape::new();
    let x = tape.var(1.5);
    assert_eq!(format!("{x} {x:?} {:?}", Var::lift(2.0)), "1.5 1.5 at node 0 2.0 constant");
    assert_eq!(format!("{:.2}", x), "1.50");
    assert_eq!(Dual::new(1.0, -2.0).to_string(), "1 + -2ε");
    assert_eq!(format!("{tape:?}"), "Tape(1 nodes)");
}
