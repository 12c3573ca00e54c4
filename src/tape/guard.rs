//! Comparisons of variables, kept so that a replay can check them.
//!
//! `if x > y { .. }` chooses what is recorded. The choice itself leaves no
//! instruction; what is kept is the question and its answer, and a recording
//! stands for the function only where every question has the same answer again.

use std::cmp::Ordering;
use std::panic::Location;

/// What was asked about two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `partial_cmp`: which of the four cases holds.
    Order,
}

/// The answer to a [`Question`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Holds(bool),
    Is(Option<Ordering>),
}

impl Question {
    /// The answer for two numbers.
    #[inline]
    pub(crate) fn ask<T: PartialOrd>(self, left: T, right: T) -> Answer {
        match self {
            Question::Equal => Answer::Holds(left == right),
            Question::Less => Answer::Holds(left < right),
            Question::LessOrEqual => Answer::Holds(left <= right),
            Question::Greater => Answer::Holds(left > right),
            Question::GreaterOrEqual => Answer::Holds(left >= right),
            Question::Order => Answer::Is(left.partial_cmp(&right)),
        }
    }

    /// How the question is written.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Question::Equal => "==",
            Question::Less => "<",
            Question::LessOrEqual => "<=",
            Question::Greater => ">",
            Question::GreaterOrEqual => ">=",
            Question::Order => "partial_cmp",
        }
    }
}

/// A comparison made while recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    pub(crate) question: Question,
    /// The operands, coded like those of an instruction.
    pub(crate) operands: [u32; 2],
    pub(crate) answer: Answer,
    /// The source line that asked; known in debug builds.
    pub(crate) location: Option<&'static Location<'static>>,
}
