//! Finds scenarios in the file system and reads them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::check::{Broken, Files, check};
use super::problem;
use super::step::Scenario;

/// Reads included files from the file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        read_text(Path::new(path)).map_err(|error| error.to_string())
    }
}

/// Reads files by the names that they have beside this one, as it is shown: a folder may be called otherwise, if its
/// name is not UTF-8.
struct Around<'a>(&'a Path);

impl Files for Around<'_> {
    fn read(&self, path: &str) -> Result<String, String> {
        let below = |folder: &Path| Some(folder.join(Path::new(path).strip_prefix(shown(folder)).ok()?));
        let folders = self.0.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let found = folders.into_iter().find_map(below).unwrap_or_else(|| PathBuf::from(path));
        read_text(&found).map_err(|error| error.to_string())
    }
}

/// A file with more bytes is nobody's scenario or matrix: it may be a device that never ends.
const BYTES_MAX: u64 = 1 << 20;

/// The text of a file that people write. Longer ones than 1 MiB are not read.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() > usize::try_from(BYTES_MAX).expect("1 MiB fits") {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is longer than 1 MiB"));
    }
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("the file is not text: {error}")))
}

/// A scenario's file.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    path: PathBuf,
    /// The path as it is shown; what is not UTF-8 in it is replaced.
    pub(crate) name: String,
}

/// The scenarios at `paths`: files, and of folders all `.kdl` files below them in the order of their names, but for
/// those in folders called `common`, which are for including. Then what cannot be read and folders without any
/// scenario, a line each.
pub(crate) fn find<P: AsRef<Path>>(paths: &[P]) -> (Vec<Found>, String) {
    let (mut files, mut complaints) = (Vec::new(), String::new());
    for path in paths {
        let known = files.len();
        let problem = match collect(path.as_ref(), &mut Vec::new(), &mut files) {
            Err(error) => error.to_string(),
            Ok(()) if files.len() == known => "no scenario (.kdl) is in this folder".to_owned(),
            Ok(()) => continue,
        };
        complaints += &format!("{}: {problem}\n", shown(path.as_ref()));
    }
    (files, complaints)
}

/// The checked scenario in `file`, or what is wrong with it, as text.
pub(crate) fn load(file: &Found) -> Result<Scenario, String> {
    let Found { path, name } = file;
    let text = read_text(path).map_err(|error| format!("{name}: {error}\n"))?;
    check(name, &text, &Around(path))
        .map_err(|Broken { sources, problems }| problem::render_all(&problems, &sources))
}

/// Adds what is at `path`. `around` are the folders that it is in, without symbolic links: a link to one of them
/// would never end.
fn collect(path: &Path, around: &mut Vec<PathBuf>, files: &mut Vec<Found>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(Found { path: path.to_owned(), name: shown(path) });
        return Ok(());
    }
    let folder = fs::canonicalize(path)?;
    if around.contains(&folder) {
        return Ok(());
    }
    let mut entries: Vec<_> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    around.push(folder);
    for entry in entries {
        let is_common = entry.file_name().is_some_and(|name| name == "common");
        if entry.is_dir() && !is_common || entry.extension().is_some_and(|extension| extension == "kdl") {
            collect(&entry, around, files)?;
        }
    }
    around.pop();
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

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_folder_whose_name_is_not_utf8_has_files_to_include() {
        let folder = std::env::temp_dir().join(format!("smmu-sim-files-{}", std::process::id()));
        let odd = folder.join(OsStr::from_bytes(b"od\xffd"));
        fs::create_dir_all(odd.join("common")).expect("a writable directory for temporary files");
        fs::write(odd.join("common/a.kdl"), "device \"nic\" stream=1\n").expect("writable");
        fs::write(odd.join("b.kdl"), "smmu preset=\"max\"\ninclude \"./common/a.kdl\"\n").expect("writable");
        let (found, complaints) = find(&[&folder]);
        assert_eq!((found.len(), complaints.as_str()), (1, ""));
        assert_eq!(load(&found[0]).map(|_| ()), Ok(()));
        fs::remove_dir_all(&folder).expect("a directory of ours");
    }
}
