//! The operations of Stripe by which a subscription is changed, one method each.

use perennial_types::{CustomerId, PaymentMethodId, SubscriptionId};

use crate::{
    ChangePlan, FrozenRequest, PauseSubscription, PreviewEachPeriod, ResumeSubscription,
    client::Stripe,
    form::Form,
    objects::{Bill, CreditNote, Invoice, List, Preview, Schedule, Subscription},
    operations::{Answered, page},
    requests::{below, path, whole},
};

impl Stripe {
    /// What a change would cost, of which nothing is done.
    pub async fn preview_change(&self, change: &ChangePlan<'_>) -> Answered<Preview> {
        self.settle("preview_invoice", path::PREVIEW, change.preview())
            .await
    }

    /// What each whole period of a subscription costs, whatever a schedule says of the next one, and without what the
    /// customer has left or owes; nothing is done.
    pub async fn preview_each_period(&self, each: &PreviewEachPeriod<'_>) -> Answered<Preview> {
        self.settle("preview_invoice", path::PREVIEW, each.form())
            .await
    }

    /// What a subscription is going to be charged next, of which nothing is done.
    pub async fn preview_renewal(&self, id: &SubscriptionId) -> Answered<Preview> {
        let body = Form::new().with(&["subscription"], id.as_str());
        self.settle("preview_invoice", path::PREVIEW, body).await
    }

    /// What an end at once would credit, as of now, of which nothing is done.
    pub async fn preview_end(&self, id: &SubscriptionId) -> Answered<Preview> {
        let body = Form::new()
            .with(&["subscription"], id.as_str())
            .with(&["subscription_details", "cancel_now"], "true")
            .with(
                &["subscription_details", "proration_behavior"],
                "always_invoice",
            );
        self.settle("preview_invoice", path::PREVIEW, body).await
    }

    /// What is charged next if the subscription ends at a time, in Unix seconds, of which nothing is done.
    pub async fn preview_end_at(&self, id: &SubscriptionId, at: i64) -> Answered<Preview> {
        let body = Form::new()
            .with(&["subscription"], id.as_str())
            .with_number(&["subscription_details", "cancel_at"], at)
            .with(&["subscription_details", "proration_behavior"], "none");
        self.settle("preview_invoice", path::PREVIEW, body).await
    }

    /// Gives a part of a paid invoice back; see [`CreditInvoice`](crate::CreditInvoice).
    pub async fn credit_invoice(&self, request: &FrozenRequest) -> Answered<CreditNote> {
        self.send("create_credit_note", path::CREDIT_NOTES, request)
            .await
    }

    /// Lists what of an invoice was taken back, newest first, 100 a page.
    pub async fn list_credit_notes(
        &self,
        invoice: &str,
        starting_after: Option<&str>,
    ) -> Answered<List<CreditNote>> {
        let query = Form::new().with(&["invoice"], invoice);
        let query = page(query, starting_after);
        self.get("list_credit_notes", path::CREDIT_NOTES, query)
            .await
    }

