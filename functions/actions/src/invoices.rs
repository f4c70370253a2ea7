//! `GET /invoices`: what a user was billed.

use perennial_api::{failure, not_an_id, refused};
use perennial_flows::actions::{ActionError, Bill, Invoices, ListInvoices};
use perennial_http::{ApiError, Request, Response};
use perennial_types::{By, SubscriptionId, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{App, ask::is_invoice, user_of};

impl App {
    pub(crate) async fn invoices(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let query = &request.query;
        let user = user_of(by, request, query.get("user").map(String::as_str))?;
        let subscription = query.get("subscription").map(|id| id.parse());
        let subscription: Option<SubscriptionId> = subscription
            .transpose()
            .map_err(|_| not_an_id("subscription", "sub_..."))?;
        let after = query.get("after").map(String::as_str);
        if after.is_some_and(|id| !is_invoice(id)) {
            return Err(not_an_id("after", "in_..."));
        }
        let context = self.clients.begin_without_plans();
        let list = ListInvoices {
            user: &user,
            subscription: subscription.as_ref(),
            after,
        };
        let page = context.actions().invoices(list).await;
        let page: Invoices = page.map_err(|error| match error {
            ActionError::Flow(error) => failure(error),
            ActionError::Refused(refusal) => refused(refusal.why),
        })?;
        let invoices: Vec<Value> = page.bills.iter().map(describe).collect();
        let body = json!({ "invoices": invoices, "after": page.after });
        Ok(Response::json(200, &body))
    }
}

fn describe(bill: &Bill) -> Value {
    let seconds = |at: i64| Timestamp::from_unix(at);
    json!({
        "id": bill.id,
        "number": bill.number,
        "status": bill.status,
        "subscription": bill.subscription(),
        "reason": bill.billing_reason,
        "created_at": seconds(bill.created),
        "paid_at": bill.paid_at().map(seconds),
        "next_payment_attempt": bill.next_payment_attempt.map(seconds),
        "currency": bill.currency,
        "total": bill.total,
        "amount_due": bill.amount_due,
        "amount_paid": bill.amount_paid,
        "amount_remaining": bill.amount_remaining,
        "credited_after_payment": bill.post_payment_credit_notes_amount,
        "page": bill.hosted_invoice_url.as_ref().map(ExposeSecret::expose_secret),
        "pdf": bill.invoice_pdf.as_ref().map(ExposeSecret::expose_secret),
    })
}
