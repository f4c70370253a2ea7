//! What came of a request, as an answer.

use perennial_api::failure;
use perennial_flows::Context;
use perennial_flows::payments::{
    Migrated, MigratedStatus, NextStep, PaymentAnswer, PaymentError, PaymentErrorCode,
    PaymentIntentStatus, PaymentReport, Refusal, Refused, ShopAction,
};
use perennial_http::{ApiError, Response};
use serde_json::{Map, Value, json};
use url::Url;

use crate::app::App;

/// How long a shopper has to follow the link to a payment that waits for them.
const LINK_SECONDS: i64 = 7 * 24 * 3600;

impl App {
    /// A payment, with the link where the shopper authorizes it again if that can help.
    pub(crate) async fn describe(
        &self,
        context: &Context,
        base: &Url,
        mut payment: PaymentReport,
    ) -> Result<Map<String, Value>, ApiError> {
        let waits = matches!(
            payment.status,
            PaymentIntentStatus::RequiresPaymentMethod | PaymentIntentStatus::RequiresAction
        );
        // The page behind the link shows a wallet with a sheet, which is a card to Stripe.
        let next = payment.failure.as_ref().map(|failure| failure.next.action);
        let helps = matches!(next, Some(ShopAction::AskShopper | ShopAction::RetryLater));
        if waits && payment.offers_cards && helps {
            let noted = context.payments().note_link(&payment).await;
            let noted = noted.map_err(payment_error)?;
            if let (true, Some(failure), Some(user)) = (noted, &mut payment.failure, &payment.user)
            {
                let until = self.clock.now().plus_seconds(LINK_SECONDS);
                let link = self.links.authorize(base, user, &payment.id, until);
                failure.next = failure.next.clone().with_link(link.into());
            }
        }
        Ok(match json!(payment) {
            Value::Object(members) => members,
            _ => Map::new(),
        })
    }
}

/// What came of a charge off-session. A decline is an error with the payment in it.
pub(crate) fn charged(
    answer: &PaymentAnswer,
    body: Map<String, Value>,
) -> Result<Response, ApiError> {
    let payment = &answer.payment;
    if payment.has_succeeded() || payment.status == PaymentIntentStatus::Canceled {
        return Ok(Response::json(created(answer.created), &body));
    }
    let wants_shopper = payment.failure.as_ref().is_some_and(|failure| {
        let reasons = [&failure.code, &failure.decline_code];
        reasons
            .iter()
            .any(|reason| reason.as_deref() == Some("authentication_required"))
    });
    let error = if wants_shopper || payment.status == PaymentIntentStatus::RequiresAction {
        ApiError::new(
            402,
            "authentication_required",
            "The bank requires authentication. Send the shopper the link in payment.failure.next, where they authorize this payment.",
        )
    } else {
        ApiError::new(
            402,
            "payment_declined",
            "The issuer declined this charge. payment.failure.next says what can be done. To charge again, send another Idempotency-Key, and the id of this payment in \"replaces\".",
        )
    };
    Err(error.with("payment", Value::Object(body)))
}

/// What a token has become.
pub(crate) fn migrated(migrated: &Migrated) -> Result<Response, ApiError> {
    let body = json!(migrated);
    match migrated.status {
        MigratedStatus::Saved => Ok(Response::json(created(migrated.created), &body)),
        MigratedStatus::RequiresAction | MigratedStatus::Processing => {
            Ok(Response::json(202, &body))
        }
        MigratedStatus::Refused => Err(ApiError::new(
            402,
            "setup_declined",
            "The issuer declined the first transaction of this payment method, and would decline later charges too. Ask the shopper to authorize again.",
        )
        .with("migration", body)),
    }
}

/// Why a request was not carried out.
pub(crate) fn payment_error(error: PaymentError) -> ApiError {
    match error {
        PaymentError::Flow(error) => failure(error),
        PaymentError::Refused(refusal) => refuse(&refusal),
    }
}

pub(crate) fn refuse(refusal: &Refusal) -> ApiError {
    let why = refusal.why;
    let mut error = ApiError::new(why.kind(), why.code(), why.message());
    if let Some(first) = &refusal.first_transaction {
        let next = NextStep::of(ShopAction::AskShopper, Refused::Charge(first.payment()));
        error = error
            .with("first_transaction", json!(first))
            .with("next", json!(next));
    }
    if why.kind() == 402 {
        let (code, decline_code) = (refusal.code.as_deref(), refusal.decline_code.as_deref());
        let refused = match why {
            PaymentErrorCode::IncrementDeclined => Refused::Increment,
            PaymentErrorCode::CaptureDeclined => Refused::Capture,
            PaymentErrorCode::RefundDeclined => Refused::Refund,
            _ => Refused::Charge(None),
        };
        let next = NextStep::after(refused, code, decline_code, None);
        let failure = json!({"code": code, "decline_code": decline_code, "next": next});
        error = error.with("failure", failure);
    }
    if let Some(payment) = &refusal.payment {
        error = error.with("payment", json!(payment));
    }
    if let Some(payment) = &refusal.replaced_by {
        error = error.with("replaced_by", json!(payment));
    }
    if refusal.code.is_some() {
        error = error.because(refusal.to_string());
    }
    error
}

pub(crate) fn unknown_payment() -> ApiError {
    refuse(&PaymentErrorCode::UnknownPayment.into())
}

pub(crate) fn unknown_method() -> ApiError {
    refuse(&PaymentErrorCode::UnknownPaymentMethod.into())
}

pub(crate) fn created(created: bool) -> u16 {
    if created { 201 } else { 200 }
}
