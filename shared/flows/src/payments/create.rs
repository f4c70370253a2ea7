//! New payments: one that the shopper agrees to in the page, and a charge while they are away.

use perennial_store::{NewPayment, PaymentRequest, RequestKind, RequestState};
use perennial_stripe::{
    Capture, ChargeSaved, CreatePayment, CredentialUsage, IdempotencyKey, Metadata, PaymentFor,
    PaymentMethod, metadata,
};
use perennial_types::{CustomerId, Money, PaymentMethodId, Timestamp, UserId, Wallet};

use super::{
    Earlier, FirstStatus, PaymentError, PaymentErrorCode, Payments, Refusal, RequestKey,
    carry_out::is_missing, claim::NewRequest, report::wallet_of,
};
use crate::{Customers, FlowError, listed};

/// A payment that the shopper agrees to in the page.
#[derive(Debug, Clone)]
pub struct StartPayment {
    /// Whose.
    pub user: UserId,
    /// How much.
    pub money: Money,
    /// With which wallet.
    pub wallet: Wallet,
    /// Whether paying saves the method for charges while the shopper is away.
    pub save: bool,
    /// What it is saved for.
    pub usage: Option<CredentialUsage>,
    /// When the money is taken.
    pub capture: Capture,
    /// What the shop calls it.
    pub description: Option<String>,
    /// What it has to do with earlier payments.
    pub earlier: Earlier,
    /// Whether Apple's sheet can show it; a payment that was started already need not any more.
    pub can_be_shown: bool,
}

/// A charge of a saved method.
#[derive(Debug, Clone)]
pub struct ChargeMethod {
    /// Whose.
    pub user: UserId,
    /// How much.
    pub money: Money,
    /// What is charged.
    pub method: PaymentMethodId,
    /// Whether the shopper is away.
    pub off_session: bool,
    /// As what it is charged.
    pub usage: Option<CredentialUsage>,
    /// When the money is taken.
    pub capture: Capture,
    /// What the shop calls it.
    pub description: Option<String>,
    /// What it has to do with earlier payments.
    pub earlier: Earlier,
}

