//! The end of a pause by request: <https://docs.stripe.com/billing/subscriptions/pause#resume-subscriptions>

use super::attempt::Presence;
use super::change::{self, Prepared, Prorate};
use super::ending::{self, End};
use super::retries::By;
use super::{cycle, dunning, invoicing, lines, pending_update, proration};
use crate::error::{ApiError, Result};
use crate::objects::invoice::{self, Bill};
use crate::objects::invoice_line::Period;
use crate::objects::{subscription_item, tax_location};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// What a request to resume says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    /// Whether the billing cycle goes on as it was, and does not begin anew.
    pub(crate) keeps_anchor: bool,
    /// What becomes of the rest of the period where it goes on.
    pub(crate) prorate: Prorate,
    /// The second from which that counts.
    pub(crate) at: i64,
}

impl Resume {
    /// What the parameters say.
    pub(crate) fn by(before: &Value, params: &Value, now: i64) -> Result<Self> {
        let resume = Self {
            keeps_anchor: params.is("billing_cycle_anchor.type", "unchanged"),
            prorate: Prorate::by(params),
            at: params.int("proration_date").unwrap_or(now),
        };
        let anchor = before.int("billing_cycle_anchor").unwrap_or(now);
        let within = |item: &Value| {
            let whole = cycle::whole_at(item, anchor, now);
            (whole.start..=whole.end).contains(&resume.at)
        };
        if !before.list("items.data").iter().all(within) {
            let message =
                "Cannot specify a proration date outside of the subscription's current period.";
            return Err(ApiError::invalid(message).with_param("proration_date"));
        }
        Ok(resume)
    }
}

/// Works out the periods of the subscription once it is resumed, and the draft of what that costs.
pub(crate) fn prepare(world: &mut World, before: &Value, resume: Resume) -> Prepared {
    let now = world.now_for(before);
    let mut after = before.clone();
    if let Value::Object(fields) = &mut after {
        fields.remove("status_details");
    }
    after.set("status", "active");
    if !resume.keeps_anchor {
        after.set("billing_cycle_anchor", now);
    }
    let anchor = after.int("billing_cycle_anchor").unwrap_or(now);
    let mut items = after.list("items.data").to_vec();
    let mut made = 0;
    for item in &mut items {
        let whole = cycle::whole_at(item, anchor, now);
        subscription_item::set_period(item, now, whole, change::fixed_end(before));
        if resume.keeps_anchor && resume.prorate != Prorate::Never {
            let left = Period {
                start: resume.at,
                end: subscription_item::period(item).end,
            };
            made += proration::debit(world, &after, item, left);
        }
    }
    after.set("items.data", items);
    if after.flag("cancel_at_period_end") {
        ending::set(&mut after, End::WithPeriod, now);
    }
    let lines = if resume.keeps_anchor {
        Vec::new()
    } else {
        lines::of_items(world, &after, after.list("items.data").iter())
    };
    let is_due = !lines.is_empty() || (resume.prorate == Prorate::Now && made > 0);
    let draft = is_due.then(|| {
        let bill = Bill {
            reason: "subscription_update",
            period: Period {
                start: now,
                end: now,
            },
            lines,
        };
        invoicing::draft(world, &after, bill)
    });
    if let Some(draft) = &draft {
        after.set("latest_invoice", draft.id());
        proration::note_debits(&mut after, draft);
    }
    Prepared { after, draft }
}

/// Resumes the subscription at once where nothing is due, and otherwise once its invoice is paid, which is tried in this
/// request with `resume_on_payment_success` alone.
pub(crate) fn carry_out(
    world: &mut World,
    before: &Value,
    prepared: Prepared,
    pays_now: bool,
) -> Result<()> {
    let Prepared { after, draft } = prepared;
    let Some(draft) = draft else {
        begin(world, before, &after);
        return Ok(());
    };
    let mut invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "draft") {
        return Err(tax_location::unrecognized());
    }
    if !invoice.is("status", "open") {
        begin(world, before, &after);
        return Ok(());
    }
    let mut waiting = pending_update::keep(world, before, &after, &invoice);
    if !pays_now {
        // Nobody tries, and nobody tries again, by itself.
        invoice.set("_never_retried", true);
        world.save(&invoice);
        waiting.set("_waits.on_attempt", true);
        world.save(&waiting);
        return Ok(());
    }
    let method = invoice::method_for(world, &invoice);
    let presence = Presence::Away;
    match dunning::charge(world, &invoice, method.as_ref(), presence, By::Request) {
        Err(error) if method.is_none() => Err(error),
        // A refusal leaves it paused; it is for the caller to see.
        _ => Ok(()),
    }
}

/// The subscription runs again.
fn begin(world: &mut World, before: &Value, after: &Value) {
    cycle::reschedule(world, after);
    world.update(before, after, "customer.subscription.updated");
    world.emit("customer.subscription.resumed", after);
}

/// The subscription that waits for this invoice to be paid in order to be resumed.
pub(crate) fn waiting_for(world: &World, invoice: &Value) -> Option<Value> {
    let subscription = invoice::subscription_of(world, invoice)?;
    Some(subscription).filter(|it| is_waiting(it) && it.is("_waits.invoice", invoice.id()))
}

/// Whether an invoice has to be paid before it is resumed.
pub(crate) fn is_waiting(subscription: &Value) -> bool {
    subscription.is("status", "paused") && subscription.has("_waits.invoice")
}

/// Its invoice was tried in vain. Where an attempt is enough, it runs, and owes what was not paid; otherwise it stays
/// paused, and the invoice is no longer one that nobody has tried.
pub(crate) fn failed(world: &mut World, subscription: &Value, invoice: &Value) -> Result<()> {
    if subscription.flag("_waits.on_attempt") {
        pending_update::paid(world, subscription, invoice);
        let running = world.get(Kind::Subscription, subscription.id())?;
        dunning::owes(world, &running);
    } else {
        pending_update::waits_on(world, subscription);
    }
    Ok(())
}

/// Refuses what cannot be resumed.
pub(crate) fn check(before: &Value) -> Result<()> {
    if !before.is("status", "paused") {
        let status = before.text("status").unwrap_or_default();
        return Err(ApiError::invalid(format!(
            "Resume is only for subscriptions with a status of paused; this one's is {status}."
        )));
    }
    if !before.is("collection_method", "charge_automatically") {
        return Err(ApiError::invalid(
            "Resume is only for subscriptions that use charge_automatically collection.",
        ));
    }
    if is_waiting(before) {
        let message = "Resuming anew what waits for the payment of its resumption is not simulated; pay or void the invoice.";
        return Err(ApiError::not_simulated("subscription").with_message(message));
    }
    Ok(())
}
