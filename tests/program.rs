//! Replay against the tape: every rule, random programs, guards, second order.

mod support;

use std::sync::Arc;

use num_traits::Float;
use proptest::prelude::*;
use smoothmax::rules::{Rule, TABLE};
use smoothmax::{
    CustomNode, Dual, Error, Program, Scalar, Tape, Var, dot, dot_product, gradient, hessian, hvp, jacobian,
    log_softmax, log_sum_exp, mat_vec, max, min, smooth_max, smooth_max_at, softmax, sum, vjp,
};
use support::expression::{Expression, expressions};

/// Equal, both NaN, or within `tolerance` of the larger of the two and `scale`.
fn agree(a: f64, b: f64, scale: f64, tolerance: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(scale)
}

fn assert_agree(what: &str, a: &[f64], b: &[f64], scale: f64, tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a_i, b_i) in a.iter().zip(b) {
        assert!(agree(*a_i, *b_i, scale, tolerance), "{what}: {a:?} and {b:?} differ");
    }
}

/// How the arguments of several copies of a rule lie among the inputs.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// One copy: an operation on its own.
    Single,
    /// All first arguments, then all second ones: stride 1.
    Blocks,
    /// The copies one after another: stride `arity`.
    Interleaved,
    /// As `Blocks`, but every copy has the first argument of the first copy: stride 0.
    SharedFirst,
    /// As `Blocks`, with the last argument shared.
    SharedLast,
    /// As `Blocks`, backwards: stride -1.
    Reversed,
}

const LAYOUTS: [Layout; 6] = [
    Layout::Single,
    Layout::Blocks,
    Layout::Interleaved,
    Layout::SharedFirst,
    Layout::SharedLast,
    Layout::Reversed,
];

impl Layout {
    fn copies(self) -> usize {
        if matches!(self, Layout::Single) { 1 } else { 11 }
    }

    /// The input that is argument `i` of a copy.
    fn place(self, arity: usize, copy: usize, i: usize) -> usize {
        let copies = self.copies();
        match self {
            Layout::Interleaved => copy * arity + i,
            Layout::SharedFirst if i == 0 => 0,
            Layout::SharedLast if i == arity - 1 => i * copies,
            Layout::Reversed => i * copies + (copies - 1 - copy),
            _ => i * copies + copy,
        }
    }

    fn inputs(self, point: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; point.len() * self.copies()];
        for copy in 0..self.copies() {
            for (i, &argument) in point.iter().enumerate() {
                x[self.place(point.len(), copy, i)] = argument;
            }
        }
        x
    }

    fn apply<'t>(self, rule: &Rule, x: &[Var<'t>]) -> Vec<Var<'t>> {
        let arity = rule.op.arity();
        let arguments = |copy| (0..arity).map(|i| x[self.place(arity, copy, i)]).collect::<Vec<_>>();
        (0..self.copies()).map(|copy| rule.apply(&arguments(copy))).collect()
    }
}

#[test]
fn every_rule_replays_like_the_tape() {
    for rule in TABLE {
        for point in rule.samples.iter().copied().chain(rule.edges.iter().map(|edge| edge.at)) {
            for layout in LAYOUTS {
                let what = format!("{} at {point:?}, {layout:?}", rule.name);
                let x = layout.inputs(point);
                let w: Vec<f64> = (0..layout.copies()).map(|copy| 1.0 + copy as f64).collect();
                // Recorded elsewhere, so that nothing of the recording's values can leak.
                let elsewhere = layout.inputs(rule.samples[0]);
                let program = Program::record_many(&elsewhere, |x| layout.apply(rule, x));
                let mut work = program.workspace();
                let (mut y, mut product) = (vec![0.0; layout.copies()], vec![0.0; x.len()]);
                program.values(&mut work, &x, &mut y).unwrap();
                program.pullback(&mut work, &x, &w, &mut product).unwrap();
                let (expected_y, expected) = vjp(&x, &w, |x| layout.apply(rule, x));
                assert_agree(&what, &y, expected_y.as_slice(), 0.0, 0.0);
                assert_agree(&what, &product, expected.as_slice(), 0.0, 4e-15);
            }
        }
    }
}

