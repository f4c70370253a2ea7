//! Whether the first, customer-initiated transaction of a method succeeded. Banks link every later
//! charge to it, and decline those whose link is missing.

use perennial_stripe::{
    ChargeStatus, PaymentIntent, PaymentIntentStatus, SetupAttemptStatus, SetupError,
    SetupIntentStatus, SetupRecord,
};
use perennial_types::{CustomerId, PaymentIntentId, PaymentMethodId, SetupIntentId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{PaymentError, Payments, history};

/// The first transaction of a method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstTransaction {
    /// What came of it.
    pub status: FirstStatus,
    /// What it was.
    pub by: Option<TransactionBy>,
    /// The id of the SetupIntent or payment.
    pub id: Option<String>,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Why it failed, in Stripe's code.
    pub code: Option<String>,
    /// The bank's reason.
    pub decline_code: Option<String>,
}

impl FirstTransaction {
    /// The payment that it was, which its shopper may still be able to make.
    pub fn payment(&self) -> Option<PaymentIntentId> {
        let id = self.id.as_deref()?;
        let is_payment = self.by == Some(TransactionBy::Payment);
        is_payment.then(|| id.parse().ok()).flatten()
    }
}

/// What came of a first transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstStatus {
    /// The bank agreed.
    Succeeded,
    /// The bank refused, or the shopper went away.
    Failed,
    /// It is not decided yet.
    Pending,
    /// There was none.
    None,
    /// What was read of a long history does not tell.
    Unknown,
}

/// What a transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionBy {
    /// A check of the card for nothing, with the cryptogram in it.
    SetupIntent,
    /// A payment.
    Payment,
}

impl Payments<'_> {
    /// Asks Stripe for it: one call if a SetupIntent succeeded, and one more if not. Of a customer
    /// with thousands of payments the newest are read.
    pub(super) async fn first_transaction(
        &self,
        customer: &CustomerId,
        method: &PaymentMethodId,
    ) -> Result<FirstTransaction, PaymentError> {
        let started = Instant::now();
        let enough = |found: &[FirstTransaction]| success(found).is_some();
        let setups = history::read(
            started,
            |after: Option<SetupIntentId>| async move {
                self.cx
                    .stripe
                    .list_setup_intents(customer, after.as_ref())
                    .await
            },
            |record| (record.id.clone(), record.created),
            |record| of_setup(&record, method),
            enough,
        );
        let setups = setups.await?;
        if let Some(success) = success(&setups.found) {
            return Ok(success.clone());
        }
        let payments = history::read(
            started,
            |after: Option<PaymentIntentId>| async move {
                self.cx.stripe.list_payments(customer, after.as_ref()).await
            },
            |payment| (payment.id.clone(), payment.created),
            |payment| of_payment(&payment, method),
            enough,
        );
        let payments = payments.await?;
        let complete = setups.until.is_none() && payments.until.is_none();
        let found = setups.found.into_iter().chain(payments.found).collect();
        Ok(first_of(found, complete))
    }
}

/// A later success counts: the bank has a transaction to link to.
fn success(found: &[FirstTransaction]) -> Option<&FirstTransaction> {
    found
        .iter()
        .filter(|one| one.status == FirstStatus::Succeeded)
        .min_by_key(|one| one.at)
}

/// The earliest that succeeded, or else the earliest. What was not read may hold a success, so that
/// nothing else is certain then.
pub(super) fn first_of(found: Vec<FirstTransaction>, complete: bool) -> FirstTransaction {
    if let Some(success) = success(&found) {
        return success.clone();
    }
    let earliest = found.into_iter().min_by_key(|one| one.at);
    earliest.filter(|_| complete).unwrap_or(FirstTransaction {
        status: if complete {
            FirstStatus::None
        } else {
            FirstStatus::Unknown
        },
        by: None,
        id: None,
        at: None,
        code: None,
        decline_code: None,
    })
}

