//! The operations for a checkout that was declined, or confirmed with what it is not for.

use perennial_types::{PaymentIntentId, PaymentMethodId, SetupIntentId};

use crate::{
    IdempotencyKey, Stripe,
    form::Form,
    objects::{Charge, List, PaymentMethod, Refund, SetupAttempt},
    operations::{Answered, page},
    requests::{below, metadata, path},
};

impl Stripe {
    /// Lists the tries to confirm a SetupIntent, newest first, 100 a page
    /// (<https://docs.stripe.com/api/setup_attempts/list>).
    pub async fn list_setup_attempts(&self, id: &SetupIntentId) -> Answered<List<SetupAttempt>> {
        let query = Form::new().with(&["setup_intent"], id.as_str());
        let query = page(query, None);
        self.get("list_setup_attempts", "/v1/setup_attempts", query)
            .await
    }

    /// Lists the tries to move the money of a payment, newest first, 100 a page.
    pub async fn list_charges_of_payment(&self, id: &PaymentIntentId) -> Answered<List<Charge>> {
        let query = Form::new().with(&["payment_intent"], id.as_str());
        let query = page(query, None);
        self.get("list_charges", path::CHARGES, query).await
    }

    /// Takes a method off its customer, for good. Stripe refuses this for one that is nobody's.
    pub async fn detach_payment_method(&self, id: &PaymentMethodId) -> Answered<PaymentMethod> {
        let path = format!("{}/detach", below(path::PAYMENT_METHODS, id.as_str()));
        self.settle("detach_payment_method", &path, Form::new())
            .await
    }

    /// Gives the whole payment of a checkout back. Stripe refuses this for one that was given back.
    pub async fn refund_checkout(
        &self,
        payment: &PaymentIntentId,
        attempt: &str,
        key: &IdempotencyKey,
    ) -> Answered<Refund> {
        let body = Form::new()
            .with(&["payment_intent"], payment.as_str())
            .with(&["metadata", metadata::ATTEMPT], attempt);
        self.post("create_refund", path::REFUNDS, body, key).await
    }
}
