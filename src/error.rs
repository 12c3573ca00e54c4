//! The one error type.

use std::panic::Location;

use crate::print::Readable;

/// What can go wrong because of data.
///
/// Programming errors - a bad sharpness, variables of two tapes - panic
/// instead, each documented at its function.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A slice has the wrong length.
    Length {
        /// What was given.
        argument: &'static str,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// A second derivative was asked of a [preaccumulated](crate::Tape::preaccumulate)
    /// block, or of a custom node without a
    /// [second-order rule](crate::CustomNode::second_order).
    NoSecondOrder {
        /// The name of the node.
        node: String,
    },
    /// A node cannot be evaluated again at other inputs.
    NotReplayable {
        /// The name of the node.
        node: String,
    },
    /// A recording is longer than a program can be.
    TooLong {
        /// The number of operations recorded.
        operations: usize,
        /// The most a program can hold.
        limit: usize,
    },
    /// A comparison that was made while recording has another answer at these
    /// inputs, so the recording is not the function there.
    BranchChanged {
        /// Which comparison, in the order they were made.
        comparison: usize,
        /// How it is written: `<`, `==`, `partial_cmp`.
        operator: &'static str,
        /// What is on its left now.
        left: f64,
        /// What is on its right now.
        right: f64,
        /// The data row, in a batch.
        row: Option<usize>,
        /// The source line that compared; known in debug builds.
        location: Option<&'static Location<'static>>,
    },
    /// A minimax objective has no components, so its maximum is not defined.
    NoComponents,
    /// A component, or its gradient, is NaN or infinite at the start.
    NotFinite {
        /// Which component, counted from 0.
        component: usize,
        /// Its value.
        value: f64,
    },
    /// An argument is outside its domain.
    Invalid {
        /// What was given.
        argument: &'static str,
        /// What it must satisfy.
        reason: &'static str,
    },
    /// No point satisfies the bounds and linear constraints.
    Infeasible,
    /// A method cannot handle the problem.
    Unsupported {
        /// The method.
        method: &'static str,
        /// What it cannot handle.
        what: &'static str,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Length { argument, found, expected } => {
                write!(f, "`{argument}` has length {found}, expected {expected}")
            }
            Error::NoSecondOrder { node } => {
                write!(f, "the node `{node}` has no second-order rule")
            }
            Error::NotReplayable { node } => {
                write!(f, "the node `{node}` cannot be evaluated at other inputs than it was recorded at")
            }
            Error::TooLong { operations, limit } => {
                write!(
                    f,
                    "the recording has {operations} operations, more than the {limit} a program can hold"
                )
            }
            Error::BranchChanged { comparison, operator, left, right, row, location } => {
                let [left, right] = [left, right].map(|&side| Readable(side));
                write!(f, "comparison {comparison}, `{left} {operator} {right}`")?;
                if let Some(row) = row {
                    write!(f, " at row {row}")?;
                }
                if let Some(location) = location {
                    write!(f, " ({location})")?;
                }
                write!(f, ", has another answer than when it was recorded: record again, or use `select`")
            }
            Error::NoComponents => {
                write!(f, "the objective has no components: return at least one value")
            }
            Error::NotFinite { component, value } => {
                write!(
                    f,
                    "component {component}, or its gradient, is {value} at the start: start where all are finite"
                )
            }
            Error::Invalid { argument, reason } => write!(f, "`{argument}` {reason}"),
            Error::Infeasible => write!(f, "no point satisfies the bounds and linear constraints"),
            Error::Unsupported { method, what } => write!(f, "{method} cannot handle {what}"),
        }
    }
}

impl std::error::Error for Error {}