#[test]
fn every_rule_has_the_hessian_of_the_tape() {
    fn weigh<'t>(terms: &[Var<'t>]) -> Var<'t> {
        terms.iter().enumerate().map(|(copy, &term)| term * (1.0 + copy as f64)).sum()
    }
    for rule in TABLE {
        for point in rule.samples {
            for layout in LAYOUTS {
                let what = format!("{} at {point:?}, {layout:?}", rule.name);
                let x = layout.inputs(point);
                let v: Vec<f64> = (0..x.len()).map(|j| 0.5 + 0.25 * j as f64).collect();
                let program = Program::record(&x, |x| weigh(&layout.apply(rule, x)));
                let mut product = vec![0.0; x.len()];
                let value = program.hvp(&mut program.workspace(), &x, &v, &mut product).unwrap();
                let (expected_value, _, expected) = hvp(&x, &v, |x| weigh(&layout.apply(rule, x)));
                assert_agree(&what, &[value], &[expected_value], 0.0, 4e-15);
                // Terms that share an argument may cancel there.
                assert_agree(&what, &product, expected.as_slice(), expected.amax(), 1e-14);
            }
        }
    }
}

/// The gradient by forward mode, and the intermediate values.
fn forward_mode(expression: &Expression, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let along = |j: usize| {
        let duals: Vec<Dual> = x.iter().enumerate().map(|(i, &x)| Dual::new(x, f64::from(i == j))).collect();
        expression.evaluate(&duals).last().unwrap().tangent
    };
    ((0..x.len()).map(along).collect(), expression.evaluate(x))
}

/// The largest magnitude of what is met in both sweeps.
fn largest_intermediate(expression: &Expression, x: &[f64]) -> f64 {
    let tape = Tape::new();
    let steps = expression.evaluate(&tape.vars(x));
    let adjoints = steps.last().unwrap().backward();
    let value = steps.iter().fold(1.0, |largest: f64, step| largest.max(step.value().abs()));
    let adjoint = steps.iter().fold(1.0, |largest: f64, &step| largest.max(adjoints[step].abs()));
    value * adjoint
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Replay, tape and forward mode agree to 1e-13 of the largest
    /// intermediate; where a branch flips, the replay says so.
    #[test]
    fn replay_equals_tape_equals_dual(
        expression in expressions(),
        x0 in prop::array::uniform4(-2.0..2.0),
        x in prop::array::uniform4(-2.0..2.0),
    ) {
        let program = Program::record(&x0, |x| *expression.evaluate(x).last().unwrap());
        let mut work = program.workspace();
        let mut g = [0.0; 4];
        for x in [x0, x] {
            match program.gradient(&mut work, &x, &mut g) {
                Ok(value) => {
                    let (expected, expected_g) = gradient(&x, |x| *expression.evaluate(x).last().unwrap());
                    let (forward_g, steps) = forward_mode(&expression, &x);
                    let scale = largest_intermediate(&expression, &x);
                    prop_assert!(agree(value, expected, scale, 1e-13), "{} {}", value, expected);
                    prop_assert!(agree(value, *steps.last().unwrap(), scale, 1e-13));
                    for i in 0..4 {
                        prop_assert!(agree(g[i], expected_g[i], scale, 1e-13), "{:?} {:?}", g, expected_g);
                        prop_assert!(agree(g[i], forward_g[i], scale, 1e-13), "{:?} {:?}", g, forward_g);
                    }
                }
                Err(Error::BranchChanged { .. }) => {
                    prop_assert!(expression.branches(&x) != expression.branches(&x0));
                }
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }

    /// Second derivatives likewise, at the point of the recording.
    #[test]
    fn replayed_hvp_equals_that_of_the_tape(
        expression in expressions(),
        x in prop::array::uniform4(-2.0..2.0),
        v in prop::array::uniform4(-1.0..1.0),
    ) {
        let program = Program::record(&x, |x| *expression.evaluate(x).last().unwrap());
        let mut product = [0.0; 4];
        program.hvp(&mut program.workspace(), &x, &v, &mut product).unwrap();
        let (_, _, expected) = hvp(&x, &v, |x| *expression.evaluate(x).last().unwrap());
        let scale = largest_intermediate(&expression, &x).powi(2);
        for i in 0..4 {
            prop_assert!(agree(product[i], expected[i], scale, 1e-12), "{:?} {:?}", product, expected);
        }
    }
}

#[test]
fn the_shift_of_smooth_max_is_not_frozen() {
    let program = Program::record(&[0.0, 0.0], |x| smooth_max(x, 1.0));
    let mut g = [0.0; 2];
    let value = program.gradient(&mut program.workspace(), &[800.0, 801.0], &mut g).unwrap();
    assert_eq!(value, 801.3132616875182);
    assert_agree("weights", &g, &[0.2689414213699951, 0.7310585786300049], 0.0, 4e-16);
}

#[test]
fn a_sharpness_that_is_an_input_needs_no_new_recording() {
    let program = Program::record(&[0.0, 0.0, 1.0], |x| smooth_max_at(&x[..2], x[2]));
    let mut work = program.workspace();
    for k in [0.5, 1.0, 20.0, 1e6] {
        assert_eq!(program.value(&mut work, &[3.0, 3.5, k]).unwrap(), smooth_max(&[3.0, 3.5], k));
    }
}

/// What a branch on variables asks, and where its answer flips.
type Branch = for<'t> fn(&[Var<'t>]) -> Var<'t>;

