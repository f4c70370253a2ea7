//! What goes back of a period that ends before its time: what Stripe would credit, as far as it was paid.

use perennial_stripe::{
    Bill, Charge, CreditNote, InvoicePayment, PaymentIntent, PaymentIntentStatus, Preview,
    StripeError,
};
use perennial_types::{Currency, InvoiceStatus, RefundPart, SubscriptionStatus};

use super::{ActionError, PreviewedLine, SubscriptionActions, Target};
use crate::{FlowError, listed, subscriptions::Refreshed};

/// So many of a subscription's newest invoices are looked through: those of one period, which are more than one
/// if its plan was changed.
const NEWEST: i64 = 20;

/// Stripe dates an invoice of a period some seconds before or after its beginning.
const SLACK_SECONDS: i64 = 60;

/// What goes back, and what it is made of.
#[derive(Debug, Default)]
pub(super) struct UnusedTime {
    pub(super) currency: Option<Currency>,
    pub(super) parts: Vec<RefundPart>,
    pub(super) lines: Vec<PreviewedLine>,
}

/// What of an invoice can still be given back, in the currency's smallest unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Creditable {
    /// In all.
    pub(super) total: u64,
    /// Of that, what can go to the payment method.
    pub(super) refund: u64,
}

impl SubscriptionActions<'_> {
    /// What goes back if the subscription ends now. Nothing does unless it is active: a trial is free, and what
    /// is overdue or paused is not paid for.
    pub(super) async fn unused_time(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
    ) -> Result<UnusedTime, ActionError> {
        let Some(read) = &seen.read else {
            return Ok(UnusedTime::default());
        };
        let paid = self.invoices_of_period(of, seen).await?;
        let currency = paid.iter().find_map(|(bill, _)| bill.currency.as_deref());
        let currency = currency.and_then(|code| code.parse().ok());
        if read.status != SubscriptionStatus::Active || paid.is_empty() {
            return Ok(UnusedTime {
                currency,
                ..UnusedTime::default()
            });
        }
        let preview = match self.cx.stripe.preview_end(of.id).await {
            Ok(preview) => preview.value,
            // There is nothing to credit.
            Err(StripeError::Invalid { status: 404, .. }) => {
                return Ok(UnusedTime {
                    currency,
                    ..UnusedTime::default()
                });
            }
            Err(error) => return Err(error.into()),
        };
        let lines = prorations(&preview);
        let total: i64 = preview
            .lines
            .data
            .iter()
            .filter(|line| line.is_proration())
            .map(perennial_stripe::PreviewLine::total)
            .fold(0, i64::saturating_add);
        let mut left = u64::try_from(total.saturating_neg()).unwrap_or(0);
        let mut parts = Vec::new();
        for (bill, most) in &paid {
            if left == 0 {
                break;
            }
            let creditable = self.creditable(bill).await?;
            let amount = left.min(creditable.total).min(*most);
            let refund = amount.min(creditable.refund);
            let credit = amount.saturating_sub(refund);
            left = left.saturating_sub(amount);
            if amount > 0 {
                parts.push(RefundPart {
                    invoice: bill.id.clone(),
                    refund,
                    credit,
                });
            }
        }
        Ok(UnusedTime {
            currency: preview.currency.parse().ok().or(currency),
            parts,
            lines,
        })
    }

    /// Whether each part can still be given back as it was shown.
    pub(super) async fn are_creditable(
        &self,
        of: &Target<'_>,
        parts: &[RefundPart],
    ) -> Result<bool, ActionError> {
        if parts.is_empty() {
            return Ok(true);
        }
        let bills = self.newest_bills(of).await?;
        for part in parts {
            let Some(bill) = bills.iter().find(|bill| bill.id == part.invoice) else {
                return Ok(false);
            };
            let now = self.creditable(bill).await?;
            if part.refund > now.refund || part.refund.saturating_add(part.credit) > now.total {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn newest_bills(&self, of: &Target<'_>) -> Result<Vec<Bill>, ActionError> {
        let stripe = &self.cx.stripe;
        let page = stripe.list_customer_invoices(&of.customer, Some(of.id), None, NEWEST);
        Ok(page.await?.value.data)
    }

    /// The paid invoices of the current period, newest first, with what may be given back of each at the most; none
    /// if one of them is not paid. One that credits the period before, as a change of interval does, brings the
    /// invoice of that with it, for as much.
    async fn invoices_of_period(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
    ) -> Result<Vec<(Bill, u64)>, ActionError> {
        let Some(start) = seen.model.current_period_start else {
            return Ok(Vec::new());
        };
        let since = start.unix().saturating_sub(SLACK_SECONDS);
        let mut found = Vec::new();
        let mut credited = 0_i64;
        for bill in self.newest_bills(of).await? {
            if bill.created < since && credited == 0 {
                break;
            }
            let is_before = bill.created < since;
            match bill.status {
                Some(InvoiceStatus::Paid) => {}
                // It was given up, and nothing of it was paid.
                Some(InvoiceStatus::Void) => continue,
                _ if is_before => continue,
                _ => return Ok(Vec::new()),
            }
            let most = if is_before { credited } else { i64::MAX };
            credited = if is_before {
                0
            } else {
                credited.saturating_add(bill.credited())
            };
            found.push((bill, u64::try_from(most).unwrap_or(0)));
        }
        Ok(found)
    }

    pub(super) async fn creditable(&self, bill: &Bill) -> Result<Creditable, ActionError> {
        let whole = |amount: i64| u64::try_from(amount).unwrap_or(0);
        let notes = self.credit_notes(&bill.id).await?;
        let linked = notes.iter().filter(|note| note.stands());
        let linked = linked
            .map(CreditNote::refunded)
            .fold(0, u64::saturating_add);
        let payment = self.payment_of(bill).await?;
        let (received, refunded) = match &payment {
            Paid::Nothing => (0, 0),
            // What is claimed back is not given back beside that.
            Paid::Contested => {
                return Ok(Creditable {
                    total: 0,
                    refund: 0,
                });
            }
            Paid::By { received, refunded } => (*received, *refunded),
        };
        let taken = whole(bill.pre_payment_credit_notes_amount)
            .saturating_add(whole(bill.post_payment_credit_notes_amount))
            .saturating_add(refunded.saturating_sub(linked));
        let total = whole(bill.total).saturating_sub(taken);
        Ok(Creditable {
            total,
            refund: received.saturating_sub(refunded).min(total),
        })
    }

    async fn credit_notes(&self, invoice: &str) -> Result<Vec<CreditNote>, FlowError> {
        let stripe = &self.cx.stripe;
        let page = stripe.list_credit_notes(invoice, None).await?;
        Ok(page.value.data)
    }

    /// The credit note that a request has made.
    pub(super) async fn find_credit_note(
        &self,
        invoice: &str,
        request: &str,
    ) -> Result<Option<CreditNote>, FlowError> {
        let found = listed::find(
            |after: Option<String>| async move {
                let stripe = &self.cx.stripe;
                stripe.list_credit_notes(invoice, after.as_deref()).await
            },
            |note| {
                let named = note.metadata.get(perennial_stripe::metadata::ACTION);
                named.is_some_and(|named| named == request)
            },
            |last| Some(last.id.clone()),
        );
        Ok(found.await?)
    }

    async fn payment_of(&self, bill: &Bill) -> Result<Paid, ActionError> {
        let stripe = &self.cx.stripe;
        let listed = stripe.list_payments_of_invoice(&bill.id).await?.value.data;
        let mut paid = listed
            .iter()
            .filter_map(InvoicePayment::payment_intent)
            .filter(|payment| payment.status == PaymentIntentStatus::Succeeded);
        let (Some(payment), None) = (paid.next(), paid.next()) else {
            return Ok(Paid::Nothing);
        };
        let payment: PaymentIntent = stripe.read_payment(&payment.id).await?.value;
        let charge = payment.charge();
        if charge.is_some_and(|charge| charge.disputed) {
            return Ok(Paid::Contested);
        }
        Ok(Paid::By {
            received: payment.amount_received,
            refunded: charge.map_or(0, Charge::given_back),
        })
    }
}

/// What has paid an invoice.
enum Paid {
    /// No payment at Stripe, or more than one, of which Stripe does not choose.
    Nothing,
    /// One that the shopper's bank or wallet has claimed back.
    Contested,
    By {
        received: u64,
        refunded: u64,
    },
}

fn prorations(preview: &Preview) -> Vec<PreviewedLine> {
    let lines = preview.lines.data.iter();
    lines
        .filter(|line| line.is_proration())
        .map(PreviewedLine::of)
        .collect()
}
