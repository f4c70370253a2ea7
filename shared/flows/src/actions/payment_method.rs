//! Another payment method for a subscription, and what is open is paid with it.
//!
//! The shopper confirms a SetupIntent at a wallet, which is all that tells what is meant: its metadata name the
//! subscription. The page that asks, and the worker with Stripe's event, finish it; each step is one that
//! repeats as it is. An invoice is paid once, however often that is asked for.

use perennial_store::Steps;
use perennial_stripe::{
    CancellationReason, CreateSetupIntent, Failure, Invoice, PaymentMethod, ServerConfirm,
    SetUpFor, SetupAttemptStatus, SetupIntent, SetupIntentStatus, StripeError, metadata,
};
use perennial_types::{
    By, IdempotencyKey, InvoiceStatus, PauseReason, PaymentMethodId, SetupIntentId, Subscription,
    SubscriptionStatus, Wallet,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    ActionError, ActionErrorCode, ActionKey, AskedAction, SubscriptionActions, Target, claim::Turn,
};
use crate::{FlowError, ServerConsent, subscriptions::Refreshed};

/// So many `SetupIntents` may be opened for a subscription in an hour: each lets somebody try a card.
const MOST_IN_AN_HOUR: usize = 10;
const HOUR_SECONDS: i64 = 3600;
/// So many declines end a SetupIntent, as they end a checkout.
const MOST_DECLINES: usize = 5;

/// With which wallet, and where the shopper lands.
#[derive(Debug, Clone)]
pub struct OpenMethod {
    /// The wallet.
    pub wallet: Wallet,
    /// The page of the shop that asks whether it is done.
    pub return_url: Url,
    /// The shopper's consent, if the server confirms.
    pub consent: Option<ServerConsent>,
    /// Whether it is refused to a subscription that goes on without another one.
    pub only_if_needed: bool,
}

/// What the shopper confirms.
#[derive(Debug)]
pub struct OpenedMethod {
    /// The SetupIntent.
    pub setup_intent: SetupIntentId,
    /// With what the page confirms it.
    pub client_secret: SecretString,
    /// Stripe's status of it.
    pub status: SetupIntentStatus,
    /// The wallet's page, if the server has confirmed.
    pub redirect_url: Option<String>,
}

/// What came of another payment method.
#[derive(Debug)]
pub struct MethodChanged {
    /// The subscription with it.
    pub subscription: Subscription,
    /// What became of what was open.
    pub paid: Paid,
}

/// What became of the invoices that were open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Paid {
    /// There were none.
    NothingDue,
    /// They are paid.
    #[serde(rename = "paid")]
    All,
    /// One of them is not.
    Declined {
        /// Stripe's code.
        code: Option<String>,
        /// The bank's reason.
        decline_code: Option<String>,
    },
}

/// How far another payment method has come.
#[derive(Debug)]
pub enum MethodProgress {
    /// It is the subscription's.
    Done(Box<MethodChanged>),
    /// The wallet has not answered yet.
    Pending,
    /// The shopper has to confirm it, or to try again, at the same SetupIntent.
    NotConfirmed,
}

