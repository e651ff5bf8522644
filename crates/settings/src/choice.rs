//! Settings with a closed set of values.

/// Declares an enum that a setting can have: a row per value, with its text.
///
/// ```
/// hallway_settings::choice! {
///     /// How a line is written.
///     pub enum Format {
///         /// For people.
///         Human = "human",
///         /// For programs.
///         Json = "json",
///     }
/// }
/// ```
#[macro_export]
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(#[doc = $first_doc:literal])+ $first:ident = $first_text:literal
            $(, $(#[doc = $doc:literal])+ $variant:ident = $text:literal)* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name {
            $(#[doc = $first_doc])+ $first,
            $($(#[doc = $doc])+ $variant,)*
        }

        impl $crate::Value for $name {
            const KIND: $crate::Kind =
                $crate::Kind::text("CHOICE", concat!("one of ", $first_text $(, ", ", $text)*));

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $first_text => Some(Self::$first),
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            fn print(&self) -> String {
                match self {
                    Self::$first => concat!("\"", $first_text, "\"").to_owned(),
                    $(Self::$variant => concat!("\"", $text, "\"").to_owned(),)*
                }
            }
        }
    };
}