/// What a SetupIntent tells of a method; nothing if it was never tried with it.
pub(super) fn of_setup(record: &SetupRecord, method: &PaymentMethodId) -> Option<FirstTransaction> {
    if record.payment_method_id() != Some(method) {
        return None;
    }
    let attempt = record.latest_attempt.as_ref();
    let error = record
        .last_setup_error
        .as_ref()
        .or_else(|| attempt?.setup_error.as_ref());
    let over = record.status == SetupIntentStatus::Canceled;
    let status = match (&record.status, attempt.map(|it| &it.status)) {
        (SetupIntentStatus::Succeeded, _) => FirstStatus::Succeeded,
        (_, Some(SetupAttemptStatus::Failed | SetupAttemptStatus::Abandoned)) => {
            FirstStatus::Failed
        }
        (_, Some(_)) if over => FirstStatus::Failed,
        (_, Some(_)) => FirstStatus::Pending,
        (_, None) if error.is_some() => FirstStatus::Failed,
        (SetupIntentStatus::RequiresAction | SetupIntentStatus::Processing, None) => {
            FirstStatus::Pending
        }
        (_, None) => return None,
    };
    let at = attempt.map_or(record.created, |attempt| attempt.created);
    let by = TransactionBy::SetupIntent;
    Some(transaction(status, by, record.id.as_str(), at, error))
}

/// What a payment tells of a method; nothing if it was never tried with it.
pub(super) fn of_payment(
    payment: &PaymentIntent,
    method: &PaymentMethodId,
) -> Option<FirstTransaction> {
    let charge = payment
        .charge()
        .filter(|charge| charge.payment_method.as_ref() == Some(method));
    if charge.is_none() && payment.tried_method_id() != Some(method) {
        return None;
    }
    let error = payment.last_payment_error.as_ref();
    let status = match (charge.map(|charge| &charge.status), &payment.status) {
        (Some(ChargeStatus::Succeeded), _) => FirstStatus::Succeeded,
        (Some(ChargeStatus::Failed), _) => FirstStatus::Failed,
        (Some(_), _) => FirstStatus::Pending,
        (None, PaymentIntentStatus::Succeeded | PaymentIntentStatus::RequiresCapture) => {
            FirstStatus::Succeeded
        }
        (None, PaymentIntentStatus::RequiresAction | PaymentIntentStatus::Processing) => {
            FirstStatus::Pending
        }
        (None, _) if error.is_some() => FirstStatus::Failed,
        (None, _) => return None,
    };
    let at = charge.map_or(payment.created, |charge| charge.created);
    let by = TransactionBy::Payment;
    Some(transaction(status, by, payment.id.as_str(), at, error))
}

