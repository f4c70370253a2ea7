//! From a click to a client secret.

use perennial_store::{SubscriptionItem, UserItems};
use perennial_stripe::{CancellationReason, SetupIntent, SetupIntentStatus};
use perennial_types::{
    Attempt, AttemptId, AttemptState, ConfirmBy, FailureReason, First, Plan, PlanGroup, PlanName,
    ReturnPath, Subscription, UserId, Wallet,
};
use secrecy::SecretString;
use url::Url;

use crate::{Finish, FlowError, Flows, Patience, start_subscription::Next};

/// What a shopper asks for.
#[derive(Debug, Clone)]
pub struct IssueCheckout {
    /// Who, by the verified token.
    pub user: UserId,
    /// The plan's name.
    pub name: PlanName,
    /// The plan.
    pub plan: Plan,
    /// How they will pay.
    pub wallet: Wallet,
    /// What comes first.
    pub first: First,
    /// The version of the text that they agreed to.
    pub consent_version: String,
    /// Set when this server confirms; otherwise the page does.
    pub consent: Option<ServerConsent>,
    /// Where in the shop they land afterwards.
    pub return_to: Option<ReturnPath>,
    /// Where the wallet sends them back to; the checkout's id is added to it.
    pub confirm_url: Url,
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
    /// There is nothing to pay for.
    AlreadySubscribed(Box<Subscription>),
    /// A subscription that was to come first is not there, or not yet.
    Undecided {
        /// The attempt.
        checkout: AttemptId,
        /// Why.
        finish: Finish,
    },
}

enum Resume {
    Answer(Box<Issued>),
    /// The attempt that was open is no longer of use.
    StartAnew,
}

impl Flows {
    /// Opens a checkout, or goes on with the one that is open for the same user, plan and wallet.
    pub async fn issue_checkout(&self, ask: &IssueCheckout) -> Result<Issued, FlowError> {
        // Boxed, because it holds both ways to begin.
        Box::pin(self.within_budget().issue(ask)).await
    }

    async fn issue(&self, ask: &IssueCheckout) -> Result<Issued, FlowError> {
        let patience = Patience::new();
        let mut opened = None;
        loop {
            let items = self.table.load_user(&ask.user).await?;
            if let Some(subscription) = self.live_subscription(&items, &ask.plan) {
                return Ok(Issued::AlreadySubscribed(Box::new(subscription.clone())));
            }
            let pointer = items.open(&ask.name, ask.wallet);
            let open = pointer
                .and_then(|id| items.attempt(id))
                .filter(|it| it.state.is_open());
            match open {
                Some(open)
                    if self.still_fits(open, ask)
                        && (open.first, ask.first) != (First::SetupIntent, First::SetupIntent) =>
                {
                    let next = if open.first == ask.first {
                        let mine = opened.as_ref() == Some(&open.id);
                        self.start_subscription(ask, open, &items, mine).await?
                    } else {
                        self.finish_other(open, ask.first).await?
                    };
                    match next {
                        Next::Answer(issued) => return Ok(*issued),
                        Next::LookAgain => continue,
                        Next::Wait => {}
                    }
                }
                Some(open) if self.still_fits(open, ask) => {
                    if let Some(id) = &open.setup_intent {
                        let intent = self.stripe.retrieve_setup_intent(id).await?.value;
                        match self.resume(ask, open, intent).await? {
                            Resume::Answer(issued) => return Ok(*issued),
                            // The attempt has been closed, so the next look finds none.
                            Resume::StartAnew => continue,
                        }
                    }
                    if open.setup_lease > self.clock.now() {
                        if patience.wait().await {
                            continue;
                        }
                        return Err(FlowError::Busy);
                    }
                    let lease = self.lease();
                    if self.table.take_over_setup(open, lease).await? {
                        let mine = Attempt {
                            setup_lease: lease,
                            ..open.clone()
                        };
                        let opened = self.create_setup_intent(ask, &mine).await?;
                        return Ok(Issued::Created(opened));
                    }
                }
                // Whoever creates its SetupIntent is still at it.
                Some(open)
                    if open.setup_intent.is_none() && open.setup_lease > self.clock.now() => {}
                Some(open) => {
                    if let Some(subscription) = self.replace(open).await? {
                        return Ok(Issued::AlreadySubscribed(subscription));
                    }
                    continue;
                }
                None => {
                    if let Some(attempt) = self.open_attempt(ask, &items, pointer).await? {
                        opened = Some(attempt.id.clone());
                        match self.begin(ask, &attempt, &items).await? {
                            Next::Answer(issued) => return Ok(*issued),
                            Next::LookAgain => continue,
                            Next::Wait => {}
                        }
                    }
                }
            }
            if !patience.wait().await {
                return Err(FlowError::Busy);
            }
        }
    }

    /// Takes a new attempt to Stripe.
    async fn begin(
        &self,
        ask: &IssueCheckout,
        attempt: &Attempt,
        items: &UserItems,
    ) -> Result<Next, FlowError> {
        match attempt.first {
            First::SetupIntent => {
                let opened = self.create_setup_intent(ask, attempt).await?;
                Ok(Next::Answer(Box::new(Issued::Created(opened))))
            }
            First::Subscription => self.start_subscription(ask, attempt, items, true).await,
        }
    }

