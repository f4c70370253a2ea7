//! The Lambda; see the library for what it does.

fn main() -> std::process::ExitCode {
    perennial_http::main::<users::App>()
}
