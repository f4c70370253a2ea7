//! A change of what a subscription bills: its items, its cycle, its trial and its end.

use super::ending::{self, End};
use super::{cycle, invoicing, lines, proration};
use crate::objects::invoice::Bill;
use crate::objects::invoice_line::Period;
use crate::objects::{subscription, subscription_item};
use crate::state::{Fields, World};
use serde_json::Value;

/// What becomes of the difference that a change makes in the current period:
/// <https://docs.stripe.com/billing/subscriptions/prorations#control-how-to-prorate-invoices-for-subscription-updates>
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Prorate {
    /// It waits for the next invoice.
    NextInvoice,
    /// It is invoiced at once.
    Now,
    /// Nothing is credited and nothing debited.
    Never,
}

impl Prorate {
    /// What `proration_behavior` says.
    pub(crate) fn by(params: &Value) -> Self {
        match params.text("proration_behavior") {
            Some("none") => Self::Never,
            Some("always_invoice") => Self::Now,
            _ => Self::NextInvoice,
        }
    }
}

/// What a change does to a trial.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trial {
    Unchanged,
    EndsNow,
    /// It goes on, or begins, and ends then.
    Until(i64),
}

/// A change that has been found valid.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The subscription with its new prices, quantities and everything else that bills nothing.
    pub(crate) after: Value,
    pub(crate) prorate: Prorate,
    /// The second from which the difference counts.
    pub(crate) at: i64,
    /// Whether the billing cycle begins anew.
    pub(crate) resets: bool,
    pub(crate) trial: Trial,
    pub(crate) end: End,
}

/// The subscription as the change leaves it, which nobody has been told of yet, and the draft for what is due at once.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) after: Value,
    pub(crate) draft: Option<Value>,
}

/// Works out what the change credits and debits, which waits as invoice items or is on the draft, and the new periods.
pub(crate) fn prepare(world: &mut World, before: &Value, change: Change) -> Prepared {
    let now = world.now_for(before);
    let work = Work::new(before, &change, now);
    let mut after = change.after;
    let mut made = work.credit_what_ends(world, &mut after);
    work.renew_cycle(&mut after);
    let mut end = change.end;
    if end == End::Unchanged && after.flag("cancel_at_period_end") {
        // Unlike a fixed time, the flag follows the period.
        end = End::WithPeriod;
    }
    ending::set(&mut after, end, now);
    made += work.bound(world, &mut after);
    made += work.debit_what_begins(world, &mut after);
    let lines = if work.invoices_items(&after) {
        let items = after.list("items.data").iter();
        lines::of_items(world, &after, items)
    } else {
        Vec::new()
    };
    let is_due = !lines.is_empty() || (change.prorate == Prorate::Now && made > 0);
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
        if !after.is("status", "trialing") {
            proration::note_debits(&mut after, draft);
        }
    }
    Prepared { after, draft }
}

/// What is known of a change before it is carried out.
struct Work<'a> {
    before: &'a Value,
    now: i64,
    /// The second from which the difference counts.
    at: i64,
    /// Whether there is something to credit: not for what a trial gave, nor while nothing is billed.
    prorates: bool,
    was_trial: bool,
    trial: Trial,
    /// Whether all items begin a new period now, which is billed at once.
    new_cycle: bool,
}

impl<'a> Work<'a> {
    fn new(before: &'a Value, change: &Change, now: i64) -> Self {
        let was_trial = before.is("status", "trialing");
        let goes_on = was_trial && change.trial != Trial::EndsNow;
        let is_trial = goes_on || matches!(change.trial, Trial::Until(_));
        // Changes while it is paused are not prorated: https://docs.stripe.com/billing/subscriptions/trials
        let paused = before.is("status", "paused");
        let resets = change.resets || resets_by_itself(before, &change.after);
        Self {
            before,
            now,
            at: change.at,
            prorates: change.prorate != Prorate::Never && !paused,
            was_trial,
            trial: change.trial,
            new_cycle: change.trial == Trial::EndsNow || (resets && !is_trial && !paused),
        }
    }

