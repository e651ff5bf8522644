//! The rules of the house that a program can check. Every failure names the offender and says what to do.
//!
//! Layers come from `cargo metadata`; sources are the files that git tracks or would track.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may use of ours, with `hallway-` left out. A new crate takes its place here first.
const LAYERS: &[(&str, Uses)] = &[
    // 0: what is said, and how settings are declared.
    ("protocol", Uses::Only(&[])),
    ("settings", Uses::Only(&[])),
    ("socketio", Uses::Only(&[])),
    // 1: the parts, which do not know one another.
    ("hub", Uses::Only(&["protocol", "settings"])),
    ("bus", Uses::Only(&["protocol", "settings"])),
    ("store", Uses::Only(&["protocol", "settings"])),
    ("auth", Uses::Only(&["protocol", "settings"])),
    ("client", Uses::Only(&["protocol", "settings"])),
    ("loadgen", Uses::Only(&["protocol", "settings", "client"])),
    // 2: the node, where they meet.
    (
        "gateway",
        Uses::Only(&["protocol", "settings", "socketio", "hub", "bus", "store", "auth"]),
    ),
    // 3: the binary.
    (
        "cli",
        Uses::Only(&["protocol", "settings", "auth", "client", "gateway"]),
    ),
    // For tests, and a normal dependency of none: no crate above lists it.
    ("testkit", Uses::Anything),
];

enum Uses {
    Only(&'static [&'static str]),
    Anything,
}

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["core", "common", "utils", "util", "helpers", "misc"];

/// Longest source file. One that outgrows it holds a second idea: look for that.
const LINES_MAX: usize = 700;

/// What must not be left behind in a source file. Written in pieces, so that this file passes its own test.
const LEFT_BEHIND: [(&str, &str); 4] = [
    (
        concat!("TO", "DO"),
        "do it, or leave it out and say so where it is missed",
    ),
    (concat!("FIX", "ME"), "mend it"),
    (concat!("XX", "X"), "say what is meant"),
    (concat!("dbg", "!("), "take it out"),
];

#[test]
fn every_crate_keeps_to_its_layer() {
    let table: BTreeMap<&str, &Uses> = LAYERS.iter().map(|(name, uses)| (*name, uses)).collect();
    let mut wrong = Complaints::default();
    for package in &packages() {
        let name = package.short();
        let Some(uses) = table.get(name) else {
            wrong.add(format!("{name} has no layer: put it into LAYERS in {}", file!()));
            continue;
        };
        let Uses::Only(allowed) = uses else { continue };
        for used in package.uses_of_ours("normal").union(&package.uses_of_ours("build")) {
            if used == "testkit" {
                wrong.add(format!(
                    "{name} uses testkit outside of tests: move it to [dev-dependencies]"
                ));
            } else if !allowed.contains(&used.as_str()) {
                wrong.add(format!(
                    "{name} must not know {used}: turn the dependency round, or move what is shared down"
                ));
            }
        }
    }
    wrong.none();
}

#[test]
fn every_crate_is_set_up_alike() {
    let mut wrong = Complaints::default();
    for package in &packages() {
        let name = package.short();
        if package.name != format!("hallway-{name}") {
            wrong.add(format!("{} is not called hallway-…", package.name));
        }
        if package.folder.file_name().is_none_or(|folder| folder != name) {
            wrong.add(format!("{} does not live in crates/{name}", package.name));
        }
        if EMPTY_NAMES.contains(&name) {
            wrong.add(format!("{}: name it after what it does", package.name));
        }
        let manifest = read(&package.folder.join("Cargo.toml"));
        let inherits = manifest
            .split("[lints]")
            .nth(1)
            .is_some_and(|section| section.trim_start().starts_with("workspace = true"));
        if !inherits {
            wrong.add(format!(
                "{name}: its Cargo.toml needs `[lints]` with `workspace = true`"
            ));
        }
        for root in &package.roots {
            let tour = read(root).lines().take_while(|line| line.starts_with("//!")).count();
            if tour < 3 {
                wrong.add(format!(
                    "{} begins with {tour} lines of `//!`: it needs at least 3 that say what the crate is for, what is \
                     where, and what must stay true",
                    shown(root)
                ));
            }
        }
    }
    wrong.none();
}

#[test]
fn sources_are_clean_and_short() {
    let mut wrong = Complaints::default();
    for path in sources() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue; // deleted, and git does not know it yet
        };
        let name = shown(&path);
        for (number, line) in text.lines().enumerate() {
            for (word, advice) in LEFT_BEHIND {
                if contains_word(line, word) {
                    wrong.add(format!("{name}:{}: `{word}`: {advice}", number + 1));
                }
            }
        }
        let lines = text.lines().count();
        if lines > LINES_MAX && !is_generated(&text) {
            wrong.add(format!(
                "{name} has {lines} lines, more than {LINES_MAX}: split it where its second idea begins"
            ));
        }
    }
    wrong.none();
}

