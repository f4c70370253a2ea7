//! How far the stream has been worked off, kept between runs.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::data_dir;

/// Where the position is kept; nowhere when nothing is.
#[derive(Debug)]
pub(super) struct PositionFile(Option<PathBuf>);

#[derive(Serialize, Deserialize)]
struct Saved {
    stream: String,
    sequence: String,
}

impl PositionFile {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    /// The last record of this stream that was done, or nothing: then all records come again,
    /// which is harmless, since a function takes every event more than once.
    pub(super) fn load(&self, stream: &str) -> io::Result<Option<String>> {
        let Some(path) = &self.0 else { return Ok(None) };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let saved = serde_json::from_slice::<Saved>(&text).ok();
        Ok(saved
            .filter(|saved| saved.stream == stream)
            .map(|saved| saved.sequence))
    }

    pub(super) fn save(&self, stream: &str, sequence: &str) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let saved = Saved {
            stream: stream.to_owned(),
            sequence: sequence.to_owned(),
        };
        data_dir::replace(path, &serde_json::to_vec(&saved)?)
    }
}