    /// Changes a subscription; see [`ChangePlan`].
    pub async fn change_subscription(
        &self,
        id: &SubscriptionId,
        request: &FrozenRequest,
    ) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        self.send("update_subscription", &path, request).await
    }

    /// Creates a schedule; see [`CreateSchedule`](crate::CreateSchedule).
    pub async fn create_schedule(&self, request: &FrozenRequest) -> Answered<Schedule> {
        let path = path::SUBSCRIPTION_SCHEDULES;
        self.send("create_schedule", path, request).await
    }

    /// Changes a schedule; see [`ChangeAtPeriodEnd`](crate::ChangeAtPeriodEnd).
    pub async fn change_schedule(&self, id: &str, request: &FrozenRequest) -> Answered<Schedule> {
        let path = below(path::SUBSCRIPTION_SCHEDULES, id);
        self.send("update_schedule", &path, request).await
    }

    /// Charges renewals to this method from now on. `added` is its type, if the subscription has a list of types
    /// that lacks it.
    pub async fn replace_payment_method(
        &self,
        id: &SubscriptionId,
        method: &PaymentMethodId,
        added: Option<&str>,
    ) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        let mut body = Form::new().with(&["default_payment_method"], method.as_str());
        if let Some(kind) = added {
            body = body.with(&["payment_settings", "payment_method_types", ""], kind);
        }
        self.settle("update_subscription", &path, body).await
    }

    /// Lists the invoices of a subscription that are to be paid, newest first, 100 a page.
    pub async fn list_open_invoices(
        &self,
        customer: &CustomerId,
        subscription: &SubscriptionId,
    ) -> Answered<List<Invoice>> {
        let query = Form::new()
            .with(&["customer"], customer.as_str())
            .with(&["subscription"], subscription.as_str())
            .with(&["status"], "open");
        self.get("list_invoices", path::INVOICES, page(query, None))
            .await
    }

    /// Reads an invoice.
    pub async fn retrieve_invoice(&self, id: &str) -> Answered<Invoice> {
        self.get("retrieve_invoice", &below(path::INVOICES, id), Form::new())
            .await
    }

    /// Reads an invoice as its customer sees it.
    pub async fn retrieve_bill(&self, id: &str) -> Answered<Bill> {
        self.get("retrieve_invoice", &below(path::INVOICES, id), Form::new())
            .await
    }

    /// Makes a draft final, so that it can be paid.
    pub async fn finalize_invoice(&self, id: &str) -> Answered<Invoice> {
        let path = format!("{}/finalize", below(path::INVOICES, id));
        self.settle("finalize_invoice", &path, Form::new()).await
    }

    /// Pays an invoice while the shopper is away. Stripe takes one payment for each invoice, so a repeat under
    /// another key charges nothing.
    pub async fn pay_invoice(&self, id: &str, method: &PaymentMethodId) -> Answered<Invoice> {
        let path = format!("{}/pay", below(path::INVOICES, id));
        let body = Form::new()
            .with(&["payment_method"], method.as_str())
            .with(&["off_session"], "true");
        self.settle("pay_invoice", &path, body).await
    }

    /// Resumes a paused subscription with a new period, which is paid in this call or not begun.
    pub async fn resume_subscription(&self, id: &SubscriptionId) -> Answered<Subscription> {
        let path = format!("{}/resume", below(path::SUBSCRIPTIONS, id.as_str()));
        self.settle("resume_subscription", &path, ResumeSubscription::body())
            .await
    }

    /// Pauses or resumes a subscription; see [`PauseSubscription`](crate::PauseSubscription) and
    /// [`ResumeSubscription`].
    pub async fn pause_or_resume(&self, request: &FrozenRequest) -> Answered<Subscription> {
        let operation = if request.path.ends_with(ResumeSubscription::PATH_END) {
            "resume_subscription"
        } else {
            "pause_subscription"
        };
        self.send(operation, &request.path, request).await
    }

    /// What a pause would credit, of which nothing is done. Stripe answers 404 where that is nothing.
    pub async fn preview_pause(&self, pause: PauseSubscription<'_>) -> Answered<Preview> {
        self.settle("preview_invoice", path::PREVIEW, pause.preview())
            .await
    }

    /// What a resumption would cost, of which nothing is done.
    pub async fn preview_resume(&self, resume: ResumeSubscription<'_>) -> Answered<Preview> {
        self.settle("preview_invoice", path::PREVIEW, resume.preview())
            .await
    }

    /// Voids each new invoice from now on, until a time in Unix seconds if there is one; the subscription runs on.
    pub async fn pause_collection(
        &self,
        id: &SubscriptionId,
        until: Option<i64>,
    ) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        let body = Form::new().with(&["pause_collection", "behavior"], "void");
        let body = match until {
            Some(until) => body.with_number(&["pause_collection", "resumes_at"], until),
            None => body,
        };
        self.settle("update_subscription", &path, whole(body)).await
    }

    /// Collects payments again.
    pub async fn resume_collection(&self, id: &SubscriptionId) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        let body = Form::new().with(&["pause_collection"], "");
        self.settle("update_subscription", &path, whole(body)).await
    }

    /// Reads a schedule.
    pub async fn retrieve_schedule(&self, id: &str) -> Answered<Schedule> {
        let path = below(path::SUBSCRIPTION_SCHEDULES, id);
        self.get("retrieve_schedule", &path, Form::new()).await
    }

    /// Ends a schedule and leaves its subscription as it is. Stripe refuses it for one that has ended.
    pub async fn release_schedule(&self, id: &str) -> Answered<Schedule> {
        let path = format!("{}/release", below(path::SUBSCRIPTION_SCHEDULES, id));
        self.settle("release_schedule", &path, Form::new()).await
    }
}
