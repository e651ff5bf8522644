//! Settings, each declared once. From one row come its key in the TOML file, its environment variable, its
//! flag, its default, what is allowed, and its sentence in `--help`, in the printed configuration and in the
//! reference document.
//!
//! Where to look:
//! - [`settings!`] and [`choice!`]: how a section and an enumerated setting are declared.
//! - [`Value`]: the types a setting can have ([`Duration`](std::time::Duration), [`ByteSize`], [`Secret`], lists, …).
//! - [`load()`]: reads file, environment and flags; refuses what it does not know.
//! - [`Declaration`]: a row as data; [`reference()`] prints the rows as Markdown, [`Loaded::print`] what is in force.
//! - `flags` (feature `clap`): the rows as command line arguments.
//!
//! What must stay true: no value is guessed or dropped. Whatever is not understood is refused, all of it at
//! once, with its place, its key, its value (never a secret's) and what is allowed. No value of a [`Secret`]
//! reaches an error, a `Debug` text or a printed configuration.
//!
//! Precedence: flag, environment, file, preset (a mode's own defaults, such as `--dev`), default.

mod choice;
mod declaration;
mod duration;
mod environment;
mod file;
#[cfg(feature = "clap")]
pub mod flags;
mod input;
mod load;
mod near;
mod print;
mod problem;
mod raw;
mod reader;
mod reference;
mod secret;
mod section;
mod size;
mod value;

pub use declaration::{Declaration, Item};
pub use duration::print_duration;
pub use input::{Input, Preset, Source};
pub use load::{Loaded, load};
pub use problem::{Problem, Problems};
pub use raw::Raw;
pub use reader::Reader;
pub use reference::reference;
pub use secret::{Secret, read_secret_file};
pub use section::{Row, Section, key_in, tidy};
pub use size::ByteSize;
pub use value::{Form, Kind, Value};
