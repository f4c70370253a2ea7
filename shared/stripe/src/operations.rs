//! The operations of Stripe that Perennial uses, one method each.

use perennial_types::{
    CustomerId, EmailAddress, PaymentMethodId, PriceId, SetupIntentId, SubscriptionId,
};
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::{
    FrozenRequest, IdempotencyKey,
    client::{Call, Reply, Stripe},
    error::StripeError,
    form::Form,
    objects::{
        Bill, Customer, Deleted, Dispute, FraudWarning, Invoice, InvoicePayment, List, Mandate,
        Price, Product, Refund, SetupIntent, Subscription, WebhookEndpoint,
    },
    requests::{CancellationDetails, below, path, whole},
};

/// The longest page that Stripe gives.
const PAGE: i64 = 100;

/// Why a SetupIntent is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancellationReason {
    /// The shopper went away.
    Abandoned,
    /// There is another.
    Duplicate,
    /// The shopper said so.
    RequestedByCustomer,
}

impl CancellationReason {
    /// The reason as Stripe writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Duplicate => "duplicate",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

/// When a subscription is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetEnd {
    /// With its current period.
    WithPeriod,
    /// No longer with its current period.
    NotWithPeriod,
    /// No longer at the time that was set.
    AtNoTime,
    /// At this time, in Unix seconds, without a credit for what is left of a paid period then.
    At(i64),
}

/// Which events to list.
#[derive(Debug, Clone, Copy)]
pub struct ListEvents<'a> {
    /// The earliest time of creation, in Unix seconds.
    pub from: i64,
    /// The latest time of creation, in Unix seconds.
    pub to: i64,
    /// Their types, at most 20.
    pub types: &'a [&'a str],
    /// Only those that some endpoint has not answered with success.
    pub undelivered: bool,
    /// The last event of the page before.
    pub starting_after: Option<&'a str>,
}

/// Whether subscriptions are listed that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// None of them.
    Living,
    /// They alone.
    Ended {
        /// Only those whose last period has its end at this time or later, in Unix seconds.
        since: Option<i64>,
    },
}

/// Which subscriptions to list.
#[derive(Debug, Clone, Copy)]
pub struct ListSubscriptions<'a> {
    /// Whether they have ended.
    pub which: Which,
    /// The earliest time of creation, in Unix seconds.
    pub from: i64,
    /// The latest time of creation, in Unix seconds, if there is one.
    pub to: Option<i64>,
    /// The last subscription of the page before.
    pub starting_after: Option<&'a str>,
}

pub(crate) type Answered<T> = Result<Reply<T>, StripeError>;

impl Stripe {
    /// Creates a customer; see [`CreateCustomer`](crate::CreateCustomer).
    pub async fn create_customer(&self, request: &FrozenRequest) -> Answered<Customer> {
        self.send("create_customer", path::CUSTOMERS, request).await
    }

    /// Creates a SetupIntent; see [`CreateSetupIntent`](crate::CreateSetupIntent).
    pub async fn create_setup_intent(&self, request: &FrozenRequest) -> Answered<SetupIntent> {
        self.send("create_setup_intent", path::SETUP_INTENTS, request)
            .await
    }

    /// Reads a SetupIntent with its payment method.
    pub async fn retrieve_setup_intent(&self, id: &SetupIntentId) -> Answered<SetupIntent> {
        let path = below(path::SETUP_INTENTS, id.as_str());
        let query = Form::new().with(&["expand", ""], "payment_method");
        self.get("retrieve_setup_intent", &path, query).await
    }

    /// Cancels a SetupIntent that has not succeeded.
    pub async fn cancel_setup_intent(
        &self,
        id: &SetupIntentId,
        reason: CancellationReason,
    ) -> Answered<SetupIntent> {
        let path = format!("{}/cancel", below(path::SETUP_INTENTS, id.as_str()));
        let body = Form::new().with(&["cancellation_reason"], reason.as_str());
        self.settle("cancel_setup_intent", &path, body).await
    }

    /// Creates a subscription; see [`CreateSubscription`](crate::CreateSubscription).
    pub async fn create_subscription(&self, request: &FrozenRequest) -> Answered<Subscription> {
        self.send("create_subscription", path::SUBSCRIPTIONS, request)
            .await
    }