#[test]
fn every_source_file_is_part_of_its_crate() {
    let mut wrong = Complaints::default();
    for path in sources().iter().filter(|path| path.exists()) {
        let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
            continue;
        };
        let of_a_crate =
            path.extension().is_some_and(|end| end == "rs") && path.ancestors().any(|folder| folder.ends_with("src"));
        if !of_a_crate || ["lib", "main", "mod"].contains(&stem) || folder.ends_with("src/bin") {
            continue;
        }
        // `src/a/b.rs` is declared in `src/a/mod.rs` or `src/a.rs`, and `src/b.rs` where the crate begins.
        let parents = [
            folder.join("mod.rs"),
            folder.with_extension("rs"),
            folder.join("lib.rs"),
            folder.join("main.rs"),
        ];
        let declaration = format!("mod {stem};");
        let declared = parents
            .iter()
            .filter_map(|parent| std::fs::read_to_string(parent).ok())
            .any(|text| text.lines().any(|line| contains_word(line, &declaration)));
        if !declared {
            wrong.add(format!(
                "{} is compiled by nobody: declare it with `{declaration}` or delete it",
                shown(path)
            ));
        }
    }
    wrong.none();
}

#[test]
fn metadata_is_read_by_kind() {
    let metadata = serde_json::json!({"packages": [{
        "name": "hallway-hub",
        "manifest_path": "/x/crates/hub/Cargo.toml",
        "targets": [{"kind": ["lib"], "src_path": "/x/crates/hub/src/lib.rs"}, {"kind": ["test"], "src_path": "/x/y.rs"}],
        "dependencies": [
            {"name": "serde", "kind": null, "path": null},
            {"name": "hallway-bus", "kind": null, "path": "/x/crates/bus"},
            {"name": "hallway-testkit", "kind": "dev", "path": "/x/crates/testkit"},
        ],
    }]});
    let packages = read_packages(&metadata);
    assert_eq!(packages[0].short(), "hub");
    assert_eq!(packages[0].uses_of_ours("normal"), BTreeSet::from(["bus".to_owned()]));
    assert_eq!(packages[0].uses_of_ours("dev"), BTreeSet::from(["testkit".to_owned()]));
    assert_eq!(packages[0].roots, [Path::new("/x/crates/hub/src/lib.rs")]);
}

#[test]
fn a_word_is_found_alone_only() {
    let word = LEFT_BEHIND[0].0;
    assert!(contains_word(&format!("// {word}: later"), word));
    assert!(contains_word(&format!("{word}(me)"), word));
    assert!(!contains_word(&format!("MAS{word}N"), word));
}

/// All that is wrong, so that one run tells it all.
#[derive(Default)]
struct Complaints(String);

impl Complaints {
    fn add(&mut self, complaint: String) {
        let _ = writeln!(self.0, "  {complaint}");
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// A member of the workspace.
struct Package {
    name: String,
    folder: PathBuf,
    /// The files that its library and its binaries begin with.
    roots: Vec<PathBuf>,
    /// The kind and the short name of what it uses of ours.
    uses: BTreeSet<(String, String)>,
}

impl Package {
    fn short(&self) -> &str {
        self.name.strip_prefix("hallway-").unwrap_or(&self.name)
    }

    fn uses_of_ours(&self, kind: &str) -> BTreeSet<String> {
        let of_kind = self.uses.iter().filter(|(this, _)| this == kind);
        of_kind.map(|(_, name)| name.clone()).collect()
    }
}

fn packages() -> Vec<Package> {
    let out = run(Command::new(env!("CARGO")).args(["metadata", "--no-deps", "--format-version", "1"]));
    let packages = read_packages(&serde_json::from_str(&out).expect("cargo metadata prints JSON"));
    assert!(packages.len() >= 3, "cargo metadata lists the workspace");
    packages
}

fn read_packages(metadata: &Value) -> Vec<Package> {
    list(&metadata["packages"])
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            folder: Path::new(&text(&package["manifest_path"])).with_file_name(""),
            roots: list(&package["targets"])
                .iter()
                .filter(|target| list(&target["kind"]).iter().any(|kind| kind == "lib" || kind == "bin"))
                .map(|target| PathBuf::from(text(&target["src_path"])))
                .collect(),
            uses: list(&package["dependencies"])
                .iter()
                // Ours are those with a path.
                .filter(|dependency| dependency["path"].is_string())
                .map(|dependency| {
                    let kind = dependency["kind"].as_str().unwrap_or("normal").to_owned();
                    let name = text(&dependency["name"]);
                    (kind, name.strip_prefix("hallway-").unwrap_or(&name).to_owned())
                })
                .collect(),
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string in cargo's metadata").to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list in cargo's metadata")
}

/// Every source file that git tracks, or would.
fn sources() -> Vec<PathBuf> {
    const ENDS: [&str; 8] = [".rs", ".lua", ".js", ".ts", ".css", ".html", ".py", ".sh"];
    let root = root();
    let listed = run(Command::new("git").args(["ls-files", "-coz", "--exclude-standard"]));
    let files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|name| ENDS.iter().any(|end| name.ends_with(end)) || name.starts_with(".ci/"))
        .map(|name| root.join(name))
        .collect();
    assert!(files.len() > 50, "git lists the sources");
    files
}

/// A generated file says so in its first lines.
fn is_generated(text: &str) -> bool {
    text.lines().take(5).any(|line| line.contains("@generated"))
}

/// Whether a word stands in a line, and not inside a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_one = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let behind = &line[at + word.len()..];
        let goes_on = word.ends_with(part_of_one) && behind.starts_with(part_of_one);
        !line[..at].ends_with(part_of_one) && !goes_on
    })
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace")
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", shown(path)))
}

fn run(command: &mut Command) -> String {
    let out = command.current_dir(root()).output();
    let out = out.unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {said}");
    String::from_utf8(out.stdout).expect("text")
}
