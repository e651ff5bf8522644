//! The declarations as command line arguments. Values stay text here; they are read with all others.

use clap::{Arg, ArgAction, ArgMatches};

use crate::declaration::{Declaration, FILE_SUFFIX, Item, flag_of, variable_of};
use crate::load::items;
use crate::section::Section;

/// Arguments for the settings of a configuration that `keep` chooses, under a heading per section.
pub fn args<C: Section>(keep: impl Fn(&Declaration) -> bool) -> Vec<Arg> {
    let mut args = Vec::new();
    let mut heading = String::new();
    for item in items::<C>() {
        match item {
            Item::Section { key, .. } => heading = heading_of(key),
            Item::Setting(declaration) if keep(&declaration) => {
                args.push(arg(&declaration).help_heading(heading.clone()));
                args.extend(file_arg(&declaration).map(|arg| arg.help_heading(heading.clone())));
            }
            Item::Setting(_) | Item::Table { .. } => {}
        }
    }
    args
}

/// What was given, by key, for [`Input::flags`](crate::Input::flags).
#[must_use]
pub fn given<C: Section>(matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
    let mut given = Vec::new();
    for item in items::<C>() {
        let Item::Setting(declaration) = item else { continue };
        for key in declaration.file_key().into_iter().chain([declaration.key]) {
            // An argument that this command does not have is not an error here.
            if let Ok(Some(values)) = matches.try_get_many::<String>(&key) {
                given.push((key, values.cloned().collect()));
            }
        }
    }
    given
}

fn heading_of(key: &str) -> String {
    if key.is_empty() {
        "Settings".to_owned()
    } else {
        format!("Settings [{key}]")
    }
}

fn arg(declaration: &Declaration) -> Arg {
    let kind = &declaration.kind;
    let default = if declaration.default.is_empty() {
        String::new()
    } else {
        format!("; default {}", declaration.default)
    };
    let details = format!("[{}{default}; {}]", declaration.allowed(), declaration.variable());
    let arg = named(&declaration.key, kind.placeholder)
        .help(declaration.sentence.clone())
        .long_help(format!("{}\n{details}", declaration.sentence))
        .action(if kind.list { ArgAction::Append } else { ArgAction::Set });
    if kind.switch {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    }
}

fn file_arg(declaration: &Declaration) -> Option<Arg> {
    let key = declaration.file_key()?;
    let sentence = format!(
        "A file that holds {}, instead of {}.",
        declaration.key,
        declaration.flag()
    );
    let details = format!("{sentence}\n[{}]", variable_of(&key));
    debug_assert!(key.ends_with(FILE_SUFFIX));
    Some(
        named(&key, "FILE")
            .help(sentence)
            .long_help(details)
            .action(ArgAction::Set),
    )
}

fn named(key: &str, placeholder: &'static str) -> Arg {
    let flag = flag_of(key);
    Arg::new(key.to_owned())
        .long(flag.trim_start_matches("--").to_owned())
        .value_name(placeholder)
        .allow_hyphen_values(false)
}