    fn old(&self, item: &Value) -> Option<&'a Value> {
        let items = self.before.list("items.data").iter();
        items.into_iter().find(|old| old.id() == item.id())
    }

    /// Whether the item bills something else than it did.
    fn is_changed(&self, item: &Value) -> bool {
        self.old(item).is_none_or(|old| !bills_the_same(old, item))
    }

    /// Credits the rest of what the items that change were debited for.
    fn credit_what_ends(&self, world: &mut World, after: &mut Value) -> usize {
        if !self.prorates || self.was_trial {
            return 0;
        }
        let all = self.new_cycle || matches!(self.trial, Trial::Until(_));
        let mut items = after.list("items.data").to_vec();
        let mut made = 0;
        for old in self.before.list("items.data") {
            let place = items.iter_mut().find(|item| item.id() == old.id());
            if !all && place.as_ref().is_some_and(|item| bills_the_same(old, item)) {
                continue;
            }
            let left = Period {
                start: self.at,
                end: subscription_item::period(old).end,
            };
            made += proration::credit(world, self.before, old, left);
            if let Some(item) = place {
                item.set("_debits", Vec::<Value>::new());
            }
        }
        after.set("items.data", items);
        made
    }

    /// Writes the anchor, the trial and the periods, as if the subscription had no end.
    fn renew_cycle(&self, after: &mut Value) {
        match self.trial {
            Trial::EndsNow => {
                after.set("status", "active");
                after.set("trial_end", self.now);
            }
            Trial::Until(end) => {
                if !self.was_trial {
                    after.set("status", "trialing");
                    after.set("trial_start", self.now);
                }
                // One that was set for later than the trial stays.
                if !anchor_is_apart(self.before) {
                    after.set("billing_cycle_anchor", end);
                }
                after.set("trial_end", end);
            }
            Trial::Unchanged => {}
        }
        if self.new_cycle {
            after.set("billing_cycle_anchor", self.now);
        }
        let anchor = after.int("billing_cycle_anchor").unwrap_or(self.now);
        let trial = is_trial(after).then(|| Period {
            start: if self.was_trial {
                subscription::period(self.before).map_or(self.now, |period| period.start)
            } else {
                self.now
            },
            end: after.int("trial_end").unwrap_or(self.now),
        });
        let ends_at = fixed_end(after);
        let mut items = after.list("items.data").to_vec();
        for item in &mut items {
            let same_interval = self.old(item).is_some_and(|old| {
                subscription_item::interval(old) == subscription_item::interval(item)
            });
            if let Some(trial) = trial {
                subscription_item::set_period(item, trial.start, trial, ends_at);
            } else if self.new_cycle {
                let whole = cycle::whole_at(item, anchor, self.now);
                subscription_item::set_period(item, self.now, whole, ends_at);
            } else if !same_interval {
                let whole = cycle::whole_at(item, anchor, self.now);
                subscription_item::set_period(item, whole.start, whole, ends_at);
            }
        }
        after.set("items.data", items);
    }

    /// Ends the items' periods where the subscription ends. What was debited beyond is credited, and what is no longer
    /// cut off is debited again.
    fn bound(&self, world: &mut World, after: &mut Value) -> usize {
        let ends_at = fixed_end(after);
        let prorates = self.prorates && !is_trial(after) && !self.new_cycle;
        let mut items = after.list("items.data").to_vec();
        let mut made = 0;
        for item in &mut items {
            let (period, whole) = (
                subscription_item::period(item),
                subscription_item::whole_period(item),
            );
            subscription_item::set_period(item, period.start, whole, ends_at);
            let end = subscription_item::period(item).end;
            if !prorates || self.is_changed(item) {
                continue;
            }
            if end < period.end {
                let rest = Period {
                    start: end.max(self.at),
                    end: period.end,
                };
                made += proration::credit(world, after, item, rest);
                proration::trim_debits(item, end);
            } else if end > period.end
                && let Some(until) = proration::debited_until(item)
            {
                let rest = Period {
                    start: period.end.max(until),
                    end,
                };
                made += proration::debit(world, after, item, rest);
            }
        }
        after.set("items.data", items);
        made
    }

    /// Debits the rest of the period for items that are new or changed.
    fn debit_what_begins(&self, world: &mut World, after: &mut Value) -> usize {
        if !self.prorates || is_trial(after) || self.new_cycle {
            return 0;
        }
        let mut items = after.list("items.data").to_vec();
        let mut made = 0;
        for item in items.iter_mut().filter(|item| self.is_changed(item)) {
            let period = subscription_item::period(item);
            let left = Period {
                start: self.at.max(period.start),
                end: period.end,
            };
            made += proration::debit(world, after, item, left);
        }
        after.set("items.data", items);
        made
    }

    /// Whether the items are billed at once: a new cycle is, and a trial that goes on with other items shows so in an
    /// invoice over nothing.
    fn invoices_items(&self, after: &Value) -> bool {
        let items = after.list("items.data");
        let changed = items.len() != self.before.list("items.data").len()
            || items.iter().any(|item| self.is_changed(item));
        let in_trial = self.was_trial && is_trial(after);
        self.new_cycle || (in_trial && changed && self.prorates)
    }
}

/// In classic billing mode another interval, and a first price above 0, begin the cycle anew; in flexible nothing does
/// by itself (<https://docs.stripe.com/billing/subscriptions/billing-mode/compare>).
fn resets_by_itself(before: &Value, after: &Value) -> bool {
    if subscription::is_flexible(before) {
        return false;
    }
    let was = subscription::intervals(before).next();
    let other_interval = subscription::intervals(after).any(|it| was.is_some_and(|was| was != it));
    let is_free = |it: &Value| {
        let mut items = it.list("items.data").iter();
        items.all(|item| item.int("price.unit_amount") == Some(0))
    };
    other_interval || (is_free(before) && !is_free(after))
}

fn is_trial(subscription: &Value) -> bool {
    subscription.is("status", "trialing")
}

fn bills_the_same(one: &Value, other: &Value) -> bool {
    one.at("price.id") == other.at("price.id") && one.at("quantity") == other.at("quantity")
}

/// Whether the cycle begins later than the trial ends.
fn anchor_is_apart(subscription: &Value) -> bool {
    subscription.is("status", "trialing")
        && subscription.int("billing_cycle_anchor") > subscription.int("trial_end")
}

/// A fixed time at which the subscription ends. The flag names none: it follows the period.
pub(crate) fn fixed_end(subscription: &Value) -> Option<i64> {
    let at = subscription.int("cancel_at");
    at.filter(|_| !subscription.flag("cancel_at_period_end"))
}
