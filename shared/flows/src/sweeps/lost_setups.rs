//! `SetupIntents` whose creation was never answered, so that no checkout names them and only their
//! metadata tells of which one they were. Nobody can confirm them, since nobody has been given their
//! client secret, and Stripe leaves them open for good.

use perennial_store::Cursor;
use perennial_stripe::{CancellationReason, StripeError, metadata};
use perennial_types::{AttemptId, CustomerId, SetupIntentId, UserId};
use serde::Serialize;
use serde_json::Value;

use super::Sweeps;
use crate::{
    FlowError, SweepBudget,
    actions::{ActionError, SubscriptionActions},
};

/// What a sweep over the `SetupIntents` of a day ago has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptSetups {
    /// Listed.
    pub listed: u32,
    /// Of no checkout, and canceled.
    pub canceled: u32,
    /// Could not be looked at now.
    pub failed: u32,
    /// Whether the list has been read to the end.
    pub complete: bool,
}

const CURSOR: &str = "setups";
/// A checkout is open for 23 hours, and Stripe keeps the key of its request for 24. Clocks may differ
/// by the rest.
const AGE_SECONDS: i64 = 26 * 3600;
/// A new installation looks back this far, and so does one that could not cancel what it has found.
const LONGEST_SPAN_SECONDS: i64 = 7 * 24 * 3600;

impl Sweeps<'_> {
    /// Cancels the `SetupIntents` that no checkout names. One that fails is passed over, and the span is
    /// read again the next time.
    pub async fn lost_setups(&self, slice: SweepBudget) -> Result<SweptSetups, FlowError> {
        let mut swept = SweptSetups::default();
        let mut cursor = self.cx.table.cursor(CURSOR).await?;
        let old_enough = self.cx.clock.now().plus_seconds(-AGE_SECONDS);
        let until = cursor.working_until.unwrap_or(old_enough);
        let earliest = until.plus_seconds(-LONGEST_SPAN_SECONDS);
        let from = cursor.done_until.map_or(earliest, |it| it.max(earliest));
        cursor.working_until = Some(until);
        while !slice.is_over() && !swept.complete {
            let after = cursor.after.as_deref();
            let page =
                self.cx
                    .stripe
                    .list_setup_intents_created_between(from.unix(), until.unix(), after);
            let page = match page.await {
                Ok(page) => page.value,
                // What the last slice ended with is no longer in the list.
                Err(StripeError::Invalid { .. }) if cursor.after.is_some() => {
                    cursor.after = None;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut rest = page.data.len();
            for listed in &page.data {
                if slice.is_over() {
                    break;
                }
                rest -= 1;
                swept.listed += 1;
                if let Some(id) = text(listed, "id") {
                    cursor.after = Some(id.to_owned());
                }
                let cx = self.cx.for_one_object();
                match Box::pin(Sweeps::of(&cx).cancel_if_lost(listed)).await {
                    Ok(true) => swept.canceled += 1,
                    Ok(false) => {}
                    Err(error) => {
                        swept.failed += 1;
                        let (id, error) = (text(listed, "id"), error.chain());
                        tracing::warn!(setup_intent = id, error, "a SetupIntent was not canceled");
                    }
                }
            }
            swept.complete = !page.has_more && rest == 0;
            if swept.complete {
                cursor = Cursor {
                    fence: cursor.fence,
                    done_until: Some(if swept.failed == 0 { until } else { from }),
                    ..Cursor::default()
                };
            }
            if !self.cx.table.move_cursor(CURSOR, &cursor).await? {
                tracing::info!("another run sweeps the SetupIntents");
                break;
            }
            cursor.fence += 1;
            slice.pause().await;
        }
        Ok(swept)
    }

    /// Cancels a SetupIntent that is open, was made for a checkout here, and is not the one that the
    /// checkout waits for. An account may have other stacks and applications, and their metadata can
    /// look the same, so the customer has to be that of the user here.
    async fn cancel_if_lost(&self, listed: &Value) -> Result<bool, FlowError> {
        let is_open = matches!(
            text(listed, "status"),
            Some("requires_payment_method" | "requires_confirmation" | "requires_action")
        );
        let is_of_mode = listed.get("livemode").and_then(Value::as_bool) == Some(self.cx.livemode);
        if let Some((id, customer, user)) = of_subscription(listed).filter(|_| is_of_mode) {
            let is_ours = self.cx.table.user_of_customer(&customer).await?.as_ref() == Some(&user);
            return match (is_ours, is_open) {
                (false, _) => Ok(false),
                (true, true) => self.cancel_lost(&id).await,
                (true, false) => self.finish_method(&id).await,
            };
        }
        let Some((id, customer, user, attempt)) = named(listed).filter(|_| is_open && is_of_mode)
        else {
            return Ok(false);
        };
        if self.cx.table.user_of_customer(&customer).await?.as_ref() != Some(&user) {
            return Ok(false);
        }
        let attempt = self.cx.table.attempt(&user, &attempt).await?;
        let is_awaited = attempt.is_some_and(|it| it.is_open() && it.setup_intent() == Some(&id));
        if is_awaited {
            return Ok(false);
        }
        self.cancel_lost(&id).await
    }

    /// A shopper has given another payment method, of which nobody may have heard.
    async fn finish_method(&self, id: &SetupIntentId) -> Result<bool, FlowError> {
        let actions = SubscriptionActions::of(self.cx);
        match Box::pin(actions.finish_method_for_event(id)).await {
            Ok(_) | Err(ActionError::Refused(_)) => Ok(false),
            Err(ActionError::Flow(error)) => Err(error),
        }
    }

    async fn cancel_lost(&self, id: &SetupIntentId) -> Result<bool, FlowError> {
        let why = CancellationReason::Abandoned;
        match self.cx.stripe.cancel_setup_intent(id, why).await {
            Ok(_) => {
                tracing::info!(setup_intent = %id, "a SetupIntent of no checkout is canceled");
                Ok(true)
            }
            // It has succeeded, or is canceled already.
            Err(StripeError::Invalid { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Which SetupIntent it is, and of which customer, if it was made to give a subscription another payment method.
fn of_subscription(listed: &Value) -> Option<(SetupIntentId, CustomerId, UserId)> {
    let pairs = listed.get("metadata")?;
    text(pairs, metadata::SUBSCRIPTION)?;
    Some((
        text(listed, "id")?.parse().ok()?,
        text(listed, "customer")?.parse().ok()?,
        text(pairs, metadata::USER)?.parse().ok()?,
    ))
}

/// Which SetupIntent it is, of which customer, and for whose checkout it was made.
fn named(listed: &Value) -> Option<(SetupIntentId, CustomerId, UserId, AttemptId)> {
    let pairs = listed.get("metadata")?;
    Some((
        text(listed, "id")?.parse().ok()?,
        text(listed, "customer")?.parse().ok()?,
        text(pairs, metadata::USER)?.parse().ok()?,
        text(pairs, metadata::ATTEMPT)?.parse().ok()?,
    ))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
