//! `docs/openapi.json` says what the code says.

#[path = "../examples/openapi/parts/mod.rs"]
mod parts;

#[test]
fn the_document_has_the_names_and_codes_of_the_code() {
    let document = std::fs::read_to_string(parts::DOCUMENT).unwrap();
    let renewed = parts::renewed(&document);
    let differs = document
        .lines()
        .zip(renewed.lines())
        .zip(1..)
        .find(|((is, should), _)| is != should);
    if let Some(((is, should), line)) = differs {
        panic!(
            "docs/openapi.json differs in line {line}, which is\n{is}\nand should be\n{should}\nRenew it with: cargo run -p perennial-api --example openapi"
        );
    }
    assert_eq!(
        document.len(),
        renewed.len(),
        "Renew it with: cargo run -p perennial-api --example openapi"
    );
}
