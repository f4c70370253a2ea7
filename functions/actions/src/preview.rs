//! What a change would cost, as an answer.

use perennial_flows::actions::{
    AgainPreview, EndPreview, NextCharge, PausePreview, PlanPreview, PreviewedLine, ShownCode,
};
use perennial_types::{BoughtAddon, CancelWhen, Currency, GivenBack};
use serde_json::{Value, json};

pub(crate) fn describe(preview: &PlanPreview, token: &str) -> Value {
    let change = &preview.change;
    let money = |amount: i64| json!({"amount": amount, "currency": preview.currency});
    let addon = |(name, quantity)| json!({"name": name, "quantity": quantity});
    let mut shown = json!({
        "preview": token,
        "expires_at": change.until,
        "plan": change.plan,
        "quantity": change.quantity,
        "addons": preview.addons().map(addon).collect::<Vec<Value>>(),
        "ended_addons": preview.ended_addons().collect::<Vec<_>>(),
        "when": change.when,
        "replaces": change.replaces,
        "takes_effect_at": preview.takes_effect_at,
        "due_now": money(change.due_now),
        "lines": preview.lines.iter().map(line).collect::<Vec<Value>>(),
        "credit_left": money(preview.credit_left),
        "next_charge": {
            "amount": preview.next_charge.amount,
            "currency": preview.currency,
            "at": preview.next_charge.at,
        },
    });
    if let Some(code) = &change.code {
        add(&mut shown, "discount", discount(code, preview.currency));
    }
    if let Some(tax) = preview.tax {
        let tax =
            json!({"amount": tax.amount, "behavior": tax.behavior, "currency": preview.currency});
        add(&mut shown, "tax", tax);
    }
    shown
}

/// Adds what is not always there.
fn add(shown: &mut Value, name: &str, value: Value) {
    if let Some(members) = shown.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn discount(code: &ShownCode, currency: Currency) -> Value {
    json!({
        "promotion_code": code.promotion_code,
        "amount": code.amount,
        "currency": currency,
        "lasts": match (code.once, code.until) {
            (true, _) => "once",
            (false, Some(_)) => "months",
            (false, None) => "forever",
        },
        "until": code.until,
    })
}

/// What an end would mean, as an answer.
pub(crate) fn describe_end(preview: &EndPreview, when: CancelWhen, token: Option<&str>) -> Value {
    let currency = preview.given_back.currency;
    let charge =
        |next: &NextCharge| json!({"amount": next.amount, "currency": currency, "at": next.at});
    json!({
        "preview": token,
        "expires_at": preview.agreed.as_ref().map(|agreed| agreed.until),
        "cancel": when,
        "takes_effect_at": preview.takes_effect_at,
        "given_back": given_back(preview.given_back),
        "lines": preview.lines.iter().map(line).collect::<Vec<Value>>(),
        "next_charge": preview.next_charge.as_ref().map(charge),
    })
}

/// What another subscription would cost, as an answer.
pub(crate) fn describe_again(preview: &AgainPreview) -> Value {
    let (plan, currency) = (&preview.plan, preview.plan.currency);
    let amount = preview.taxed.map_or(plan.amount, |taxed| taxed.amount);
    let mut shown = json!({
        "again": preview.name,
        "due_now": {"amount": preview.due_now, "currency": currency},
        "price": {"amount": amount, "currency": currency},
        "interval": plan.interval,
        "interval_count": plan.interval_count,
        "trial_days": preview.trial_days,
        "trial_end": preview.trial_end,
    });
    if plan.quantity.is_some() {
        add(&mut shown, "quantity", preview.quantity.into());
    }
    if !preview.addons.is_empty() {
        let addon = |it: &BoughtAddon| json!({"name": it.name, "quantity": it.quantity});
        let addons = preview.addons.iter().map(addon).collect();
        add(&mut shown, "addons", addons);
    }
    if let Some(taxed) = preview.taxed {
        let tax = json!({
            "amount": taxed.amount,
            "tax_amount": taxed.tax,
            "behavior": taxed.behavior,
            "currency": currency,
        });
        add(&mut shown, "tax", tax);
    }
    shown
}

/// What goes back with an end, or went back.
pub(crate) fn given_back(it: GivenBack) -> Value {
    let money = |amount: u64| json!({"amount": amount, "currency": it.currency});
    json!({"refund": money(it.refund), "credit": money(it.credit)})
}

fn line(line: &PreviewedLine) -> Value {
    json!({
        "description": line.description,
        "amount": line.amount,
        "from": line.from,
        "to": line.to,
    })
}

/// What a pause, or its end, would cost.
pub(crate) fn describe_pause(preview: &PausePreview) -> Value {
    let money = |amount: i64| json!({"amount": amount, "currency": preview.currency});
    let next_charge = preview.next_charge.map(
        |charge| json!({"amount": charge.amount, "currency": preview.currency, "at": charge.at}),
    );
    json!({
        "due_now": money(preview.due_now),
        "credit": money(preview.credit),
        "next_charge": next_charge,
        "runs_until": preview.runs_until,
        "resumes_at": preview.resumes_at,
    })
}
