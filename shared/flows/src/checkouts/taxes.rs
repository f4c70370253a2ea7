//! What the taxes of a checkout come to, and whether that is still what its shopper was shown.

use perennial_store::{ClaimedStep, Slot, UserItems};
use perennial_types::{Attempt, Claim, CustomerId, FailureReason, Phase, TaxRefusal};

use super::{Checkouts, IssueCheckout, Outcome, Step, subscribe::look_again_later};
use crate::{FlowError, first_period::ForWhom, tax};

/// For so long Stripe may be at work on a request that nobody waits for any more.
const STRIPE_AT_WORK_SECONDS: i64 = 120;

impl Checkouts<'_> {
    /// Refuses a plan with taxes that does not cost what the shopper was shown, at the address that the click says.
    pub(super) async fn check_tax(
        &self,
        ask: &IssueCheckout,
        items: &UserItems,
    ) -> Result<(), FlowError> {
        let (Some(shown), Some(address)) = (ask.tax, &ask.address) else {
            return Ok(());
        };
        let whom = ForWhom {
            plan: &ask.plan,
            quantity: ask.quantity,
            addons: &ask.addons,
            address: Some(address),
            items,
            now: self.cx.clock.now(),
        };
        let taxed = tax::shown(&self.cx.stripe, whom).await?;
        if taxed.amount == shown.amount {
            Ok(())
        } else {
            Err(FlowError::Tax(TaxRefusal::Outdated))
        }
    }

    /// Gives the customer the address of the click. To give it again changes nothing, so nothing is frozen for it.
    pub(super) async fn move_customer(
        &self,
        ask: &IssueCheckout,
        customer: &CustomerId,
    ) -> Result<(), FlowError> {
        let Some(address) = ask.address.as_ref().filter(|_| ask.tax.is_some()) else {
            return Ok(());
        };
        let turn = self.cx.tax_turn(&ask.user).await?;
        let moved = tax::move_customer(&self.cx.stripe, customer, address).await;
        self.cx.end_tax_turn(&ask.user, &turn).await;
        if moved? {
            return Ok(());
        }
        // Deleted at Stripe: the next click creates another one.
        self.cx.table.forget_customer(&ask.user, customer).await?;
        Err(FlowError::Busy)
    }

    /// What becomes of an attempt that no longer costs what its shopper was shown; none if it does. Nothing is sent
    /// for it any more, but what was sent before may have come to something.
    pub(super) async fn tax_moved(
        &self,
        attempt: &Attempt,
        slot: Option<&Slot>,
        claim: &Claim,
    ) -> Result<Option<Step<Outcome>>, FlowError> {
        let Some(agreed) = attempt.tax else {
            return Ok(None);
        };
        if tax::still_holds(&self.cx.stripe, attempt, agreed).await? {
            return Ok(None);
        }
        let reason = FailureReason::TaxChanged;
        if attempt.is_issued() {
            return self.end_unsent(attempt, reason).await.map(Some);
        }
        let found = self.find_subscription(&attempt.customer, &attempt.id);
        if let Some(found) = found.await? {
            return self.adopt(attempt, found).await.map(Some);
        }
        let age = self.cx.clock.now().unix() - claim.frozen_at.unix();
        if age < STRIPE_AT_WORK_SECONDS {
            return Ok(Some(look_again_later()));
        }
        let mine = slot.filter(|slot| slot.attempt == attempt.id);
        let Some(slot) = mine.filter(|slot| slot.subscription.is_none()) else {
            return Ok(Some(Step::LookAgain));
        };
        // So that nobody else sends it in between.
        let (step, table) = (ClaimedStep::Subscription(attempt), &self.cx.table);
        if !table.take_over(step, &slot.lease(), &claim.lease).await? {
            return Ok(Some(Step::Wait));
        }
        self.fail(attempt, reason).await.map(Some)
    }
}

/// Another checkout of this user that is charged with taxes now. Where the customer is must not change meanwhile.
pub(super) fn charged_elsewhere<'a>(
    ask: &IssueCheckout,
    open: Option<&Attempt>,
    items: &'a UserItems,
) -> Option<&'a Attempt> {
    ask.address.as_ref()?;
    let is_charged = |it: &&Attempt| {
        let is_other = open.is_none_or(|open| open.id != it.id);
        is_other && it.tax.is_some() && matches!(it.phase, Phase::Subscribing { .. })
    };
    items.attempts.iter().find(is_charged)
}
