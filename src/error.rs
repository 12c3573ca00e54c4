//! The one error type.

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
    /// A second derivative was asked of a custom node without a
    /// [second-order rule](crate::CustomNode::second_order).
    NoSecondOrder {
        /// The name of the node.
        node: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Length { argument, found, expected } => {
                write!(f, "`{argument}` has length {found}, expected {expected}")
            }
            Error::NoSecondOrder { node } => {
                write!(f, "the custom node `{node}` has no second-order rule")
            }
        }
    }
}

impl std::error::Error for Error {}