impl SubscriptionActions<'_> {
    /// Opens a SetupIntent by which the shopper gives another payment method.
    pub async fn open_method(
        &self,
        asked: &AskedAction,
        open: &OpenMethod,
    ) -> Result<OpenedMethod, ActionError> {
        let of = self.target(asked).await?;
        let seen = self.read(&of).await?;
        let refuse = |why| ActionError::refused(why, &seen.model);
        let may = self.may(asked.by, &seen.model);
        if let Some(reason) = may.replace_payment_method.reason {
            return Err(refuse(reason.into()));
        }
        if open.only_if_needed && !seen.model.needs_payment_method() {
            return Err(refuse(ActionErrorCode::NothingToRepair));
        }
        let plans = &self.cx.plans;
        if seen.model.plans(plans).any(|(_, plan)| {
            !plan.wallets.contains(&open.wallet) || !open.wallet.takes(plan.currency)
        }) {
            return Err(refuse(ActionErrorCode::OtherWallet));
        }
        let now = self.cx.clock.now();
        let since = now.plus_seconds(-HOUR_SECONDS);
        let table = &self.cx.table;
        if !table
            .count_method_setup(of.user, of.id, now, since, MOST_IN_AN_HOUR)
            .await?
        {
            return Err(ActionErrorCode::TooManyTries.into());
        }
        let confirm = open.consent.as_ref().map(|consent| ServerConfirm {
            return_url: open.return_url.as_str(),
            accepted_at: now.unix(),
            ip_address: &consent.ip_address,
            user_agent: &consent.user_agent,
        });
        let request = CreateSetupIntent {
            customer: &of.customer,
            made_for: SetUpFor::Subscription(of.id.as_str()),
            user: of.user.as_str(),
            wallet: open.wallet,
            confirm,
        }
        // Nobody has the client secret of one whose answer was lost, so another one does no harm.
        .freeze(IdempotencyKey::drawn());
        let intent = self.cx.stripe.create_setup_intent(&request).await;
        let intent = match intent {
            Ok(intent) => intent.value,
            Err(error) if error.code() == Some("payment_method_not_available") => {
                return Err(FlowError::WalletNotEnabled.into());
            }
            Err(error) => return Err(error.into()),
        };
        if intent.livemode != self.cx.livemode {
            return Err(FlowError::ForeignObject("SetupIntent").into());
        }
        if !intent.offers(open.wallet) {
            let why = CancellationReason::Abandoned;
            self.cx.stripe.cancel_setup_intent(&intent.id, why).await?;
            return Err(FlowError::WalletNotEnabled.into());
        }
        table
            .record_method_setup(of.user, of.id, &intent.id, now)
            .await?;
        let lacking = FlowError::AnswerLacks("the client secret");
        Ok(OpenedMethod {
            redirect_url: intent.redirect_url().map(str::to_owned),
            status: intent.status.clone(),
            client_secret: intent.client_secret.ok_or(lacking)?,
            setup_intent: intent.id,
        })
    }

    /// Makes the method of a SetupIntent the subscription's, once the shopper has confirmed it, and pays with
    /// it what is open.
    pub async fn finish_method(
        &self,
        asked: &AskedAction,
        setup: &SetupIntentId,
    ) -> Result<MethodProgress, ActionError> {
        let of = self.target(asked).await?;
        let intent = match self.cx.stripe.retrieve_setup_intent(setup).await {
            Ok(intent) => intent.value,
            Err(StripeError::Invalid { .. }) => {
                return Err(ActionErrorCode::UnknownSetupIntent.into());
            }
            Err(error) => return Err(error.into()),
        };
        if !is_for(&intent, &of, self.cx.livemode) {
            return Err(ActionErrorCode::UnknownSetupIntent.into());
        }
        match intent.status {
            SetupIntentStatus::Succeeded => {}
            SetupIntentStatus::Processing => return Ok(MethodProgress::Pending),
            SetupIntentStatus::Canceled => {
                return Err(ActionErrorCode::UnknownSetupIntent.into());
            }
            _ => {
                self.end_declined(&intent).await?;
                return Ok(MethodProgress::NotConfirmed);
            }
        }
        let lacking = FlowError::AnswerLacks("the payment method");
        let method = intent.payment_method_id().cloned().ok_or(lacking)?;
        let asked = AskedAction {
            key: Some(ActionKey {
                id: setup.as_str().to_owned(),
                fingerprint: String::new(),
            }),
            ..asked.clone()
        };
        let held = match self.turn(&of, &asked, Some(Steps::PaymentMethod)).await? {
            Turn::Mine(held) => held,
            Turn::Over(note) => {
                let subscription = self.look(&of).await?;
                let paid = note.and_then(|note| serde_json::from_str(&note).ok());
                let paid = paid.unwrap_or(Paid::NothingDue);
                return Ok(MethodProgress::Done(Box::new(MethodChanged {
                    subscription,
                    paid,
                })));
            }
        };
        let done = Box::pin(self.replace_method(&of, &method)).await;
        let note = done.as_ref().ok().map(|changed| &changed.paid);
        let note = note.map(serde_json::to_string).transpose();
        let note = note.map_err(FlowError::KeptAnswer)?;
        let (outcome, changed) = match done {
            Ok(changed) => (Ok(changed.subscription.clone()), Ok(changed)),
            Err(ActionError::Refused(refusal)) => (
                Err(ActionError::Refused(refusal.clone())),
                Err(ActionError::Refused(refusal)),
            ),
            Err(error) => (Err(FlowError::Busy.into()), Err(error)),
        };
        self.give_back(&of, &asked, held, &outcome, note).await?;
        Ok(MethodProgress::Done(Box::new(changed?)))
    }

    /// Finishes what a SetupIntent is for of which Stripe tells; false if it is for no subscription.
    pub(crate) async fn finish_method_for_event(
        &self,
        setup: &SetupIntentId,
    ) -> Result<bool, ActionError> {
        let Some((user, subscription)) = self.cx.table.find_method_setup(setup).await? else {
            return Ok(false);
        };
        let asked = AskedAction {
            user,
            subscription,
            by: By::Server,
            key: None,
        };
        match self.finish_method(&asked, setup).await {
            Ok(_) | Err(ActionError::Refused(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Ends a SetupIntent with which one method after the other was tried: its client secret is all that is
    /// needed for that, and stolen cards are tested so
    /// (<https://docs.stripe.com/disputes/prevention/card-testing>).
    async fn end_declined(&self, intent: &SetupIntent) -> Result<(), ActionError> {
        if intent.last_setup_error.is_none() {
            return Ok(());
        }
        let stripe = &self.cx.stripe;
        let tries = stripe.list_setup_attempts(&intent.id).await?.value.data;
        let failed = tries
            .iter()
            .filter(|it| it.status == SetupAttemptStatus::Failed);
        if failed.count() < MOST_DECLINES {
            return Ok(());
        }
        let why = CancellationReason::Abandoned;
        match stripe.cancel_setup_intent(&intent.id, why).await {
            // The last try has succeeded, or another caller has canceled it.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn replace_method(
        &self,
        of: &Target<'_>,
        method: &PaymentMethodId,
    ) -> Result<MethodChanged, ActionError> {
        let stripe = &self.cx.stripe;
        let seen = self.read(of).await?;
        let Some(read) = seen
            .read
            .as_ref()
            .filter(|_| !seen.model.status.is_terminal())
        else {
            return Err(ActionError::refused(ActionErrorCode::Ended, &seen.model));
        };
        let before = read.payment_method_id().cloned();
        if before.as_ref() != Some(method) {
            let kinds = read.payment_settings.payment_method_types.as_deref();
            let given = stripe.retrieve_payment_method(method).await?.value;
            // It was taken away meanwhile, so it cannot be charged any more.
            if given.customer_id() != Some(&of.customer) {
                return Err(ActionErrorCode::UnknownSetupIntent.into());
            }
            // Its event, or the sweep, comes late: the shopper has given another one since.
            let newer = |now: &PaymentMethod| now.created > given.created;
            if read.payment_method().is_some_and(newer) {
                return Ok(MethodChanged {
                    subscription: seen.model,
                    paid: Paid::NothingDue,
                });
            }
            let kind = given.kind;
            let added = kinds.filter(|kinds| !kinds.contains(&kind)).map(|_| kind);
            stripe
                .replace_payment_method(of.id, method, added.as_deref())
                .await?;
        }
        let paid = self.pay_what_is_open(of, &seen, method).await?;
        if let Some(before) = before.filter(|before| before != method) {
            self.detach_unused(of, &before).await?;
        }
        let subscription = self.look(of).await?;
        Ok(MethodChanged { subscription, paid })
    }

    /// Pays the oldest invoice first. One that is refused leaves the later ones as they are.
    async fn pay_what_is_open(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
        method: &PaymentMethodId,
    ) -> Result<Paid, ActionError> {
        let stripe = &self.cx.stripe;
        let mut open = stripe
            .list_open_invoices(&of.customer, of.id)
            .await?
            .value
            .data;
        open.reverse();
        if open.is_empty() && seen.model.status == SubscriptionStatus::Unpaid {
            // What an unpaid subscription was billed since waits as drafts; the newest decides.
            let newest = seen.read.as_ref().and_then(|read| read.newest_invoice());
            let draft = newest.filter(|it| it.status == Some(InvoiceStatus::Draft));
            if let Some(draft) = draft {
                open.push(stripe.finalize_invoice(&draft.id).await?.value);
            }
        }
        if open.is_empty() {
            return self.resume_without_debts(of, seen).await;
        }
        for invoice in &open {
            if let Some(declined) = self.pay(invoice, method).await? {
                return Ok(declined);
            }
        }
        Ok(Paid::All)
    }

    /// Pays one; what is answered is why it was not.
    async fn pay(
        &self,
        invoice: &Invoice,
        method: &PaymentMethodId,
    ) -> Result<Option<Paid>, ActionError> {
        let Err(error) = self.cx.stripe.pay_invoice(&invoice.id, method).await else {
            return Ok(None);
        };
        if error.failure() != Failure::Refused {
            return Err(error.into());
        }
        // It may have been paid in this moment, by Stripe's own try.
        let now = self.cx.stripe.retrieve_invoice(&invoice.id).await?.value;
        match now.status {
            Some(InvoiceStatus::Open) => {}
            _ => return Ok(None),
        }
        let decline_code = match &error {
            StripeError::Declined { decline_code, .. } => decline_code.clone(),
            _ => None,
        };
        Ok(Some(Paid::Declined {
            code: error.code().map(str::to_owned),
            decline_code,
        }))
    }

    /// A trial that has ended without a payment method waits for one, and owes nothing yet.
    async fn resume_without_debts(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
    ) -> Result<Paid, ActionError> {
        let pause = seen.model.pause.as_ref();
        let waits = seen.model.status == SubscriptionStatus::Paused
            && pause.is_some_and(|it| it.reason == PauseReason::TrialEndWithoutPaymentMethod);
        if !waits {
            return Ok(Paid::NothingDue);
        }
        match self.cx.stripe.resume_subscription(of.id).await {
            // Stripe keeps the invoice open that was declined, and the next payment method pays it.
            Ok(reply) if reply.value.status == SubscriptionStatus::Paused => Ok(Paid::Declined {
                code: None,
                decline_code: None,
            }),
            Ok(_) => Ok(Paid::All),
            Err(error) if error.failure() == Failure::Refused => {
                let now = self.look(of).await?;
                if now.status != SubscriptionStatus::Paused {
                    return Ok(Paid::All);
                }
                Ok(Paid::Declined {
                    code: error.code().map(str::to_owned),
                    decline_code: None,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a method off the customer that nothing is charged to any more, which ends its mandate.
    async fn detach_unused(
        &self,
        of: &Target<'_>,
        method: &PaymentMethodId,
    ) -> Result<(), ActionError> {
        let stripe = &self.cx.stripe;
        let mut after = None;
        loop {
            let page = stripe
                .list_subscriptions(&of.customer, after.as_ref())
                .await?
                .value;
            let uses = |it: &perennial_stripe::Subscription| {
                // One without a method of its own is charged to the customer's default, which may be this one.
                let charged = it.payment_method_id().is_none_or(|used| used == method);
                charged && !it.status.is_terminal()
            };
            if page.data.iter().any(uses) {
                return Ok(());
            }
            after = page.data.last().map(|listed| listed.id.clone());
            if !page.has_more || after.is_none() {
                break;
            }
        }
        match stripe.detach_payment_method(method).await {
            // It is off already.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a SetupIntent was made for this subscription.
fn is_for(intent: &SetupIntent, of: &Target<'_>, livemode: bool) -> bool {
    let named = intent.metadata.get(metadata::SUBSCRIPTION);
    intent.livemode == livemode
        && intent.customer_id() == Some(&of.customer)
        && named.is_some_and(|named| named == of.id.as_str())
}
