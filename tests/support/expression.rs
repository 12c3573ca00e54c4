//! Random expression programs, as data that shrinks.

use proptest::prelude::*;
use smoothmax::{Scalar, dot_product, log_softmax, log_sum_exp, max, min, smooth_max_at, softmax, sum};

/// One operation on earlier results, chosen by index modulo what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    op: u8,
    operands: [u16; 3],
    constant: f64,
}

/// A straight-line program of [`Step`]s, bounded on every input.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    steps: Vec<Step>,
}

const OPERATIONS: u8 = 24;

/// The operations before this one are rules: no n-ary nodes, no branches.
const RULES: u8 = 16;

/// Programs of up to 60 steps.
pub(crate) fn expressions() -> impl Strategy<Value = Expression> {
    programs(OPERATIONS, 60)
}

/// Programs of up to 12 rules.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) fn rule_expressions() -> impl Strategy<Value = Expression> {
    programs(RULES, 12)
}

fn programs(operations: u8, length: usize) -> impl Strategy<Value = Expression> {
    let step = (0..operations, prop::array::uniform3(any::<u16>()), -2.0..2.0)
        .prop_map(|(op, operands, constant)| Step { op, operands, constant });
    prop::collection::vec(step, 1..=length).prop_map(|steps| Expression { steps })
}

impl Expression {
    /// The inputs and the result of every step; the last is the value.
    pub(crate) fn evaluate<S: Scalar>(&self, x: &[S]) -> Vec<S> {
        let mut results = x.to_vec();
        for step in &self.steps {
            let operands = step.operands.map(|operand| results[operand as usize % results.len()]);
            results.push(step.apply(operands, &results));
        }
        results
    }

    /// The answers of its comparisons at a point.
    pub(crate) fn branches(&self, x: &[f64]) -> Vec<bool> {
        let results = self.evaluate(x);
        let mut answers = Vec::new();
        for (count, step) in (x.len()..).zip(&self.steps) {
            let [a, b, _] = step.operands.map(|operand| results[operand as usize % count]);
            match step.op {
                22 => answers.push(a > b),
                23 => answers.push(a <= step.constant),
                _ => {}
            }
        }
        answers
    }
}

impl Step {
    fn apply<S: Scalar>(&self, [a, b, d]: [S; 3], earlier: &[S]) -> S {
        let constant = S::constant(self.constant);
        let recent = &earlier[earlier.len().saturating_sub(5)..];
        let half = recent.len() / 2;
        match self.op {
            0 => a + b,
            1 => a - b,
            2 => a.sin() * b,
            3 => a / (S::constant(1.0) + b.square()),
            4 => a * constant,
            5 => constant - a,
            6 => a.cos() + b,
            7 => a.tanh().exp(),
            8 => (a.square() + S::constant(1.0)).sqrt(),
            9 => (a.abs() + S::constant(0.5)).ln() * b.tanh(),
            10 => a.max(b),
            11 => a.min(constant),
            12 => a.softplus() - b.sigmoid(),
            13 => a.smooth_abs(S::constant(2.0)) * b.atan(),
            14 => a.select(b, d),
            15 => a.tanh().powi(3) + b.hypot(constant),
            16 => sum(recent),
            17 => log_sum_exp(recent),
            18 => smooth_max_at(recent, S::constant(3.0)),
            19 => dot_product(&recent[..half], &softmax(&recent[recent.len() - half..])),
            20 => max(&[a, b, d]) - min(recent),
            21 => log_softmax(recent)[half].tanh(),
            22 => {
                if a > b {
                    a.sin()
                } else {
                    b
                }
            }
            _ => {
                if a <= constant {
                    a + d
                } else {
                    a * S::constant(0.5)
                }
            }
        }
    }
}
