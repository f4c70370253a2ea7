//! Money of a paid invoice that goes back, while its subscription runs on or after it has ended.
//!
//! It goes back as a credit note with its refund in one request, which is frozen before it is sent and found again by
//! its number.

use perennial_store::{ActionOutcome, ClaimedStep, PaymentIssue};
use perennial_stripe::{Bill, CreditInvoice, CreditNote, StripeError};
use perennial_types::{
    Claim, FrozenRequest, GivenBack, IdempotencyKey, InvoiceStatus, RefundPart, Refunded,
    Subscription,
};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    abandoned::STILL_MEANT_SECONDS,
    claim::{Held, Turn},
    unused_time::Creditable,
};
use crate::{FlowError, claimed_step::Sent};

/// What is to go back.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Of which invoice, `in_...`.
    pub invoice: String,
    /// How much, in the currency's smallest unit; all that is left if nothing is said.
    pub amount: Option<u64>,
}

/// What went back.
#[derive(Debug)]
pub struct InvoiceRefund {
    /// The subscription whose invoice it is.
    pub subscription: Subscription,
    /// How much, and to where.
    pub given_back: GivenBack,
}

impl SubscriptionActions<'_> {
    /// Gives an invoice back, or a part of it, and answers with the subscription as it is then.
    pub async fn refund(
        &self,
        asked: &AskedAction,
        refund: &Refund,
    ) -> Result<InvoiceRefund, ActionError> {
        let of = self.target(asked).await?;
        let given_back = match self.turn(&of, asked, None).await? {
            Turn::Mine(mut held) => {
                let done = Box::pin(self.refund_held(&of, &mut held, refund)).await;
                let note = done.as_ref().ok().map(serde_json::to_string);
                let note = note.transpose().map_err(FlowError::KeptAnswer)?;
                self.give_back(&of, asked, held, &done, note).await?;
                done?
            }
            Turn::Over(note) => {
                let note = note.ok_or(FlowError::ItemLacks("what was given back"))?;
                serde_json::from_str(&note).map_err(FlowError::KeptAnswer)?
            }
        };
        Ok(InvoiceRefund {
            subscription: self.look(&of).await?,
            given_back,
        })
    }

    async fn refund_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        refund: &Refund,
    ) -> Result<GivenBack, ActionError> {
        let bill = self.paid_bill(of, &refund.invoice).await?;
        let part = part_of(&bill, self.creditable(&bill).await?, refund.amount)?;
        let request = IdempotencyKey::drawn().to_string();
        let key = IdempotencyKey::new(&format!("act:{request}:refund")).map_err(FlowError::from)?;
        let frozen = CreditInvoice {
            invoice: &part.invoice,
            refund: part.refund,
            credit: part.credit,
            request: &request,
        }
        .freeze(key);
        let claim = self.freeze(of, held, frozen).await?;
        self.send_refund(of, &claim, &bill).await
    }

    /// An invoice that was paid for this subscription.
    async fn paid_bill(&self, of: &Target<'_>, invoice: &str) -> Result<Bill, ActionError> {
        let bill = match self.cx.stripe.retrieve_bill(invoice).await {
            Ok(bill) => bill.value,
            Err(StripeError::Invalid { status: 404, .. }) => {
                return Err(ActionErrorCode::UnknownInvoice.into());
            }
            Err(error) => return Err(error.into()),
        };
        // Another one's is as if it were not there.
        if bill.subscription() != Some(of.id) {
            return Err(ActionErrorCode::UnknownInvoice.into());
        }
        if bill.status != Some(InvoiceStatus::Paid) {
            return Err(ActionErrorCode::InvoiceNotPaid.into());
        }
        Ok(bill)
    }

    async fn send_refund(
        &self,
        of: &Target<'_>,
        claim: &Claim,
        bill: &Bill,
    ) -> Result<GivenBack, ActionError> {
        let asked = frozen(&claim.request)?;
        let stripe = &self.cx.stripe;
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            claim,
            |frozen| Box::pin(async move { Ok(stripe.credit_invoice(frozen).await?.value) }),
            || {
                Box::pin(async move {
                    let found = self.find_credit_note(asked.invoice, asked.request).await?;
                    Ok::<_, ActionError>(found)
                })
            },
        );
        match sent.await? {
            Sent::Made(note) | Sent::Found(note) => {
                self.settle_refund(of, asked, bill, &note).await
            }
            Sent::Refused(error) => {
                // Somebody may have given it back in the Dashboard in this moment.
                let bill = self.paid_bill(of, asked.invoice).await?;
                let amount = asked.refund.saturating_add(asked.credit);
                part_of(&bill, self.creditable(&bill).await?, Some(amount))?;
                tracing::error!(subscription = %of.id, invoice = asked.invoice, error = %error,
                    "a refund that the shop's server has asked for was refused by Stripe");
                Err(ActionErrorCode::ChangeRefused.into())
            }
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }

    /// Notes what went back, as the refund's event will do once more.
    async fn settle_refund(
        &self,
        of: &Target<'_>,
        asked: CreditInvoice<'_>,
        bill: &Bill,
        note: &CreditNote,
    ) -> Result<GivenBack, ActionError> {
        let currency = bill.currency.as_deref().and_then(|code| code.parse().ok());
        let currency = currency.ok_or(FlowError::ItemLacks("the currency of the invoice"))?;
        for (refund, amount) in note.refunds() {
            let finding = PaymentIssue::Refund {
                stands: true,
                of: Refunded {
                    invoice: bill.id.clone(),
                    amount,
                    paid: u64::try_from(bill.amount_paid).unwrap_or(0),
                    currency: Some(currency),
                },
            };
            let table = &self.cx.table;
            table.note_issue(of.user, of.id, refund, &finding).await?;
        }
        Ok(GivenBack {
            refund: asked.refund,
            credit: asked.credit,
            currency,
        })
    }

    /// Brings to its end what another caller has frozen before it died. Nothing goes back of what was asked for long
    /// ago, and of which Stripe knows nothing.
    pub(super) async fn finish_abandoned_refund(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let done = match self.refund_abandoned(of, claim).await {
            Ok(given_back) => ActionOutcome::Done {
                note: Some(serde_json::to_string(&given_back).map_err(FlowError::KeptAnswer)?),
            },
            Err(ActionError::Refused(refusal)) => ActionOutcome::Refused {
                refusal: serde_json::to_string(&refusal.why).map_err(FlowError::KeptAnswer)?,
            },
            Err(error) => return Err(error),
        };
        Ok(Some(done))
    }

    async fn refund_abandoned(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<GivenBack, ActionError> {
        let asked = frozen(&claim.request)?;
        let bill = self.paid_bill(of, asked.invoice).await?;
        if let Some(note) = self.find_credit_note(asked.invoice, asked.request).await? {
            return self.settle_refund(of, asked, &bill, &note).await;
        }
        let age = self.cx.clock.now().unix() - claim.frozen_at.unix();
        if age > STILL_MEANT_SECONDS {
            return Err(ActionErrorCode::Changed.into());
        }
        let amount = asked.refund.saturating_add(asked.credit);
        part_of(&bill, self.creditable(&bill).await?, Some(amount))?;
        self.send_refund(of, claim, &bill).await
    }
}

/// What goes where of what is asked for, if so much is left.
fn part_of(
    bill: &Bill,
    left: Creditable,
    amount: Option<u64>,
) -> Result<RefundPart, ActionErrorCode> {
    if left.total == 0 {
        return Err(ActionErrorCode::NothingToRefund);
    }
    let amount = amount.unwrap_or(left.total);
    if amount > left.total {
        return Err(ActionErrorCode::RefundTooLarge);
    }
    let refund = amount.min(left.refund);
    Ok(RefundPart {
        invoice: bill.id.clone(),
        refund,
        credit: amount.saturating_sub(refund),
    })
}

/// Whether what was frozen here gives an invoice back.
pub(super) fn is_refund(request: &FrozenRequest) -> bool {
    request.path == CreditInvoice::PATH
}

fn frozen(request: &FrozenRequest) -> Result<CreditInvoice<'_>, FlowError> {
    CreditInvoice::of(request).ok_or(FlowError::ItemLacks("the invoice that is given back"))
}
