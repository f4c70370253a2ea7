//! From a click to a client secret.

use std::ops::ControlFlow;

use perennial_store::{SubscriptionItem, UserItems};
use perennial_stripe::{CancellationReason, SetupIntent, SetupIntentStatus};
use perennial_types::{
    AgreedDiscount, AgreedTax, Attempt, AttemptId, BillingAddress, BoughtAddon, ConfirmBy,
    EmailAddress, Ending, FailureReason, First, PaymentMethodId, Phase, Plan, PlanName, ReturnPath,
    Subscription, SubscriptionId, TaxRefusal, UserId, Wallet,
};
use secrecy::SecretString;
use url::Url;

use super::{Checkouts, Finish, Step, subscription_first::answer, taxes::charged_elsewhere};
use crate::{
    FlowError,
    first_period::items_of,
    subscriptions::{Saved, Subscriptions},
    tax,
};

/// What a shopper asks for.
#[derive(Debug, Clone)]
pub struct IssueCheckout {
    /// Who, by the verified token.
    pub user: UserId,
    /// Their e-mail address, if the token has it and a customer is created.
    pub email: Option<EmailAddress>,
    /// The plan's name.
    pub name: PlanName,
    /// The plan.
    pub plan: Plan,
    /// How many of it.
    pub quantity: u64,
    /// What is bought beside it.
    pub addons: Vec<BoughtAddon>,
    /// How many free days the page has told the shopper of; none if it did not say, which stands for
    /// those of the plan.
    pub shown_trial_days: Option<u32>,
    /// The promotion code that is redeemed, and what the page has shown of it.
    pub discount: Option<AgreedDiscount>,
    /// What the page has shown of the taxes, of a plan that has them.
    pub tax: Option<AgreedTax>,
    /// Where the shopper is, for the taxes; where Stripe knows them to be if they come again.
    pub address: Option<BillingAddress>,
    /// How they will pay; none of a free trial that begins without a payment method.
    pub wallet: Option<Wallet>,
    /// What comes first.
    pub first: First,
    /// The version of the text that they agreed to; none where nobody agrees to a payment.
    pub consent_version: Option<String>,
    /// Set when this server confirms; otherwise the page does.
    pub consent: Option<ServerConsent>,
    /// The ended subscription whose payment method is charged, if the shopper comes again.
    pub again: Option<Again>,
    /// Where in the shop they land afterwards.
    pub return_to: Option<ReturnPath>,
    /// Where the wallet sends them back to; the checkout's id is added to it.
    pub confirm_url: Url,
}

impl IssueCheckout {
    /// Whether nobody has to confirm anything, so that the click itself subscribes.
    pub(super) fn asks_nobody(&self) -> bool {
        self.again.is_some() || self.wallet.is_none()
    }
}

/// Another subscription after one that has ended, charged to what that was paid with.
#[derive(Debug, Clone)]
pub struct Again {
    /// The one that has ended.
    pub of: SubscriptionId,
    /// What the page has told the shopper of the first payment, in the currency's smallest unit.
    pub due_now: i64,
    /// What is charged, once it is known.
    saved: Option<PaymentMethodId>,
}

impl Again {
    /// After this subscription, for an amount that the shopper was told.
    pub fn after(of: SubscriptionId, due_now: i64) -> Self {
        Self {
            of,
            due_now,
            saved: None,
        }
    }

    pub(super) fn saved(&self) -> Option<&PaymentMethodId> {
        self.saved.as_ref()
    }
}

/// Where the shopper agreed, as API Gateway saw it.
#[derive(Clone)]
pub struct ServerConsent {
    /// Their address.
    pub ip_address: String,
    /// Their browser.
    pub user_agent: String,
}

impl std::fmt::Debug for ServerConsent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConsent").finish_non_exhaustive()
    }
}

/// What the page confirms with the client secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToConfirm {
    /// A SetupIntent.
    Setup,
    /// A PaymentIntent.
    Payment,
}

