//! The operations of Stripe around wallets: what the account takes, where, and the portal in which
//! shoppers look after what they pay with.

use perennial_types::CustomerId;

use crate::{
    FrozenRequest, IdempotencyKey,
    client::Stripe,
    form::{Form, encode_segment},
    objects::{Account, List, PaymentMethodDomain, PortalConfiguration, PortalSession},
    operations::{Answered, page},
    requests::{KeepPortal, path},
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

    /// Creates the configuration of the portal that is frozen in the request.
    pub async fn create_portal_configuration(
        &self,
        request: &FrozenRequest,
    ) -> Answered<PortalConfiguration> {
        self.send(
            "create_portal_configuration",
            path::PORTAL_CONFIGURATIONS,
            request,
        )
        .await
    }

    /// Reads a configuration of the portal.
    pub async fn retrieve_portal_configuration(&self, id: &str) -> Answered<PortalConfiguration> {
        let path = configuration(id);
        self.get("retrieve_portal_configuration", &path, Form::new())
            .await
    }

    /// Makes a configuration of the portal what it should be, whatever it has become.
    pub async fn renew_portal_configuration(
        &self,
        id: &str,
        keep: &KeepPortal<'_>,
    ) -> Answered<PortalConfiguration> {
        let path = configuration(id);
        self.settle("renew_portal_configuration", &path, keep.renewed())
            .await
    }

    /// Lists the configurations of the portal, newest first, 100 a page.
    pub async fn list_portal_configurations(
        &self,
        starting_after: Option<&str>,
    ) -> Answered<List<PortalConfiguration>> {
        let query = page(Form::new(), starting_after);
        let path = path::PORTAL_CONFIGURATIONS;
        self.get("list_portal_configurations", path, query).await
    }

    /// Opens the portal for a customer, who leaves it for `return_url`, with a configuration or the account's default
    /// one.
    pub async fn create_portal_session(
        &self,
        customer: &CustomerId,
        configuration: Option<&str>,
        return_url: &str,
        key: &IdempotencyKey,
    ) -> Answered<PortalSession> {
        let mut body = Form::new()
            .with(&["customer"], customer.as_str())
            .with(&["return_url"], return_url);
        if let Some(configuration) = configuration {
            body = body.with(&["configuration"], configuration);
        }
        self.post("create_portal_session", PORTAL_SESSIONS, body, key)
            .await
    }
}

fn configuration(id: &str) -> String {
    format!("{}/{}", path::PORTAL_CONFIGURATIONS, encode_segment(id))
}
