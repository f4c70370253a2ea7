//! A user who is erased: the customer at Stripe, and all that the table keeps.
//!
//! The user is marked first, so that nothing is begun for them any more; then what is under way is looked for, at Stripe
//! too, since what is read before the mark may be out of date. Only then the customer is made nobody's and deleted, and
//! after that the items are. What a function still writes that had begun before the mark is deleted by a last pass, a
//! quarter of an hour later. Each pass does all that is left, so a process that dies is followed by the next request, or
//! by the sweep.

use std::collections::BTreeSet;

use perennial_store::{CustomerItem, Erasure, FoundBy, StoreError, UserItems};
use perennial_stripe::{
    CancellationReason, Customer, PaymentIntentStatus, SetupIntentStatus, StripeError, metadata,
};
use perennial_types::{
    Attempt, CustomerId, Phase, SetupIntentId, SubscriptionId, Timestamp, UserId,
};
use thiserror::Error;

use crate::{Checkouts, Context, Customers, FlowError, actions::ActionErrorCode};

/// The users who are erased.
#[derive(Debug)]
pub struct Erasures<'a> {
    cx: &'a Context,
}

impl<'a> Erasures<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

/// What was erased.
#[derive(Debug, Default)]
pub struct Erased {
    /// The customers at Stripe, which are deleted there.
    pub customers: BTreeSet<CustomerId>,
    /// How many items of the table this pass has deleted.
    pub items: usize,
    /// From when on the last pass deletes what was still being written; none if it is done.
    pub complete_at: Option<Timestamp>,
}

/// Why a user is not erased.
#[derive(Debug, Error)]
pub enum EraseError {
    /// They could not be, for now. What was begun goes on with the next request, or by the sweep.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// They are not, as things stand.
    #[error("{}", why.code())]
    Refused {
        /// Why.
        why: ActionErrorCode,
        /// The subscriptions or payments that have to be ended first.
        open: Vec<String>,
    },
}

impl From<ActionErrorCode> for EraseError {
    fn from(why: ActionErrorCode) -> Self {
        let open = Vec::new();
        Self::Refused { why, open }
    }
}

impl From<StoreError> for EraseError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<StripeError> for EraseError {
    fn from(error: StripeError) -> Self {
        Self::Flow(error.into())
    }
}

/// What Stripe has of a customer, beside subscriptions.
#[derive(Debug, Default)]
struct Found {
    /// Under what it lies in the table.
    by: Vec<FoundBy>,
    /// What can still be confirmed.
    open_setups: Vec<SetupIntentId>,
}