impl ToConfirm {
    /// The name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Payment => "payment",
        }
    }
}

/// An attempt that waits for the shopper.
#[derive(Debug)]
pub struct OpenCheckout {
    /// The attempt.
    pub attempt: Attempt,
    /// What the page confirms.
    pub confirm: ToConfirm,
    /// What lets the page confirm it.
    pub client_secret: SecretString,
    /// Stripe's status of the SetupIntent, or of the subscription if that came first.
    pub status: String,
    /// The wallet's page, when this server has confirmed.
    pub redirect_url: Option<String>,
    /// Where the wallet sends the shopper back to.
    pub return_url: Url,
}

/// The answer to a click.
#[derive(Debug)]
pub enum Issued {
    /// A new attempt.
    Created(Box<OpenCheckout>),
    /// The attempt that was open already.
    Resumed(Box<OpenCheckout>),
    /// The shopper has come again, and this call has made their subscription.
    Subscribed(Box<Subscription>),
    /// There is nothing to pay for.
    AlreadySubscribed(Box<Subscription>),
    /// A subscription that was to come first is not there, or not yet; or it was, and has ended since.
    Undecided {
        /// The attempt.
        checkout: AttemptId,
        /// Why.
        finish: Finish,
    },
}

impl Checkouts<'_> {
    /// Opens a checkout, or goes on with the one that is open for the same user, plan and wallet.
    pub async fn issue(&self, ask: &IssueCheckout) -> Result<Issued, FlowError> {
        // Boxed, because it holds both ways to begin.
        Box::pin(self.issue_in_time(ask)).await
    }

    async fn issue_in_time(&self, ask: &IssueCheckout) -> Result<Issued, FlowError> {
        let patience = self.cx.patience();
        let mut opened = None;
        loop {
            let items = self.cx.load_user(&ask.user).await?;
            // Who has begun a checkout of a private plan knows of it, and goes on.
            let pointer = items.open(&ask.name, ask.wallet);
            let may_begin = items.offers.allow(&ask.name, &ask.plan);
            if !may_begin && pointer.is_none() {
                return Err(FlowError::UnknownPlan);
            }
            let live = Subscriptions::of(self.cx);
            let live = live.live_subscription(&items, &ask.plan.group);
            if let Some(subscription) = live.and_then(SubscriptionItem::standing) {
                let subscription = Box::new(subscription.clone().named_by(&self.cx.plans));
                // Somebody has written down what this very click has begun, such as the worker, which heard of it first.
                let slot = items.slot(&ask.plan.group);
                let is_mine = slot.is_some_and(|slot| opened.as_ref() == Some(&slot.attempt));
                return Ok(if is_mine && ask.asks_nobody() {
                    Issued::Subscribed(subscription)
                } else {
                    Issued::AlreadySubscribed(subscription)
                });
            }
            let ask = &match self.with_own_trial(ask, &items) {
                Err(FlowError::TrialOutdated)
                    if Box::pin(self.settle_trials(ask, &items)).await?
                        && patience.wait().await =>
                {
                    continue;
                }
                ask => ask?,
            };
            let named = match pointer {
                Some(id) => self.pointed_at(&ask.user, &items, id).await?,
                None => None,
            };
            // What is frozen was agreed to. It may have been charged by now, which changes what another one costs.
            let is_sent = named
                .as_ref()
                .is_some_and(|it| matches!(it.phase, Phase::Subscribing { .. }));
            let ask = &match &ask.again {
                Some(again) if !is_sent => match self.with_saved(ask, again, &items).await? {
                    ControlFlow::Continue(ask) => *ask,
                    ControlFlow::Break(living) => return Ok(Issued::AlreadySubscribed(living)),
                },
                _ => ask.clone(),
            };
            let step = match named.as_ref().filter(|it| it.is_open()) {
                open if let Some(other) = charged_elsewhere(ask, open, &items) => {
                    Step::FinishFirst(Box::new(other.clone()))
                }
                Some(open) => {
                    let is_mine = opened.as_ref() == Some(&open.id);
                    self.continue_with(ask, open, &items, is_mine).await?
                }
                // What was open before the plan was taken off the shelf has been closed above.
                None if ask.plan.refusal.is_some() => return Err(FlowError::PlanNotAvailable),
                None if !may_begin => return Err(FlowError::UnknownPlan),
                None => {
                    // With the subscription first, the same is asked before it is created.
                    if ask.first == First::SetupIntent {
                        let subscriptions = Subscriptions::of(self.cx);
                        let switched =
                            subscriptions.switched_to(&ask.user, &ask.plan.group, &items, None);
                        if let Some(subscription) = Box::pin(switched).await? {
                            return Ok(Issued::AlreadySubscribed(Box::new(subscription)));
                        }
                    }
                    match self.open_attempt(ask, &items, pointer).await? {
                        Some(attempt) => {
                            opened = Some(attempt.id.clone());
                            self.begin(ask, &attempt, &items).await?
                        }
                        None => Step::Wait,
                    }
                }
            };
            let waits = match step {
                Step::Done(issued) => return Ok(*issued),
                Step::LookAgain => false,
                Step::Wait => true,
                Step::FinishFirst(other) => {
                    let finish = self.finish_from(*other, None).await?;
                    matches!(finish, Finish::Pending { .. }) || patience.is_over()
                }
            };
            if waits && !patience.wait().await {
                return Err(FlowError::Busy);
            }
        }
    }

    /// Goes on with the open checkout of this user, plan and wallet, or makes room for another.
    async fn continue_with(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
        items: &UserItems,
        is_mine: bool,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        let now = self.cx.clock.now();
        let fits = self.still_fits(open, ask);
        if fits && !is_mine && !matches!(open.phase, Phase::Subscribing { .. }) {
            Box::pin(self.check_tax(ask, items)).await?;
            self.check_without_method(ask, &open.customer).await?;
            Box::pin(self.move_customer(ask, &open.customer)).await?;
        }
        match &open.phase {
            _ if fits && open.first != ask.first => self.finish_other(open, ask.first).await,
            _ if fits && open.first == First::Subscription => {
                self.start_subscription(ask, open, items, is_mine).await
            }
            // Another request holds the lease on its SetupIntent.
            Phase::Creating(claim) if claim.lease.until > now => Ok(Step::Wait),
            Phase::Creating(claim) if fits => self.take_over_setup(ask, open, claim).await,
            _ if fits => self.resume(ask, open).await,
            _ => self.replace(open).await,
        }
    }

    /// The checkout that clicks go on with; none if this version cannot read it, and then another one
    /// takes its place. Should it have agreed to be charged, the slot still keeps it apart.
    async fn pointed_at(
        &self,
        user: &UserId,
        items: &UserItems,
        id: &AttemptId,
    ) -> Result<Option<Attempt>, FlowError> {
        match self.named_attempt(user, items, id).await {
            Err(error) if error.is_unreadable() => {
                let error = error.chain();
                tracing::error!(checkout = %id, error, "a checkout cannot be read, and another one takes its place");
                Ok(None)
            }
            named => named,
        }
    }

    /// What is asked for, with the free trial that this user has left. A shopper who was told of
    /// another one has agreed to something else.
    fn with_own_trial(
        &self,
        ask: &IssueCheckout,
        items: &UserItems,
    ) -> Result<IssueCheckout, FlowError> {
        let days = items.trial_days(&ask.plan, self.cx.trials);
        let shown = ask.shown_trial_days.unwrap_or(ask.plan.trial_days);
        if ask.wallet.is_none() && ask.plan.trial_without_payment_method.is_none() {
            return Err(FlowError::TrialNeedsMethod);
        }
        if shown != days || (ask.wallet.is_none() && days == 0) {
            return Err(FlowError::TrialOutdated);
        }
        let mut ask = ask.clone();
        ask.shown_trial_days = Some(days);
        ask.plan.trial_days = days;
        Ok(ask)
    }

    /// The same with the payment method that is charged; or the subscription, if it has not ended.
    async fn with_saved(
        &self,
        ask: &IssueCheckout,
        again: &Again,
        items: &UserItems,
    ) -> Result<ControlFlow<Box<Subscription>, Box<IssueCheckout>>, FlowError> {
        let subscriptions = Subscriptions::of(self.cx);
        let saved = match Box::pin(subscriptions.saved_method(&ask.user, &again.of)).await? {
            Saved::Yes(saved) => saved,
            Saved::No => return Err(FlowError::NothingSaved),
            Saved::Lives(living) => {
                return Ok(ControlFlow::Break(Box::new(
                    living.named_by(&self.cx.plans),
                )));
            }
        };
        if ask.plan.refusal.is_some() {
            return Err(FlowError::PlanNotAvailable);
        }
        self.check_sold(ask, items)?;
        let plan = &ask.plan;
        let items = items_of(&plan.price, ask.quantity, &ask.addons);
        if let Some(shown) = ask.tax {
            let taxed = tax::at_customer(&self.cx.stripe, &saved.customer, &items);
            if Box::pin(taxed).await?.amount != shown.amount {
                return Err(FlowError::Tax(TaxRefusal::Outdated));
            }
        }
        let due = subscriptions.due_first(&saved.customer, &items, (plan.tax, plan.trial_days));
        if Box::pin(due).await? != again.due_now {
            return Err(FlowError::AmountOutdated);
        }
        let mut ask = ask.clone();
        ask.again = Some(Again {
            saved: Some(saved.method),
            ..again.clone()
        });
        Ok(ControlFlow::Continue(Box::new(ask)))
    }

    /// Finishes a checkout that has this group's trial and is still open: one that ended unconfirmed
    /// gives it back, and whoever ended it may have died in between. False if there is none.
    async fn settle_trials(
        &self,
        ask: &IssueCheckout,
        items: &UserItems,
    ) -> Result<bool, FlowError> {
        for id in items.trials(&ask.plan.group) {
            let attempt = self.named_attempt(&ask.user, items, id).await?;
            if let Some(open) = attempt.filter(Attempt::is_open) {
                self.finish_from(open, None).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a new attempt to Stripe.
    async fn begin(
        &self,
        ask: &IssueCheckout,
        attempt: &Attempt,
        items: &UserItems,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        match &attempt.phase {
            Phase::Creating(claim) => {
                let opened = self.create_setup_intent(ask, attempt, claim).await?;
                Ok(Step::Done(Box::new(Issued::Created(opened))))
            }
            _ => self.start_subscription(ask, attempt, items, true).await,
        }
    }

    /// Makes room for another attempt; if the one that is open has succeeded meanwhile, its
    /// subscription is the answer.
    async fn replace(&self, open: &Attempt) -> Result<Step<Box<Issued>>, FlowError> {
        if self.abandon(open, CancellationReason::Duplicate).await? {
            return Ok(Step::LookAgain);
        }
        match self.finish_from(open.clone(), None).await? {
            finish @ Finish::Subscribed { .. } => Ok(Step::Done(Box::new(answer(open, finish)))),
            Finish::Failed { .. } => Ok(Step::LookAgain),
            Finish::Pending { .. } => Err(FlowError::Busy),
        }
    }

    /// Whether an open attempt is still what the shopper asks for.
    fn still_fits(&self, open: &Attempt, ask: &IssueCheckout) -> bool {
        // Once a subscription may have been created, nothing but its end is of interest.
        matches!(open.phase, Phase::Subscribing { .. })
            || (ask.plan.refusal.is_none()
                && open.open_until > self.cx.clock.now()
                && (open.confirm == ConfirmBy::Server) == ask.consent.is_some()
                && open.first == ask.first
                && open.consent == ask.consent_version
                && open.reason != Some(FailureReason::TooManyDeclines)
                && open.price == ask.plan.price
                && open.quantity == ask.quantity
                && open.addons == ask.addons
                && open.discount == ask.discount
                && open.tax == ask.tax
                && open.trial_days == ask.plan.trial_days)
    }

    /// Goes on with an attempt whose SetupIntent exists.
    async fn resume(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        let Some(id) = open.setup_intent() else {
            return Ok(Step::Wait);
        };
        let intent = self.cx.stripe.retrieve_setup_intent(id).await?.value;
        match intent.status {
            SetupIntentStatus::Succeeded => {
                let known = Some(intent.clone());
                match self.finish_from(open.clone(), known).await? {
                    finish @ Finish::Subscribed { .. } => {
                        return Ok(Step::Done(Box::new(answer(open, finish))));
                    }
                    // The attempt has been closed, so the next look finds none.
                    Finish::Failed { .. } => return Ok(Step::LookAgain),
                    Finish::Pending { .. } => {}
                }
            }
            SetupIntentStatus::Canceled => {
                let (ending, reason) = (Ending::Canceled, FailureReason::Canceled);
                self.close(open, ending, reason).await?;
                return Ok(Step::LookAgain);
            }
            // This server cannot confirm twice, since the first consent is spent.
            SetupIntentStatus::RequiresPaymentMethod
                if open.confirm == ConfirmBy::Server
                    && self.abandon(open, CancellationReason::Abandoned).await? =>
            {
                return Ok(Step::LookAgain);
            }
            _ => {}
        }
        let attempt = self.reopen(ask, open).await?;
        let checkout = open_checkout(ask, attempt, intent)?;
        Ok(Step::Done(Box::new(Issued::Resumed(Box::new(checkout)))))
    }

    /// Notes that the shopper of an open attempt is back for another try.
    pub(super) async fn reopen(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
    ) -> Result<Attempt, FlowError> {
        let mut attempt = open.clone();
        if let Some(path) = ask
            .return_to
            .as_ref()
            .filter(|path| Some(*path) != open.return_to.as_ref())
        {
            self.cx.table.change_return(open, path).await?;
            attempt.return_to = Some(path.clone());
        }
        if open.reason.is_some() {
            // This is another try, so why the last one failed no longer counts.
            self.cx.table.forget_reason(open).await?;
            attempt.reason = None;
        }
        Ok(attempt)
    }
}

/// What the page gets to see of an attempt and its SetupIntent.
pub(super) fn open_checkout(
    ask: &IssueCheckout,
    attempt: Attempt,
    intent: SetupIntent,
) -> Result<OpenCheckout, FlowError> {
    if intent.customer_id() != Some(&attempt.customer) {
        return Err(FlowError::ForeignObject("SetupIntent"));
    }
    let redirect_url = match attempt.confirm {
        ConfirmBy::Server => intent.redirect_url().map(ToOwned::to_owned),
        ConfirmBy::Client => None,
    };
    let status = intent.status.as_str().to_owned();
    let lacking = FlowError::AnswerLacks("the client secret of a SetupIntent");
    let return_url = return_url(ask, &attempt);
    let client_secret = intent.client_secret.ok_or(lacking)?;
    Ok(OpenCheckout {
        attempt,
        confirm: ToConfirm::Setup,
        client_secret,
        status,
        redirect_url,
        return_url,
    })
}

/// Where the wallet sends the shopper back to.
pub(super) fn return_url(ask: &IssueCheckout, attempt: &Attempt) -> Url {
    let mut url = ask.confirm_url.clone();
    url.query_pairs_mut()
        .append_pair("checkout", attempt.id.as_str());
    url
}