fn transaction(
    status: FirstStatus,
    by: TransactionBy,
    id: &str,
    at: i64,
    error: Option<&SetupError>,
) -> FirstTransaction {
    let error = error.filter(|_| status == FirstStatus::Failed);
    FirstTransaction {
        status,
        by: Some(by),
        id: Some(id.to_owned()),
        at: Some(Timestamp::from_unix(at)),
        code: error.and_then(|error| error.code.clone()),
        decline_code: error.and_then(|error| error.decline_code.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn setup(changes: &Value) -> SetupRecord {
        let mut record = json!({
            "id": "seti_1", "status": "requires_payment_method", "created": 5, "payment_method": null,
        });
        let fields = record.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        serde_json::from_value(record).unwrap()
    }

    fn payment(changes: &Value) -> PaymentIntent {
        let mut payment = json!({
            "id": "pi_1", "status": "requires_payment_method", "amount": 500, "currency": "usd", "created": 5,
        });
        let fields = payment.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        serde_json::from_value(payment).unwrap()
    }

    #[test]
    fn a_setup_intent_tells_what_became_of_its_method() {
        let attempt = |status: &str| json!({"id": "setatt_1", "status": status, "payment_method": "pm_1", "created": 7});
        for (changes, expected) in [
            (
                json!({"status": "succeeded", "payment_method": "pm_1"}),
                Some(FirstStatus::Succeeded),
            ),
            (
                json!({"latest_attempt": attempt("failed")}),
                Some(FirstStatus::Failed),
            ),
            (
                json!({"last_setup_error": {"code": "card_declined", "payment_method": {"id": "pm_1"}}}),
                Some(FirstStatus::Failed),
            ),
            (
                json!({"status": "requires_action", "payment_method": "pm_1", "latest_attempt": attempt("requires_action")}),
                Some(FirstStatus::Pending),
            ),
            (
                json!({"status": "canceled", "latest_attempt": attempt("requires_action")}),
                Some(FirstStatus::Failed),
            ),
            (
                json!({"status": "requires_confirmation", "payment_method": "pm_1"}),
                None,
            ),
            (
                json!({"status": "succeeded", "payment_method": "pm_2"}),
                None,
            ),
            (json!({}), None),
        ] {
            let found = of_setup(&setup(&changes), &"pm_1".parse().unwrap());
            assert_eq!(found.map(|it| it.status), expected, "{changes}");
        }
    }

    #[test]
    fn a_payment_tells_what_became_of_its_method() {
        let charge = |status: &str| json!({"id": "ch_1", "status": status, "payment_method": "pm_1", "created": 7});
        for (changes, expected) in [
            (
                json!({"status": "succeeded", "payment_method": "pm_1", "latest_charge": charge("succeeded")}),
                Some(FirstStatus::Succeeded),
            ),
            (
                json!({"status": "canceled", "payment_method": "pm_1", "latest_charge": charge("succeeded")}),
                Some(FirstStatus::Succeeded),
            ),
            (
                json!({"latest_charge": charge("failed")}),
                Some(FirstStatus::Failed),
            ),
            (
                json!({"last_payment_error": {"code": "card_declined", "payment_method": {"id": "pm_1"}}}),
                Some(FirstStatus::Failed),
            ),
            (
                json!({"status": "requires_action", "payment_method": "pm_1"}),
                Some(FirstStatus::Pending),
            ),
            (
                json!({"status": "requires_confirmation", "payment_method": "pm_1"}),
                None,
            ),
            (
                json!({"status": "succeeded", "payment_method": "pm_2"}),
                None,
            ),
        ] {
            let found = of_payment(&payment(&changes), &"pm_1".parse().unwrap());
            assert_eq!(found.map(|it| it.status), expected, "{changes}");
        }
    }

    #[test]
    fn only_a_payment_can_be_replaced_by_another() {
        let of = |by| transaction(FirstStatus::Failed, by, "pi_1", 5, None).payment();
        assert_eq!(of(TransactionBy::Payment), Some("pi_1".parse().unwrap()));
        assert_eq!(of(TransactionBy::SetupIntent), None);
    }

    #[test]
    fn the_earliest_success_counts_and_otherwise_the_earliest() {
        let one = |status, at| transaction(status, TransactionBy::Payment, "pi_1", at, None);
        for (found, expected) in [
            (
                vec![
                    one(FirstStatus::Failed, 1),
                    one(FirstStatus::Succeeded, 3),
                    one(FirstStatus::Succeeded, 2),
                ],
                (FirstStatus::Succeeded, Some(2)),
            ),
            (
                vec![one(FirstStatus::Pending, 2), one(FirstStatus::Failed, 1)],
                (FirstStatus::Failed, Some(1)),
            ),
            (vec![], (FirstStatus::None, None)),
        ] {
            let unread = first_of(found.clone(), false);
            let first = first_of(found, true);
            assert_eq!((first.status, first.at.map(Timestamp::unix)), expected);
            let certain = first.status == FirstStatus::Succeeded;
            let expected = if certain {
                FirstStatus::Succeeded
            } else {
                FirstStatus::Unknown
            };
            assert_eq!(unread.status, expected, "what is older was not read");
        }
    }
}