impl Erasures<'_> {
    /// Erases a user, or goes on with it. One of whom nothing is kept is erased already.
    pub async fn erase(&self, user: &UserId) -> Result<Erased, EraseError> {
        let items = self.items(user).await?;
        let customer = match items.customer.clone() {
            Some(CustomerItem::Erasing(erasure)) => return self.go_on(user, erasure).await,
            Some(CustomerItem::Known { customer }) => Some(customer),
            // Whoever was to create it has died, and Stripe may have it.
            creating @ Some(CustomerItem::Creating(_)) => {
                let customers = Customers::of(self.cx);
                Some(Box::pin(customers.known_or_created(user, creating, None)).await?)
            }
            None if self.cx.table.kept_of(user).await?.is_empty() => return Ok(Erased::default()),
            None => None,
        };
        // What the table knows is refused without a mark, which keeps shoppers from what they do.
        let live = items.subscriptions();
        let live = live.filter(|it| !it.status.is_terminal() && !it.awaits_shopper());
        refuse_each(ActionErrorCode::UserIsSubscribed, live.map(|it| &it.id))?;
        let now = self.cx.clock.now();
        let begun = self.cx.table.begin_erasure(user, customer.as_ref(), now);
        begun.await?;
        self.resume(user).await
    }

    /// Goes on with an erasure that was begun, if there is one.
    pub(crate) async fn resume(&self, user: &UserId) -> Result<Erased, EraseError> {
        match self.cx.table.customer_item(user).await? {
            Some(CustomerItem::Erasing(erasure)) => self.go_on(user, erasure).await,
            // Another request has changed it, or brought it to its end.
            _ => Err(FlowError::Busy.into()),
        }
    }

    async fn items(&self, user: &UserId) -> Result<UserItems, FlowError> {
        let always = Timestamp::from_unix(0);
        Ok(self.cx.table.load_user(user, always).await?)
    }

    async fn go_on(&self, user: &UserId, erasure: Erasure) -> Result<Erased, EraseError> {
        let (table, now) = (&self.cx.table, self.cx.clock.now());
        let customer = erasure.customer.as_ref();
        let living = match customer {
            Some(customer) => self.living(customer).await?,
            None => None,
        };
        let mut found = Found::default();
        if living.is_some() || erasure.decided.is_none() {
            let checked = Box::pin(self.check(user, customer, living.as_ref())).await;
            found = match checked {
                Ok(found) => found,
                Err(refused @ EraseError::Refused { .. }) => {
                    let withdrawn = table.withdraw_erasure(user, &erasure).await?;
                    return Err(if withdrawn {
                        refused
                    } else {
                        FlowError::Busy.into()
                    });
                }
                Err(error) => return Err(error),
            };
        }
        let kept = table.kept_of(user).await?;
        let mut customers = erasure.former.clone();
        customers.extend(kept.customers.iter().cloned());
        let mut former = customers.clone();
        customers.extend(customer.cloned());
        former.retain(|it| Some(it) != customer);
        if erasure.decided.is_none() || former != erasure.former {
            let decided = table.decide_erasure(user, customer, &former, now).await?;
            if !decided {
                return Err(FlowError::Busy.into());
            }
        }
        // One that gives a subscription another payment method is of no checkout, and of one whose creation was
        // never answered nobody knows.
        for setup in &found.open_setups {
            self.cancel_setup(setup).await?;
        }
        table.erase_found_by(&found.by).await?;
        if let Some(customer) = &living {
            match self.cx.stripe.delete_customer(&customer.id).await {
                Ok(_) | Err(StripeError::Invalid { status: 404, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let items = table.erase_kept(user, kept, &customers).await?;
        let mut erased = Erased {
            customers,
            items,
            complete_at: None,
        };
        // Of what this pass has deleted at Stripe events are still to come.
        if erasure.is_last_pass(now) && living.is_none() {
            table.end_erasure(user).await?;
            erased.items = items.saturating_add(1);
        } else {
            let decided = Some(erasure.decided.unwrap_or(now));
            erased.complete_at = Erasure { decided, ..erasure }.complete_at();
        }
        Ok(erased)
    }

    /// The customer, unless Stripe has deleted it.
    async fn living(&self, id: &CustomerId) -> Result<Option<Customer>, EraseError> {
        match self.cx.stripe.retrieve_customer(id).await {
            Ok(found) => Ok(Some(found.value).filter(|it| !it.deleted)),
            Err(StripeError::Invalid { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses what has to be ended by the shop, ends what waits for its shopper, and finds what lies in the table under
    /// Stripe's objects. While this runs, nobody begins anything for the user.
    async fn check(
        &self,
        user: &UserId,
        customer: Option<&CustomerId>,
        living: Option<&Customer>,
    ) -> Result<Found, EraseError> {
        let items = self.items(user).await?;
        if living.is_some_and(|it| it.balance < 0) {
            return Err(ActionErrorCode::CreditLeft.into());
        }
        let mut found = Found::default();
        let customer = customer.filter(|_| living.is_some());
        if let Some(customer) = customer {
            self.check_subscriptions(customer, &items.attempts).await?;
            self.find_payments(customer, &mut found.by).await?;
        }
        let active = self.cx.table.active_actions(user, self.cx.clock.now());
        refuse_each(ActionErrorCode::ActionUnderWay, active.await?.iter())?;
        let checkouts = Checkouts::of(self.cx);
        let open = |items: &UserItems| items.attempts.iter().any(Attempt::is_open);
        // Somebody may have been quicker than the end of a checkout.
        if open(&items)
            && (!Box::pin(checkouts.abandon_all(&items.attempts)).await?
                || open(&self.items(user).await?))
        {
            return Err(ActionErrorCode::CheckoutUnderWay.into());
        }
        // Those of checkouts are canceled by now.
        if let Some(customer) = customer {
            self.find_setups(customer, &mut found).await?;
        }
        Ok(found)
    }

    /// What Stripe would end with the customer. What a checkout waits for is ended with the checkout.
    async fn check_subscriptions(
        &self,
        customer: &CustomerId,
        attempts: &[Attempt],
    ) -> Result<(), EraseError> {
        let waits = |id: &SubscriptionId| {
            attempts.iter().any(|attempt| {
                matches!(&attempt.phase, Phase::Confirming(open) if open.subscription == *id)
            })
        };
        let mut live = Vec::new();
        let mut after = None;
        loop {
            let page = self.cx.stripe.list_subscriptions(customer, after.as_ref());
            let page = page.await?.value;
            let open = page.data.iter().filter(|it| !it.status.is_terminal());
            live.extend(open.map(|it| it.id.clone()).filter(|id| !waits(id)));
            after = page.data.last().map(|it| it.id.clone());
            if !page.has_more || after.is_none() {
                return refuse_each(ActionErrorCode::UserIsSubscribed, live.iter());
            }
        }
    }

    /// Refuses while a payment that the shop's servers have begun is not over.
    async fn find_payments(
        &self,
        customer: &CustomerId,
        found: &mut Vec<FoundBy>,
    ) -> Result<(), EraseError> {
        let mut open = Vec::new();
        let mut after = None;
        loop {
            let page = self.cx.stripe.list_payments(customer, after.as_ref());
            let page = page.await?.value;
            after = page.data.last().map(|it| it.id.clone());
            for payment in page.data {
                let request = payment.metadata.get(metadata::REQUEST);
                let is_over = matches!(
                    payment.status,
                    PaymentIntentStatus::Succeeded | PaymentIntentStatus::Canceled
                );
                open.extend(request.filter(|_| !is_over).map(|_| payment.id.clone()));
                found.push(FoundBy::Payment(payment.id, request.cloned()));
            }
            if !page.has_more || after.is_none() {
                return refuse_each(ActionErrorCode::PaymentUnderWay, open.iter());
            }
        }
    }

    async fn find_setups(
        &self,
        customer: &CustomerId,
        found: &mut Found,
    ) -> Result<(), EraseError> {
        let mut after = None;
        loop {
            let page = self.cx.stripe.list_setup_intents(customer, after.as_ref());
            let page = page.await?.value;
            after = page.data.last().map(|it| it.id.clone());
            for mut setup in page.data {
                let is_over = matches!(
                    setup.status,
                    SetupIntentStatus::Succeeded | SetupIntentStatus::Canceled
                );
                if !is_over {
                    found.open_setups.push(setup.id.clone());
                }
                let request = setup.metadata.remove(metadata::REQUEST);
                found.by.push(FoundBy::Setup(setup.id, request));
            }
            if !page.has_more || after.is_none() {
                return Ok(());
            }
        }
    }

    async fn cancel_setup(&self, id: &SetupIntentId) -> Result<(), EraseError> {
        let why = CancellationReason::Abandoned;
        match self.cx.stripe.cancel_setup_intent(id, why).await {
            // It has succeeded, or is canceled already.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn refuse_each<T: ToString>(
    why: ActionErrorCode,
    open: impl Iterator<Item = T>,
) -> Result<(), EraseError> {
    let open: Vec<String> = open.map(|it| it.to_string()).collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(EraseError::Refused { why, open })
}
