//! Code as people write it for plain numbers compiles for the others, and gives the same.

use num_traits::FloatConst;
use smoothmax::{
    Batch, Dual, Error, Jet, Program, Rows, Scalar, Tape, Var, gradient,
    smooth::{sum_largest, sum_largest_at},
    smooth_max,
};

/// Every operator on every mixture of references, for a number `$x` of value 3 next to `$y` of
/// value 2; `$value` takes the value out.
macro_rules! check_references {
    ($x:expr, $y:expr, $value:expr) => {{
        let (x, y) = ($x, $y);
        macro_rules! check {
            ($op:tt, $assign:tt, $expected:expr) => {{
                let numbers = [&x $op y, x $op &y, &x $op &y];
                let right = [&x $op 2.0, x $op &2.0, &x $op &2.0];
                let left = [&3.0 $op y, 3.0 $op &y, &3.0 $op &y];
                let mut assigned = [x, x];
                assigned[0] $assign &y;
                assigned[1] $assign &2.0;
                for z in numbers.into_iter().chain(right).chain(left).chain(assigned) {
                    assert_eq!($value(z), $expected);
                }
            }};
        }
        check!(+, +=, 5.0);
        check!(-, -=, 1.0);
        check!(*, *=, 6.0);
        check!(/, /=, 1.5);
        check!(%, %=, 1.0);
        assert_eq!($value(-&x), -3.0);
    }};
}

#[test]
fn operators_take_references() {
    let tape = Tape::new();
    check_references!(tape.var(3.0), tape.var(2.0), Var::value);
    check_references!(Dual::variable(3.0), Dual::variable(2.0), |z: Dual| z.value);
    let [x, y] = Jet::variables([3.0, 2.0]);
    check_references!(x, y, |z: Jet<2>| z.value);
    let single = Tape::<f32>::with_capacity(4);
    check_references!(single.var(3.0), single.var(2.0), Var::value);
}

#[test]
fn iterators_of_references_are_mapped_summed_and_multiplied() {
    let (value, g) = gradient(&[1.0, 2.0, 4.0], |x| x.iter().map(|v| v * v).sum());
    assert_eq!((value, g.as_slice()), (21.0, &[2.0, 4.0, 8.0][..]));
    let (value, g) = gradient(&[1.0, 2.0, 4.0], |x| x.iter().product::<Var>());
    assert_eq!((value, g.as_slice()), (8.0, &[8.0, 4.0, 2.0][..]));
    let coefficients = [3.0, 5.0, 7.0];
    let (_, g) = gradient(&[0.0; 3], |x| x.iter().zip(&coefficients).map(|(x, c)| c * x).sum());
    assert_eq!(g.as_slice(), coefficients);

    let duals = [Dual::variable(2.0), Dual::lift(5.0)];
    let (sum, product): (Dual, Dual) = (duals.iter().sum(), duals.iter().product());
    assert_eq!([sum.value, sum.tangent, product.value, product.tangent], [7.0, 1.0, 10.0, 5.0]);
    let jets = Jet::variables([2.0, 5.0]);
    let (sum, product): (Jet<2>, Jet<2>) = (jets.iter().sum(), jets.iter().product());
    assert_eq!((sum.gradient, product.gradient), ([1.0, 1.0], [5.0, 2.0]));
}

#[test]
fn a_plain_number_on_the_left_is_compared() {
    let tape = Tape::new();
    let x = tape.var(2.0);
    assert_eq!([1.0 < x, 2.0 < x, 2.0 <= x, 3.0 <= x], [true, false, true, false]);
    assert_eq!([3.0 > x, 2.0 > x, 2.0 >= x, 1.0 >= x], [true, false, true, false]);
    assert_eq!([2.0 == x, 1.0 == x, 1.0 != x], [true, false, true]);
    assert_eq!(f64::NAN.partial_cmp(&x), None);
    let (dual, [jet]) = (Dual::variable(2f32), Jet::variables([2.0]));
    assert_eq!([1.0 < dual, 2.0 == dual, 2.0 < jet, 3.0 >= jet], [true, true, false, true]);
}

#[test]
fn a_comparison_from_the_left_guards_a_replay() {
    let program = Program::record(&[2.0], |x| if 1.0 < x[0] { x[0] * x[0] } else { -x[0] });
    let mut work = program.workspace();
    assert_eq!(program.value(&mut work, &[3.0]), Ok(9.0));
    let changed = program.value(&mut work, &[0.5]).unwrap_err();
    assert!(
        matches!(changed, Error::BranchChanged { operator: "<", left: 1.0, right: 0.5, .. }),
        "{changed:?}"
    );
}

