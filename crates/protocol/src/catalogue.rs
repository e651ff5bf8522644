//! The macro behind the catalogues of codes: a row per code, from which the enum, its text on the wire, the
//! list of all and the printed table come.

/// Declares an enum whose variants stand for fixed values on the wire, each with its sentence.
macro_rules! catalogue {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $wire:ty {
            $($(#[doc = $doc:literal])+ $variant:ident = $value:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $name {
            /// Every row, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value on the wire.
            #[must_use]
            pub const fn wire(self) -> $wire {
                match self { $(Self::$variant => $value,)+ }
            }

            /// What it says, for people.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_start(),)+ }
            }

            /// Reads a value from the wire.
            #[must_use]
            pub fn from_wire(value: $wire) -> Option<Self> {
                Self::ALL.iter().copied().find(|row| row.wire() == value)
            }
        }
    };
}

pub(crate) use catalogue;
