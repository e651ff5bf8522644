//! Standard output.

use std::io::{ErrorKind, Write as _};

use crate::failure::Failure;

/// Prints a text and ends the line. A reader that went away (`| head`) ends the process without a word.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
    }
}

/// Prints several.
pub(crate) fn lines(texts: &[String]) -> Result<(), Failure> {
    texts.iter().try_for_each(|text| line(text))
}

/// A text of others as a terminal may see it: what would move its cursor or change its colours is shown as a mark.
pub(crate) fn visible(text: &str) -> String {
    let show = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(show).collect()
}

/// Says something beside the output, on standard error. If that is gone, there is nobody to tell.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "hallway: {text}");
}
