//! The story of a saved method: how it was set up, what came of it, what to do.

use perennial_stripe::{Charge, ChargeStatus, MIGRATION, PaymentIntent, SetupRecord, metadata};
use perennial_types::{CustomerId, PaymentIntentId, PaymentMethodId, Timestamp, UserId};
use serde::Serialize;

use super::{
    FirstStatus, FirstTransaction, NextStep, PaymentError, ShopAction, TransactionBy,
    first_transaction::{first_of, of_payment, of_setup},
    report::wallet_of,
};
use crate::Flows;

/// The story of a saved method.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// Which one.
    pub payment_method: PaymentMethodId,
    /// Stripe's name for its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The wallet that it came from.
    pub wallet: Option<String>,
    /// How it was set up.
    pub set_up: SetUp,
    /// Its first, customer-initiated transaction.
    pub first_transaction: FirstTransaction,
    /// The charges that have failed since, newest first.
    pub failures_since: Vec<FailedCharge>,
    /// When it was last charged with success.
    pub last_success: Option<Timestamp>,
    /// Whether a charge off-session would be tried.
    pub can_be_charged: bool,
    /// What is not known.
    pub token_kind: TokenKind,
    /// What to do.
    pub next: NextStep,
}

/// How a method was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetUp {
    /// In one word.
    pub by: SetUpBy,
    /// The id of the SetupIntent or payment.
    pub id: Option<String>,
    /// When that was created.
    pub at: Option<Timestamp>,
}

/// How a method was set up, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetUpBy {
    /// By a SetupIntent.
    SetupIntent,
    /// By a token of old, through a SetupIntent.
    MigratedToken,
    /// By a payment that saved it.
    Payment,
    /// It was only attached to the customer, or its SetupIntent was never confirmed.
    AttachedOnly,
}

/// A charge that has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCharge {
    /// Of which payment.
    pub payment: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How much, in the currency's smallest unit.
    pub amount: u64,
    /// The currency's code, in lower case.
    pub currency: String,
    /// Stripe's code.
    pub code: Option<String>,
    /// The bank's reason.
    pub decline_code: Option<String>,
    #[serde(skip)]
    advice: Option<String>,
}

/// Whether the method is a merchant's token or a device's, which is not guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TokenKind {
    /// Always.
    known: bool,
    /// Where to look.
    message: &'static str,
}

const TOKEN_KIND: TokenKind = TokenKind {
    known: false,
    message: "Stripe's API does not reveal whether Apple gave a merchant token (MPAN) or one of the device (DPAN); only Stripe Sigma does, in charges.card_token_type.",
};

/// Everything that Stripe knows of a method's past.
struct Past {
    setups: Vec<SetupRecord>,
    payments: Vec<PaymentIntent>,
    charges: Vec<Charge>,
}

impl Flows {
    /// Reads all that Stripe knows of a saved method of this user.
    pub async fn diagnose(
        &self,
        user: &UserId,
        method: &PaymentMethodId,
    ) -> Result<Diagnosis, PaymentError> {
        let flows = self.within_budget();
        let (customer, found) = flows.method_of(user, method).await?;
        let past = flows.past(&customer, method).await?;
        let first = first_of(
            past.setups
                .iter()
                .filter_map(|record| of_setup(record, method))
                .chain(
                    past.payments
                        .iter()
                        .filter_map(|payment| of_payment(payment, method)),
                )
                .collect(),
        );
        let failures = past.failures(&first);
        let last_success = past.last_success();
        Ok(Diagnosis {
            payment_method: method.clone(),
            wallet: wallet_of(&found).map(str::to_owned),
            kind: found.kind,
            set_up: past.set_up(&first),
            can_be_charged: first.status == FirstStatus::Succeeded,
            next: next(&first, &failures, last_success),
            first_transaction: first,
            failures_since: failures,
            last_success,
            token_kind: TOKEN_KIND,
        })
    }

