//! The operations of Stripe about what a plan costs somewhere, and where a customer is.

use perennial_types::{BillingAddress, CustomerId, TaxId};
use reqwest::Method;

use crate::{
    IdempotencyKey, PreviewFirst,
    client::{Call, Stripe},
    form::{Form, encode_segment},
    objects::{Customer, Deleted, HeldTaxId, List, Preview},
    operations::{Answered, page},
    requests::{below, path},
};

impl Stripe {
    /// What the first period of another subscription would cost. Nothing is done.
    pub async fn preview_first(&self, first: &PreviewFirst<'_>) -> Answered<Preview> {
        self.settle("preview_invoice", path::PREVIEW, first.form())
            .await
    }

    /// Gives a customer another address, of which nothing is left of the one before. Stripe refuses one that it does
    /// not recognize.
    pub async fn set_address(
        &self,
        id: &CustomerId,
        address: &BillingAddress,
    ) -> Answered<Customer> {
        let path = below(path::CUSTOMERS, id.as_str());
        let field = |name| ["address", name];
        let mut body = Form::new()
            .with(&field("country"), address.country())
            .with(&field("postal_code"), address.postal_code().unwrap_or(""));
        for gone in ["city", "line1", "line2", "state"] {
            body = body.with(&field(gone), "");
        }
        let body = body.with(&["tax", "validate_location"], "immediately");
        self.settle("update_customer", &path, body).await
    }

    /// Lists the tax ids of a customer, newest first, 100 a page.
    pub async fn list_tax_ids(
        &self,
        customer: &CustomerId,
        starting_after: Option<&str>,
    ) -> Answered<List<HeldTaxId>> {
        let query = page(Form::new(), starting_after);
        self.get("list_tax_ids", &tax_ids(customer), query).await
    }

    /// Gives a customer one more. Stripe takes the same one twice, and refuses what has not the form of its type.
    pub async fn create_tax_id(
        &self,
        customer: &CustomerId,
        id: &TaxId,
        key: &IdempotencyKey,
    ) -> Answered<HeldTaxId> {
        let body = Form::new()
            .with(&["type"], id.kind())
            .with(&["value"], id.value());
        self.post("create_tax_id", &tax_ids(customer), body, key)
            .await
    }

    /// Takes one away.
    pub async fn delete_tax_id(&self, customer: &CustomerId, id: &str) -> Answered<Deleted> {
        self.call(&Call {
            operation: "delete_tax_id",
            method: Method::DELETE,
            path: &format!("{}/{}", tax_ids(customer), encode_segment(id)),
            parameters: "",
            key: None,
        })
        .await
    }
}

fn tax_ids(customer: &CustomerId) -> String {
    format!("{}/tax_ids", below(path::CUSTOMERS, customer.as_str()))
}
