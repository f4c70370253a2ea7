//! The one file that state lives in: a line of JSON for each transaction.

use super::index::looked_at;
use super::kept::{Kept, peek};
use super::kind::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufWriter, Error, ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A record's new value, or none where it was removed; the number is its place in the order of creation.
#[derive(Debug, Serialize)]
pub(crate) struct Change<'a>(
    pub(crate) Kind,
    pub(crate) &'a str,
    pub(crate) u64,
    pub(crate) Option<&'a Kept>,
);

/// The same in the file.
#[derive(Debug, Deserialize)]
struct Line(Kind, String, u64, Option<Box<RawValue>>);

/// A change that was read.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) order: u64,
    /// None where it was removed.
    pub(crate) record: Option<Kept>,
    /// Of the record, what it is looked up by.
    pub(crate) seen: Value,
}

impl Known {
    fn read(Line(kind, id, order, json): Line) -> serde_json::Result<Self> {
        let seen = json.as_deref().map(|json| peek(json, looked_at(kind)));
        Ok(Self {
            kind,
            id,
            order,
            seen: seen.transpose()?.unwrap_or_default(),
            record: json.map(Kept::read),
        })
    }
}

/// An open journal.
///
/// A line is handed to the operating system before the request is answered, so `kill -9` loses nothing that was
/// answered. It is not synced to the disk: a power cut may cost a developer the last second of play data, and a
/// sync for each request would cost everybody a few milliseconds.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Opens the file, or begins it, and keeps other processes from it for as long as the result lives.
    pub(crate) fn hold(path: &Path) -> Result<File> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            create_private(folder)?;
        }
        let file = private().read(true).append(true).create(true).open(path)?;
        // One that was begun before may be open to others.
        keep_private(&file)?;
        locked(file)
    }

    /// Every change in the file, oldest first, and how many bytes they take. A last line without an end was never
    /// answered and is left out.
    pub(crate) fn read(mut file: &File) -> Result<(Vec<Known>, u64)> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|it| *it == b'\n');
        bytes.truncate(whole.map_or(0, |last| last + 1));
        // Reading JSON is nearly all of a start, and lines do not depend on each other.
        let parts = std::thread::available_parallelism().map_or(1, usize::from);
        let read = std::thread::scope(|scope| {
            let readers: Vec<_> = parted(&bytes, parts)
                .into_iter()
                .map(|part| scope.spawn(move || read_lines(part)))
                .collect();
            let parts = readers.into_iter().map(std::thread::ScopedJoinHandle::join);
            parts.collect::<Vec<_>>()
        });
        let (mut changes, mut lines) = (Vec::new(), 0);
        for part in read {
            let part = part.map_err(|_| Error::other("a reader of the journal panicked"))?;
            match part {
                Ok((of_part, many)) => {
                    changes.extend(of_part);
                    lines += many;
                }
                Err((line, error)) => {
                    let number = lines + line;
                    let text = format!("line {number} is not a transaction: {error}");
                    return Err(Error::new(ErrorKind::InvalidData, text));
                }
            }
        }
        Ok((changes, bytes.len() as u64))
    }

    /// Goes on with a file that was read and holds so many bytes of whole lines.
    pub(crate) fn go_on(file: File, length: u64) -> Result<Self> {
        file.set_len(length)?;
        Ok(Self { file })
    }

    /// Replaces the file by one that holds only what is there now, in one step.
    pub(crate) fn rewrite<'a>(
        path: &Path,
        records: impl Iterator<Item = Change<'a>>,
    ) -> Result<Self> {
        let new = beside(path);
        // What a killed process left there may be open to others.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut writer = BufWriter::new(private().write(true).create_new(true).open(&new)?);
        for change in records {
            write_line(&mut writer, &[change])?;
        }
        writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .sync_all()?;
        // Locked before it has its name, so that no other process finds it free.
        let file = locked(OpenOptions::new().append(true).open(&new)?)?;
        std::fs::rename(&new, path)?;
        Ok(Self { file })
    }

    /// Adds a transaction, whole or not at all.
    pub(crate) fn append(&mut self, changes: &[Change<'_>]) -> Result<()> {
        let before = self.file.metadata()?.len();
        write_line(&mut self.file, changes).inspect_err(|_| {
            // A full disk may have taken half a line, which must not swallow the next one.
            let _ = self.file.set_len(before);
        })
    }
}

/// About equal parts of whole lines.
fn parted(bytes: &[u8], parts: usize) -> Vec<&[u8]> {
    let size = bytes.len().div_ceil(parts.max(1)).max(1);
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let from = size.min(rest.len()) - 1;
        let end = rest.iter().skip(from).position(|it| *it == b'\n');
        let (part, after) = rest.split_at(end.map_or(rest.len(), |end| from + end + 1));
        found.push(part);
        rest = after;
    }
    found
}

