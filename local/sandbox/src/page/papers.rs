//! The pages that stand for Stripe's invoices, credit notes and receipts.

use super::{answer, escaped, html, notice};
use crate::http::shared::Shared;
use crate::objects::invoice;
use crate::state::{Fields, Kind, World};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/sandbox/invoices/{link}", get(hosted))
        .route("/sandbox/invoices/{link}/pdf", get(invoice_pdf))
        .route("/sandbox/credit_notes/{id}/pdf", get(credit_note_pdf))
        .route("/sandbox/receipts/{id}", get(receipt))
}

/// What a paper says: its title, and names with values.
type Paper = (String, Vec<(String, String)>);

async fn hosted(State(shared): Sandbox, Path(link): Path<String>) -> Response<Body> {
    let world = shared.world();
    page(invoice::of_link(&world, &link).map(|invoice| of_invoice(&world, invoice)))
}

async fn invoice_pdf(State(shared): Sandbox, Path(link): Path<String>) -> Response<Body> {
    let world = shared.world();
    pdf(invoice::of_link(&world, &link).map(|invoice| of_invoice(&world, invoice)))
}

async fn credit_note_pdf(State(shared): Sandbox, Path(id): Path<String>) -> Response<Body> {
    let world = shared.world();
    pdf(world.store.get(Kind::CreditNote, &id).map(of_credit_note))
}

async fn receipt(State(shared): Sandbox, Path(id): Path<String>) -> Response<Body> {
    let world = shared.world();
    let charge = world.store.get(Kind::Charge, &id);
    page(
        charge
            .filter(|it| it.is("status", "succeeded"))
            .map(of_charge),
    )
}

fn of_invoice(world: &World, invoice: &Value) -> Paper {
    let mut rows = vec![
        row("Number", invoice.text("number").unwrap_or_default()),
        row("Status", invoice.text("status").unwrap_or_default()),
        row("To", payer(world, invoice)),
    ];
    for line in invoice.list("lines.data") {
        let what = line.text("description").unwrap_or("Item");
        rows.push(row(what, &money(invoice, line.int("amount"))));
    }
    for (name, list) in [
        ("Discount", "total_discount_amounts"),
        ("Tax", "total_taxes"),
    ] {
        for it in invoice.list(list) {
            rows.push(row(name, &money(invoice, it.int("amount"))));
        }
    }
    for (name, field) in [
        ("Total", "total"),
        ("Amount due", "amount_due"),
        ("Amount paid", "amount_paid"),
    ] {
        rows.push(row(name, &money(invoice, invoice.int(field))));
    }
    ("Invoice".to_owned(), rows)
}

fn payer<'a>(world: &'a World, invoice: &'a Value) -> &'a str {
    let id = invoice.text("customer").unwrap_or_default();
    let customer = world.store.get(Kind::Customer, id);
    let named = customer.and_then(|it| it.text("name").or(it.text("email")));
    named.unwrap_or(id)
}

fn of_credit_note(note: &Value) -> Paper {
    let rows = vec![
        row("Number", note.text("number").unwrap_or_default()),
        row("Status", note.text("status").unwrap_or_default()),
        row("Total", &money(note, note.int("total"))),
    ];
    ("Credit note".to_owned(), rows)
}

fn of_charge(charge: &Value) -> Paper {
    let kind = charge
        .text("payment_method_details.type")
        .unwrap_or_default();
    let rows = vec![
        row("Charge", charge.id()),
        row("Paid by", kind),
        row("Amount", &money(charge, charge.int("amount"))),
        row("Refunded", &money(charge, charge.int("amount_refunded"))),
    ];
    ("Receipt".to_owned(), rows)
}

fn row(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// An amount in minor units, which needs no table of currencies.
fn money(of: &Value, amount: Option<i64>) -> String {
    let currency = of.text("currency").unwrap_or_default().to_uppercase();
    format!("{} {currency} in minor units", amount.unwrap_or(0))
}

fn page(paper: Option<Paper>) -> Response<Body> {
    let Some((title, rows)) = paper else {
        return html(
            StatusCode::NOT_FOUND,
            &notice("There is no such paper.", None),
        );
    };
    let rows: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value)))
        .collect();
    let body = include_str!("paper.html")
        .replace("{{title}}", &escaped(&title))
        .replace("{{rows}}", &rows.concat());
    html(StatusCode::OK, &body)
}

/// A PDF of one page with a line for each row.
fn pdf(paper: Option<Paper>) -> Response<Body> {
    let Some((title, rows)) = paper else {
        return html(
            StatusCode::NOT_FOUND,
            &notice("There is no such paper.", None),
        );
    };
    let lines = std::iter::once(format!("{title} (Stripe sandbox)"))
        .chain(rows.iter().map(|(name, value)| format!("{name}: {value}")));
    let text: Vec<String> = lines
        .map(|line| format!("({}) Tj T*\n", printable(&line)))
        .collect();
    let content = format!("BT /F1 11 Tf 14 TL 60 780 Td\n{}ET", text.concat());
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    // Writing into a string cannot fail.
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (number, object) in objects.iter().enumerate() {
        let _ = writeln!(places, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{} 0 obj\n{object}\nendobj\n", number + 1);
    }
    let (count, start) = (objects.len() + 1, file.len());
    let _ = write!(
        file,
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    );
    answer(StatusCode::OK, "application/pdf", file)
}

/// The text as it may stand in a PDF: its parentheses escaped, and what Helvetica's first half lacks replaced.
fn printable(text: &str) -> String {
    let ascii = text.chars().map(|it| match it {
        '×' => 'x',
        it if it.is_ascii_graphic() || it == ' ' => it,
        _ => '?',
    });
    let ascii: String = ascii.collect();
    ascii
        .replace('\\', "\\\\")
        .replace('(', "\\(")
        .replace(')', "\\)")
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn text_of_a_pdf_is_escaped() {
        assert_eq!(printable("2 × a(b)\\ ü"), "2 x a\\(b\\)\\\\ ?");
    }
}