#[test]
fn a_branch_that_flips_is_reported() {
    let branches: [(&str, Branch); 9] = [
        ("<", |x| if x[0] < x[1] { x[0] } else { x[1] }),
        ("<=", |x| if x[0] <= x[1] { x[0] } else { x[1] }),
        (">", |x| if x[0] > x[1] { x[0] } else { x[1] }),
        (">=", |x| if x[0] >= x[1] { x[0] } else { x[1] }),
        ("==", |x| if x[0] == x[0].floor() { x[0] } else { x[1] }),
        ("==", |x| if (x[0] - 1.0) == 0.0 { x[0] } else { x[1] }),
        ("partial_cmp", |x| x.iter().copied().max_by(|a, b| a.partial_cmp(b).unwrap()).unwrap()),
        ("partial_cmp", |x| match x[0].partial_cmp(&x[1]) {
            Some(std::cmp::Ordering::Less) => x[0],
            _ => x[1],
        }),
        (">", |x| if x[0] > 2.0 { x[0] } else { x[1] }),
    ];
    for (symbol, f) in branches {
        let program = Program::record(&[1.0, 2.5], f);
        let mut work = program.workspace();
        let mut g = [0.0; 2];
        for same in [[1.0, 2.5], [1.0, 3.5]] {
            let (value, expected) = gradient(&same, f);
            assert_eq!(program.gradient(&mut work, &same, &mut g), Ok(value), "{symbol}");
            assert_eq!(g, expected.as_slice());
        }
        let flipped = [2.75, 2.5];
        let error = program.gradient(&mut work, &flipped, &mut g).unwrap_err();
        let Error::BranchChanged { operator, comparison: 0, row: None, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(operator, symbol);
        assert!(error.to_string().contains(symbol), "{error}");
        let hvp = program.hvp(&mut work, &flipped, &[1.0, 0.0], &mut g);
        assert!(matches!(hvp, Err(Error::BranchChanged { .. })));

        let mut program = program;
        let value = program.replay_or_record(&mut work, &flipped, &mut g, f).unwrap();
        let (expected, expected_g) = gradient(&flipped, f);
        assert_eq!((value, &g[..]), (expected, expected_g.as_slice()), "{symbol}");
    }
}

#[test]
fn a_comparison_with_nan_keeps_its_answer() {
    let program = Program::record(&[f64::NAN], |x| if x[0] < 1.0 { x[0] } else { x[0] * 2.0 });
    let mut work = program.workspace();
    assert!(program.value(&mut work, &[f64::NAN]).unwrap().is_nan());
    assert_eq!(program.value(&mut work, &[3.0]), Ok(6.0));
    assert!(matches!(program.value(&mut work, &[0.0]), Err(Error::BranchChanged { .. })));
}

/// The comparison's operands reach no output, and are checked nevertheless.
#[test]
fn a_guard_keeps_what_it_compares_alive() {
    let program = Program::record(&[1.0], |x| if x[0].exp().sin() > 0.0 { x[0] } else { -x[0] });
    let mut work = program.workspace();
    assert_eq!(program.value(&mut work, &[0.5]), Ok(0.5));
    assert!(matches!(program.value(&mut work, &[1.5]), Err(Error::BranchChanged { .. })));
}

#[cfg(debug_assertions)]
#[test]
fn a_flipped_branch_names_its_source_line() {
    let program = Program::record(&[1.0], |x| if x[0] > 0.0 { x[0] } else { -x[0] });
    let line = line!() - 1;
    let error = program.value(&mut program.workspace(), &[-1.0]).unwrap_err();
    assert!(error.to_string().contains(&format!("program.rs:{line}")), "{error}");
}

#[test]
fn step_functions_replay() {
    let steps: [fn(Var<'_>) -> Var<'_>; 6] =
        [|x| x.floor(), |x| x.ceil(), |x| x.round(), |x| x.trunc(), |x| x.signum(), |x| x.fract()];
    for step in steps {
        let program = Program::record(&[0.3], |x| step(x[0]) * x[0]);
        let mut work = program.workspace();
        for x in [-2.6, -0.2, 0.3, 1.7, 2.5] {
            let mut g = [0.0];
            let (value, expected) = gradient(&[x], |x| step(x[0]) * x[0]);
            assert_eq!(program.gradient(&mut work, &[x], &mut g), Ok(value));
            assert_eq!(g, expected.as_slice());
        }
    }
}

#[test]
fn reads_of_values_are_counted() {
    use num_traits::ToPrimitive;
    let reads: [Branch; 5] = [
        |x| x[0] * x[1].value(),
        |x| x[0] * x[1].to_f64().unwrap(),
        |x| if Float::is_nan(x[0]) { x[1] } else { x[0] },
        |x| if Float::classify(x[0]) == std::num::FpCategory::Normal { x[0] } else { x[1] },
        |x| if Float::is_sign_negative(x[0]) { x[1] } else { x[0] },
    ];
    for read in reads {
        assert_eq!(Program::record(&[1.0, 2.0], read).value_reads(), 1);
    }
    assert_eq!(Program::record(&[1.0, 2.0], |x| x[0].max(x[1])).value_reads(), 0);
}

/// Doubles its operand, unless told that it must not be replayed.
struct Double {
    replayable: bool,
}

impl CustomNode for Double {
    fn name(&self) -> &str {
        "double"
    }
    fn value(&self, x: &[f64]) -> f64 {
        2.0 * x[0]
    }
    fn pullback(&self, _: &[f64], y_bar: f64, x_bar: &mut [f64]) {
        x_bar[0] += 2.0 * y_bar;
    }
    fn is_replayable(&self) -> bool {
        self.replayable
    }
}

#[test]
fn custom_nodes_replay_or_are_refused() {
    let record = |replayable: bool| {
        let node: Arc<dyn CustomNode> = Arc::new(Double { replayable });
        Program::try_record(&[1.0], move |x| Var::custom(Arc::clone(&node), x).sin())
    };
    let program = record(true).unwrap();
    let mut g = [0.0];
    assert_eq!(program.gradient(&mut program.workspace(), &[3.0], &mut g), Ok(6f64.sin()));
    assert_eq!(g, [2.0 * 6f64.cos()]);
    assert_eq!(
        program.hvp(&mut program.workspace(), &[3.0], &[1.0], &mut g),
        Err(Error::NoSecondOrder { node: "double".into() })
    );
    assert_eq!(record(false).unwrap_err(), Error::NotReplayable { node: "double".into() });
}

/// A function of variables.
type Function = dyn for<'t> Fn(&[Var<'t>]) -> Var<'t>;

