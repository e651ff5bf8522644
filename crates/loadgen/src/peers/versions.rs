//! Versions, as what is installed says them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Doing, Failure};

/// Of a server, or of something that it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Version {
    fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }
}

/// What a program answers to `--version`: the last word of its first line.
pub(super) fn said_by(name: &str, program: &Path) -> Result<Vec<Version>, Failure> {
    // With more than one part, so that it is never looked for on the path.
    let program = std::path::absolute(program).doing("a path")?;
    let output = Command::new(&program).arg("--version").output();
    let output = output.doing(&program.display().to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().next().and_then(|line| line.split_whitespace().last());
    match version {
        Some(version) if output.status.success() => Ok(vec![Version::new(name, version)]),
        _ => Err(Failure(format!("{} does not say its version", program.display()))),
    }
}

/// What a `Cargo.lock` has of these packages.
pub(super) fn locked(file: &Path, packages: &[&str]) -> Result<Vec<Version>, Failure> {
    let text = fs::read_to_string(file).doing(&file.display().to_string())?;
    packages
        .iter()
        .map(|name| {
            let version =
                in_lock(&text, name).ok_or_else(|| Failure(format!("{} has no package {name}", file.display())))?;
            Ok(Version::new(name, version))
        })
        .collect()
}

/// A package's version stands in the line behind its name.
fn in_lock<'a>(text: &'a str, package: &str) -> Option<&'a str> {
    let named = format!("name = \"{package}\"");
    let mut lines = text.lines().skip_while(|line| *line != named);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Installed packages of Node, and Node's own version.
pub(super) fn of_packages(modules: &Path, packages: &[&str]) -> Result<Vec<Version>, Failure> {
    let mut versions = Vec::new();
    for name in packages {
        let file = modules.join(name).join("package.json");
        let text = fs::read_to_string(&file).doing(&file.display().to_string())?;
        let package: Value = serde_json::from_str(&text).doing(&file.display().to_string())?;
        let version = package["version"]
            .as_str()
            .ok_or_else(|| Failure(format!("{} has no version", file.display())))?;
        versions.push(Version::new(name, version));
    }
    let node = Command::new("node").arg("--version").output().doing("node")?;
    versions.push(Version::new("node", String::from_utf8_lossy(&node.stdout).trim()));
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_of_a_lock_file_is_known_by_its_whole_name() {
        let lock = "[[package]]\nname = \"redis-protocol\"\nversion = \"6.0.0\"\n\n[[package]]\nname = \"redis\"\nversion = \"1.2.3\"\n";
        assert_eq!(in_lock(lock, "redis"), Some("1.2.3"));
        assert_eq!(in_lock(lock, "redis-"), None);
    }

    #[test]
    fn what_is_not_there_is_a_failure_that_names_it() {
        let why = of_packages(Path::new("/nowhere"), &["socket.io"]).unwrap_err();
        assert!(why.0.contains("/nowhere/socket.io"), "{why}");
        assert!(said_by("x", Path::new("/nowhere/x")).is_err());
        assert!(locked(Path::new("/nowhere/Cargo.lock"), &["x"]).is_err());
    }
}
