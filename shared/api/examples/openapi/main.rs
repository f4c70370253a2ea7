//! Writes into `docs/openapi.json` what the code knows better: the names, limits and codes of
//! [`parts`]. Everything else in it is written by hand. The types of the page's module are made of it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a developer runs it"
)]

mod parts;

use std::fs;

fn main() {
    let renewed = parts::renewed(&fs::read_to_string(parts::DOCUMENT).unwrap());
    fs::write(parts::TYPES, parts::types(&renewed)).unwrap();
    fs::write(parts::DOCUMENT, renewed).unwrap();
    println!("{} and {} are renewed", parts::DOCUMENT, parts::TYPES);
}
