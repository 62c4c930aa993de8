//! Reads the source tree: who may import whom, how long files are, and what must not be in them.
//!
//! Each check is a function from texts to complaints; `planted` hands it texts that it must complain of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/planted.rs"]
mod planted;

/// Code lines a file may have, without its tests, documentation and comments.
const CODE_LINES_MAX: usize = 400;
/// From here on a file is named as one to watch.
const CODE_LINES_WATCH: usize = 300;

/// The floors of `src/`, lowest first: a folder imports from lower ones and from itself.
const FLOORS: [&[&str]; 6] = [
    &["error", "time", "sync"],
    &["id", "codec", "cache"],
    &["store"],
    &["session"],
    &["cookie"],
    &["http"],
];

struct Source {
    /// From the crate's root, with forward slashes.
    name: String,
    text: String,
}

impl Source {
    /// The file without its unit tests, which are last.
    fn code(&self) -> &str {
        let end = ["\n#[cfg(test)]\nmod tests", "\n#[cfg(all(test,"]
            .iter()
            .filter_map(|mark| self.text.find(mark))
            .min();
        &self.text[..end.unwrap_or(self.text.len())]
    }

    fn code_lines(&self) -> usize {
        let is_code = |line: &&str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("//")
        };
        self.code().lines().filter(is_code).count()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, into: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).expect("below the root");
            into.push(Source {
                name: name.to_string_lossy().replace('\\', "/"),
                text: fs::read_to_string(&path).expect("source is text"),
            });
        }
    }
}

/// The Rust files below some folders of the repository.
fn sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut sources);
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!sources.is_empty(), "no sources below {folders:?}");
    sources
}

const EVERYWHERE: [&str; 8] = [
    "src",
    "tests",
    "cli",
    "benches",
    "proptests",
    "loom-tests",
    "fuzz/fuzz_targets",
    "examples",
];

fn report(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The first module of each `crate::...` path in the code, comments left out.
fn crate_paths(code: &str) -> Vec<(usize, &str)> {
    let mut paths = Vec::new();
    for (number, line) in code.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            paths.push((number + 1, &rest[..end.unwrap_or(rest.len())]));
        }
    }
    paths
}

#[test]
fn each_folder_imports_from_lower_floors_only() {
    report(climbs(&sources(&["src"])));
}

fn climbs(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let below_src = source.name.trim_start_matches("src/");
        let module = below_src.split(['/', '.']).next().expect("a name");
        if matches!(module, "lib" | "internals") {
            continue;
        }
        let Some(own) = floor(module) else {
            complaints.push(format!(
                "{}: `{module}` stands on no floor of this test",
                source.name
            ));
            continue;
        };
        for (line, other) in crate_paths(source.code()) {
            if other == module {
                continue;
            }
            // The lowest floor's modules are strangers, but for time, which is built on sync.
            let allowed = match floor(other) {
                Some(its) => its < own || (module == "time" && other == "sync"),
                None => false,
            };
            if !allowed {
                complaints.push(format!(
                    "{}:{line}: `{module}` names `{other}`",
                    source.name
                ));
            }
        }
    }
    complaints
}

#[test]
fn files_are_short() {
    report(too_long(&sources(&EVERYWHERE)));
}

fn too_long(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let lines = source.code_lines();
        if lines > CODE_LINES_MAX {
            complaints.push(format!(
                "{}: {lines} code lines, {CODE_LINES_MAX} allowed",
                source.name
            ));
        } else if lines > CODE_LINES_WATCH {
            println!("to watch: {} has {lines} code lines", source.name);
        }
    }
    complaints
}

#[test]
fn each_file_says_what_it_is() {
    report(untold(&sources(&EVERYWHERE)));
}

fn untold(sources: &[Source]) -> Vec<String> {
    let untold = sources
        .iter()
        .filter(|source| !source.text.starts_with("//!"));
    untold
        .map(|source| format!("{}: begins without `//!`", source.name))
        .collect()
}

#[test]
fn each_file_is_part_of_the_crate() {
    report(forgotten(&sources(&["src", "cli/src", "benches/src"])));
}

