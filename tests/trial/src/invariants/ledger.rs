//! What a shopper has paid, to the cent, beside what they have agreed to: reckoned from the deals and the list of
//! prices alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Seen;
use crate::shop::price_of;
use crate::stage::{Back, Deal, Terms};

/// Stripe charges no less, in cents; it is added to the next invoice.
const LEAST: i64 = 50;

/// What a subscription costs, and since when.
struct Prices(Vec<(i64, i64)>);

impl Prices {
    /// Of a subscription by what it was bought for, and what was agreed on since.
    fn of(seen: &Seen, subscription: &Value, deals: &[&Deal]) -> Self {
        let plan = seen.books.plan_of(subscription);
        let created = subscription["created"].as_i64().unwrap_or_default();
        let mut prices = vec![(created, price_of(plan))];
        let mut to_come = None;
        for deal in deals {
            if let Some(due) = to_come.take_if(|(from, _)| *from <= deal.at) {
                prices.push(due);
            }
            match deal.terms {
                Terms::Now { amount, .. } => {
                    to_come = None;
                    prices.push((deal.at, amount));
                }
                Terms::Later { amount, from, .. } => to_come = Some((from, amount)),
                Terms::Kept | Terms::Paused { .. } | Terms::Ended(_) => to_come = None,
                Terms::Resumed { .. } => {}
            }
        }
        prices.extend(to_come);
        Self(prices)
    }

    fn first(&self) -> i64 {
        self.0.first().map_or(0, |(_, amount)| *amount)
    }

    fn at(&self, time: i64) -> i64 {
        let known = self.0.iter().rev().find(|(from, _)| *from <= time);
        known.map_or(0, |(_, amount)| *amount)
    }
}

/// Each invoice is over what was agreed on, and nothing else was ever paid.
pub(super) fn all_that_was_paid(seen: &Seen, broken: &mut Vec<String>) {
    let Some(deals) = &seen.deals else { return };
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let mut prices = BTreeMap::new();
    let mut changes = BTreeMap::new();
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let of_it: Vec<&Deal> = deals.iter().filter(|it| it.subscription == id).collect();
        let of_it_prices = Prices::of(seen, subscription, &of_it);
        let at_once = of_it.iter().filter_map(|deal| match deal.terms {
            Terms::Now { invoice, .. } => invoice.map(|(due, total)| (Some(due), total)),
            Terms::Paused { credit } if credit > 0 => Some((Some(0), -credit)),
            // A new period begins.
            Terms::Resumed { due, .. } => Some((due, of_it_prices.at(deal.at))),
            _ => None,
        });
        changes.insert(id, at_once.collect::<Vec<_>>().into_iter());
        prices.insert(id, of_it_prices);
    }
    let mut backs: Vec<(i64, &Back)> = deals
        .iter()
        .filter_map(|deal| match &deal.terms {
            Terms::Ended(back) => Some((deal.at, back)),
            _ => None,
        })
        .collect();
    gone_back(seen, &backs, broken);
    let mut invoices: Vec<&Value> = seen
        .books
        .invoices
        .iter()
        .filter(|it| !matches!(it["status"].as_str(), Some("draft" | "void")))
        .collect();
    invoices.sort_by_key(|it| number(&it["status_transitions"]["finalized_at"]));
    let (mut credit, mut paid) = (0, 0);
    for invoice in invoices {
        let id = invoice["parent"]["subscription_details"]["subscription"].as_str();
        let id = id.unwrap_or_default();
        let created = number(&invoice["created"]);
        let before = number(&invoice["status_transitions"]["finalized_at"]);
        backs.retain(|(at, back)| {
            let is_later = *at > before;
            if !is_later {
                credit += back.credit;
            }
            is_later
        });
        let reckoned = |total: i64| {
            let wanted = total - credit;
            if wanted < LEAST { 0 } else { wanted }
        };
        let (due, total) = match invoice["billing_reason"].as_str() {
            Some("subscription_update") => {
                let next = changes.get_mut(id).and_then(Iterator::next);
                let (due, total) = next.unwrap_or((Some(0), 0));
                (due.unwrap_or_else(|| reckoned(total)), total)
            }
            Some("subscription_create") if is_free(seen, id) => (0, 0),
            reason => {
                let of_it = prices.get(id);
                let total = match reason {
                    Some("subscription_create") => match (&seen.code, seen.wishes.first) {
                        (Some(code), _) => code.first,
                        (None, Some(first)) => first,
                        (None, None) => of_it.map_or(0, Prices::first),
                    },
                    _ => of_it.map_or(0, |prices| prices.at(created)),
                };
                (reckoned(total), total)
            }
        };
        credit += due - total;
        if invoice["billing_reason"] == "subscription_cycle" {
            as_it_was_told(deals, id, invoice, broken);
        }
        let (asked, got) = (
            number(&invoice["amount_due"]),
            number(&invoice["amount_paid"]),
        );
        let is_paid = invoice["status"] == "paid";
        let wanted = if is_paid { due } else { 0 };
        paid += wanted;
        if (asked, got) != (due, wanted) {
            broken.push(format!(
                "{} ({}) was over {asked}, of which {got} were paid; agreed on were {due} and {wanted}: {:?}",
                invoice["id"], invoice["billing_reason"], lines_of(invoice)
            ));
        }
    }
    for (id, rest) in changes {
        for (due, _) in rest {
            broken.push(format!(
                "a change of {id} for {due:?} was agreed on and has no invoice"
            ));
        }
    }
    credit += backs.iter().map(|(_, back)| back.credit).sum::<i64>();
    balances(seen, credit, paid, broken);
}

