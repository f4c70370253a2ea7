//! The end of a paid period at once, for which the unused time is given back.
//!
//! What is owed is in the table before the subscription ends, and is taken out once it has gone back. A caller that
//! dies in between leaves it there, and whoever comes next, at the latest a sweep, does what is left: each step finds
//! what was done already.

use perennial_store::{ActionOutcome, ClaimedStep};
use perennial_stripe::{CancellationDetails, CreditInvoice, StripeError};
use perennial_types::{
    AgreedEnd, By, Claim, EndBasis, GivenBack, IdempotencyKey, Lease, RefundPart, Subscription,
    Timestamp,
};

use super::{
    ActionError, ActionErrorCode, SubscriptionActions, Target, abandoned::STILL_MEANT_SECONDS,
    cancel::Canceled, claim::Held,
};
use crate::{
    FlowError,
    claimed_step::Sent,
    shop_events::{MoneyEvent, RefundFailed, about_money},
    subscriptions::Refreshed,
};

impl SubscriptionActions<'_> {
    /// Ends a subscription as it was agreed to, or not at all.
    pub(super) async fn end_as_agreed(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        by: By,
        agreed: &AgreedEnd,
        details: &CancellationDetails,
    ) -> Result<Canceled, ActionError> {
        let seen = self.read(of).await?;
        if self.cx.clock.now() > agreed.until {
            let outdated = ActionErrorCode::PreviewOutdated;
            return Err(ActionError::refused(outdated, &seen.model));
        }
        self.check_agreed(of, by, &seen, agreed).await?;
        self.end_now(of, held, agreed, details).await
    }

    /// Ends a subscription for what was reckoned a moment ago.
    pub(super) async fn end_now(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        agreed: &AgreedEnd,
        details: &CancellationDetails,
    ) -> Result<Canceled, ActionError> {
        let lease = self.cx.lease();
        let now = self.cx.clock.now();
        if agreed.parts.is_empty() {
            let subscription = self.end(of, details).await?;
            return Ok(Canceled {
                subscription,
                given_back: Some(agreed.given_back()),
            });
        }
        if !self.owe_held(of, held, agreed, &lease, now).await? {
            return Err(FlowError::Busy.into());
        }
        self.end_and_give_back(of, agreed, (&lease, now), details)
            .await
    }

    /// Brings to its end what another caller owed before it died. A subscription that still runs long after ends no
    /// more: whoever wanted that was told that it could not be done.
    pub(super) async fn finish_owed(
        &self,
        of: &Target<'_>,
        owed: &AgreedEnd,
        claim: (&Lease, Timestamp),
    ) -> Result<ActionOutcome, ActionError> {
        let seen = self.read(of).await?;
        if !seen.model.status.is_terminal() {
            let age = self.cx.clock.now().unix() - claim.1.unix();
            let meant = if age > STILL_MEANT_SECONDS {
                Err(ActionErrorCode::PreviewOutdated.into())
            } else {
                self.check_agreed(of, By::Server, &seen, owed).await
            };
            match meant {
                Ok(()) => {}
                Err(ActionError::Refused(refusal)) => {
                    let refusal =
                        serde_json::to_string(&refusal.why).map_err(FlowError::KeptAnswer)?;
                    return Ok(ActionOutcome::Refused { refusal });
                }
                Err(error) => return Err(error),
            }
        }
        let nothing = CancellationDetails::default();
        let done = self.end_and_give_back(of, owed, claim, &nothing).await?;
        Ok(ActionOutcome::Done { note: done.note()? })
    }

    /// Whether what was shown still holds.
    async fn check_agreed(
        &self,
        of: &Target<'_>,
        by: By,
        seen: &Refreshed,
        agreed: &AgreedEnd,
    ) -> Result<(), ActionError> {
        let refuse = |why| Err(ActionError::refused(why, &seen.model));
        let may = self.may(by, &seen.model).cancel;
        if let Some(reason) = may.reason {
            return refuse(reason.into());
        }
        let allowed = may.when.contains(&perennial_types::CancelWhen::Now);
        let holds = basis(seen).as_ref() == Some(&agreed.basis);
        if !allowed || !holds || !self.are_creditable(of, &agreed.parts).await? {
            return refuse(ActionErrorCode::PreviewOutdated);
        }
        Ok(())
    }

    async fn end_and_give_back(
        &self,
        of: &Target<'_>,
        agreed: &AgreedEnd,
        claim: (&Lease, Timestamp),
        details: &CancellationDetails,
    ) -> Result<Canceled, ActionError> {
        let subscription = self.end(of, details).await?;
        let mut given_back = GivenBack {
            refund: 0,
            credit: 0,
            currency: agreed.currency,
        };
        for (number, part) in agreed.parts.iter().enumerate() {
            let request = format!("{}:{number}", agreed.id);
            let sent = self.give_part_back(of, claim, part, &request).await?;
            let Err(refused) = sent else {
                given_back.refund = given_back.refund.saturating_add(part.refund);
                given_back.credit = given_back.credit.saturating_add(part.credit);
                continue;
            };
            tracing::error!(
                subscription = %of.id,
                invoice = part.invoice,
                error = %refused,
                "what is owed for an end at once was refused by Stripe"
            );
            let failed = MoneyEvent::RefundFailed(RefundFailed {
                invoice: Some(&part.invoice),
                refund: None,
                amount: part.refund.saturating_add(part.credit),
                currency: Some(agreed.currency),
                reason: refused.code(),
            });
            let event = about_money(of.user, of.id, &request, &failed, self.cx.clock.now());
            self.cx.table.tell(&event).await?;
        }
        Ok(Canceled {
            subscription,
            given_back: Some(given_back),
        })
    }

    /// Ends the subscription, unless it has ended.
    async fn end(
        &self,
        of: &Target<'_>,
        details: &CancellationDetails,
    ) -> Result<Subscription, ActionError> {
        let ended = self.cx.stripe.cancel_subscription(of.id, details);
        match self.changed(of, ended).await {
            Err(ActionError::Refused(refusal)) if refusal.why == ActionErrorCode::Ended => {
                match refusal.subscription {
                    Some(subscription) => Ok(subscription),
                    None => self.look(of).await,
                }
            }
            ended => ended,
        }
    }

    /// Gives one part back, which is done once; what Stripe has refused is answered.
    async fn give_part_back(
        &self,
        of: &Target<'_>,
        (lease, frozen_at): (&Lease, Timestamp),
        part: &RefundPart,
        request: &str,
    ) -> Result<Result<(), StripeError>, ActionError> {
        let key = IdempotencyKey::new(&format!("act:{request}:refund")).map_err(FlowError::from)?;
        let frozen = CreditInvoice {
            invoice: &part.invoice,
            refund: part.refund,
            credit: part.credit,
            request,
        }
        .freeze(key);
        let claim = Claim {
            lease: lease.clone(),
            frozen_at,
            request: frozen,
        };
        let stripe = &self.cx.stripe;
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            &claim,
            |frozen| Box::pin(async move { stripe.credit_invoice(frozen).await }),
            || {
                Box::pin(async move {
                    let found = self.find_credit_note(&part.invoice, request).await?;
                    Ok::<_, ActionError>(found)
                })
            },
        );
        match sent.await? {
            Sent::Made(_) | Sent::Found(_) => Ok(Ok(())),
            Sent::Refused(error) => Ok(Err(error)),
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }
}

/// What the amounts of an end follow from; none if the subscription was not read, since it has ended.
pub(super) fn basis(seen: &Refreshed) -> Option<EndBasis> {
    let read = seen.read.as_ref()?;
    let items = read.items.data.iter().filter(|item| item.is_charged());
    let mut charged: Vec<String> = items
        .map(|item| {
            let price = item.price_id().map_or("", |price| price.as_str());
            format!("{price}*{}", item.quantity.unwrap_or_default())
        })
        .collect();
    charged.sort();
    Some(EndBasis {
        status: read.status.as_str().to_owned(),
        invoice: read.latest_invoice.as_ref().map(|it| it.id().clone()),
        period_end: seen.model.current_period_end.map(Timestamp::unix),
        charged,
    })
}