    /// The live subscription that keeps this plan from being sold again: one of its group, or the
    /// one that holds the group's slot, whose plan may no longer be sold.
    fn live_subscription<'a>(&self, items: &'a UserItems, plan: &Plan) -> Option<&'a Subscription> {
        let holder = items
            .slot(&plan.group)
            .and_then(|slot| slot.subscription.as_ref());
        let mut standing = items
            .subscriptions
            .iter()
            .filter_map(SubscriptionItem::standing);
        standing.find(|subscription| {
            Some(&subscription.id) == holder || self.is_of_group(subscription, &plan.group)
        })
    }

    pub(crate) fn is_of_group(&self, subscription: &Subscription, group: &PlanGroup) -> bool {
        let plan = subscription
            .plan
            .as_ref()
            .and_then(|name| self.plans.get(name.as_str()));
        plan.is_some_and(|(_, plan)| plan.group == *group)
    }

    /// Makes room for another attempt; if the one that is open has succeeded meanwhile, its
    /// subscription is the answer.
    async fn replace(&self, open: &Attempt) -> Result<Option<Box<Subscription>>, FlowError> {
        if self.abandon(open, CancellationReason::Duplicate).await? {
            return Ok(None);
        }
        match self.finish(&open.user, &open.id, None).await? {
            Finish::Subscribed { subscription, .. } => Ok(Some(subscription)),
            Finish::Failed { .. } => Ok(None),
            Finish::Pending { .. } => Err(FlowError::Busy),
        }
    }

    /// Whether an open attempt is still what the shopper asks for.
    fn still_fits(&self, open: &Attempt, ask: &IssueCheckout) -> bool {
        // Once a subscription may have been created, nothing but its end is of interest.
        open.state == AttemptState::Subscribing
            || (open.open_until > self.clock.now()
                && (open.confirm == ConfirmBy::Server) == ask.consent.is_some()
                && open.first == ask.first
                && open.consent.as_deref() == Some(ask.consent_version.as_str())
                && open.price == ask.plan.price
                && open.trial_days == ask.plan.trial_days)
    }

    async fn resume(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
        intent: SetupIntent,
    ) -> Result<Resume, FlowError> {
        match intent.status {
            SetupIntentStatus::Succeeded => match self
                .finish(&ask.user, &open.id, Some(intent.clone()))
                .await?
            {
                Finish::Subscribed { subscription, .. } => {
                    return Ok(Resume::Answer(Box::new(Issued::AlreadySubscribed(
                        subscription,
                    ))));
                }
                Finish::Failed { .. } => return Ok(Resume::StartAnew),
                Finish::Pending { .. } => {}
            },
            SetupIntentStatus::Canceled => {
                let (state, reason) = (AttemptState::Canceled, FailureReason::Canceled);
                self.close(open, state, reason).await?;
                return Ok(Resume::StartAnew);
            }
            // This server cannot confirm twice, since the first consent is spent.
            SetupIntentStatus::RequiresPaymentMethod
                if open.confirm == ConfirmBy::Server
                    && self.abandon(open, CancellationReason::Abandoned).await? =>
            {
                return Ok(Resume::StartAnew);
            }
            _ => {}
        }
        let attempt = self.come_back(ask, open).await?;
        let checkout = open_checkout(ask, attempt, intent)?;
        Ok(Resume::Answer(Box::new(Issued::Resumed(Box::new(
            checkout,
        )))))
    }

    /// Notes that the shopper of an open attempt is back for another try.
    pub(crate) async fn come_back(
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
            self.table.change_return(open, path).await?;
            attempt.return_to = Some(path.clone());
        }
        if open.reason.is_some() {
            // This is another try, so why the last one failed no longer counts.
            self.table.forget_reason(open).await?;
            attempt.reason = None;
        }
        Ok(attempt)
    }
}

/// What the page gets to see of an attempt and its SetupIntent.
pub(crate) fn open_checkout(
    ask: &IssueCheckout,
    attempt: Attempt,
    intent: SetupIntent,
) -> Result<OpenCheckout, FlowError> {
    if intent.customer_id() != Some(&attempt.customer) {
        return Err(FlowError::Mismatch {
            what: "SetupIntent's customer",
        });
    }
    let redirect_url = match attempt.confirm {
        ConfirmBy::Server => intent.redirect_url().map(ToOwned::to_owned),
        ConfirmBy::Client => None,
    };
    let status = intent.status.as_str().to_owned();
    let missing = FlowError::Mismatch {
        what: "SetupIntent's client secret",
    };
    let return_url = return_url(ask, &attempt);
    let client_secret = intent.client_secret.ok_or(missing)?;
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
pub(crate) fn return_url(ask: &IssueCheckout, attempt: &Attempt) -> Url {
    let mut url = ask.confirm_url.clone();
    url.query_pairs_mut()
        .append_pair("checkout", attempt.id.as_str());
    url
}
