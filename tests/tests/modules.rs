//! The modules at the top of a crate use each other in one direction.
//!
//! The arrows are read from the source: each path that begins with `crate`, in a `use` or in the code, and each
//! `use super::` that leaves a top-level module. A name that `lib.rs` takes out of a module leads to that module, and
//! any other item of `lib.rs` but a constant to `lib`, which uses whatever `lib.rs` names.

#![allow(missing_docs, reason = "this is a test")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "as above")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The text of each file below `src`, by its path there.
type Source = BTreeMap<PathBuf, String>;

/// What each module uses, and the files in which it does.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<PathBuf>>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn crates() -> Vec<PathBuf> {
    let inside = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    };
    let folders = [".", "functions", "local", "shared", "tests"];
    let mut crates = folders.map(inside).concat();
    crates.retain(|folder| folder.join("src/lib.rs").is_file());
    crates
}

fn read(folder: &Path, below: &Path, source: &mut Source) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, below, source);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let name = path.strip_prefix(below).unwrap().to_owned();
            source.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

fn source_of(folder: &Path) -> Source {
    let (src, mut source) = (folder.join("src"), Source::new());
    read(&src, &src, &mut source);
    source
}

/// The text without what stands behind `//`.
fn code(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split("//").next());
    lines.collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The first name of each path in what follows a `crate::`: one, or those of a list in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let Some(list) = rest.strip_prefix('{') else {
        return words(rest).take(1).collect();
    };
    let (mut depth, mut start, mut names) = (0_u32, 0, Vec::new());
    for (at, c) in list.char_indices() {
        let ends = depth == 0 && matches!(c, ',' | '}');
        if ends {
            names.extend(words(&list[start..at]).next());
            start = at + 1;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

/// The statements of `lib.rs` that begin a line with this, `pub` or not, each up to its semicolon or brace.
fn items<'a>(lib: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = lib.match_indices(keyword).filter(|(at, _)| {
        let before = lib[..*at].rsplit('\n').next().unwrap_or_default();
        matches!(before, "" | "pub " | "pub(crate) ")
    });
    lines.map(move |(at, _)| &lib[at + keyword.len()..])
}

/// The names of those items.
fn named<'a>(lib: &'a str, keyword: &'a str) -> BTreeSet<&'a str> {
    items(lib, keyword)
        .filter_map(|rest| words(rest).next())
        .collect()
}

fn arrows(source: &Source) -> Arrows {
    let lib = code(&source[Path::new("lib.rs")]);
    let (modules, constants) = (named(&lib, "mod "), named(&lib, "const "));
    let mut taken_out = BTreeMap::new();
    for rest in items(&lib, "use ") {
        let path = rest.split(';').next().unwrap_or_default();
        let path = path.strip_prefix("crate::").unwrap_or(path);
        let module = words(path).next().unwrap_or_default();
        taken_out.extend(words(path).skip(1).map(|name| (name, module)));
    }
    let mut arrows = Arrows::new();
    for (file, text) in source {
        let text = code(text);
        let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
        let top = parts[0].trim_end_matches(".rs");
        if matches!(top, "main" | "bin") {
            continue;
        }
        let mut names: Vec<&str> = text
            .split("crate::")
            .skip(1)
            .flat_map(first_names)
            .collect();
        if top == "lib" {
            let mut rest = text.as_str();
            while let Some(at) = rest.find("::") {
                names.extend(words(&rest[..at]).last());
                rest = &rest[at + 2..];
            }
            names.retain(|name| modules.contains(name));
        } else {
            let depth = parts.len() - usize::from(file.ends_with("mod.rs"));
            let up = format!("\nuse {}", "super::".repeat(depth));
            names.extend(text.split(up.as_str()).skip(1).flat_map(first_names));
        }
        for name in names {
            let target = match taken_out.get(name) {
                _ if modules.contains(name) => name,
                _ if constants.contains(name) => continue,
                Some(module) if modules.contains(module) => module,
                Some(_) => continue,
                None => "lib",
            };
            if target != top {
                let uses = arrows.entry(top.to_owned()).or_default();
                uses.entry(target.to_owned())
                    .or_default()
                    .insert(file.clone());
            }
        }
    }
    arrows
}

