//! `min_x max_i f_i(x)`: reverse-mode automatic differentiation for objectives
//! with a `max`, a `min` or an `|x|` in them.

#[cfg(feature = "minimax")]
pub mod minimax;