#[test]
fn clamp_replays_on_either_side_of_its_limits() {
    let program = Program::record(&[0.5], |x| x[0].clamp(0.0, 1.0) * 3.0);
    let compared = Program::record(&[0.5], |x| num_traits::clamp(x[0], 0.0.into(), 1.0.into()) * 3.0);
    let (mut work, mut compared_work) = (program.workspace(), compared.workspace());
    for (x, expected) in [(-2.0, (0.0, 0.0)), (0.25, (0.75, 3.0)), (1.5, (3.0, 0.0))] {
        let mut g = [0.0];
        assert_eq!((program.gradient(&mut work, &[x], &mut g), g[0]), (Ok(expected.0), expected.1));
        // That of num_traits asks which side it is on.
        let asked = compared.gradient(&mut compared_work, &[x], &mut g);
        assert_eq!(asked.is_ok(), x == 0.25);
    }
    assert_eq!(Dual::variable(0.5).clamp(0.0, Dual::lift(1.0)).tangent, 1.0);
    assert_eq!(Jet::variables([2.0])[0].clamp(0.0, 1.0).gradient, [0.0]);
}

/// What people write in generic code.
fn generic<S: Scalar>(x: &[S]) -> S {
    let mut sum = S::zero();
    for v in x {
        sum += *v;
    }
    sum -= S::one();
    sum *= x.iter().copied().sum::<S>();
    sum /= x.iter().product::<S>() + S::PI();
    sum + x.iter().sum::<S>() % S::constant(2.0)
}

#[test]
fn generic_code_assigns_sums_and_prints() {
    fn text<S: Scalar>(x: &S) -> String {
        format!("{x} {x:?}")
    }
    let x = [1.0, 2.0, 4.0];
    let expected = generic(&x);
    let (value, g) = gradient(&x, |x| generic(x));
    assert_eq!(value, expected);
    let jet = generic(&Jet::variables(x));
    assert_eq!(jet.value, expected);
    for i in 0..3 {
        let dual = generic(&[0, 1, 2].map(|j| Dual::new(x[j], f64::from(i == j))));
        assert_eq!(dual.value, expected);
        assert!((dual.tangent - g[i]).abs() < 1e-14 && (jet.gradient[i] - g[i]).abs() < 1e-14);
    }
    assert_eq!(text(&Var::lift(2.5)), "2.5 2.5 constant");
    assert_eq!(text(&2.5f32), "2.5 2.5");
}

#[test]
fn constants_of_mathematics_are_constants() {
    assert!(Var::<f64>::PI().is_constant() && Var::<f64>::SQRT_2() == 2f64.sqrt());
    assert_eq!(Var::<f32>::LN_2().value(), std::f32::consts::LN_2);
    assert_eq!((Jet::<2>::E().value, Jet::<2>::E().gradient), (std::f64::consts::E, [0.0; 2]));
    assert_eq!((Dual::<f64>::TAU().value, Dual::<f64>::TAU().tangent), (std::f64::consts::TAU, 0.0));
    let zero = Jet::<2>::default();
    assert_eq!((zero.value, zero.gradient, zero.kink()), (0.0, [0.0; 2], None));
}

#[test]
fn batches_take_arrays_owned_and_borrowed() {
    let array = [[0.0, 1.0], [1.0, 3.0], [2.0, 7.0]];
    let vec = array.to_vec();
    fn residuals<'d>(data: impl Into<Rows<'d>>) -> Vec<f64> {
        let batch = Batch::record(&[0.0, 0.0], data, |p, row| p[0] + p[1] * row[0] - row[1]);
        let mut values = vec![0.0; batch.len()];
        batch.values(&[1.0, 2.0], &mut values).unwrap();
        values
    }
    let expected = [0.0, 0.0, -2.0];
    assert_eq!(residuals(&array), expected);
    assert_eq!(residuals(&array[..]), expected);
    assert_eq!(residuals(&vec), expected);
    assert_eq!(residuals(vec), expected);
    assert_eq!((Rows::from(vec![[]; 3]).len(), Rows::from(&[[]; 3]).columns()), (3, 0));
}

#[test]
#[should_panic(expected = "sum_largest: `x` is empty")]
fn nothing_has_no_largest() {
    sum_largest::<f64>(&[], 0, 2.0);
}

#[test]
#[should_panic(expected = "sum_largest: `m` is 3; it must be in 1..=2")]
fn more_than_there_are_is_refused() {
    sum_largest_at(&[1.0, 2.0], 3, 2.0);
}

#[test]
#[should_panic(expected = "`k` is 0; it must not be 0 or NaN (1e-60 in single precision)")]
fn a_sharpness_lost_to_single_precision_is_told() {
    smooth_max(&[1f32, 2.0], 1e-60);
}

#[test]
fn numbers_of_any_size_print_short() {
    let tape = Tape::new();
    let x = tape.vars(&[1e308, 1e-300]);
    let _ = x[0] * 10.0;
    let text = tape.first_nonfinite().unwrap().to_string();
    assert!(text.starts_with("`mul` of 1e308, 10 at node 2 is inf"), "{text}");
    let kinks = (x[1] - 1e-300).abs().max(x[1] - x[1]).backward().kinks();
    assert!(kinks.iter().all(|kink| kink.to_string().len() < 300), "{kinks:?}");
    let changed = Error::BranchChanged {
        comparison: 0,
        operator: "<",
        left: 1e-300,
        right: -f64::MAX,
        row: None,
        location: None,
    };
    assert!(changed.to_string().starts_with("comparison 0, `1e-300 < -1.7976931348623157e308`"), "{changed}");
}
