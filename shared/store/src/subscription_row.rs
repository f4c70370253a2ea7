//! A subscription as it lies in the table. What came later than the first release has a default, so that
//! what an older version has written can be read.

use perennial_types::{
    Disputes, ExtraItem, InvoiceStatus, Pause, Payment, PaymentMethodId, PendingChange, PlanName,
    PriceId, Refunded, SoldAs, Subscription, SubscriptionId, SubscriptionStatus, Timestamp, Wallet,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Subscription")]
struct SubscriptionRow {
    id: SubscriptionId,
    status: SubscriptionStatus,
    plan: Option<PlanName>,
    price: Option<PriceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prices: Option<Vec<PriceId>>,
    #[serde(default)]
    sold_as: Option<SoldAs>,
    wallet: Option<Wallet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_method: Option<PaymentMethodId>,
    current_period_start: Option<Timestamp>,
    current_period_end: Option<Timestamp>,
    #[serde(default)]
    paid_until: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    // It has its name from a version that told of nothing else.
    #[serde(
        default,
        rename = "trial_ending",
        skip_serializing_if = "Option::is_none"
    )]
    reminded: Option<Timestamp>,
    #[serde(default)]
    ends_at: Option<Timestamp>,
    cancel_at_period_end: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canceled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addons: Vec<ExtraItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_change: Option<PendingChange>,
    #[serde(default)]
    pause: Option<Pause>,
    latest_invoice_status: Option<InvoiceStatus>,
    #[serde(default)]
    latest_paid_invoice: Option<String>,
    #[serde(default)]
    payment_attempts: u64,
    #[serde(default)]
    next_payment_attempt: Option<Timestamp>,
    #[serde(default)]
    refunds: Vec<Refunded>,
    // The item has it beside this.
    #[serde(skip)]
    disputes: Disputes,
    #[serde(default)]
    payment: Payment,
}

/// A subscription that is written to or read from its row.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredSubscription(#[serde(with = "SubscriptionRow")] pub(crate) Subscription);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What came later than the first release is not in an item that it has written.
    #[test]
    fn what_an_older_version_has_written_is_read() {
        let row = json!({
            "id": "sub_1", "status": "active", "plan": "basic", "price": "price_1",
            "wallet": "amazon_pay", "current_period_start": null, "current_period_end": null,
            "trial_end": null, "cancel_at_period_end": false, "latest_invoice_status": "paid",
        });
        let stored: StoredSubscription = serde_json::from_value(row).unwrap();
        let model = &stored.0;
        assert_eq!((&model.prices, &model.sold_as), (&None, &None));
        assert_eq!((&model.payment_method, model.quantity), (&None, None));
        assert!(model.addons.is_empty());
        assert_eq!((model.paid_until, model.ends_at), (None, None));
        assert_eq!((model.payment_attempts, model.refunds.len()), (0, 0));
        assert_eq!(model.payment, Payment::default());
        let again = serde_json::to_value(&stored).unwrap();
        let again: StoredSubscription = serde_json::from_value(again).unwrap();
        assert_eq!(again.0, stored.0);
    }
}
