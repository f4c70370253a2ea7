//! From a click to a client secret.

use perennial_store::{SubscriptionItem, UserItems};
use perennial_stripe::{CancellationReason, SetupIntent, SetupIntentStatus};
use perennial_types::{
    Attempt, AttemptId, AttemptState, ConfirmBy, FailureReason, First, Plan, PlanName, ReturnPath,
    Subscription, UserId, Wallet,
};
use secrecy::SecretString;
use url::Url;

use crate::{
    Finish, FlowError, Flows,
    start_subscription::{Next, answer},
};

/// What a shopper asks for.
#[derive(Debug, Clone)]
pub struct IssueCheckout {
    /// Who, by the verified token.
    pub user: UserId,
    /// The plan's name.
    pub name: PlanName,
    /// The plan.
    pub plan: Plan,
    /// How many free days the page has told the shopper of; none if it did not say, which stands for
    /// those of the plan.
    pub shown_trial_days: Option<u32>,
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
    /// A subscription that was to come first is not there, or not yet; or it was, and has ended since.
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
        Box::pin(self.issue(ask)).await
    }

    async fn issue(&self, ask: &IssueCheckout) -> Result<Issued, FlowError> {
        let patience = self.patience();
        let mut opened = None;
        loop {
            let items = self.load_user(&ask.user).await?;
            let live = self.live_subscription(&items, &ask.plan.group);
            if let Some(subscription) = live.and_then(SubscriptionItem::standing) {
                let subscription = subscription.clone().named_by(&self.plans);
                return Ok(Issued::AlreadySubscribed(Box::new(subscription)));
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
            let pointer = items.open(&ask.name, ask.wallet);
            let named = match pointer {
                Some(id) => self.pointed_at(&ask.user, &items, id).await?,
                None => None,
            };
            match named.as_ref().filter(|it| it.state.is_open()) {
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
                    if let Some(opened) = self.take_over_setup(ask, open).await? {
                        return Ok(Issued::Created(opened));
                    }
                }
                // Whoever creates its SetupIntent is still at it.
                Some(open)
                    if open.first == First::SetupIntent
                        && open.setup_intent.is_none()
                        && open.setup_lease > self.clock.now() => {}
                Some(open) => {
                    if let Some(issued) = self.replace(open).await? {
                        return Ok(issued);
                    }
                    continue;
                }
                // What was open before the plan was taken off the shelf has been closed above.
                None if ask.plan.refusal.is_some() => return Err(FlowError::PlanNotAvailable),
                None => {
                    // With the subscription first, the same is asked before it is created.
                    if ask.first == First::SetupIntent
                        && let Some(subscription) =
                            Box::pin(self.switched_to(&ask.user, &ask.plan.group, &items, None))
                                .await?
                    {
                        return Ok(Issued::AlreadySubscribed(Box::new(subscription)));
                    }
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
        let days = items.trial_days(&ask.plan, self.trials);
        let shown = ask.shown_trial_days.unwrap_or(ask.plan.trial_days);
        if shown != days {
            return Err(FlowError::TrialOutdated);
        }
        let mut ask = ask.clone();
        ask.shown_trial_days = Some(days);
        ask.plan.trial_days = days;
        Ok(ask)
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
            if attempt.is_some_and(|attempt| attempt.state.is_open()) {
                self.finish(&ask.user, id, None).await?;
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
    ) -> Result<Next, FlowError> {
        match attempt.first {
            First::SetupIntent => {
                let opened = self.create_setup_intent(ask, attempt).await?;
                Ok(Next::Answer(Box::new(Issued::Created(opened))))
            }
            First::Subscription => self.start_subscription(ask, attempt, items, true).await,
        }
    }

    /// Makes room for another attempt; if the one that is open has succeeded meanwhile, its
    /// subscription is the answer.
    async fn replace(&self, open: &Attempt) -> Result<Option<Issued>, FlowError> {
        if self.abandon(open, CancellationReason::Duplicate).await? {
            return Ok(None);
        }
        match self.finish(&open.user, &open.id, None).await? {
            finish @ Finish::Subscribed { .. } => Ok(Some(answer(open, finish))),
            Finish::Failed { .. } => Ok(None),
            Finish::Pending { .. } => Err(FlowError::Busy),
        }
    }

    /// Whether an open attempt is still what the shopper asks for.
    fn still_fits(&self, open: &Attempt, ask: &IssueCheckout) -> bool {
        // Once a subscription may have been created, nothing but its end is of interest.
        open.state == AttemptState::Subscribing
            || (ask.plan.refusal.is_none()
                && open.open_until > self.clock.now()
                && (open.confirm == ConfirmBy::Server) == ask.consent.is_some()
                && open.first == ask.first
                && open.consent.as_deref() == Some(ask.consent_version.as_str())
                && open.reason != Some(FailureReason::TooManyDeclines)
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
                finish @ Finish::Subscribed { .. } => {
                    return Ok(Resume::Answer(Box::new(answer(open, finish))));
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
