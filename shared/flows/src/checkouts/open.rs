//! A new attempt and its SetupIntent.

use std::convert::Infallible;

use perennial_store::{ClaimedStep, Opened, UserItems};
use perennial_stripe::{
    CancellationReason, CreateSetupIntent, IdempotencyKey, ServerConfirm, SetUpFor, StripeError,
};
use perennial_types::{
    Attempt, AttemptId, Claim, ConfirmBy, CustomerId, Ending, FailureReason, First, Phase,
    Timestamp,
};

use super::{
    Checkouts, IssueCheckout, Issued, OpenCheckout, Step,
    issue::{open_checkout, return_url},
};
use crate::{
    Customers, FlowError, claimed_step::Sent, codes, context::KEY_SECONDS, first_period::ForWhom,
};

/// No shopper fails at a wallet this often. A SetupIntent checks a card for free, so an endpoint that
/// hands them out without a limit is used to test stolen ones. A decline counts as much as a checkout.
pub(super) const CHECKOUTS_AN_HOUR: usize = 20;

impl Checkouts<'_> {
    /// Claims a new attempt with its frozen request; none when another click was first.
    pub(super) async fn open_attempt(
        &self,
        ask: &IssueCheckout,
        items: &UserItems,
        replaces: Option<&AttemptId>,
    ) -> Result<Option<Attempt>, FlowError> {
        let now = self.cx.clock.now();
        let hour_ago = self.cx.lately();
        let opened = items.attempts.iter().filter(|it| it.created > hour_ago);
        let since = hour_ago.to_string();
        let declined = items.declines.iter().filter(|it| **it >= since);
        if opened.count() + declined.count() >= CHECKOUTS_AN_HOUR {
            return Err(FlowError::TooManyCheckouts);
        }
        self.check_sold(ask, items)?;
        Box::pin(self.check_tax(ask, items)).await?;
        Box::pin(self.check_code(ask, items)).await?;
        let customers = Customers::of(self.cx);
        let seen = items.customer.clone();
        let customer = customers
            .known_or_created(&ask.user, seen, ask.email.as_ref())
            .await?;
        self.check_without_method(ask, &customer).await?;
        Box::pin(self.move_customer(ask, &customer)).await?;
        let attempt = self.new_attempt(ask, customer, now)?;
        match self.cx.table.open_attempt(&attempt, replaces).await? {
            Opened::Won => Ok(Some(attempt)),
            Opened::Lost => Ok(None),
        }
    }

    /// Refuses what Stripe would refuse in any case, before a wallet is asked.
    pub(super) fn check_sold(
        &self,
        ask: &IssueCheckout,
        items: &UserItems,
    ) -> Result<(), FlowError> {
        if items.was_refused(&ask.plan.price, &ask.addons) {
            return Err(FlowError::PlanNotAvailable);
        }
        if items.pays_in_another_currency(&ask.plan, &self.cx.plans) {
            return Err(FlowError::CurrencyConflict);
        }
        Ok(())
    }

    /// Refuses a promotion code that does not take off what the shopper was shown.
    async fn check_code(&self, ask: &IssueCheckout, items: &UserItems) -> Result<(), FlowError> {
        let Some(shown) = &ask.discount else {
            return Ok(());
        };
        let whom = ForWhom {
            plan: &ask.plan.times_with(ask.quantity, &ask.addons),
            quantity: ask.quantity,
            addons: &ask.addons,
            address: ask.address.as_ref(),
            items,
            now: self.cx.clock.now(),
        };
        let quote = codes::agreed(&self.cx.stripe, shown, whom).await?;
        if quote.setup_first && ask.first == First::Subscription {
            return Err(FlowError::SetupFirst);
        }
        Ok(())
    }

    /// Refuses a free trial without a payment method if the customer has one that Stripe would charge at its end: a
    /// customer that was adopted, or one who has named a default in the portal.
    pub(super) async fn check_without_method(
        &self,
        ask: &IssueCheckout,
        customer: &CustomerId,
    ) -> Result<(), FlowError> {
        if ask.wallet.is_some() {
            return Ok(());
        }
        let read = self.cx.stripe.retrieve_customer(customer).await?.value;
        if read.deleted {
            // The next click creates another one.
            self.cx.table.forget_customer(&ask.user, customer).await?;
            return Err(FlowError::Busy);
        }
        if read.pays_by_default() {
            return Err(FlowError::MethodOnFile);
        }
        Ok(())
    }

    fn new_attempt(
        &self,
        ask: &IssueCheckout,
        customer: CustomerId,
        now: Timestamp,
    ) -> Result<Attempt, FlowError> {
        let confirm = if ask.consent.is_some() {
            ConfirmBy::Server
        } else {
            ConfirmBy::Client
        };
        let mut attempt = Attempt {
            id: AttemptId::generate(now),
            user: ask.user.clone(),
            plan: ask.name.clone(),
            group: ask.plan.group.clone(),
            price: ask.plan.price.clone(),
            quantity: ask.quantity,
            addons: ask.addons.clone(),
            trial_days: ask.plan.trial_days,
            discount: ask.discount.clone(),
            tax: ask.tax,
            wallet: ask.wallet,
            confirm,
            first: ask.first,
            consent: ask.consent_version.clone(),
            return_to: ask.return_to.clone(),
            customer,
            created: now,
            // As long as Stripe remembers the key of the request, a repeat of it is harmless.
            open_until: now.plus_seconds(KEY_SECONDS),
            reason: None,
            counted: None,
            phase: Phase::Opened,
        };
        let (First::SetupIntent, Some(wallet)) = (ask.first, ask.wallet) else {
            return Ok(attempt);
        };
        let return_url = return_url(ask, &attempt);
        let confirm = ask.consent.as_ref().map(|consent| ServerConfirm {
            return_url: return_url.as_str(),
            accepted_at: now.unix(),
            ip_address: &consent.ip_address,
            user_agent: &consent.user_agent,
        });
        let request = CreateSetupIntent {
            customer: &attempt.customer,
            made_for: SetUpFor::Attempt(attempt.id.as_str()),
            user: ask.user.as_str(),
            wallet,
            confirm,
        }
        .freeze(IdempotencyKey::new(&format!("seti:{}", attempt.id))?);
        attempt.phase = Phase::Creating(Claim {
            frozen_at: now,
            ..self.cx.claim(request)
        });
        Ok(attempt)
    }

    /// Goes on with an attempt whose SetupIntent was to be created by a request that has died.
    pub(super) async fn take_over_setup(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
        seen: &Claim,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        let (step, lease) = (ClaimedStep::SetupIntent(open), self.cx.lease());
        if !self.cx.table.take_over(step, &seen.lease, &lease).await? {
            return Ok(Step::Wait);
        }
        let claim = seen.clone().taken_over(lease);
        let opened = self.create_setup_intent(ask, open, &claim).await?;
        Ok(Step::Done(Box::new(Issued::Created(opened))))
    }

    /// Sends an attempt's frozen request and writes down the answer.
    pub(super) async fn create_setup_intent(
        &self,
        ask: &IssueCheckout,
        attempt: &Attempt,
        claim: &Claim,
    ) -> Result<Box<OpenCheckout>, FlowError> {
        let sent = self.cx.send_claimed(
            ClaimedStep::SetupIntent(attempt),
            claim,
            |request| Box::pin(self.cx.stripe.create_setup_intent(request)),
            // If there is a SetupIntent, its client secret was never received here.
            || Box::pin(async { Ok::<_, FlowError>(None::<Infallible>) }),
        );
        let intent = match sent.await? {
            Sent::Made(reply) => reply.value,
            Sent::Found(never) => match never {},
            Sent::Refused(error) | Sent::Spent(error) => {
                // The same bytes would be answered so again, so the next click needs a new attempt.
                let (ending, reason) = (Ending::Failed, FailureReason::Rejected);
                self.close(attempt, ending, reason).await?;
                return Err(self.refused(attempt, error).await?);
            }
            Sent::Released(error) => return Err(error.into()),
        };
        if intent.livemode != self.cx.livemode {
            return Err(FlowError::ForeignObject("SetupIntent"));
        }
        // Stripe leaves out the methods that an account lacks instead of refusing the request.
        let offered = attempt.wallet.is_none_or(|wallet| intent.offers(wallet));
        self.cx
            .table
            .record_setup_intent(attempt, &intent.id)
            .await?;
        let attempt = Attempt {
            phase: Phase::AwaitingSetup(intent.id.clone()),
            ..attempt.clone()
        };
        if !offered {
            self.abandon(&attempt, CancellationReason::Abandoned)
                .await?;
            return Err(FlowError::WalletNotEnabled);
        }
        open_checkout(ask, attempt, intent).map(Box::new)
    }

    /// Why Stripe refused a SetupIntent, and what can be done about it here.
    async fn refused(&self, attempt: &Attempt, error: StripeError) -> Result<FlowError, FlowError> {
        match &error {
            // Deleted at Stripe, or of another account: the next click creates another one.
            StripeError::Invalid {
                code: Some(code),
                param: Some(param),
                ..
            } if code == "resource_missing" && param == "customer" => {
                self.cx
                    .table
                    .forget_customer(&attempt.user, &attempt.customer)
                    .await?;
                Ok(FlowError::Busy)
            }
            _ if error.code() == Some("payment_method_not_available") => {
                Ok(FlowError::WalletNotEnabled)
            }
            _ => Ok(error.into()),
        }
    }
}
