//! What the environment sets.

use crate::declaration::{Declaration, VARIABLE_PREFIX, variable_of};
use crate::input::{Input, Source};
use crate::load::{Found, Given};
use crate::near::nearest;
use crate::problem::Problem;
use crate::raw::Raw;

/// Takes over the variables of ours; refuses those that are unknown or not UTF-8.
pub(crate) fn gather(input: &Input, declarations: &[&Declaration], found: &mut Found<'_>) {
    for (name, value) in &input.variables {
        if !name.starts_with(VARIABLE_PREFIX) || input.foreign_variables.contains(name) {
            continue;
        }
        let source = Source::Variable(name.clone());
        let Some((declaration, names_file)) = target(name, declarations) else {
            if !is_service_link(name, &value.to_string_lossy()) {
                found.problems.push(unknown(name, declarations));
            }
            continue;
        };
        match value.clone().into_string() {
            Ok(text) => found.give(
                &declaration.key,
                Given {
                    source,
                    names_file,
                    raw: Raw::One(text),
                },
            ),
            Err(_) => found
                .problems
                .push(Problem::at(source, format!("{} is not UTF-8", declaration.key))),
        }
    }
}

/// The setting that a variable is for, and whether it names a file that holds the value.
fn target<'a>(name: &str, declarations: &[&'a Declaration]) -> Option<(&'a Declaration, bool)> {
    declarations.iter().find_map(|declaration| {
        if declaration.variable() == name {
            return Some((*declaration, false));
        }
        let file_key = declaration.file_key()?;
        (variable_of(&file_key) == name).then_some((*declaration, true))
    })
}

fn unknown(name: &str, declarations: &[&Declaration]) -> Problem {
    let known: Vec<String> = declarations.iter().map(|declaration| declaration.variable()).collect();
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    Problem::at(
        Source::Variable(name.to_owned()),
        format!("no setting has this name{hint}"),
    )
}

/// Whether a variable is one that Kubernetes puts into every container for a Service of the namespace. A
/// Service called `hallway` makes `HALLWAY_PORT=tcp://…`, which is nobody's mistake and must not keep a node
/// from starting. (`HALLWAY_PORT=8080` is a mistake, and stays one.)
fn is_service_link(name: &str, value: &str) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    let is_url = PROTOCOLS
        .iter()
        .any(|protocol| value.starts_with(&format!("{}://", protocol.to_lowercase())));
    if name.ends_with("_PORT") {
        return is_url;
    }
    let Some((_, port)) = name.rsplit_once("_PORT_") else {
        return false;
    };
    let mut parts = port.split('_');
    let number = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
    let protocol = parts.next().is_some_and(|part| PROTOCOLS.contains(&part));
    number && protocol && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_told_from_mistakes() {
        for (name, value) in [
            ("HALLWAY_SERVICE_HOST", "10.0.0.1"),
            ("HALLWAY_INTERNAL_SERVICE_PORT_HTTP", "9000"),
            ("HALLWAY_PORT", "tcp://10.0.0.1:8080"),
            ("HALLWAY_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("HALLWAY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        for (name, value) in [
            ("HALLWAY_PORT", "8080"),
            ("HALLWAY_LISTEN", "tcp://x"),
            ("HALLWAY_PORT_X_TCP", "1"),
        ] {
            assert!(!is_service_link(name, value), "{name}");
        }
    }
}