/// The arrows among modules that use each other in a circle, or lie between two circles.
fn circles(mut arrows: Arrows) -> Arrows {
    loop {
        let users: BTreeSet<String> = arrows.keys().cloned().collect();
        let used: BTreeSet<String> = arrows.values().flat_map(BTreeMap::keys).cloned().collect();
        let before: usize = arrows.values().map(BTreeMap::len).sum();
        arrows.retain(|user, uses| {
            uses.retain(|name, _| users.contains(name));
            used.contains(user) && !uses.is_empty()
        });
        if before == arrows.values().map(BTreeMap::len).sum() {
            return arrows;
        }
    }
}

/// The modules that the documentation of a crate lists from the bottom up.
fn listed(source: &Source) -> Vec<String> {
    let lib = source[Path::new("lib.rs")].lines();
    let names = lib.filter_map(|line| line.strip_prefix("//! - `")?.split_once("`:"));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let crates = crates();
    assert!(crates.len() > 25, "{crates:?}");
    for folder in crates {
        let found = circles(arrows(&source_of(&folder)));
        assert!(found.is_empty(), "{}: {found:#?}", folder.display());
    }
}

#[test]
fn the_modules_of_the_sandbox_use_only_those_that_its_documentation_lists_before_them() {
    let source = source_of(&root().join("local/sandbox"));
    let listed = listed(&source);
    let known: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(known, named(&source[Path::new("lib.rs")], "mod "));
    let place = |name: &str| listed.iter().position(|it| it == name);
    for (user, uses) in arrows(&source).iter().filter(|(user, _)| *user != "lib") {
        for (used, files) in uses {
            assert!(place(used) < place(user), "{user} uses {used} in {files:?}");
        }
    }
}

#[test]
fn the_objects_of_the_sandbox_change_nothing() {
    let mut source = source_of(&root().join("local/sandbox"));
    source.retain(|file, _| file.starts_with("objects"));
    assert!(source.len() > 20);
    source.retain(|_, text| text.contains("&mut World"));
    assert!(source.is_empty(), "{:?}", source.keys());
}

#[test]
fn an_arrow_is_found_in_every_form() {
    let lib = "mod a;\nmod b;\nmod c;\nmod d;\npub use c::{Inner as Outer, Other};\nconst X: u8 = 1;\nfn run() { d::go() }\n";
    let using = |text: &str| {
        let files = [("lib.rs", lib), ("a/b.rs", text)];
        let source = files.map(|(name, text)| (PathBuf::from(name), text.to_owned()));
        let uses = arrows(&Source::from(source))
            .remove("a")
            .unwrap_or_default();
        uses.into_keys().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(using("use crate::b::Thing;\n"), "b");
    assert_eq!(
        using("use crate::{\n    X,\n    a::{self, b},\n    b::{c, d},\n    d,\n};\n"),
        "b d"
    );
    assert_eq!(using("fn f() -> crate::b::Thing {}\n"), "b");
    assert_eq!(
        using("use crate::Outer;\nfn f() { crate::run() }\n"),
        "c lib"
    );
    assert_eq!(using("\nuse super::super::d::go;\nuse super::e;\n"), "d");
    assert_eq!(using("/// As [`crate::b`] does.\nuse crate::X;\n"), "");
}

#[test]
fn a_circle_is_what_remains_without_its_ends() {
    let arrows = |pairs: &[(&str, &str)]| {
        let mut arrows = Arrows::new();
        for (user, used) in pairs {
            let uses = arrows.entry((*user).to_owned()).or_default();
            uses.entry((*used).to_owned()).or_default();
        }
        arrows
    };
    let ends = [("top", "a"), ("c", "bottom")];
    let circle = [("a", "b"), ("b", "c"), ("c", "a")];
    assert_eq!(
        circles(arrows(&[ends.as_slice(), &circle].concat())),
        arrows(&circle)
    );
    assert_eq!(
        circles(arrows(&[ends.as_slice(), &circle[..2]].concat())),
        arrows(&[])
    );
}
