//! Sections, and the macro that declares them.

use crate::declaration::{Declaration, Item};
use crate::reader::Reader;
use crate::value::Value;

/// A struct of settings. Implemented by [`settings!`](crate::settings!).
pub trait Section: Sized {
    /// What the section is about.
    const SENTENCE: &'static str;

    /// Lists what it declares. `key` is its name in the TOML file, empty for the top.
    fn declare(key: &'static str, items: &mut Vec<Item>);

    /// Reads its values; nothing if any was refused (the reader keeps the problems).
    fn read(key: &'static str, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A setting's row as the macro writes it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The field's name.
    pub name: &'static str,
    /// The doc comment.
    pub sentence: &'static str,
    /// The default, as text.
    pub default: &'static str,
    /// Least and greatest value, as text.
    pub bounds: Option<(&'static str, &'static str)>,
}

/// The place of what stands in a section.
#[doc(hidden)]
#[must_use]
pub fn key_in(section: &str, name: &str) -> String {
    if section.is_empty() {
        name.to_owned()
    } else {
        format!("{section}.{name}")
    }
}

impl Row {
    /// The row of a setting of type `T` in a section.
    #[must_use]
    pub fn declaration<T: Value>(&self, section: &str) -> Declaration {
        Declaration {
            key: key_in(section, self.name),
            sentence: tidy(self.sentence),
            kind: T::KIND,
            default: self.default,
            bounds: self.bounds,
        }
    }
}

/// A doc comment's lines, joined by the macro, as one line.
#[doc(hidden)]
#[must_use]
pub fn tidy(sentence: &str) -> String {
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Declares a section: a struct with a row per setting. A row is a doc comment (the setting's sentence), the
/// field (its name in the TOML file), its type, its default, and, where the type is ordered, its bounds. The
/// top may nest sections; a section in a section is not supported. Top and sections may have arrays of tables; the
/// fields of one that are named in brackets are never shown.
///
/// ```
/// use std::time::Duration;
/// use hallway_settings::{Input, load, settings};
///
/// settings! {
///     /// How long things take.
///     pub struct Times {
///         /// How long to wait for an answer.
///         wait: Duration = "10s", from "1s" to "1h";
///         /// How often to try again.
///         tries: u32 = 3, from 1 to 10;
///     }
/// }
///
/// settings! {
///     /// Everything.
///     pub struct Config {
///         /// What it is called.
///         name: String = "x";
///     }
///     sections { times: Times, }
///     tables {
///         /// More of them.
///         extra: toml::Table ["password"],
///     }
/// }
///
/// let input = Input { file: Some(("app.toml".into(), "[times]\ntries = 5".into())), ..Input::default() };
/// let config = load::<Config>(&input).unwrap().config;
/// assert_eq!((config.times.tries, config.times.wait), (5, Duration::from_secs(10)));
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:literal $(, from $least:literal to $most:literal)?;
            )*
        }
        $(sections { $($section:ident: $section_type:ty,)* })?
        $(tables { $($(#[doc = $table_doc:literal])+ $table:ident: $table_type:ty $([$($hidden:literal),+])?,)* })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        $vis struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
            $($(
                #[doc = concat!("The settings of `[", stringify!($section), "]`.")]
                pub $section: $section_type,
            )*)?
            $($($(#[doc = $table_doc])+ pub $table: Vec<$table_type>,)*)?
        }

        const _: () = {
            struct Rows;

            #[allow(non_upper_case_globals)]
            impl Rows {
                $(
                    const $field: $crate::Row = $crate::Row {
                        name: stringify!($field),
                        sentence: concat!($($doc, "\n"),+),
                        default: concat!($default),
                        bounds: $crate::bounds!($($least, $most)?),
                    };
                )*
            }

            impl $crate::Section for $name {
                const SENTENCE: &'static str = concat!($($about, "\n"),+);

                fn declare(key: &'static str, items: &mut Vec<$crate::Item>) {
                    items.push($crate::Item::Section { key, sentence: $crate::tidy(Self::SENTENCE) });
                    $(items.push($crate::Item::Setting(Rows::$field.declaration::<$type>(key)));)*
                    $($(<$section_type as $crate::Section>::declare(stringify!($section), items);)*)?
                    $($(items.push($crate::Item::Table {
                        key: $crate::key_in(key, stringify!($table)),
                        sentence: $crate::tidy(concat!($($table_doc, "\n"),+)),
                    });)*)?
                }

                fn read(key: &'static str, reader: &mut $crate::Reader<'_>) -> Option<Self> {
                    // All are read before the first that was refused ends it, so that all problems are listed.
                    $(let $field = reader.setting::<$type>(Rows::$field.declaration::<$type>(key));)*
                    $($(let $section = <$section_type as $crate::Section>::read(stringify!($section), reader);)*)?
                    $($(let $table = reader.table::<$table_type>(
                        &$crate::key_in(key, stringify!($table)),
                        &[$($($hidden),+)?],
                    );)*)?
                    Some(Self {
                        $($field: $field?,)*
                        $($($section: $section?,)*)?
                        $($($table: $table?,)*)?
                    })
                }
            }
        };
    };
}

/// Bounds of a row, or none.
#[doc(hidden)]
#[macro_export]
macro_rules! bounds {
    () => {
        None
    };
    ($least:literal, $most:literal) => {
        Some((concat!($least), concat!($most)))
    };
}