fn lines_of(invoice: &Value) -> Vec<String> {
    let lines = invoice["lines"]["data"].as_array();
    let lines = lines.into_iter().flatten();
    lines
        .map(|it| format!("{} {}", it["amount"], it["description"]))
        .collect()
}

/// What is left on the balance is what should be, and what was charged was agreed on.
fn balances(seen: &Seen, credit: i64, paid: i64, broken: &mut Vec<String>) {
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let balance: i64 = seen
        .books
        .customers
        .iter()
        .map(|it| number(&it["balance"]))
        .sum();
    if balance != -credit {
        broken.push(format!(
            "the customer's balance is {balance}, and {credit} should be left"
        ));
    }
    let payments = seen
        .books
        .charges
        .iter()
        .filter(|it| it["status"] == "succeeded");
    let charged: i64 = payments.map(|it| number(&it["amount"])).sum();
    if charged != paid {
        broken.push(format!("{charged} were charged, and {paid} were agreed on"));
    }
}

/// Each end at once gave back what was agreed on, and nothing else did.
fn gone_back(seen: &Seen, backs: &[(i64, &Back)], broken: &mut Vec<String>) {
    let by_servers = seen.refunds.iter().map(|it| it.amount).sum::<i64>();
    let wanted: i64 = by_servers + backs.iter().map(|(_, back)| back.refund).sum::<i64>();
    let refunds = seen.books.refunds.iter();
    let got: i64 = refunds.filter_map(|it| it["amount"].as_i64()).sum();
    if got != wanted {
        broken.push(format!("{got} were paid back, and {wanted} were agreed on"));
    }
}

/// A preview names the charge after it, which holds until something else is agreed on.
fn as_it_was_told(deals: &[Deal], id: &str, invoice: &Value, broken: &mut Vec<String>) {
    let created = invoice["created"].as_i64().unwrap_or_default();
    let mut before = deals
        .iter()
        .filter(|it| it.subscription == id && it.at <= created);
    let (
        Some(Terms::Now { next, .. } | Terms::Later { next, .. } | Terms::Resumed { next, .. }),
        Some(due),
    ) = (
        before.next_back().map(|it| &it.terms),
        invoice["amount_due"].as_i64(),
    )
    else {
        return;
    };
    let (amount, at) = *next;
    // A draft is drawn up within seconds of the end of the period.
    let is_next = (created - at).abs() < 60;
    if is_next && amount >= LEAST && amount != due {
        broken.push(format!(
            "{} is over {due}, and the shopper was told {amount}",
            invoice["id"]
        ));
    }
}

/// Whether the subscription began with a free trial.
fn is_free(seen: &Seen, id: &str) -> bool {
    let mut subscriptions = seen.books.subscriptions.iter();
    subscriptions.any(|it| it["id"] == id && !it["trial_start"].is_null())
}