impl Payments<'_> {
    pub(super) async fn prepare_start(
        &self,
        asked: &RequestKey,
        start: &StartPayment,
    ) -> Result<NewRequest, PaymentError> {
        if !start.can_be_shown {
            return Err(PaymentErrorCode::AppleRequestImpossible.into());
        }
        let seen = self.cx.table.customer_item(&start.user).await?;
        let replaces = match (&seen, &start.earlier) {
            // A user without a customer has no payment yet.
            (None, Earlier::Unsaid) => None,
            (_, earlier) => {
                self.check_earlier(&start.user, start.money, earlier)
                    .await?
            }
        };
        let customer = Customers::of(self.cx)
            .known_or_created(&start.user, seen, None)
            .await?;
        let frozen = CreatePayment {
            payment: PaymentFor {
                customer: &customer,
                user: start.user.as_str(),
                money: start.money,
                capture: start.capture,
                description: start.description.as_deref(),
                request: &asked.key,
            },
            wallet: start.wallet.as_str(),
            save: start.save,
            usage: start.usage,
        }
        .freeze(key("pay", asked)?);
        Ok(NewRequest {
            kind: RequestKind::Payment(NewPayment {
                user: start.user.clone(),
                customer,
                replaces,
            }),
            frozen: Some(frozen),
        })
    }

    pub(super) async fn prepare_charge(
        &self,
        asked: &RequestKey,
        charge: &ChargeMethod,
    ) -> Result<NewRequest, PaymentError> {
        let (customer, method) = self.method_of(&charge.user, &charge.method).await?;
        if !charge.off_session {
            return Err(match method.wallet() {
                Some(wallet) if wallet.row().never_on_session => {
                    PaymentErrorCode::SavedWalletOnSession.into()
                }
                _ => PaymentErrorCode::OffSessionRequired.into(),
            });
        }
        let mut wallets = Wallet::of_type(&method.kind).peekable();
        if wallets
            .peek()
            .is_none_or(|wallet| !wallet.row().off_session)
        {
            return Err(PaymentErrorCode::MethodNotSupported.into());
        }
        if charge.usage.is_some() && method.kind != "card" {
            return Err(PaymentErrorCode::UsageNotSupported.into());
        }
        if !wallets.any(|wallet| wallet.takes(charge.money.currency)) {
            return Err(PaymentErrorCode::CurrencyNotSupported.into());
        }
        let replaces = self
            .check_earlier(&charge.user, charge.money, &charge.earlier)
            .await?;
        self.check_first_transaction(&customer, &charge.method)
            .await?;
        let frozen = ChargeSaved {
            payment: PaymentFor {
                customer: &customer,
                user: charge.user.as_str(),
                money: charge.money,
                capture: charge.capture,
                description: charge.description.as_deref(),
                request: &asked.key,
            },
            method: &charge.method,
            kind: &method.kind,
            wallet: wallet_of(&method),
            usage: charge.usage,
        }
        .freeze(key("pay", asked)?);
        Ok(NewRequest {
            kind: RequestKind::OffSessionCharge(NewPayment {
                user: charge.user.clone(),
                customer,
                replaces,
            }),
            frozen: Some(frozen),
        })
    }

    /// A method of this user's customer. The same words whether there is none or it is somebody
    /// else's.
    pub(super) async fn method_of(
        &self,
        user: &UserId,
        id: &PaymentMethodId,
    ) -> Result<(CustomerId, PaymentMethod), PaymentError> {
        let Some(customer) = self.cx.table.known_customer(user).await? else {
            return Err(PaymentErrorCode::UnknownPaymentMethod.into());
        };
        let method = match self.cx.stripe.retrieve_payment_method(id).await {
            Ok(reply) => reply.value,
            Err(error) if is_missing(&error) => {
                return Err(PaymentErrorCode::UnknownPaymentMethod.into());
            }
            Err(error) => return Err(error.into()),
        };
        if method.customer_id() != Some(&customer) {
            return Err(PaymentErrorCode::UnknownPaymentMethod.into());
        }
        if method.livemode != self.cx.livemode {
            return Err(FlowError::ForeignObject("PaymentMethod").into());
        }
        Ok((customer, method))
    }

    /// Banks link a charge to the first transaction of its method, so that one without it is not
    /// even tried.
    async fn check_first_transaction(
        &self,
        customer: &CustomerId,
        method: &PaymentMethodId,
    ) -> Result<(), PaymentError> {
        let first = self.first_transaction(customer, method).await?;
        let why = match first.status {
            // The bank knows what a long history does not tell here.
            FirstStatus::Succeeded | FirstStatus::Unknown => return Ok(()),
            FirstStatus::Failed => PaymentErrorCode::FirstTransactionFailed,
            FirstStatus::Pending => PaymentErrorCode::FirstTransactionPending,
            FirstStatus::None => PaymentErrorCode::FirstTransactionMissing,
        };
        Err(Refusal {
            first_transaction: Some(first),
            ..why.into()
        }
        .into())
    }

    /// Looks for what a request may have created before its key was forgotten.
    pub(super) async fn find_payment(
        &self,
        asked: &RequestKey,
        request: &PaymentRequest,
        customer: &CustomerId,
    ) -> Result<Option<String>, PaymentError> {
        let since = match &request.state {
            RequestState::Sending(claim) => not_before(claim.frozen_at),
            RequestState::Done { .. } | RequestState::Refused { .. } => i64::MIN,
        };
        let found = listed::find(
            |after| async move {
                let stripe = &self.cx.stripe;
                stripe.list_payments(customer, after.as_ref()).await
            },
            |payment| is_made_for(asked, &payment.metadata),
            |last| (last.created >= since).then(|| last.id.clone()),
        );
        Ok(found.await?.map(|payment| payment.id.as_str().to_owned()))
    }
}

/// Whether an object at Stripe was made for this request.
pub(super) fn is_made_for(asked: &RequestKey, pairs: &Metadata) -> bool {
    let named = pairs.get(metadata::REQUEST);
    named.is_some_and(|key| *key == asked.key)
}

/// Before this, in Unix seconds, Stripe has created nothing for a request that was frozen then,
/// however far apart the clocks are.
pub(super) fn not_before(frozen_at: Timestamp) -> i64 {
    frozen_at.plus_seconds(-24 * 3600).unix()
}

/// Stripe's key for a step of a request: the same for each repeat.
pub(super) fn key(step: &str, asked: &RequestKey) -> Result<IdempotencyKey, FlowError> {
    Ok(IdempotencyKey::new(&format!("{step}:{}", asked.key))?)
}
