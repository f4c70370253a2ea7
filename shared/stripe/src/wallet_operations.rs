//! The operations of Stripe around wallets: what the account takes, where, and the portal in which
//! shoppers look after what they pay with.

use perennial_types::CustomerId;

use crate::{
    IdempotencyKey,
    client::Stripe,
    form::Form,
    objects::{Account, List, PaymentMethodDomain, PortalSession},
    operations::Answered,
};

const ACCOUNT: &str = "/v1/account";
const DOMAINS: &str = "/v1/payment_method_domains";
const PORTAL_SESSIONS: &str = "/v1/billing_portal/sessions";

impl Stripe {
    /// Reads the account that the key belongs to.
    pub async fn retrieve_account(&self) -> Answered<Account> {
        self.get("retrieve_account", ACCOUNT, Form::new()).await
    }

    /// Lists the payment method domains of this name, which is one or none.
    pub async fn list_payment_method_domains(
        &self,
        domain_name: &str,
    ) -> Answered<List<PaymentMethodDomain>> {
        let query = Form::new().with(&["domain_name"], domain_name);
        self.get("list_payment_method_domains", DOMAINS, query)
            .await
    }

    /// Registers a domain, or finds the one that is registered already.
    pub async fn create_payment_method_domain(
        &self,
        domain_name: &str,
        key: &IdempotencyKey,
    ) -> Answered<PaymentMethodDomain> {
        let body = Form::new().with(&["domain_name"], domain_name);
        self.post("create_payment_method_domain", DOMAINS, body, key)
            .await
    }

    /// Opens the portal for a customer, who leaves it for `return_url`.
    pub async fn create_portal_session(
        &self,
        customer: &CustomerId,
        return_url: &str,
        key: &IdempotencyKey,
    ) -> Answered<PortalSession> {
        let body = Form::new()
            .with(&["customer"], customer.as_str())
            .with(&["return_url"], return_url);
        self.post("create_portal_session", PORTAL_SESSIONS, body, key)
            .await
    }
}
