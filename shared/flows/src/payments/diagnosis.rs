//! The story of a saved method: how it was set up, what came of it, what to do.

use perennial_stripe::{Charge, ChargeStatus, MIGRATION, PaymentIntent, SetupRecord, metadata};
use perennial_types::{
    CustomerId, PaymentIntentId, PaymentMethodId, SetupIntentId, Timestamp, UserId,
};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    FirstStatus, FirstTransaction, NextStep, PaymentError, Payments, Refused, ShopAction,
    TransactionBy,
    first_transaction::{first_of, of_payment, of_setup},
    history,
    report::wallet_of,
};

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
    /// What has failed since, newest first, whether or not it came to a charge.
    pub failures_since: Vec<FailedCharge>,
    /// When it was last charged with success.
    pub last_success: Option<Timestamp>,
    /// Whether a charge off-session would be tried.
    pub can_be_charged: bool,
    /// What is not known.
    pub token_kind: TokenKind,
    /// What to do.
    pub next: NextStep,
    /// Whether all of the customer's history at Stripe was read.
    pub complete: bool,
    /// If not, what happened before this was not read, or not all of it.
    pub read_until: Option<Timestamp>,
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
    /// What was read of a long history does not tell.
    Unknown,
}

/// A charge that has failed, or a payment that failed before it came to one.
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

/// What Stripe knows of a method's past, as far as there was time to read it.
struct Past {
    setups: Vec<SetupRecord>,
    payments: Vec<PaymentIntent>,
    charges: Vec<Charge>,
    /// What is older was not read, or not all of it.
    until: Option<Timestamp>,
}

impl Payments<'_> {
    /// Reads what Stripe knows of a saved method of this user, newest first.
    pub async fn diagnose(
        &self,
        user: &UserId,
        method: &PaymentMethodId,
    ) -> Result<Diagnosis, PaymentError> {
        let (customer, found) = self.method_of(user, method).await?;
        let past = self.past(&customer, method).await?;
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
            past.until.is_none(),
        );
        let failures = past.failures(&first, method);
        let last_success = past.last_success();
        Ok(Diagnosis {
            payment_method: method.clone(),
            wallet: wallet_of(&found).map(str::to_owned),
            kind: found.kind,
            set_up: past.set_up(&first),
            can_be_charged: matches!(first.status, FirstStatus::Succeeded | FirstStatus::Unknown),
            next: next(&first, &failures, last_success),
            first_transaction: first,
            failures_since: failures,
            last_success,
            token_kind: TOKEN_KIND,
            complete: past.until.is_none(),
            read_until: past.until,
        })
    }

    async fn past(
        &self,
        customer: &CustomerId,
        method: &PaymentMethodId,
    ) -> Result<Past, PaymentError> {
        let started = Instant::now();
        let setups = history::read(
            started,
            |after: Option<SetupIntentId>| async move {
                self.cx
                    .stripe
                    .list_setup_intents(customer, after.as_ref())
                    .await
            },
            |record| (record.id.clone(), record.created),
            |record| (record.payment_method_id() == Some(method)).then_some(record),
            |_| false,
        );
        let payments = history::read(
            started,
            |after: Option<PaymentIntentId>| async move {
                self.cx.stripe.list_payments(customer, after.as_ref()).await
            },
            |payment| (payment.id.clone(), payment.created),
            |payment| of_payment(&payment, method).is_some().then_some(payment),
            |_| false,
        );
        let charges = history::read(
            started,
            |after: Option<String>| async move {
                self.cx
                    .stripe
                    .list_charges(customer, after.as_deref())
                    .await
            },
            |charge| (charge.id.clone(), charge.created),
            |charge| (charge.payment_method.as_ref() == Some(method)).then_some(charge),
            |_| false,
        );
        let (setups, payments, charges) = tokio::try_join!(setups, payments, charges)?;
        Ok(Past {
            // Of the three, the one that was read least far.
            until: setups.until.max(payments.until).max(charges.until),
            setups: setups.found,
            payments: payments.found,
            charges: charges.found,
        })
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
                    by: if self.until.is_none() {
                        SetUpBy::AttachedOnly
                    } else {
                        SetUpBy::Unknown
                    },
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

    /// What failed after the first transaction, newest first: charges, and payments that came to no charge,
    /// since the bank asked for the shopper. The first transaction may be one of them itself.
    fn failures(&self, first: &FirstTransaction, method: &PaymentMethodId) -> Vec<FailedCharge> {
        let mut failures = self.failed_charges(first);
        failures.extend(self.failed_without_charge(first, method));
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.at));
        failures
    }

    /// The time of such a failure is that of its payment's creation, for want of another.
    fn failed_without_charge(
        &self,
        first: &FirstTransaction,
        method: &PaymentMethodId,
    ) -> Vec<FailedCharge> {
        let since = first.at.map_or(i64::MIN, Timestamp::unix);
        let without = |payment: &&PaymentIntent| {
            payment.created >= since && first.id.as_deref() != Some(payment.id.as_str())
        };
        let payments = self.payments.iter().filter(without);
        payments
            .filter_map(|payment| {
                let error = payment.last_payment_error.as_ref()?;
                let is_it = error.payment_method.as_ref() == Some(method) && error.charge.is_none();
                is_it.then(|| FailedCharge {
                    payment: Some(payment.id.as_str().to_owned()),
                    at: Timestamp::from_unix(payment.created),
                    amount: payment.amount,
                    currency: payment.currency.clone(),
                    code: error.code.clone(),
                    decline_code: error.decline_code.clone(),
                    advice: error.advice_code.clone(),
                })
            })
            .collect()
    }

    fn failed_charges(&self, first: &FirstTransaction) -> Vec<FailedCharge> {
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
        FirstStatus::Succeeded | FirstStatus::Unknown => {}
        FirstStatus::Failed | FirstStatus::Pending | FirstStatus::None => {
            return NextStep::of(ShopAction::AskShopper, Refused::Charge(first.payment()));
        }
    }
    let newest = failures.iter().max_by_key(|failure| failure.at);
    match newest.filter(|failure| last_success.is_none_or(|at| at <= failure.at)) {
        Some(failure) => NextStep::after(
            Refused::Charge(failure.payment.as_ref().and_then(|id| id.parse().ok())),
            failure.code.as_deref(),
            failure.decline_code.as_deref(),
            failure.advice.as_deref(),
        ),
        None => NextStep::of(ShopAction::Nothing, Refused::Charge(None)),
    }
}
