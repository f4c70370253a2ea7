//! A subscription that came first and waits for its shopper.

use perennial_types::{
    Attempt, Awaited, Ending, FailureReason, Subscription, SubscriptionId, Timestamp,
};

use crate::{
    Completed, ShopEvent, StoreError, Table,
    attempt::{Lookup, applied, ended_until, number},
    attempt_row::State,
    key::{Key, text},
    table::{Outcome, delete_of, item, put_of, update_of},
};

/// How long a subscription that was never confirmed is kept after its end, in seconds. A shopper who goes to
/// and fro between two plans leaves one behind each time, and every click reads them.
const KEEP_UNCONFIRMED: i64 = 24 * 3600;

/// The attribute of an attempt that names what its shopper confirms, its value, and the key under
/// which the attempt is found by it.
fn named(awaited: &Awaited) -> (&'static str, &str, Key) {
    match awaited {
        Awaited::Setup(id) => ("setup_intent", id.as_str(), Key::setup_intent(id)),
        Awaited::Payment(id) => ("payment_intent", id.as_str(), Key::payment_intent(id)),
    }
}

impl Table {
    /// Writes down the subscription of the attempt that holds the slot, and what its shopper has
    /// to confirm.
    pub async fn await_shopper(
        &self,
        attempt: &Attempt,
        subscription: &Subscription,
        awaited: &Awaited,
    ) -> Result<Completed, StoreError> {
        let operation = "await_shopper";
        let (attribute, id, key) = named(awaited);
        let moved = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression("SET #state = :confirming, subscription = :id, #awaited = :awaited")
            .condition_expression("#state = :subscribing")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#awaited", attribute)
            .expression_attribute_values(":subscribing", text(State::Subscribing.as_str()))
            .expression_attribute_values(":confirming", text(State::Confirming.as_str()))
            .expression_attribute_values(":id", text(subscription.id.as_str()))
            .expression_attribute_values(":awaited", text(id));
        let lookup = self.put(item(operation, key, &Lookup::of(attempt))?);
        let moved = vec![update_of(operation, moved)?, put_of(operation, lookup)?];
        self.hold_slot(operation, attempt, (subscription, None), moved, Vec::new())
            .await
    }

    /// Ends an attempt whose shopper has confirmed. False when another request was first.
    pub async fn confirm(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        let update = self
            .change(attempt)
            .update_expression("SET #state = :subscribed REMOVE reason, due, due_at, expires_at")
            .condition_expression("#state = :confirming")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":confirming", text(State::Confirming.as_str()))
            .expression_attribute_values(":subscribed", text(State::Subscribed.as_str()));
        applied("confirm", update).await
    }

    /// Ends an attempt whose subscription ended before its shopper confirmed it, frees the slot and
    /// tells the shop if there is something to tell. False when another request was first.
    pub async fn end_confirming(
        &self,
        attempt: &Attempt,
        subscription: &SubscriptionId,
        (ending, reason): (Ending, FailureReason),
        told: Option<&ShopEvent>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "end_confirming";
        let ended = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression(
                "SET #state = :state, reason = :reason, expires_at = :expires REMOVE due, due_at",
            )
            .expression_attribute_values(":expires", ended_until(now))
            .condition_expression("#state = :confirming")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":confirming", text(State::Confirming.as_str()))
            .expression_attribute_values(":state", text(State::from(ending).as_str()))
            .expression_attribute_values(":reason", text(reason.as_str()));
        let freed = self
            .delete(Key::slot(&attempt.user, &attempt.group))
            .condition_expression("attempt = :attempt")
            .expression_attribute_values(":attempt", text(attempt.id.as_str()));
        let mut without_slot = vec![update_of(operation, ended)?];
        if let Some(trial) = self.give_trial_back(attempt) {
            without_slot.push(update_of(operation, trial)?);
        }
        if reason != FailureReason::WalletMismatch {
            // It never began, so there is nothing to remember of it once its events have come.
            let over = self
                .update(Key::subscription(&attempt.user, subscription))
                .update_expression("SET expires_at = :expires")
                .expression_attribute_values(":expires", number(now.unix() + KEEP_UNCONFIRMED));
            without_slot.push(update_of(operation, over)?);
        }
        if let Some(event) = told {
            without_slot.push(self.put_event(operation, event)?);
        }
        let mut all = vec![delete_of(operation, freed)?];
        all.extend(without_slot.iter().cloned());
        match self.transact(operation, all).await? {
            Outcome::Done => Ok(true),
            // Another attempt holds the slot by now, since a subscription that has ended holds
            // nobody up.
            Outcome::Refused(refused) if refused.iter().skip(1).all(|refused| !refused) => {
                let outcome = self.transact(operation, without_slot).await?;
                Ok(matches!(outcome, Outcome::Done))
            }
            Outcome::Refused(_) => Ok(false),
        }
    }
}
