//! The one file that state lives in: a line of JSON for each transaction.

use super::kind::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

/// A record's new value, or none where it was removed; the number is its place in the order of creation.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Change(
    pub(crate) Kind,
    pub(crate) String,
    pub(crate) u64,
    pub(crate) Option<Value>,
);

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
    /// Every change in the file, oldest first. A last line without an end was never answered and is left out.
    pub(crate) fn read(path: &Path) -> Result<Vec<Change>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut reader = BufReader::new(file);
        let mut changes = Vec::new();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 || line.last() != Some(&b'\n') {
                break;
            }
            let batch: Vec<Change> = serde_json::from_slice(&line).map_err(|error| {
                Error::new(
                    ErrorKind::InvalidData,
                    format!("line {number} is not a transaction: {error}"),
                )
            })?;
            changes.extend(batch);
        }
        Ok(changes)
    }

    /// Replaces the file by one that holds only what is there now, in one step.
    pub(crate) fn rewrite(path: &Path, records: impl Iterator<Item = Change>) -> Result<Self> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)?;
        }
        let new = beside(path);
        let mut writer = BufWriter::new(File::create(&new)?);
        for change in records {
            write_line(&mut writer, &[change])?;
        }
        writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .sync_all()?;
        std::fs::rename(&new, path)?;
        Ok(Self {
            file: OpenOptions::new().append(true).open(path)?,
        })
    }

    /// Adds a transaction, whole or not at all.
    pub(crate) fn append(&mut self, changes: &[Change]) -> Result<()> {
        let before = self.file.metadata()?.len();
        write_line(&mut self.file, changes).inspect_err(|_| {
            // A full disk may have taken half a line, which must not swallow the next one.
            let _ = self.file.set_len(before);
        })
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn write_line(to: &mut impl Write, changes: &[Change]) -> Result<()> {
    let mut line = serde_json::to_vec(changes)?;
    line.push(b'\n');
    to.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::{Change, Journal, Kind};
    use serde_json::json;
    use std::io::Write;

    #[test]
    fn a_line_that_a_kill_cut_short_is_left_out() {
        let path = std::env::temp_dir().join(format!(
            "perennial-journal-{}",
            crate::state::ids::random(12)
        ));
        let mut journal = Journal::rewrite(&path, std::iter::empty()).unwrap();
        journal
            .append(&[Change(Kind::Price, "price_1".into(), 1, Some(json!({})))])
            .unwrap();
        journal
            .file
            .write_all(br#"[["price","price_2",2,{"#)
            .unwrap();
        let changes = Journal::read(&path).unwrap();
        assert_eq!(
            changes
                .iter()
                .map(|change| change.1.as_str())
                .collect::<Vec<_>>(),
            ["price_1"]
        );
        std::fs::write(&path, "not a transaction\n").unwrap();
        assert!(
            Journal::read(&path)
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
        std::fs::remove_file(path).unwrap();
    }
}
