//! One choice of instruction set per call, made at run time.
//!
//! A [`Kernel`] is a piece of work whose body is generic over an
//! [`InstructionSet`]. `dispatch` compiles that body once for every set and
//! runs the best one this machine has, so a loop of plain Rust over lanes
//! becomes SSE2, AVX2 + FMA or AVX-512 without a line of it being written
//! thrice. This file holds the only `unsafe` of the crate.
//!
//! The body must be `#[inline(always)]` all the way down: a function that is
//! merely called keeps the instruction set it was compiled for.

#![allow(unsafe_code)]

/// What a kernel's body may ask about the instruction set it is compiled for.
pub trait InstructionSet: 'static {
    /// Whether a fused multiply-add is one instruction. Where it is not,
    /// `f64::mul_add` is a slow library call, so bodies must ask first.
    const FMA: bool;
}

/// Whether kernels may fuse: never in the `deterministic` mode, where every
/// instruction set must round alike.
const MAY_FUSE: bool = !cfg!(feature = "deterministic");

/// Whatever the crate is compiled for: SSE2 on x86-64.
pub(crate) struct Portable;
/// AVX2 with fused multiply-add.
pub(crate) struct Avx2;
/// AVX-512 (F, BW, DQ, VL) with fused multiply-add.
pub(crate) struct Avx512;

impl InstructionSet for Portable {
    const FMA: bool = MAY_FUSE && cfg!(any(target_feature = "fma", target_arch = "aarch64"));
}
impl InstructionSet for Avx2 {
    const FMA: bool = MAY_FUSE;
}
impl InstructionSet for Avx512 {
    const FMA: bool = MAY_FUSE;
}

/// Work that is compiled for every instruction set.
pub trait Kernel {
    /// What the work returns.
    type Output;
    /// Whether there is too little work for the widest vectors: the body for
    /// AVX2 then runs on AVX-512 machines too, with the same results.
    #[inline(always)]
    fn is_short(&self) -> bool {
        false
    }
    /// The body; mark it `#[inline(always)]`.
    fn run<I: InstructionSet>(self) -> Self::Output;
}

/// The instruction sets there are bodies for, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever the crate is compiled for.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ, VL and FMA.
    Avx512,
}

impl Level {
    /// The best level of this machine. The standard library caches the probe.
    #[inline]
    pub fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("fma")
            {
                return Level::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Level::Avx2;
            }
        }
        Level::Portable
    }

    /// Every level this machine can run, worst first.
    pub fn available() -> impl Iterator<Item = Level> {
        let best = Level::detect();
        [Level::Portable, Level::Avx2, Level::Avx512].into_iter().filter(move |&level| level <= best)
    }
}

/// Runs `kernel` on the best instruction set of this machine.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the level was just detected on this machine.
    unsafe { run_at(Level::detect(), kernel) }
}

/// Runs `kernel` on a chosen instruction set, for tests and benchmarks.
///
/// # Panics
/// If this machine does not have `level`.
pub fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    let best = Level::detect();
    assert!(level <= best, "level {level:?} asked for, this machine has {best:?}");
    // SAFETY: `level` is at most the detected one, and each level's features
    // include those of the levels below it.
    unsafe { run_at(level, kernel) }
}

/// Runs `kernel` in the body compiled for `level`.
///
/// # Safety
/// The machine must have the instructions of `level`.
#[inline]
unsafe fn run_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        // SAFETY: the caller vouches for AVX-512.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if !kernel.is_short() => unsafe { run_avx512(kernel) },
        // SAFETY: the caller vouches for AVX2 and FMA, which AVX-512 includes.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { run_avx2(kernel) },
        _ => kernel.run::<Portable>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}