/// Each n-ary primitive with operands that are consecutive, scattered,
/// repeated and constant.
#[test]
fn nary_nodes_replay_like_the_tape() {
    let matrix = Arc::new(nalgebra::dmatrix![1.0, 2.0, -1.0, 0.5; 0.0, 1.0, 3.0, -2.0; 2.0, 0.0, 1.0, 1.0]);
    let nodes: Vec<Box<Function>> = vec![
        Box::new(|x| sum(x)),
        Box::new(|x| dot(&[1.0, -2.0, 0.5, 3.0], x)),
        Box::new(|x| dot_product(&x[..2], &x[2..])),
        Box::new(|x| max(x)),
        Box::new(|x| min(x)),
        Box::new(|x| log_sum_exp(x)),
        Box::new(|x| smooth_max(x, 3.0)),
        Box::new(|x| smooth_max_at(&x[..3], x[3])),
        Box::new(|x| dot(&[1.0, -2.0, 0.5, 3.0], &softmax(x))),
        Box::new(|x| dot(&[1.0, -2.0, 0.5, 3.0], &log_softmax(x))),
        Box::new(move |x| dot(&[1.0, -2.0, 0.5], &mat_vec(&matrix, x))),
    ];
    let x = [0.5, 1.5, -0.25, 0.75];
    for (i, node) in nodes.iter().enumerate() {
        check_nary(i, &x, |x| node(x));
        check_nary(i, &x, |x| node(&[x[2], x[0], x[3], x[1]]).sin());
        check_nary(i, &x, |x| node(&[x[2], x[2], 0.25.into(), x[1]]).sin());
    }
}

