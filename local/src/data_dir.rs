//! The folder in which the state of a run lives, and the lock that keeps a second run out of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder that this process alone may use.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The system lets go of the lock when the process ends, however it ends.
    _lock: File,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Somebody else runs on it.
    #[error(
        "{} is in use by another perennial: stop that one, or choose another folder with --data",
        .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error("the data folder {} cannot be used", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Somebody who starts another program shares all files with it for a moment, this lock among
/// them, so a lock that was just given up may take that moment to be free.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

impl DataDir {
    /// Creates the folder if it is missing, and takes its lock.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Io { path, source }
        };
        create_private(path).map_err(io(path))?;
        // One that was there before may be open to others. Whoever owns it alone may change that.
        keep_private(path).map_err(io(path))?;
        let path = fs::canonicalize(path).map_err(io(path))?;
        let name = path.join("lock");
        let lock = private()
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(io(&name))?;
        keep_private(&name).map_err(io(&name))?;
        for _ in 0..LOCK_TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, _lock: lock }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(source)) => {
                    return Err(DataDirError::Io { path: name, source });
                }
            }
        }
        Err(DataDirError::InUse(path))
    }

    /// A file of the folder. One that an earlier run left open to others is so no more; whoever cannot
    /// change that cannot use the file either, and is told so then.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        let _ = keep_private(&path);
        path
    }

    /// The file of a database, which makes further ones beside it with the permissions of this one.
    pub(crate) fn database(&self, name: &str) -> io::Result<PathBuf> {
        for end in ["-wal", "-shm", "-journal"] {
            self.file(&format!("{name}{end}"));
        }
        let path = self.file(name);
        private().create(true).truncate(false).open(&path)?;
        Ok(path)
    }
}

/// The content of a file that may not be there yet.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a file in place whole, readable by its owner only, so that a kill leaves the old or the new.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    // A draft that is there was left by a killed process, or laid there by somebody who wants to read along.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(&draft)?;
    file.write_all(content)?;
    fs::rename(&draft, path)
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = File::options();
    options.read(true).write(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    options
}

/// Takes from everybody else what they may do with it.
#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = fs::metadata(path)?.permissions();
    let of_owner = permissions.mode() & !0o077;
    if of_owner == permissions.mode() {
        return Ok(());
    }
    permissions.set_mode(of_owner);
    fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn keep_private(path: &Path) -> io::Result<()> {
    fs::metadata(path).map(|_| ())
}

#[cfg(unix)]
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_in_use_is_refused_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let first = DataDir::open(&path).unwrap();
        let error = DataDir::open(&path).unwrap_err();
        assert!(matches!(error, DataDirError::InUse(_)), "{error}");
        assert!(error.to_string().contains("--data"));
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_kept_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("state")).unwrap();
        replace(&data.file("secret"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data.file("secret")), 0o600);
        assert_eq!(mode(&folder.path().join("state")), 0o700);
        assert_eq!(read(&data.file("secret")).unwrap().unwrap(), b"x");
        assert_eq!(read(&data.file("other")).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_was_there_before_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::create_dir(&path).unwrap();
        let open = |path: &Path, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        open(&path, 0o755);
        for name in [
            "token-key.der",
            "dynamodb.db",
            "dynamodb.db-wal",
            "secret.new",
        ] {
            fs::write(path.join(name), b"x").unwrap();
            open(&path.join(name), 0o644);
        }
        let data = DataDir::open(&path).unwrap();
        read(&data.file("token-key.der")).unwrap();
        data.database("dynamodb.db").unwrap();
        replace(&data.file("secret"), b"y").unwrap();
        assert_eq!(mode(&path), 0o700);
        for name in ["token-key.der", "dynamodb.db", "dynamodb.db-wal", "secret"] {
            assert_eq!(mode(&path.join(name)), 0o600, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_somebody_laid_out_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("theirs");
        fs::write(&theirs, b"").unwrap();
        let path = folder.path().join("functions.env");
        std::os::unix::fs::symlink(&theirs, path.with_extension("new")).unwrap();
        replace(&path, b"secret").unwrap();
        assert_eq!(fs::read(&theirs).unwrap(), b"");
        assert_eq!(fs::read(&path).unwrap(), b"secret");
    }
}
