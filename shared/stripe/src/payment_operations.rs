//! The operations of Stripe behind the payments of the shop's servers, one method each.

use perennial_types::{CustomerId, PaymentIntentId, PaymentMethodId, SetupIntentId};

use crate::{
    FrozenRequest,
    client::Stripe,
    error::StripeError,
    form::Form,
    objects::{Charge, List, PaymentIntent, PaymentMethod, Refund, SetupIntent, SetupRecord},
    operations::{Answered, page},
    requests::{below, path},
};

impl Stripe {
    /// Creates a payment; see [`CreatePayment`](crate::CreatePayment) and
    /// [`ChargeSaved`](crate::ChargeSaved).
    pub async fn create_payment(&self, request: &FrozenRequest) -> Answered<PaymentIntent> {
        self.send("create_payment_intent", path::PAYMENT_INTENTS, request)
            .await
    }

    /// Changes a payment; see [`ChangePayment`](crate::ChangePayment).
    pub async fn change_payment(
        &self,
        id: &PaymentIntentId,
        request: &FrozenRequest,
    ) -> Answered<PaymentIntent> {
        let payment = below(path::PAYMENT_INTENTS, id.as_str());
        for (operation, action) in [
            ("increment_authorization", "increment_authorization"),
            ("capture_payment_intent", "capture"),
            ("cancel_payment_intent", "cancel"),
        ] {
            let path = format!("{payment}/{action}");
            if request.path == path {
                return self.send(operation, &path, request).await;
            }
        }
        Err(StripeError::Invalid {
            status: 0,
            code: Some("request_of_another_operation".to_owned()),
            param: None,
            message: None,
            request_id: None,
        })
    }

    /// Reads a payment with its method and its newest charge.
    pub async fn read_payment(&self, id: &PaymentIntentId) -> Answered<PaymentIntent> {
        let path = below(path::PAYMENT_INTENTS, id.as_str());
        let query = Form::new()
            .with(&["expand", ""], "payment_method")
            .with(&["expand", ""], "latest_charge");
        self.get("retrieve_payment_intent", &path, query).await
    }

    /// Lists a customer's payments with their newest charges, newest first, 100 a page.
    pub async fn list_payments(
        &self,
        customer: &CustomerId,
        starting_after: Option<&PaymentIntentId>,
    ) -> Answered<List<PaymentIntent>> {
        let query = Form::new()
            .with(&["customer"], customer.as_str())
            .with(&["expand", ""], "data.latest_charge");
        let query = page(query, starting_after.map(PaymentIntentId::as_str));
        self.get("list_payment_intents", path::PAYMENT_INTENTS, query)
            .await
    }

    /// Lists a customer's charges, those that failed among them, newest first, 100 a page.
    pub async fn list_charges(
        &self,
        customer: &CustomerId,
        starting_after: Option<&str>,
    ) -> Answered<List<Charge>> {
        let query = Form::new().with(&["customer"], customer.as_str());
        let query = page(query, starting_after);
        self.get("list_charges", path::CHARGES, query).await
    }

    /// Gives money back; see [`CreateRefund`](crate::CreateRefund).
    pub async fn create_refund(&self, request: &FrozenRequest) -> Answered<Refund> {
        self.send("create_refund", path::REFUNDS, request).await
    }

    /// Lists a payment's refunds, newest first, 100 a page.
    pub async fn list_refunds(
        &self,
        payment: &PaymentIntentId,
        starting_after: Option<&str>,
    ) -> Answered<List<Refund>> {
        let query = Form::new().with(&["payment_intent"], payment.as_str());
        let query = page(query, starting_after);
        self.get("list_refunds", path::REFUNDS, query).await
    }

    /// Makes a method of a token; see [`CreateMethod`](crate::CreateMethod).
    pub async fn create_payment_method(&self, request: &FrozenRequest) -> Answered<PaymentMethod> {
        self.send("create_payment_method", path::PAYMENT_METHODS, request)
            .await
    }

    /// Reads a method.
    pub async fn retrieve_payment_method(&self, id: &PaymentMethodId) -> Answered<PaymentMethod> {
        let path = below(path::PAYMENT_METHODS, id.as_str());
        self.get("retrieve_payment_method", &path, Form::new())
            .await
    }

    /// Sets a method up; see [`SetUpMethod`](crate::SetUpMethod).
    pub async fn set_up_method(&self, request: &FrozenRequest) -> Answered<SetupIntent> {
        self.send("create_setup_intent", path::SETUP_INTENTS, request)
            .await
    }

    /// Lists a customer's attempts at setting a method up, each a SetupIntent with its newest try, newest first,
    /// 100 a page.
    ///
    /// They are not asked for by their method: one that has failed names none any more.
    pub async fn list_setup_intents(
        &self,
        customer: &CustomerId,
        starting_after: Option<&SetupIntentId>,
    ) -> Answered<List<SetupRecord>> {
        let query = Form::new()
            .with(&["customer"], customer.as_str())
            .with(&["expand", ""], "data.latest_attempt");
        let query = page(query, starting_after.map(SetupIntentId::as_str));
        self.get("list_setup_intents", path::SETUP_INTENTS, query)
            .await
    }
}
