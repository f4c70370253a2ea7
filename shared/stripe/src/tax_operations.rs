//! The operations of Stripe about what a plan costs somewhere, and where a customer is.

use perennial_types::{BillingAddress, CustomerId};

use crate::{
    PreviewFirst,
    client::Stripe,
    form::Form,
    objects::{Customer, Preview},
    operations::Answered,
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
}