fn check_nary<F>(which: usize, x: &[f64], f: F)
where
    F: for<'t> Fn(&[Var<'t>]) -> Var<'t>,
{
    let what = format!("n-ary node {which}");
    let program = Program::record(&[0.1, 0.2, 0.3, 0.4], &f);
    let mut work = program.workspace();
    let mut g = vec![0.0; x.len()];
    let value = program.gradient(&mut work, x, &mut g).unwrap();
    let (expected, expected_g) = gradient(x, &f);
    assert_agree(&what, &[value], &[expected], 1.0, 1e-15);
    assert_agree(&what, &g, expected_g.as_slice(), 1.0, 1e-15);
    let (_, _, expected) = hessian(x, &f);
    assert_agree(&what, program.hessian(x).unwrap().as_slice(), expected.as_slice(), 1.0, 1e-14);
}

#[test]
fn many_outputs() {
    fn f<S: Scalar>(x: &[S]) -> Vec<S> {
        vec![x[0] * x[1], x[1].sin(), S::constant(3.0), x[2], x[2]]
    }
    let program = Program::record_many(&[1.0; 3], |x| f(x));
    let x = [0.5, 1.5, -2.0];
    let mut work = program.workspace();
    let mut y = [0.0; 5];
    program.values(&mut work, &x, &mut y).unwrap();
    assert_eq!(y, f(&x)[..]);
    let (_, expected) = jacobian(&x, |x| f(x));
    assert_eq!(program.jacobian(&x).unwrap(), expected);
    assert_eq!(program.jacobian_rows(&mut work, &x, &[3, 0]).unwrap(), expected.select_rows(&[3, 0]));
    let mut product = [0.0; 3];
    program.pullback(&mut work, &x, &[1.0, 2.0, 3.0, 4.0, 5.0], &mut product).unwrap();
    assert_eq!(product[..], *(expected.transpose() * nalgebra::dvector![1.0, 2.0, 3.0, 4.0, 5.0]).as_slice());
}

#[test]
fn long_sums_stay_one_node_and_keep_their_bits() {
    fn f<S: Scalar>(x: &[S]) -> S {
        let mut total = x[0].sin();
        for &x in &x[1..] {
            total += x * x;
        }
        total
    }
    let x: Vec<f64> = (0..100).map(|i| 0.1 * f64::from(i)).collect();
    let program = Program::record(&x, |x| f(x));
    assert_eq!(program.operations(), 1 + 99 + 1, "\n{program}");
    assert_eq!(program.value(&mut program.workspace(), &x).unwrap().to_bits(), f(&x).to_bits());
}

#[test]
fn dead_code_is_not_run() {
    let program = Program::record(&[1.0], |x| {
        let _ = x[0].sin().exp();
        x[0] * 2.0
    });
    assert_eq!(program.operations(), 1);
}

#[test]
fn wrong_lengths_are_named() {
    let program = Program::record(&[1.0, 2.0], |x| x[0] * x[1]);
    let mut work = program.workspace();
    let mut g = [0.0; 2];
    let length = |argument, found| Err(Error::Length { argument, found, expected: 2 });
    assert_eq!(program.value(&mut work, &[1.0]), length("x", 1));
    assert_eq!(program.gradient(&mut work, &[1.0; 2], &mut [0.0; 3]), length("gradient", 3));
    assert_eq!(program.hvp(&mut work, &[1.0; 2], &[1.0; 2], &mut [0.0; 1]), length("product", 1));
    // Of the same shape, but with another constant in its workspace.
    let [one, two] = [1.0, 2.0].map(|c| Program::record(&[1.0], move |x| x[0] + c));
    let error = two.value(&mut one.workspace(), &[0.0]).unwrap_err();
    assert!(matches!(error, Error::Invalid { argument: "work", .. }), "{error}");
    assert_eq!(program.gradient(&mut work, &[3.0, 4.0], &mut g), Ok(12.0));
    assert_eq!(g, [4.0, 3.0]);
}

#[test]
fn threads_share_a_program() {
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<Program>();
    assert_shared::<Program<f32>>();
    let program = Program::record(&[1.0; 8], |x| log_sum_exp(x));
    std::thread::scope(|scope| {
        for shift in 0..4 {
            let program = &program;
            scope.spawn(move || {
                let x = [f64::from(shift); 8];
                let value = program.value(&mut program.workspace(), &x).unwrap();
                assert!((value - f64::from(shift) - 8f64.ln()).abs() < 1e-15);
            });
        }
    });
}

#[test]
#[should_panic(expected = "at least one output")]
fn a_program_without_outputs_panics() {
    Program::record_many(&[1.0], |_| Vec::new());
}
