//! Style as an ordinary test: what every source file of the workspace holds to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Most lines of a file. [`LONG_FILES`] may have more.
const LINES_MAX: usize = 450;

/// Longer files with their present length. A length that is not true any more fails, so that files only shrink.
const LONG_FILES: &[(&str, usize, &str)] = &[];

/// Tables that are as long as the specification makes them: one macro call needs all of their rows.
const TABLES: &[&str] = &["model/src/choice/list.rs", "model/src/rule/list.rs"];

/// The modules of `model` from the bottom up. Each may use those before it.
const MODEL_MODULES: &[&str] = &[
    "address",
    "ids",
    "naming",
    "layout",
    "choice",
    "features",
    "rule",
    "attributes",
    "transaction",
    "ats",
    "hint",
    "bus",
    "memory",
    "outcome",
    "trace",
    "env",
    "config",
    "cache",
    "fault",
    "registers",
    "interrupt",
    "queue",
    "command",
    "broadcast",
    "translate",
    "atos",
    "monitor",
    "smmu",
];

/// What uses a module above it, and what would end that. None of these is meant to stay.
const UPWARD_USES: &[(&str, &str, &str)] = &[
    ("attributes", "env", "it asks the chooser; outcomes and so the trace hold attributes"),
    ("attributes", "transaction", "overrides look at the access; transactions hold attributes"),
    ("trace", "registers", "the name of a register could live in layout"),
    ("config", "registers", "Globals borrows the registers, so that nothing is stored twice"),
    ("config", "fault", "FaultFlags, the A, R and S of a CD or STE, could live in config"),
    ("fault", "translate", "Answer and Seen could live in outcome"),
    ("registers", "interrupt", "an error that becomes active interrupts, and an aborted MSI is an error"),
    ("registers", "queue", "the arithmetic of rings could live beside layout"),
    ("registers", "smmu", "RegisterAbort could live in registers"),
    ("command", "smmu", "Progress could live in queue"),
];

/// Nowhere: what is for the moment only.
const BANNED: &[&str] = &["dbg!(", "todo!(", "unimplemented!("];

/// Not in `model`, which has no I/O, no clock, no environment, no threads, no floats and no hash order.
const BANNED_IN_MODEL: &[&str] = &[
    "println!(",
    "eprintln!(",
    "print!(",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "HashMap",
    "HashSet",
    "FxHashMap",
    "FxHashSet",
    "f32",
    "f64",
    "static mut ",
    "thread_local!",
    "OnceLock",
    "smmu_sim",
];

/// The hash maps of `model`: the first is found by key only, and never walked; the second is walked to remove from it,
/// and sorts the keys that it hands out.
const HASHED: [&str; 2] = ["model/src/memory/sparse.rs", "model/src/cache/pages.rs"];

struct Source {
    /// From the root of the workspace.
    path: String,
    text: String,
}

impl Source {
    /// The lines with code that runs outside tests, comments left out.
    fn code(&self) -> impl Iterator<Item = &str> {
        let product = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        product.lines().filter(|line| !line.trim_start().starts_with("//"))
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testing.rs")
            || self.path.contains("/tests/")
    }

    /// The module of `model` that it belongs to.
    fn model_module(&self) -> Option<&str> {
        let module = self.path.strip_prefix("model/src/")?.split('/').next()?;
        Some(module.strip_suffix(".rs").unwrap_or(module))
    }
}

/// All Rust files of the workspace but this one, in order.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = ["model", "sim", "benches"].map(str::to_owned).to_vec();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).expect("a folder of the workspace opens") {
            let entry = entry.expect("a folder of the workspace can be read");
            let name = entry.file_name().into_string().expect("names are text");
            let path = format!("{folder}/{name}");
            if entry.file_type().expect("it exists").is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && path != "sim/tests/tidy.rs" {
                let text = fs::read_to_string(entry.path()).expect("a source file is text");
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(sources.len() > 100, "the workspace has more files than {}", sources.len());
    sources
}

/// Whether `word` stands in `line`, not as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_inside = |c: char| c == '_' || c.is_ascii_alphanumeric();
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(is_inside))
}

/// Fails with all complaints at once.
fn check(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    check(
        &silent.map(|source| format!("{}: the first line is not `//! …`", source.path)).collect::<Vec<_>>(),
    );
}

#[test]
fn files_are_short() {
    let mut complaints = Vec::new();
    let sources = sources();
    for Source { path, text } in &sources {
        let lines = text.lines().count();
        match LONG_FILES.iter().find(|(long, ..)| long == path) {
            None if lines > LINES_MAX && !TABLES.contains(&path.as_str()) => {
                complaints.push(format!("{path}: {lines} lines, at most {LINES_MAX}"))
            }
            Some((_, known, _)) if lines <= LINES_MAX => {
                complaints.push(format!("{path}: {lines} lines, no exception any more (it has {known})"));
            }
            Some((_, known, _)) if lines != *known => {
                complaints.push(format!("{path}: {lines} lines, its exception says {known}"));
            }
            Some(_) | None => {}
        }
    }
    for (long, ..) in LONG_FILES {
        if !sources.iter().any(|source| source.path == *long) {
            complaints.push(format!("{long}: an exception for a file that is not there"));
        }
    }
    check(&complaints);
}

#[test]
fn nothing_is_left_from_debugging() {
    let mut complaints = Vec::new();
    for source in sources() {
        for word in BANNED.iter().filter(|word| source.text.contains(**word)) {
            complaints.push(format!("{}: {word}", source.path));
        }
    }
    check(&complaints);
}

#[test]
fn the_model_touches_nothing_outside_itself() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.model_module().is_some() && !source.is_test()) {
        for (word, line) in
            BANNED_IN_MODEL.iter().flat_map(|word| source.code().map(move |line| (word, line)))
        {
            let permitted = HASHED.contains(&&*source.path) && *word == "FxHashMap";
            if has_word(line, word) && !permitted {
                complaints.push(format!("{}: {word} in `{}`", source.path, line.trim()));
            }
        }
        if source.path == HASHED[0] {
            let walks = ["index.iter", "index.keys", "index.values", "index.drain", "in &self.index"];
            let found = walks.iter().filter(|walk| source.text.contains(**walk));
            complaints.extend(found.map(|walk| format!("{}: {walk} has no defined order", source.path)));
        }
    }
    check(&complaints);
}

#[test]
fn the_model_uses_modules_downwards() {
    let sources = sources();
    let place = |module: &str| MODEL_MODULES.iter().position(|known| *known == module);
    let mut complaints = Vec::new();
    let mut upward = BTreeSet::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(module) = source.model_module().filter(|module| !["lib", "refuse"].contains(module)) else {
            continue;
        };
        let Some(own_place) = place(module) else {
            complaints.push(format!("{}: `{module}` has no place in MODEL_MODULES", source.path));
            continue;
        };
        for used in source.code().flat_map(|line| line.split("crate::").skip(1)) {
            let used =
                used.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            match place(used) {
                Some(used_place) if used_place <= own_place => {}
                Some(_) => {
                    upward.insert((module, used));
                }
                None => complaints.push(format!("{}: `crate::{used}` is no module", source.path)),
            }
        }
    }
    let known: BTreeSet<_> = UPWARD_USES.iter().map(|(module, used, _)| (*module, *used)).collect();
    let new =
        upward.difference(&known).map(|(module, used)| format!("{module} uses {used}, which is above it"));
    let stale =
        known.difference(&upward).map(|(module, used)| format!("{module} does not use {used} any more"));
    complaints.extend(new.chain(stale));
    check(&complaints);
}
