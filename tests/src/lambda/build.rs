//! The binaries, built once for each run of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the binary of a function is. The first call builds them all, into the folder and with the
/// profile of the tests themselves, so that little is left to compile.
pub fn binary(function: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let binary = FOLDER.get_or_init(build).join(function);
    assert!(binary.is_file(), "{} was not built", binary.display());
    binary
}

fn build() -> PathBuf {
    let tests = std::env::current_exe().expect("the tests know where they are");
    // <target>/<profile>/deps/<tests>
    let folder = tests
        .ancestors()
        .nth(2)
        .expect("tests are built by cargo")
        .to_owned();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let mut cargo = Command::new(env!("CARGO"));
    // Features are unified over what is built together. The whole workspace with its development
    // dependencies, which `--examples` asks for too, is what `cargo test` has built; anything less
    // would compile the AWS SDK a second time.
    cargo.args(["build", "--workspace", "--bins", "--examples"]);
    cargo.args(["--profile", profile, "--target-dir"]);
    cargo.arg(folder.parent().expect("a profile has a target folder"));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    let built = cargo.output().expect("cargo runs");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    folder
}
