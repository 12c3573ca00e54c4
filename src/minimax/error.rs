//! Errors of the minimax solvers.

use std::fmt;

/// What can be wrong with a minimax problem or its start.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// An argument has the wrong number of elements.
    Length {
        /// The argument.
        argument: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// The objective has no components, so its maximum is not defined.
    NoComponents,
    /// A component is NaN or infinite at the start.
    NotFinite {
        /// Which component, counted from 0.
        component: usize,
        /// Its value.
        value: f64,
    },
    /// An argument is outside its domain.
    Invalid {
        /// The argument.
        argument: &'static str,
        /// What it must satisfy.
        reason: &'static str,
    },
    /// No point satisfies the bounds and linear constraints.
    Infeasible,
    /// The chosen method cannot handle the problem.
    Unsupported {
        /// The method.
        method: &'static str,
        /// What it cannot handle.
        what: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Length { argument, found, expected } => {
                write!(f, "`{argument}` must have length {expected}, but has {found}")
            }
            Error::NoComponents => write!(f, "the objective has no components: return at least one value"),
            Error::NotFinite { component, value } => {
                write!(f, "component {component} is {value} at the start: choose a start where every component is finite")
            }
            Error::Invalid { argument, reason } => write!(f, "`{argument}` {reason}"),
            Error::Infeasible => write!(f, "no point satisfies the bounds and linear constraints"),
            Error::Unsupported { method, what } => write!(f, "{method} cannot handle {what}"),
        }
    }
}

impl std::error::Error for Error {}
