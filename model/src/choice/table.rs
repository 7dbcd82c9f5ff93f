//! The macro that makes the list of choices: the enum, its accessors, and one enum of answers for each.

macro_rules! choices {
    ($($(#[doc = $text:literal])+ $name:ident = $key:literal [$($source:literal),+] $section:literal {
        $($(#[doc = $answer_text:literal])+ $answer:ident = $answer_key:literal,)+
    })*) => {
        /// A point where the architecture permits more than one behaviour.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Choice {
            $($(#[doc = $text])+ $name,)*
        }

        impl Choice {
            /// All choices, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name used in scenarios and in the protocol, for example `ste-reserved-bits`.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// The choice with this name.
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$name),)* _ => None }
            }

            /// The section that grants the liberty.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            /// The labels of the **CHOICE:** marks of our working reference that this point covers.
            pub const fn sources(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($source),+],)* }
            }

            /// What is asked, in our words.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => concat!($($text,)+).trim_start(),)* }
            }

            /// The names of the answers, the default first.
            pub const fn answers(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($answer_key),+],)* }
            }

            /// What each answer means, in the order of [`Choice::answers`].
            pub const fn answer_texts(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$(concat!($($answer_text,)+)),+],)* }
            }
        }

        /// The answers, one enum per choice.
        pub mod answer {
            $(
                $(#[doc = $text])+
                #[derive(Clone, Copy, PartialEq, Eq, Debug)]
                pub enum $name { $($(#[doc = $answer_text])+ $answer,)+ }

                impl crate::choice::Answer for $name {
                    const CHOICE: crate::choice::Choice = crate::choice::Choice::$name;
                    const ALL: &'static [Self] = &[$(Self::$answer),+];
                    #[inline]
                    fn index(self) -> usize {
                        let mut index = 0;
                        $(if self == Self::$answer { return index; } index += 1;)+
                        index
                    }
                }
            )*
        }
    };
}
