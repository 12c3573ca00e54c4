//! Timing by ratio: a subject and its reference run alternately in one process,
//! and the ratio of their median times is reported. Absolute times on a shared
//! machine mean little; this ratio repeats to a few per cent.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds per comparison, each timing both sides once: at least so many ...
const LEAST_ROUNDS: usize = 21;
/// ... and until so much time has gone by.
const BUDGET: Duration = Duration::from_millis(150);
/// Each timing repeats its side for about this long: short against the time
/// slices of a busy machine, so that most timings are undisturbed.
const TIMING: Duration = Duration::from_micros(100);

/// Median seconds per call of a subject and of its reference.
#[derive(Clone, Copy)]
pub(crate) struct Comparison {
    /// Of the subject.
    pub(crate) subject: f64,
    /// Of the reference.
    pub(crate) reference: f64,
}

impl Comparison {
    /// Subject over reference; below 1 is faster.
    pub(crate) fn ratio(&self) -> f64 {
        self.subject / self.reference
    }

    /// Prints one line: what was compared, the ratio and its goal, and the
    /// times per `elements`.
    pub(crate) fn report(&self, name: &str, elements: usize, goal: Option<f64>) {
        let per_element = |seconds: f64| 1e9 * seconds / elements as f64;
        let goal = goal.map_or(String::new(), |goal| {
            let verdict = if self.ratio() <= goal { "met" } else { "MISSED" };
            format!("goal {goal:.2} {verdict}")
        });
        println!(
            "{name:<44} ratio {:>6.3}  {goal:<16} {:>8.3} / {:>8.3} ns per element",
            self.ratio(),
            per_element(self.subject),
            per_element(self.reference),
        );
    }
}

/// Times `subject` against `reference`, alternating.
pub(crate) fn compare<A, B>(mut subject: impl FnMut() -> A, mut reference: impl FnMut() -> B) -> Comparison {
    let subject_calls = calls_per_timing(&mut subject);
    let reference_calls = calls_per_timing(&mut reference);
    let (mut subject_times, mut reference_times) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while subject_times.len() < LEAST_ROUNDS || start.elapsed() < BUDGET {
        subject_times.push(seconds_per_call(&mut subject, subject_calls));
        reference_times.push(seconds_per_call(&mut reference, reference_calls));
    }
    Comparison { subject: median(subject_times), reference: median(reference_times) }
}

fn calls_per_timing<T>(side: &mut impl FnMut() -> T) -> u32 {
    let mut calls = 1;
    loop {
        let seconds = seconds_per_call(side, calls) * f64::from(calls);
        if seconds >= TIMING.as_secs_f64() || calls >= 1 << 24 {
            return calls;
        }
        calls *= 2;
    }
}

fn seconds_per_call<T>(side: &mut impl FnMut() -> T, calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(side());
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
