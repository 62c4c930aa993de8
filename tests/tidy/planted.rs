//! Texts that each check of the source tree must complain of, beside ones that it must not.

use super::{
    CODE_LINES_MAX, Source, UNFINISHED, climbs, forgotten, past_the_door, report, shows, too_long,
    unfinished, unlisted, untested, untold,
};

fn source(name: &str, text: &str) -> Source {
    let (name, text) = (name.to_owned(), text.to_owned());
    Source { name, text }
}

/// `check` complains of each of `bad`, and of none of `good`.
#[track_caller]
fn tells_apart(check: fn(&[Source]) -> Vec<String>, bad: &[(&str, &str)], good: &[(&str, &str)]) {
    for (name, text) in bad {
        let said = check(&[source(name, text)]);
        let is_one = matches!(&said[..], [said] if said.starts_with(name));
        assert!(is_one, "{name}: {text:?}: {said:?}");
    }
    for (name, text) in good {
        assert_eq!(check(&[source(name, text)]), [""; 0], "{name}: {text:?}");
    }
}

#[test]
#[should_panic(expected = "src/lost.rs")]
fn a_complaint_fails_its_test() {
    report(vec!["src/lost.rs: a complaint".to_owned()]);
}

#[test]
fn climbing_is_found_on_every_floor() {
    tells_apart(
        climbs,
        &[
            ("src/time.rs", "use crate::cache::Cache;"),
            ("src/error.rs", "use crate::time::Clock;"),
            ("src/sync.rs", "use crate::time::Clock;"),
            ("src/cache/read.rs", "    crate::store::SessionStore"),
            ("src/cache/read.rs", "use crate::codec::Record;"),
            ("src/store/mod.rs", "use crate::session::Session;"),
            ("src/session/life.rs", "use crate::cookie::Jar;"),
            ("src/cookie/jar.rs", "use crate::http::Core;"),
            ("src/cache/read.rs", "use crate::nowhere::Thing;"),
            ("src/penthouse.rs", ""),
        ],
        &[
            ("src/time.rs", "use crate::sync::Lock;"),
            ("src/cache/read.rs", "use crate::error::Error;"),
            ("src/cache/read.rs", "use crate::cache::Cache;"),
            ("src/cache/read.rs", "/// [`Store`](crate::store::Store)"),
            (
                "src/cache/read.rs",
                "\n#[cfg(test)]\nmod tests {\nuse crate::http;\n}",
            ),
            ("src/http/core.rs", "use crate::cookie::Jar;"),
            ("src/lib.rs", "pub use crate::http::Core;"),
        ],
    );
}

#[test]
fn a_line_of_code_too_many_is_found() {
    let most = "code();\n".repeat(CODE_LINES_MAX);
    let unit_tests = format!("{most}#[cfg(test)]\nmod tests {{\ncode();\n}}\n");
    tells_apart(
        too_long,
        &[("src/long.rs", &format!("{most}code();\n"))],
        &[
            ("src/long.rs", &most),
            ("src/long.rs", &format!("{most}\n    // why\n/// what\n")),
            ("src/long.rs", &unit_tests),
        ],
    );
}

#[test]
fn a_file_without_its_subject_is_found() {
    tells_apart(
        untold,
        &[
            ("src/silent.rs", "use std::fmt;\n"),
            ("src/late.rs", "\n//! Too late.\n"),
            ("src/empty.rs", ""),
        ],
        &[("src/told.rs", "//! What it is.\n")],
    );
}

#[test]
fn a_file_that_no_module_names_is_found() {
    let tree = |parent: &str, text: &str, file: &str| {
        let sources = [source(parent, text), source(file, "")];
        let said = forgotten(&sources);
        said.iter().any(|said| said.starts_with(file))
    };
    for (parent, file) in [
        ("src/lib.rs", "src/new.rs"),
        ("src/lib.rs", "src/new/mod.rs"),
        ("src/cache/mod.rs", "src/cache/new.rs"),
        ("src/codec.rs", "src/codec/new.rs"),
        ("cli/src/main.rs", "cli/src/new.rs"),
    ] {
        assert!(tree(parent, "mod renewed;\nmod other;", file), "{file}");
        assert!(!tree(parent, "pub(crate) mod new;", file), "{file}");
    }
    // Named, but in another folder.
    assert!(tree("src/store/mod.rs", "mod new;", "src/cache/new.rs"));
}

#[test]
fn each_unfinished_word_is_found() {
    for word in UNFINISHED {
        let line = format!("//! What it is.\n    // {word}\n");
        tells_apart(unfinished, &[("src/a.rs", &line)], &[]);
    }
    tells_apart(unfinished, &[], &[("src/a.rs", "//! To do is to be.")]);
}

#[test]
fn a_lock_from_elsewhere_is_found() {
    tells_apart(
        past_the_door,
        &[
            ("src/a.rs", "use std::sync::Mutex;"),
            ("src/a.rs", "use std::sync::RwLock;"),
            ("src/a.rs", "    std::sync::atomic::fence(order);"),
            ("src/a.rs", "use std::sync::{Arc, Mutex};"),
            ("src/a.rs", "use std::sync::{Arc, RwLock};"),
            ("src/a.rs", "use std::sync::{Arc, atomic};"),
            ("src/time.rs", "use std::sync::Mutex;"),
        ],
        &[
            ("src/sync.rs", "use std::sync::Mutex;"),
            ("src/a.rs", "use std::sync::{Arc, OnceLock};"),
            ("src/a.rs", "// as std::sync::Mutex does"),
        ],
    );
}

#[test]
fn a_feature_that_the_readme_lacks_is_found() {
    let manifest = "[features]\ndefault = [\"http\"]\n# Why.\nhttp = []\nnew = [\"dep:new\"]\n\
                    __own = []\n\n[dependencies]\nbytes = \"1\"\n";
    assert_eq!(unlisted(manifest, "| `http` | `new` |"), [""; 0]);
    for readme in ["| `http` |", "| `http` | new |"] {
        let said = unlisted(manifest, readme);
        assert_eq!(said, ["README.md does not name the feature `new`"]);
    }
}

#[test]
fn an_example_that_the_readme_shows_otherwise_is_found() {
    let example = "//! What it is.\n\nfn main() {\n    serve();\n}\n";
    assert!(shows("# Start\nfn main() {\n    serve();\n}\n", example));
    assert!(!shows("# Start\nfn main() {\n    serves();\n}\n", example));
    assert!(!shows("# Start\n", "//! What it is.\n"));
}

#[test]
fn a_test_that_is_named_and_not_there_is_found() {
    let sources = [
        source("src/id.rs", "fn an_id_is_long() {}"),
        source("tests/http/main.rs", "fn not_in_this_file() {}"),
        source("tests/http/flow.rs", "fn it_flows() {}"),
    ];
    for named in ["id::tests::an_id_is_long", "http::flow::it_flows"] {
        assert_eq!(untested(&format!("| `{named}` |"), &sources), [""; 0]);
    }
    for missing in [
        "id::tests::an_id_is_longer",
        "http::flow::not_in_this_file",
        "nowhere::it_flows",
    ] {
        let said = untested(&format!("| `{missing}` |"), &sources);
        let found = said.len() == 1 && said[0].contains(missing);
        assert!(found, "{missing}: {said:?}");
    }
}
