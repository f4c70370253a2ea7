//! `docs/openapi.json` says what the code says, and the types of the page's module say what it says.

#[path = "../examples/openapi/parts/mod.rs"]
mod parts;

use std::fs;

#[test]
fn the_document_has_the_names_and_codes_of_the_code() {
    let document = fs::read_to_string(parts::DOCUMENT).unwrap();
    is_renewed("docs/openapi.json", &document, &parts::renewed(&document));
}

#[test]
fn the_types_of_the_page_are_those_of_the_document() {
    let document = fs::read_to_string(parts::DOCUMENT).unwrap();
    let types = fs::read_to_string(parts::TYPES).unwrap();
    is_renewed(
        "web/perennial/answers.d.ts",
        &types,
        &parts::types(&document),
    );
}

fn is_renewed(file: &str, is: &str, should_be: &str) {
    let how = "Renew it with: cargo run -p perennial-api --example openapi";
    for ((is, should_be), line) in is.lines().zip(should_be.lines()).zip(1..) {
        assert_eq!(is, should_be, "{file} differs in line {line}. {how}");
    }
    assert_eq!(is.len(), should_be.len(), "{file} is cut short. {how}");
}
