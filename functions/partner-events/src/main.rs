//! The Lambda; see the library for what it does.

fn main() -> std::process::ExitCode {
    perennial_process::main::<partner_events::App>()
}