fn forgotten(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let path = Path::new(&source.name);
        let stem = path.file_stem().expect("a file").to_string_lossy();
        if matches!(&*stem, "lib" | "main") {
            continue;
        }
        let folder = path.parent().expect("a folder");
        let (module, home) = match &*stem {
            "mod" => (
                folder.file_name().expect("a folder"),
                folder.parent().expect("a folder"),
            ),
            _ => (path.file_stem().expect("a file"), folder),
        };
        let module = module.to_string_lossy();
        // A module is declared in its folder's `mod.rs`, `lib.rs` or `main.rs`, or in the file that
        // bears the folder's name.
        let parents: BTreeSet<String> = ["mod.rs", "lib.rs", "main.rs"]
            .iter()
            .map(|file| home.join(file))
            .chain([home.with_extension("rs")])
            .map(|path| path.to_string_lossy().replace('\\', "/"))
            .collect();
        let declared = sources
            .iter()
            .filter(|parent| parents.contains(&parent.name))
            .any(|parent| parent.text.contains(&format!("mod {module};")));
        if !declared {
            complaints.push(format!("{}: no `mod {module};` names it", source.name));
        }
    }
    complaints
}

/// Spelled in two parts, so that this file does not complain about itself.
const UNFINISHED: [&str; 6] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("TO", "DO"),
];

#[test]
fn nothing_unfinished_is_left() {
    report(unfinished(&sources(&EVERYWHERE)));
}

fn unfinished(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| line.contains(*word)) {
                complaints.push(format!("{}:{}: {word}", source.name, number + 1));
            }
        }
    }
    complaints
}

#[test]
fn locks_and_atomics_come_through_one_door() {
    report(past_the_door(&sources(&["src"])));
}

fn past_the_door(sources: &[Source]) -> Vec<String> {
    let banned = ["std::sync::atomic", "std::sync::Mutex", "std::sync::RwLock"];
    let mut complaints = Vec::new();
    for source in sources {
        if source.name.starts_with("src/sync") {
            continue;
        }
        for (number, line) in source.code().lines().enumerate() {
            // A clock for tests is moved from outside; no model checker interleaves it.
            let is_manual_clock = source.name == "src/time.rs"
                && (line.contains("ManualClock") || line.contains("atomic::Ordering"));
            let is_prose = line.trim_start().starts_with("//");
            let in_group = line.contains("std::sync::{")
                && ["Mutex", "RwLock", "atomic"]
                    .iter()
                    .any(|word| line.contains(word));
            let is_banned = in_group || banned.iter().any(|word| line.contains(word));
            if is_banned && !is_manual_clock && !is_prose {
                complaints.push(format!("{}:{}: {}", source.name, number + 1, line.trim()));
            }
        }
    }
    complaints
}

/// A file of the repository that is no source.
fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("it is there")
}

#[test]
fn each_feature_is_in_the_readme() {
    report(unlisted(&file("Cargo.toml"), &file("README.md")));
}

fn unlisted(manifest: &str, readme: &str) -> Vec<String> {
    let features = manifest
        .lines()
        .skip_while(|line| *line != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| {
            line.split_once(" = ")
                .map(|(name, _)| name.trim_matches('"'))
        })
        .filter(|name| !name.starts_with('#') && !name.starts_with("__") && *name != "default");
    let missing = features.filter(|name| !readme.contains(&format!("`{name}`")));
    missing
        .map(|name| format!("README.md does not name the feature `{name}`"))
        .collect()
}

#[test]
fn the_readme_shows_the_login_example_as_it_is() {
    let (example, readme) = (file("examples/axum_login.rs"), file("README.md"));
    assert!(shows(&readme, &example));
}

fn shows(readme: &str, example: &str) -> bool {
    let code = example.split_once("\n\n").map_or("", |(_, code)| code);
    !code.is_empty() && readme.contains(code)
}

#[test]
fn each_test_that_the_seeds_name_exists() {
    let seeds = file("tests/SEEDS.md");
    let named = tests_named(&seeds).len();
    assert!(named > 300, "{named} tests are named");
    report(untested(&seeds, &sources(&["src", "tests"])));
}

fn tests_named(seeds: &str) -> BTreeSet<&str> {
    let is_test = |text: &&str| {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c);
        text.contains("::") && text.chars().all(is_part)
    };
    let quoted = seeds.split('`').skip(1).step_by(2);
    quoted.filter(is_test).collect()
}

fn untested(seeds: &str, sources: &[Source]) -> Vec<String> {
    let exists = |name: &&str| {
        let Some((module, function)) = name.rsplit_once("::") else {
            return false;
        };
        let module = module.replace("::", "/");
        let function = format!("fn {function}(");
        sources.iter().any(|source| {
            let below = source.name.split_once('/').map_or("", |(_, below)| below);
            let file = below.trim_end_matches(".rs").trim_end_matches("/mod");
            // What is left over is a module within the file, like `tests`.
            let is_home = module
                .strip_prefix(file)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            is_home && source.text.contains(&function)
        })
    };
    let missing = tests_named(seeds).into_iter().filter(|name| !exists(name));
    missing
        .map(|name| format!("tests/SEEDS.md names {name}, which is no test"))
        .collect()
}