    /// Reads a subscription with its newest invoice, its payment method, and what its shopper has
    /// yet to confirm.
    pub async fn retrieve_subscription(&self, id: &SubscriptionId) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        self.get("retrieve_subscription", &path, whole(Form::new()))
            .await
    }

    /// Charges renewals to this method from now on.
    pub async fn set_default_payment_method(
        &self,
        id: &SubscriptionId,
        method: &PaymentMethodId,
    ) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        let body = Form::new().with(&["default_payment_method"], method.as_str());
        self.settle("update_subscription", &path, body).await
    }

    /// Ends a subscription at once. Stripe answers 404 for one that has ended.
    pub async fn cancel_subscription(
        &self,
        id: &SubscriptionId,
        why: &CancellationDetails,
    ) -> Answered<Subscription> {
        self.call(&Call {
            operation: "cancel_subscription",
            method: Method::DELETE,
            path: &below(path::SUBSCRIPTIONS, id.as_str()),
            parameters: &whole(why.add_to(Form::new())).into_string(),
            key: None,
        })
        .await
    }

    /// Sets when a subscription ends, or takes that back.
    pub async fn set_end(
        &self,
        id: &SubscriptionId,
        end: SetEnd,
        why: &CancellationDetails,
    ) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        let body = match end {
            SetEnd::WithPeriod => Form::new().with(&["cancel_at_period_end"], "true"),
            SetEnd::NotWithPeriod => Form::new().with(&["cancel_at_period_end"], "false"),
            SetEnd::AtNoTime => Form::new().with(&["cancel_at"], ""),
            SetEnd::At(at) => Form::new()
                .with_number(&["cancel_at"], at)
                .with(&["proration_behavior"], "none"),
        };
        self.settle("update_subscription", &path, whole(why.add_to(body)))
            .await
    }

    /// Lists a customer's invoices, or those of one subscription, newest first, at most `limit` a page.
    pub async fn list_customer_invoices(
        &self,
        customer: &CustomerId,
        subscription: Option<&SubscriptionId>,
        starting_after: Option<&str>,
        limit: i64,
    ) -> Answered<List<Bill>> {
        let mut query = Form::new()
            .with(&["customer"], customer.as_str())
            .with_number(&["limit"], limit);
        if let Some(subscription) = subscription {
            query = query.with(&["subscription"], subscription.as_str());
        }
        if let Some(last) = starting_after {
            query = query.with(&["starting_after"], last);
        }
        self.get("list_invoices", path::INVOICES, query).await
    }

    /// Annuls an open invoice, which nobody can pay any more. Stripe refuses this for one that is
    /// paid.
    pub async fn void_invoice(&self, id: &str) -> Answered<Invoice> {
        let path = format!("{}/void", below(path::INVOICES, id));
        self.settle("void_invoice", &path, Form::new()).await
    }

    /// Lists a customer's subscriptions in every status, newest first, 100 a page.
    ///
    /// Unlike Search, a list shows what was created a moment ago.
    pub async fn list_subscriptions(
        &self,
        customer: &CustomerId,
        starting_after: Option<&SubscriptionId>,
    ) -> Answered<List<Subscription>> {
        let query = Form::new()
            .with(&["customer"], customer.as_str())
            .with(&["status"], "all");
        let query = page(query, starting_after.map(SubscriptionId::as_str));
        self.get("list_subscriptions", path::SUBSCRIPTIONS, query)
            .await
    }

    /// Reads a customer; one that was deleted is answered too, and says so.
    pub async fn retrieve_customer(&self, id: &CustomerId) -> Answered<Customer> {
        let path = below(path::CUSTOMERS, id.as_str());
        self.get("retrieve_customer", &path, Form::new()).await
    }

    /// Gives a customer another e-mail address, or none.
    pub async fn set_email(
        &self,
        id: &CustomerId,
        email: Option<&EmailAddress>,
    ) -> Answered<Customer> {
        let path = below(path::CUSTOMERS, id.as_str());
        let body = Form::new().with(&["email"], email.map_or("", EmailAddress::expose));
        self.settle("update_customer", &path, body).await
    }

    /// Deletes a customer, for good. Stripe ends what runs, takes the payment methods off, and keeps invoices and payments
    /// (<https://docs.stripe.com/api/customers/delete>). It answers 404 for one that was deleted.
    pub async fn delete_customer(&self, id: &CustomerId) -> Answered<Deleted> {
        self.call(&Call {
            operation: "delete_customer",
            method: Method::DELETE,
            path: &below(path::CUSTOMERS, id.as_str()),
            parameters: "",
            key: None,
        })
        .await
    }

    /// Reads a mandate with its payment method.
    pub async fn retrieve_mandate(&self, id: &str) -> Answered<Mandate> {
        let query = Form::new().with(&["expand", ""], "payment_method");
        self.get("retrieve_mandate", &below("/v1/mandates", id), query)
            .await
    }

    /// Reads a dispute.
    pub async fn retrieve_dispute(&self, id: &str) -> Answered<Dispute> {
        self.get("retrieve_dispute", &below("/v1/disputes", id), Form::new())
            .await
    }

    /// Reads an early fraud warning with its charge.
    pub async fn retrieve_fraud_warning(&self, id: &str) -> Answered<FraudWarning> {
        let query = Form::new().with(&["expand", ""], "charge");
        let path = below("/v1/radar/early_fraud_warnings", id);
        self.get("retrieve_fraud_warning", &path, query).await
    }

    /// Reads a refund.
    pub async fn retrieve_refund(&self, id: &str) -> Answered<Refund> {
        self.get("retrieve_refund", &below("/v1/refunds", id), Form::new())
            .await
    }

    /// Lists the invoices that a PaymentIntent has paid, which is one or none.
    pub async fn list_invoices_paid_by(
        &self,
        payment_intent: &str,
    ) -> Answered<List<InvoicePayment>> {
        let query = Form::new()
            .with(&["payment", "type"], "payment_intent")
            .with(&["payment", "payment_intent"], payment_intent)
            .with(&["expand", ""], "data.invoice");
        self.get("list_invoice_payments", "/v1/invoice_payments", query)
            .await
    }

    /// Lists the payments of an invoice with what came of them.
    pub async fn list_payments_of_invoice(&self, invoice: &str) -> Answered<List<InvoicePayment>> {
        let query = Form::new()
            .with(&["invoice"], invoice)
            .with(&["expand", ""], "data.payment.payment_intent");
        self.get("list_invoice_payments", "/v1/invoice_payments", query)
            .await
    }

    /// Lists the invoices that were created with a subscription, within an hour; `created` is the
    /// subscription's, in Unix seconds.
    pub async fn list_first_invoices(
        &self,
        subscription: &SubscriptionId,
        created: i64,
    ) -> Answered<List<Invoice>> {
        let query = Form::new()
            .with(&["subscription"], subscription.as_str())
            .with_number(&["created", "lte"], created.saturating_add(3600));
        self.get("list_invoices", path::INVOICES, page(query, None))
            .await
    }

    /// Lists subscriptions of all customers with their newest invoices, newest first, 100 a page, as
    /// Stripe wrote them: one that cannot be read hides no other.
    pub async fn list_all_subscriptions(
        &self,
        ask: &ListSubscriptions<'_>,
    ) -> Answered<List<serde_json::Value>> {
        let mut query = Form::new().with_number(&["created", "gte"], ask.from);
        if let Some(to) = ask.to {
            query = query.with_number(&["created", "lte"], to);
        }
        if let Which::Ended { since } = ask.which {
            query = query.with(&["status"], "ended");
            if let Some(since) = since {
                query = query.with_number(&["current_period_end", "gte"], since);
            }
        }
        let query = query
            .with(&["expand", ""], "data.latest_invoice")
            .with(&["expand", ""], "data.default_payment_method")
            .with(&["expand", ""], "data.schedule");
        let query = page(query, ask.starting_after);
        self.get("list_subscriptions", path::SUBSCRIPTIONS, query)
            .await
    }

    /// Lists the events of a span of time, newest first, 100 a page, as Stripe wrote them. Stripe
    /// keeps them for 30 days.
    pub async fn list_events(&self, ask: &ListEvents<'_>) -> Answered<List<serde_json::Value>> {
        let mut query = Form::new()
            .with_number(&["created", "gte"], ask.from)
            .with_number(&["created", "lte"], ask.to);
        for kind in ask.types {
            query = query.with(&["types", ""], kind);
        }
        if ask.undelivered {
            query = query.with(&["delivery_success"], "false");
        }
        let query = page(query, ask.starting_after);
        self.get("list_events", path::EVENTS, query).await
    }

    /// Lists the customers that were created from `from` to `to`, both included and in Unix
    /// seconds, newest first, 100 a page.
    pub async fn list_customers_created_between(
        &self,
        from: i64,
        to: i64,
        starting_after: Option<&CustomerId>,
    ) -> Answered<List<Customer>> {
        let query = Form::new()
            .with_number(&["created", "gte"], from)
            .with_number(&["created", "lte"], to);
        let query = page(query, starting_after.map(CustomerId::as_str));
        self.get("list_customers", path::CUSTOMERS, query).await
    }

    /// Lists the `SetupIntents` that were created from `from` to `to`, both included and in Unix seconds,
    /// newest first, 100 a page, as Stripe wrote them.
    pub async fn list_setup_intents_created_between(
        &self,
        from: i64,
        to: i64,
        starting_after: Option<&str>,
    ) -> Answered<List<serde_json::Value>> {
        let query = Form::new()
            .with_number(&["created", "gte"], from)
            .with_number(&["created", "lte"], to);
        let query = page(query, starting_after);
        self.get("list_setup_intents", path::SETUP_INTENTS, query)
            .await
    }

    /// Lists the prices with these lookup keys, at most ten of them, with their products. Archived ones
    /// are among them.
    pub async fn list_prices_by_lookup_keys(&self, keys: &[&str]) -> Answered<List<Price>> {
        let query = Form::new().with(&["expand", ""], "data.product");
        let query = keys.iter().fold(page(query, None), |query, key| {
            query.with(&["lookup_keys", ""], key)
        });
        self.get("list_prices", path::PRICES, query).await
    }

    /// Reads a price with its product.
    pub async fn retrieve_price(&self, id: &PriceId) -> Answered<Price> {
        let query = Form::new().with(&["expand", ""], "product");
        self.get("retrieve_price", &below(path::PRICES, id.as_str()), query)
            .await
    }

    /// Reads a product.
    pub async fn retrieve_product(&self, id: &str) -> Answered<Product> {
        let path = below(path::PRODUCTS, id);
        self.get("retrieve_product", &path, Form::new()).await
    }

    /// Creates a product; see [`CreateProduct`](crate::CreateProduct).
    pub async fn create_product(&self, request: &FrozenRequest) -> Answered<Product> {
        self.send("create_product", path::PRODUCTS, request).await
    }

    /// Creates a price; see [`CreatePrice`](crate::CreatePrice).
    pub async fn create_price(&self, request: &FrozenRequest) -> Answered<Price> {
        self.send("create_price", path::PRICES, request).await
    }

    /// Lists the first 100 webhook endpoints; an account has fewer.
    pub async fn list_webhook_endpoints(&self) -> Answered<List<WebhookEndpoint>> {
        let query = page(Form::new(), None);
        self.get("list_webhook_endpoints", path::WEBHOOK_ENDPOINTS, query)
            .await
    }

    /// Creates a webhook endpoint; see [`CreateWebhookEndpoint`](crate::CreateWebhookEndpoint).
    /// The answer alone has the secret.
    pub async fn create_webhook_endpoint(
        &self,
        request: &FrozenRequest,
    ) -> Answered<WebhookEndpoint> {
        self.send("create_webhook_endpoint", path::WEBHOOK_ENDPOINTS, request)
            .await
    }

    /// Changes a webhook endpoint; see [`UpdateWebhookEndpoint`](crate::UpdateWebhookEndpoint).
    pub async fn update_webhook_endpoint(
        &self,
        id: &str,
        change: &crate::UpdateWebhookEndpoint<'_>,
        key: &IdempotencyKey,
    ) -> Answered<WebhookEndpoint> {
        let path = below(path::WEBHOOK_ENDPOINTS, id);
        self.post("update_webhook_endpoint", &path, change.form(), key)
            .await
    }

    /// Deletes a webhook endpoint.
    pub async fn delete_webhook_endpoint(&self, id: &str) -> Answered<Deleted> {
        self.call(&Call {
            operation: "delete_webhook_endpoint",
            method: Method::DELETE,
            path: &below(path::WEBHOOK_ENDPOINTS, id),
            parameters: "",
            key: None,
        })
        .await
    }

    /// Sends a frozen request, if it is one for this operation.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        request: &FrozenRequest,
    ) -> Answered<T> {
        if request.path != path {
            return Err(StripeError::Invalid {
                status: 0,
                code: Some("request_of_another_operation".to_owned()),
                param: None,
                message: None,
                request_id: None,
            });
        }
        self.call(&Call {
            operation,
            method: Method::POST,
            path,
            parameters: &request.body,
            key: Some(&request.idempotency_key),
        })
        .await
    }

    /// Sends what creates nothing and is harmless when it happens twice, such as a cancellation, under a
    /// key of its own. Stripe repeats a 500 that it has stored under a key for as long as it keeps the
    /// key, so one that is always the same could not be canceled for a day.
    pub(crate) async fn settle<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        body: Form,
    ) -> Answered<T> {
        self.post(operation, path, body, &IdempotencyKey::drawn())
            .await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        body: Form,
        key: &IdempotencyKey,
    ) -> Answered<T> {
        let parameters = &body.into_string();
        self.call(&Call {
            operation,
            method: Method::POST,
            path,
            parameters,
            key: Some(key),
        })
        .await
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        query: Form,
    ) -> Answered<T> {
        let parameters = &query.into_string();
        self.call(&Call {
            operation,
            method: Method::GET,
            path,
            parameters,
            key: None,
        })
        .await
    }
}

pub(crate) fn page(query: Form, starting_after: Option<&str>) -> Form {
    let query = query.with_number(&["limit"], PAGE);
    match starting_after {
        Some(last) => query.with(&["starting_after"], last),
        None => query,
    }
}