    async fn past(
        &self,
        customer: &CustomerId,
        method: &PaymentMethodId,
    ) -> Result<Past, PaymentError> {
        let mut past = Past {
            setups: Vec::new(),
            payments: Vec::new(),
            charges: Vec::new(),
        };
        let mut after = None;
        loop {
            let page = self.stripe.list_setup_intents(customer, after.as_ref());
            let page = page.await?.value;
            after = page.data.last().map(|record| record.id.clone());
            let of_method = |record: &SetupRecord| record.payment_method_id() == Some(method);
            past.setups.extend(page.data.into_iter().filter(of_method));
            if !page.has_more || after.is_none() {
                break;
            }
        }
        let mut after = None;
        loop {
            let page = self.stripe.list_payments(customer, after.as_ref());
            let page = page.await?.value;
            after = page.data.last().map(|payment| payment.id.clone());
            let of_method = |payment: &PaymentIntent| of_payment(payment, method).is_some();
            past.payments
                .extend(page.data.into_iter().filter(of_method));
            if !page.has_more || after.is_none() {
                break;
            }
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.stripe.list_charges(customer, after.as_deref());
            let page = page.await?.value;
            after = page.data.last().map(|charge| charge.id.clone());
            let of_method = |charge: &Charge| charge.payment_method.as_ref() == Some(method);
            past.charges.extend(page.data.into_iter().filter(of_method));
            if !page.has_more || after.is_none() {
                return Ok(past);
            }
        }
    }
}

impl Past {
    fn set_up(&self, first: &FirstTransaction) -> SetUp {
        let id = first.id.as_deref();
        let setup = self
            .setups
            .iter()
            .find(|record| Some(record.id.as_str()) == id);
        let payment = self
            .payments
            .iter()
            .find(|payment| Some(payment.id.as_str()) == id);
        let (by, created) = match (first.by, setup, payment) {
            (Some(TransactionBy::SetupIntent), Some(setup), _) => {
                let kind = setup.metadata.get(metadata::KIND);
                let migrated = kind.is_some_and(|kind| kind == MIGRATION);
                let by = if migrated {
                    SetUpBy::MigratedToken
                } else {
                    SetUpBy::SetupIntent
                };
                (by, setup.created)
            }
            (Some(TransactionBy::Payment), _, Some(payment)) => (SetUpBy::Payment, payment.created),
            _ => {
                return SetUp {
                    by: SetUpBy::AttachedOnly,
                    id: None,
                    at: None,
                };
            }
        };
        SetUp {
            by,
            id: first.id.clone(),
            at: Some(Timestamp::from_unix(created)),
        }
    }

    /// The charges that failed after the first transaction, which may be one of them itself.
    fn failures(&self, first: &FirstTransaction) -> Vec<FailedCharge> {
        let is_first = |charge: &Charge| {
            let payment = charge.payment_intent.as_ref().map(PaymentIntentId::as_str);
            payment.is_some()
                && payment == first.id.as_deref()
                && first.at == Some(Timestamp::from_unix(charge.created))
        };
        let since = first.at.map_or(i64::MIN, Timestamp::unix);
        self.charges
            .iter()
            .filter(|charge| charge.status == ChargeStatus::Failed && charge.created >= since)
            .filter(|charge| !is_first(charge))
            .map(|charge| FailedCharge {
                payment: charge
                    .payment_intent
                    .as_ref()
                    .map(|id| id.as_str().to_owned()),
                at: Timestamp::from_unix(charge.created),
                amount: charge.amount,
                currency: charge.currency.clone(),
                code: charge.failure_code.clone(),
                decline_code: charge.outcome.as_ref().and_then(|it| it.reason.clone()),
                advice: charge
                    .outcome
                    .as_ref()
                    .and_then(|it| it.advice_code.clone()),
            })
            .collect()
    }

    fn last_success(&self) -> Option<Timestamp> {
        let succeeded = self
            .charges
            .iter()
            .filter(|charge| charge.status == ChargeStatus::Succeeded);
        succeeded
            .map(|charge| Timestamp::from_unix(charge.created))
            .max()
    }
}

/// What to do, by the first transaction and then by the newest failure, unless it was charged with
/// success since.
fn next(
    first: &FirstTransaction,
    failures: &[FailedCharge],
    last_success: Option<Timestamp>,
) -> NextStep {
    match first.status {
        FirstStatus::Succeeded => {}
        FirstStatus::Failed | FirstStatus::Pending | FirstStatus::None => {
            return NextStep::of(ShopAction::AskShopper);
        }
    }
    let newest = failures.iter().max_by_key(|failure| failure.at);
    match newest.filter(|failure| last_success.is_none_or(|at| at <= failure.at)) {
        Some(failure) => NextStep::after(
            failure.code.as_deref(),
            failure.decline_code.as_deref(),
            failure.advice.as_deref(),
        ),
        None => NextStep::of(ShopAction::Nothing),
    }
}
