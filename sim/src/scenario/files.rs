//! Finds scenarios in the file system and reads them.

use std::fs;
use std::io;
use std::path::Path;

use super::check::{Broken, Files, check};
use super::step::Scenario;

/// Reads included files from the file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

/// The scenarios at `paths`: files, and of folders all `.kdl` files below them in the order of their names, but for
/// those in folders called `common`, which are for including. Then what cannot be read, a line each.
pub(crate) fn find<P: AsRef<Path>>(paths: &[P]) -> (Vec<String>, String) {
    let (mut files, mut complaints) = (Vec::new(), String::new());
    for path in paths {
        if let Err(error) = collect(path.as_ref(), &mut files) {
            complaints += &format!("{}: {error}\n", shown(path.as_ref()));
        }
    }
    (files, complaints)
}

/// The checked scenario in `file`, or what is wrong with it, as text.
pub(crate) fn load(file: &str) -> Result<Scenario, String> {
    let text = Disk.read(file).map_err(|error| format!("{file}: {error}\n"))?;
    check(file, &text, &Disk).map_err(|Broken { sources, problems }| {
        problems.iter().map(|problem| problem.render(&sources)).collect()
    })
}

fn collect(path: &Path, files: &mut Vec<String>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(shown(path));
        return Ok(());
    }
    let mut entries: Vec<_> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let is_common = entry.file_name().is_some_and(|name| name == "common");
        if entry.is_dir() && !is_common || entry.extension().is_some_and(|extension| extension == "kdl") {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

/// The path with `/` between its parts.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}
