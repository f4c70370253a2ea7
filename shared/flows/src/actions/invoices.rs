//! A user's invoices, read at Stripe when they are asked for: their addresses are good for whoever has them,
//! so none is kept.

use perennial_stripe::{Bill, StripeError};
use perennial_types::{InvoiceStatus, SubscriptionId, UserId};

use super::{ActionError, SubscriptionActions};

/// So many are on a page.
const PAGE: i64 = 20;

/// Which invoices are asked for.
#[derive(Debug, Clone, Copy)]
pub struct ListInvoices<'a> {
    /// Whose.
    pub user: &'a UserId,
    /// Only those of this subscription.
    pub subscription: Option<&'a SubscriptionId>,
    /// The last one of the page before.
    pub after: Option<&'a str>,
}

/// A page of invoices.
#[derive(Debug, Default)]
pub struct Invoices {
    /// Newest first. Drafts, which may still change, are left out.
    pub bills: Vec<Bill>,
    /// What to ask for the next page with; none if there is no more.
    pub after: Option<String>,
}

impl SubscriptionActions<'_> {
    /// A page of a user's invoices; an empty one for a user without any.
    pub async fn invoices(&self, list: ListInvoices<'_>) -> Result<Invoices, ActionError> {
        let Some(customer) = self.cx.table.known_customer(list.user).await? else {
            return Ok(Invoices::default());
        };
        let stripe = &self.cx.stripe;
        let page = stripe.list_customer_invoices(&customer, list.subscription, list.after, PAGE);
        let page = match page.await {
            Ok(page) => page.value,
            // The customer or the invoice is gone, or was never this user's.
            Err(error) if is_missing(&error) => return Ok(Invoices::default()),
            Err(error) => return Err(error.into()),
        };
        let oldest = page.data.last().map(|bill| bill.id.clone());
        let is_final = |bill: &Bill| bill.status != Some(InvoiceStatus::Draft);
        Ok(Invoices {
            bills: page.data.into_iter().filter(is_final).collect(),
            after: oldest.filter(|_| page.has_more),
        })
    }
}

fn is_missing(error: &StripeError) -> bool {
    error.code() == Some("resource_missing")
}
