//! What a row of the rule table expands to.

/// Turns the table into the operation code, its value and partials, the
/// methods of `Var` and `Dual`, and the rows as data.
///
/// `values` are expanded with concrete `f32` and `f64`, `partials` with any
/// `T: Elementary`, so that a partial of a partial is again a rule.
macro_rules! rules {
    (
        operators {$(
            $(#[doc = $odoc:literal])+
            $Oper:ident = $oname:ident($($ox:ident),+) -> $oy:ident {
                value: $ovalue:expr,
                partials: [$($opartial:expr),+],
                samples: [$($osample:expr),* $(,)?],
                edges: [$($oat:expr => $oslopes:expr),* $(,)?]
                $(, $okind:ident when $okink:expr)? $(,)?
            }
        )+}
        functions {$(
            $(#[doc = $doc:literal])+
            $Func:ident = $name:ident($x:ident $(, $xs:ident)*) -> $y:ident {
                value: $value:expr,
                partials: [$($partial:expr),+],
                samples: [$($sample:expr),* $(,)?],
                edges: [$($at:expr => $slopes:expr),* $(,)?]
                $(, $kind:ident when $kink:expr)? $(,)?
            }
        )+}
    ) => {
        /// What an instruction of a recording does: a row of the table, or one
        /// of four structural codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Op {
            /// An independent variable.
            Input,
            /// A node with any number of operands, such as log-sum-exp.
            Nary,
            /// A further output of the n-ary node before it.
            Continued,
            /// A block of operations of which the partial derivatives are known.
            Preaccumulated,
            $( $(#[doc = $odoc])+ $Oper, )+
            $( $(#[doc = $doc])+ $Func, )+
        }

        impl Op {
            /// The number of arguments; 0 for the structural codes.
            #[inline(always)]
            pub const fn arity(self) -> usize {
                match self {
                    Op::Input | Op::Nary | Op::Continued | Op::Preaccumulated => 0,
                    $( Op::$Oper => [$(stringify!($ox)),+].len(), )+
                    $( Op::$Func => [stringify!($x) $(, stringify!($xs))*].len(), )+
                }
            }

            /// The name of the row.
            pub const fn name(self) -> &'static str {
                match self {
                    Op::Input => "input",
                    Op::Nary => "n-ary",
                    Op::Continued => "continued",
                    Op::Preaccumulated => "preaccumulated",
                    $( Op::$Oper => stringify!($oname), )+
                    $( Op::$Func => stringify!($name), )+
                }
            }

            /// Whether the row declares a kink.
            #[inline(always)]
            pub const fn has_kink(self) -> bool {
                match self {
                    Op::Input | Op::Nary | Op::Continued | Op::Preaccumulated => false,
                    $( Op::$Oper => !stringify!($($okind)?).is_empty(), )+
                    $( Op::$Func => !stringify!($($kind)?).is_empty(), )+
                }
            }
        }

        $( $(#[doc = $odoc])+ #[derive(Clone, Copy, Debug)] pub struct $Oper; )+
        $( $(#[doc = $doc])+ #[derive(Clone, Copy, Debug)] pub struct $Func; )+

        $(
            impl Row for $Oper {
                const OP: Op = Op::$Oper;
                const ARITY: usize = Op::$Oper.arity();

                #[inline(always)]
                fn value<T: Elementary>(arguments: &Arguments<T>) -> T {
                    let [$($ox,)+ ..] = *arguments;
                    $ovalue
                }

                #[inline(always)]
                #[allow(unused_variables)]
                fn partials<T: Elementary>(arguments: &Arguments<T>, value: T) -> Arguments<T> {
                    let [$($ox,)+ ..] = *arguments;
                    let $oy = value;
                    pad([$($opartial),+])
                }
            }
        )+

        $(
            impl Row for $Func {
                const OP: Op = Op::$Func;
                const ARITY: usize = Op::$Func.arity();

                #[inline(always)]
                fn value<T: Elementary>(arguments: &Arguments<T>) -> T {
                    let [$x $(, $xs)*, ..] = *arguments;
                    <T as Elementary>::$name($x $(, $xs)*)
                }

                #[inline(always)]
                #[allow(unused_variables)]
                fn partials<T: Elementary>(arguments: &Arguments<T>, value: T) -> Arguments<T> {
                    let [$x $(, $xs)*, ..] = *arguments;
                    let $y = value;
                    pad([$($partial),+])
                }
            }
        )+

        /// Every rule, for tests and documentation to walk.
        pub const TABLE: &[Rule] = &[
            $( Rule {
                op: Op::$Oper,
                name: stringify!($oname),
                doc: concat!($($odoc),+),
                samples: &[$(&$osample),*],
                edges: &[$(Edge { at: &$oat, partials: &$oslopes }),*],
            }, )+
            $( Rule {
                op: Op::$Func,
                name: stringify!($name),
                doc: concat!($($doc),+),
                samples: &[$(&$sample),*],
                edges: &[$(Edge { at: &$at, partials: &$slopes }),*],
            }, )+
        ];

        /// The elementary functions, one method for each row that is a method.
        ///
        /// Implemented by `f32`, `f64` and [`Dual`](crate::Dual); partials are
        /// written in it, so they can be differentiated again.
        pub trait Elementary: Number {
            $( $(#[doc = $doc])+ fn $name(self $(, $xs: Self)*) -> Self; )+
        }

        macro_rules! impl_elementary {
            ($float:ty) => {
                impl Elementary for $float {
                    $(
                        #[inline(always)]
                        fn $name(self $(, $xs: Self)*) -> Self {
                            let $x = self;
                            $value
                        }
                    )+
                }

                impl KinkTable for $float {
                    #[inline(never)]
                    #[allow(unused_variables)]
                    fn kink(op: Op, arguments: &Arguments<Self>, value: Self) -> Option<KinkKind> {
                        match op {
                            $( Op::$Oper => {
                                let [$($ox,)+ ..] = *arguments;
                                let $oy = value;
                                kink!($($okind when $okink)?)
                            } )+
                            $( Op::$Func => {
                                let [$x $(, $xs)*, ..] = *arguments;
                                let $y = value;
                                kink!($($kind when $kink)?)
                            } )+
                            _ => None,
                        }
                    }
                }
            };
        }
        impl_elementary!(f32);
        impl_elementary!(f64);

        impl<T: Elementary> Elementary for Dual<T> {
            $(
                #[inline(always)]
                fn $name(self $(, $xs: Self)*) -> Self {
                    Dual::apply::<$Func, _>([self $(, $xs)*])
                }
            )+
        }

        impl<I: InstructionSet> Elementary for Lanes<I> {
            $(
                #[inline(always)]
                fn $name(self $(, $xs: Self)*) -> Self {
                    Lanes::apply::<$Func, _>([self $(, $xs)*])
                }
            )+
        }

        #[allow(clippy::should_implement_trait)]
        impl<T: Valued> Dual<T> {
            $(
                $(#[doc = $doc])+
                #[inline(always)]
                pub fn $name(self $(, $xs: impl Into<Self>)*) -> Self {
                    Dual::apply::<$Func, _>([self $(, $xs.into())*])
                }
            )+
        }

        #[allow(clippy::should_implement_trait)]
        impl<const N: usize, T: Primitive> Jet<N, T> {
            $(
                $(#[doc = $doc])+
                #[inline(always)]
                pub fn $name(self $(, $xs: impl Into<Self>)*) -> Self {
                    Jet::apply::<$Func, _>([self $(, $xs.into())*])
                }
            )+
        }

        impl<'t, T: Primitive> Var<'t, T> {
            $(
                $(#[doc = $doc])+
                #[inline(always)]
                #[cfg_attr(debug_assertions, track_caller)]
                pub fn $name(self $(, $xs: impl Into<Self>)*) -> Self {
                    Var::apply::<$Func, _>([self $(, $xs.into())*])
                }
            )+
        }

        /// Visits the rule of a code, or the code itself if it is structural.
        #[inline(always)]
        pub(crate) fn dispatch<V: Visitor>(op: Op, visitor: V) -> V::Output {
            match op {
                Op::Input | Op::Nary | Op::Continued | Op::Preaccumulated => visitor.structural(op),
                $( Op::$Oper => visitor.rule::<$Oper>(), )+
                $( Op::$Func => visitor.rule::<$Func>(), )+
            }
        }
    };
}
pub(crate) use rules;

/// The kink of a row: one where its condition holds, none where it declares none.
macro_rules! kink {
    () => {
        None
    };
    ($kind:ident when $condition:expr) => {
        $condition.then_some(KinkKind::$kind)
    };
}
pub(crate) use kink;
