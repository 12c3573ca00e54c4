//! Continuation in the sharpness: known answers, schedules, honest flags and named errors.

#![cfg(feature = "minimax")]

use smoothmax::minimax::{Anneal, Status, anneal};
use smoothmax::{Error, Program, Var, max, min};

/// CB2 of Charalambous and Conn as one scalar program.
fn cb2() -> Program {
    Program::record(&[2.0, 2.0], |x| {
        let circle = (2.0 - x[0]).powi(2) + (2.0 - x[1]).powi(2);
        max(&[x[0].powi(2) + x[1].powi(4), circle, 2.0 * (x[1] - x[0]).exp()])
    })
}

const CB2: f64 = 1.9522244938706588;

#[test]
fn extrapolation_knows_more_than_the_last_stage() {
    let result = anneal(&cb2()).error(1e-4).solve(&[2.0, 2.0]).unwrap();
    let last = result.stages.last().unwrap();
    assert!((last.exact - CB2).abs() > 1e-6, "the last stage is not yet there");
    assert!(result.extrapolated.asymptotic);
    assert!((result.extrapolated.value - CB2).abs() < 1e-8, "{}", result.extrapolated.value);
    assert!((result.extrapolated.value - CB2).abs() < 10.0 * result.extrapolated.error + 1e-12);
    // The extrapolated point is far better than that of the last stage.
    assert!(result.value >= CB2 - 1e-14 && result.value - CB2 < 1e-2 * (last.exact - CB2));
    assert_eq!(result.status, Status::Converged);
}

#[test]
fn the_target_error_sets_the_last_sharpness_and_every_stage_keeps_its_gap() {
    let program = Program::record(&[1.0, -2.0], |x| {
        let valley = (x[0] - 1.0).abs() + min(&[x[1].abs(), (x[1] - 3.0).abs() + 0.5]);
        valley.max(0.2 * x[0] - 1.0)
    });
    let result = anneal(&program).error(1e-3).factor(10.0).solve(&[1.5, -2.0]).unwrap();
    let last = result.stages.last().unwrap();
    assert!((last.gap.1.max(-last.gap.0) - 1e-3).abs() < 1e-15);
    for stage in &result.stages {
        assert!(stage.gap.0 <= stage.smooth - stage.exact && stage.smooth - stage.exact <= stage.gap.1);
    }
    for pair in result.stages.windows(2) {
        assert!((pair[1].sharpness / pair[0].sharpness - 10.0).abs() < 1e-12);
    }
    assert!(result.value.abs() < 1e-3, "{}", result.value);
}

#[test]
fn first_and_last_sharpness_may_be_given() {
    // A square of a maximum has no gap.
    let program = Program::record(&[3.0], |x| (x[0] - 1.0).abs().max(0.5 * x[0]).square());
    let unbounded = anneal(&program).solve(&[3.0]);
    assert!(matches!(unbounded, Err(Error::Invalid { argument: "error", .. })), "{unbounded:?}");
    let result = anneal(&program).first(2.0).last(1e5).factor(5.0).solve(&[3.0]).unwrap();
    let sharpness: Vec<f64> = result.stages.iter().map(|stage| stage.sharpness).collect();
    assert!(sharpness[0] <= 2.0 && 2.0 < 5.0 * sharpness[0]);
    assert_eq!(*sharpness.last().unwrap(), 1e5);
    // Least where 1 - x = x / 2.
    assert!((result.value - 1.0 / 9.0).abs() < 1e-6 && (result.x[0] - 2.0 / 3.0).abs() < 1e-6);
}

#[test]
fn a_first_sharpness_beyond_the_last_is_one_stage() {
    let result = anneal(&cb2()).first(1e6).last(10.0).solve(&[2.0, 2.0]).unwrap();
    assert_eq!(result.stages.len(), 1);
    assert!(!result.extrapolated.asymptotic && result.extrapolated.error.is_infinite());
}

#[test]
fn a_schedule_without_end_is_a_named_error() {
    let program = cb2();
    let refused = |anneal: Anneal<'_>| match anneal.solve(&[2.0, 2.0]) {
        Err(Error::Invalid { argument, reason }) => (argument, reason.split(':').next().unwrap()),
        other => panic!("{other:?}"),
    };
    let small_error = "is so small that the sharpness for it is not finite";
    assert_eq!(refused(anneal(&program).error(1e-310)), ("error", small_error));
    assert_eq!(refused(anneal(&program).factor(1.0 + 1e-9)), ("factor", "is too small"));
    assert_eq!(refused(anneal(&program).factor(1.0 + f64::EPSILON)), ("factor", "is too small"));
    // The quotient of these two would be infinite.
    let wide = || anneal(&program).first(1e-300).last(1e300);
    assert_eq!(refused(wide().factor(1.5)), ("factor", "is too small"));
    assert_eq!(refused(anneal(&program).first(1e-300).last(1.0).factor(1e200)), ("factor", "is too large"));
}

