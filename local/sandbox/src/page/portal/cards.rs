//! What the portal shows: a card for each subscription, and what the configuration offers beside them.

use crate::objects::portal_session;
use crate::operations::portal_flows::{self, End, Offers};
use crate::page::escaped;
use crate::params::currencies::written;
use crate::state::{Fields, Kind, World};
use serde_json::Value;
use std::fmt::Write as _;

/// The cards that stand for a customer's new payment methods; the last one is declined.
const CARDS: [(&str, &str); 3] = [
    ("pm_card_visa", "Visa 4242"),
    ("pm_card_mastercard", "Mastercard 4444"),
    ("pm_card_chargeDeclined", "Visa 0002, which is declined"),
];

/// All that the session shows: of one that is for a flow, that alone.
pub(super) fn of(world: &World, session: &Value, configuration: &Value) -> String {
    let flow = session.text("flow.type");
    let of = flow.and_then(|flow| session.at("flow").at(flow).text("subscription"));
    if flow == Some("payment_method_update") {
        return method_form("", "Payment method");
    }
    let cards: String = portal_session::subscriptions(world, session)
        .iter()
        .filter(|subscription| of.is_none_or(|of| subscription.id() == of))
        .map(|subscription| card(world, session, configuration, subscription))
        .collect();
    let cards = if cards.is_empty() {
        "<p>You have no subscriptions.</p>".to_owned()
    } else {
        cards
    };
    if flow.is_some() {
        return cards;
    }
    let features = configuration.at("features");
    let mut body = cards;
    if features.flag("payment_method_update.enabled") {
        body += &method_form("", "Default payment method");
    }
    if features.flag("customer_update.enabled") {
        body += &details(world, session, features.at("customer_update"));
    }
    if features.flag("invoice_history.enabled") {
        body += &invoices(world, session);
    }
    body
}

fn card(world: &World, session: &Value, configuration: &Value, subscription: &Value) -> String {
    let price = subscription.at("items.data.0.price");
    let ends = subscription.has("cancel_at");
    let at = subscription
        .int("cancel_at")
        .or(subscription.int("items.data.0.current_period_end"))
        .unwrap_or(0);
    let next = if ends { "Ends on" } else { "Renews on" };
    let offers = portal_flows::offers(world, configuration, subscription);
    let forms = forms(world, session, configuration, subscription, &offers);
    format!(
        r#"<section id="{}"><h2>{}</h2><p>{} · {}</p><p>{next} {}</p>{forms}</section>"#,
        escaped(subscription.id()),
        escaped(name(world, price)),
        escaped(&cost(price)),
        escaped(subscription.text("status").unwrap_or_default()),
        day(at),
    )
}

fn forms(
    world: &World,
    session: &Value,
    configuration: &Value,
    subscription: &Value,
    offers: &Offers,
) -> String {
    let flow = session.text("flow.type");
    let shows = |own: &[&str]| flow.is_none_or(|flow| own.contains(&flow));
    let id = subscription.id();
    let mut forms = String::new();
    if offers.end == Some(End::Cancel) && shows(&["subscription_cancel"]) {
        forms += &form(id, "cancel", "Cancel subscription", &reasons(configuration));
    }
    if offers.end == Some(End::Keep) && shows(&[]) {
        forms += &form(id, "keep", "Don’t cancel", "");
    }
    if let Some(item) =
        Some(session.at("flow.subscription_update_confirm.items.0")).filter(|item| item.is_object())
    {
        let price = item.text("price").unwrap_or_default();
        let fields = format!(
            r#"<input type="hidden" name="price" value="{}"><input type="hidden" name="quantity" value="{}">"#,
            escaped(price),
            item.int("quantity").unwrap_or(1),
        );
        return forms + &form(id, "change", "Confirm", &fields);
    }
    if (!offers.prices.is_empty() || offers.quantity) && shows(&["subscription_update"]) {
        forms += &form(
            id,
            "change",
            "Update subscription",
            &choices(world, subscription, offers),
        );
    }
    if offers.method && shows(&[]) {
        forms += &method_form(id, "");
    }
    forms
}

fn form(subscription: &str, action: &str, label: &str, fields: &str) -> String {
    format!(
        r#"<form method="post"><input type="hidden" name="subscription" value="{}">{fields}<button class="{action}" name="action" value="{action}">{label}</button></form>"#,
        escaped(subscription),
    )
}