/// The changes of these lines and the number of lines, or the first line that cannot be read, counted from 1.
fn read_lines(part: &[u8]) -> std::result::Result<(Vec<Known>, usize), (usize, serde_json::Error)> {
    let mut changes = Vec::new();
    let mut lines = 0;
    for line in part.split_inclusive(|it| *it == b'\n') {
        lines += 1;
        let batch: Vec<Line> = serde_json::from_slice(line).map_err(|error| (lines, error))?;
        for line in batch {
            changes.push(Known::read(line).map_err(|error| (lines, error))?);
        }
    }
    Ok((changes, lines))
}

/// Somebody who starts another program shares all files with it for a moment, this lock among
/// them, so a lock that was just given up may take that moment to be free.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

fn locked(file: File) -> Result<File> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(Error::new(
        ErrorKind::ResourceBusy,
        "another process uses it",
    ))
}

/// State is for its owner only: it holds client secrets and the secrets of webhook endpoints.
#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(unix)]
fn keep_private(file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(unix)]
fn create_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn keep_private(_file: &File) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn write_line(to: &mut impl Write, changes: &[Change<'_>]) -> Result<()> {
    let mut line = serde_json::to_vec(changes)?;
    line.push(b'\n');
    to.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::{Change, Journal, Kept, Kind};
    use serde_json::json;
    use std::fs::File;
    use std::io::Write;

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only_also_when_it_was_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let name = format!("perennial-journal-{}", crate::state::ids::random(12));
        let path = std::env::temp_dir().join(name);
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, open.clone()).unwrap();
        drop(Journal::hold(&path).unwrap());
        assert_eq!(mode(), 0o600);
        std::fs::write(super::beside(&path), "").unwrap();
        std::fs::set_permissions(super::beside(&path), open).unwrap();
        drop(Journal::rewrite(&path, std::iter::empty()).unwrap());
        assert_eq!(mode(), 0o600);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_line_that_a_kill_cut_short_is_left_out() {
        let path = std::env::temp_dir().join(format!(
            "perennial-journal-{}",
            crate::state::ids::random(12)
        ));
        let mut journal = Journal::rewrite(&path, std::iter::empty()).unwrap();
        let nothing = Kept::from(json!({}));
        let price = Change(Kind::Price, "price_1", 1, Some(&nothing));
        journal.append(&[price]).unwrap();
        journal
            .file
            .write_all(br#"[["price","price_2",2,{"#)
            .unwrap();
        let (changes, length) = Journal::read(&File::open(&path).unwrap()).unwrap();
        let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
        assert_eq!(ids, ["price_1"]);
        assert!(
            Journal::hold(&path).is_err(),
            "an open journal is nobody else's"
        );
        drop(journal);
        // What comes after it is a line of its own.
        let mut journal = Journal::go_on(Journal::hold(&path).unwrap(), length).unwrap();
        let price = Change(Kind::Price, "price_3", 3, Some(&nothing));
        journal.append(&[price]).unwrap();
        drop(journal);
        let (changes, _) = Journal::read(&File::open(&path).unwrap()).unwrap();
        assert_eq!(changes.len(), 2);
        std::fs::write(&path, "not a transaction\n").unwrap();
        let refusal = Journal::read(&Journal::hold(&path).unwrap()).unwrap_err();
        assert!(refusal.to_string().contains("line 1"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_is_read_in_parts_in_its_order_and_its_bad_line_is_named() {
        let line = |number: u64| format!("[[\"price\",\"price_{number}\",{number},{{}}]]\n");
        let text: String = (1..=100).map(line).collect();
        for parts in [1, 2, 3, 7, 100, 1000] {
            let parts = super::parted(text.as_bytes(), parts);
            let orders = parts.iter().flat_map(|part| {
                let (changes, _) = super::read_lines(part).unwrap();
                changes.into_iter().map(|change| change.order)
            });
            assert!(orders.eq(1..=100), "{} parts", parts.len());
        }
        assert!(super::parted(b"", 2).is_empty());
        let path = std::env::temp_dir().join(format!(
            "perennial-journal-{}",
            crate::state::ids::random(12)
        ));
        std::fs::write(&path, format!("{text}[\n{text}")).unwrap();
        let refusal = Journal::read(&File::open(&path).unwrap()).unwrap_err();
        assert!(refusal.to_string().contains("line 101 "), "{refusal}");
        std::fs::remove_file(path).unwrap();
    }
}