#[test]
fn a_factor_whose_powers_overflow_still_makes_a_schedule() {
    let result = anneal(&cb2()).first(1e-8).last(1e300).factor(1e200).solve(&[2.0, 2.0]).unwrap();
    let decades: Vec<f64> = result.stages.iter().map(|stage| stage.sharpness.log10().round()).collect();
    assert_eq!(decades, [-100.0, 100.0, 300.0]);
    assert_eq!(result.stages[2].sharpness, 1e300);
}

#[test]
fn sharpnesses_too_low_to_tell_the_pieces_apart_are_not_asymptotic() {
    let program = Program::record(&[3.9], |x| {
        let far = (x[0] - 4.0).abs() * 3.0 + 0.3;
        min(&[x[0].abs(), far]).max(0.01 * x[0])
    });
    let few = anneal(&program).first(1.0).last(4.0).factor(1.5).solve(&[3.9]).unwrap();
    assert!(!few.extrapolated.asymptotic, "{few}");
    assert!(few.to_string().contains("not asymptotic"));
    let enough = anneal(&program).solve(&[3.9]).unwrap();
    assert!(enough.extrapolated.asymptotic && (enough.value - 0.3).abs() < 1e-9, "{enough}");
}

#[test]
fn nothing_to_smooth_is_a_plain_minimisation() {
    let program = Program::record(&[0.0; 2], |x| (x[0] - 1.0).powi(2) + (x[1] + 2.0).powi(4));
    let result = anneal(&program).solve(&[0.0, 0.0]).unwrap();
    assert_eq!(result.stages.len(), 1);
    assert!(result.value < 1e-9 && result.status == Status::Converged);
    assert_eq!(result.stages[0].gap, (0.0, 0.0));
}

#[test]
fn a_start_at_the_minimum_is_evaluated_once() {
    let program = Program::record(&[0.0; 3], |x| {
        (x[0] - 0.1).powi(2) + 3.0 * (x[1] - 0.7).powi(2) + 5e5 * (x[2] - 1.3).powi(2)
    });
    let result = anneal(&program).solve(&[0.1, 0.7, 1.3]).unwrap();
    assert_eq!(result.stages[0].evaluations, 1);
    assert_eq!((result.value, result.status), (0.0, Status::Converged));
}

#[test]
fn an_unbounded_objective_says_so() {
    let program = Program::record(&[1.0], |x| x[0].max(2.0 * x[0]) * 1e6);
    let result = anneal(&program).last(10.0).solve(&[1.0]).unwrap();
    assert_eq!(result.status, Status::Unbounded, "{result}");
}

#[test]
fn bad_input_is_a_named_error() {
    let length = anneal(&cb2()).solve(&[2.0]);
    assert_eq!(length.unwrap_err(), Error::Length { argument: "x0", found: 1, expected: 2 });
    let two = Program::record_many(&[0.0], |x| vec![x[0], x[0].abs()]);
    let outputs = anneal(&two).solve(&[0.0]).unwrap_err();
    assert_eq!(outputs, Error::Length { argument: "outputs", found: 2, expected: 1 });
    let start = anneal(&Program::record(&[1.0], |x| x[0].ln().abs())).solve(&[-1.0]);
    assert!(matches!(start, Err(Error::NotFinite { component: 0, value }) if value.is_nan()));
    fn branch<'t>(x: &[Var<'t>]) -> Var<'t> {
        if x[0] > 0.5 { x[0].abs() } else { x[0].abs() * 2.0 }
    }
    let flipped = anneal(&Program::record(&[1.0], |x| branch(x))).solve(&[1.0]);
    assert!(matches!(flipped, Err(Error::BranchChanged { .. })));
}

#[test]
fn the_result_prints_in_a_few_lines() {
    let text = anneal(&cb2()).error(1e-3).solve(&[2.0, 2.0]).unwrap().to_string();
    assert_eq!(text.lines().count(), 6);
    for word in ["Converged", "value", "smooth", "gap", "extrapolated", "x  "] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
}

#[test]
#[should_panic(expected = "anneal: the factor `q` is 1; it must be above 1 and finite")]
fn a_factor_of_one_panics() {
    let program = cb2();
    let _ = anneal(&program).factor(1.0);
}