fn reasons(configuration: &Value) -> String {
    let asks = configuration.at("features.subscription_cancel.cancellation_reason");
    if !asks.flag("enabled") {
        return String::new();
    }
    let options = asks.list("options").iter().filter_map(Value::as_str);
    let options = options.map(|reason| option(reason, &reason.replace('_', " "), false));
    let all: String = std::iter::once(option("", "No reason", true))
        .chain(options)
        .collect();
    format!(r#"<select name="reason" aria-label="Reason">{all}</select>"#)
}

fn option(value: &str, label: &str, selected: bool) -> String {
    let selected = if selected { " selected" } else { "" };
    format!(
        r#"<option value="{}"{selected}>{}</option>"#,
        escaped(value),
        escaped(label),
    )
}

fn choices(world: &World, subscription: &Value, offers: &Offers) -> String {
    let mut fields = String::new();
    let current = subscription.at("items.data.0.price");
    if !offers.prices.is_empty() {
        let others = offers
            .prices
            .iter()
            .filter_map(|id| world.store.get(Kind::Price, id));
        let options: String = std::iter::once(option(current.id(), &label(world, current), true))
            .chain(others.map(|price| option(price.id(), &label(world, price), false)))
            .collect();
        let _ = write!(
            fields,
            r#"<select name="price" aria-label="Plan">{options}</select>"#
        );
    }
    if offers.quantity {
        let quantity = subscription.int("items.data.0.quantity").unwrap_or(1);
        let _ = write!(
            fields,
            r#"<input type="number" name="quantity" aria-label="Quantity" min="1" value="{quantity}">"#
        );
    }
    fields
}

fn label(world: &World, price: &Value) -> String {
    format!("{}, {}", name(world, price), cost(price))
}

fn method_form(subscription: &str, heading: &str) -> String {
    let options: String = CARDS
        .iter()
        .map(|(id, label)| option(id, label, *id == "pm_card_visa"))
        .collect();
    let select = format!(r#"<select name="card" aria-label="Card">{options}</select>"#);
    let form = form(subscription, "method", "Use this card", &select);
    if heading.is_empty() {
        return form;
    }
    format!(r#"<section id="method"><h2>{heading}</h2>{form}</section>"#)
}

fn details(world: &World, session: &Value, update: &Value) -> String {
    let customer = session.text("customer").unwrap_or_default();
    let customer = world.store.get(Kind::Customer, customer);
    let allowed = update
        .list("allowed_updates")
        .iter()
        .filter_map(Value::as_str);
    let mut fields = String::new();
    for name in allowed {
        let value = customer.and_then(|it| it.text(name)).unwrap_or_default();
        let _ = write!(
            fields,
            r#"<label>{name} <input name="{name}" value="{}"></label> "#,
            escaped(value)
        );
    }
    let form = form("", "details", "Save", &fields);
    format!(r#"<section id="details"><h2>Billing details</h2>{form}</section>"#)
}

fn invoices(world: &World, session: &Value) -> String {
    let customer = session.text("customer").unwrap_or_default();
    let all = world.store.having(Kind::Invoice, "customer", customer);
    let mut rows = String::new();
    for invoice in all.rev().filter(|invoice| !invoice.is("status", "draft")) {
        let amount = written(
            invoice.int("total").unwrap_or(0),
            invoice.text("currency").unwrap_or_default(),
        );
        let _ = write!(
            rows,
            r#"<li><a href="{}">{} · {} · {}</a></li>"#,
            escaped(invoice.text("hosted_invoice_url").unwrap_or_default()),
            day(invoice.int("created").unwrap_or(0)),
            escaped(&amount),
            escaped(invoice.text("status").unwrap_or_default()),
        );
    }
    format!(r#"<section id="invoices"><h2>Invoices</h2><ul>{rows}</ul></section>"#)
}

fn name<'a>(world: &'a World, price: &Value) -> &'a str {
    let product = price.text("product");
    let product = product.and_then(|product| world.store.get(Kind::Product, product));
    product
        .and_then(|product| product.text("name"))
        .unwrap_or("Subscription")
}

fn cost(price: &Value) -> String {
    format!(
        "{} each {}",
        written(
            price.int("unit_amount").unwrap_or(0),
            price.text("currency").unwrap_or_default(),
        ),
        price.text("recurring.interval").unwrap_or("month"),
    )
}

fn day(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map(|at| at.date().to_string())
        .unwrap_or_default()
}
