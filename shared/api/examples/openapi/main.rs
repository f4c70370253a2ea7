//! Writes into `docs/openapi.json` what the code knows better: the names, limits and codes of
//! [`parts`]. Everything else in it is written by hand.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a developer runs it"
)]

mod parts;

use std::fs;

fn main() {
    let renewed = parts::renewed(&fs::read_to_string(parts::DOCUMENT).unwrap());
    fs::write(parts::DOCUMENT, renewed).unwrap();
    println!("{} is renewed", parts::DOCUMENT);
}
