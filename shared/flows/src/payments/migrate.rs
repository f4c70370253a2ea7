//! A token of the old Tokens API becomes a saved method, in one call.
//!
//! A token can be used once, and the cryptogram behind it lives for minutes: a method is made of it,
//! and set up at once, so that the bank knows of the agreement. Each step is claimed and repeated
//! under its own key at Stripe. The token itself is not kept; a repeat of the request brings it
//! again.

use std::convert::Infallible;

use perennial_store::{ClaimedStep, RequestKind};
use perennial_stripe::{
    CreateMethod, CredentialUsage, Expandable, SetUpMethod, SetupIntent, SetupIntentStatus,
    StripeError,
};
use perennial_types::{Claim, CustomerId, PaymentMethodId, SetupIntentId, UserId};
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use super::{
    FailureReport, NextStep, PaymentError, PaymentErrorCode, Payments, Refusal, Refused,
    RequestKey,
    carry_out::is_missing,
    claim::{HeldClaim, KeyState, NewRequest},
    create::{is_made_for, key, not_before},
    report::wallet_of,
};
use crate::{Customers, FlowError, claimed_step::Sent, listed};

/// A token, and whose it becomes.
#[derive(Debug, Clone)]
pub struct MigrateToken {
    /// Whose.
    pub user: UserId,
    /// `tok_...`
    pub token: SecretString,
    /// What it will be charged for.
    pub usage: Option<CredentialUsage>,
    /// Where the shopper comes back to if the bank wants to see them.
    pub return_url: Url,
}

/// What a token has become.
#[derive(Debug, Clone, Serialize)]
pub struct Migrated {
    /// In one word.
    pub status: MigratedStatus,
    /// The method.
    pub payment_method: Option<PaymentMethodId>,
    /// The SetupIntent that was its first transaction.
    pub setup_intent: SetupIntentId,
    /// The wallet that it came from.
    pub wallet: Option<String>,
    /// Where the shopper has to go, if the bank wants to see them.
    pub redirect_url: Option<String>,
    /// Why the bank refused it.
    pub failure: Option<FailureReport>,
    /// Whether this request has done it, and not an earlier one under the same key.
    #[serde(skip)]
    pub created: bool,
}

/// What a token has become, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigratedStatus {
    /// A method that can be charged off-session.
    Saved,
    /// The shopper has to go to their bank first.
    RequiresAction,
    /// The bank is thinking.
    Processing,
    /// The bank refused it.
    Refused,
}

impl Payments<'_> {
    /// Makes a saved method of a token, once for each key.
    pub async fn migrate_token(
        &self,
        asked: &RequestKey,
        ask: &MigrateToken,
    ) -> Result<Migrated, PaymentError> {
        Box::pin(self.migrate(asked, ask)).await
    }

    async fn migrate(
        &self,
        asked: &RequestKey,
        ask: &MigrateToken,
    ) -> Result<Migrated, PaymentError> {
        let patience = self.cx.patience();
        loop {
            match self.look(asked, &patience).await? {
                KeyState::Done { result, .. } => return self.recall_setup(&result).await,
                KeyState::HeldClaim(mine) => {
                    return self.continue_migration(asked, ask, &mine).await;
                }
                KeyState::New => {
                    let seen = self.cx.table.customer_item(&ask.user).await?;
                    let customer = Customers::of(self.cx)
                        .known_or_created(&ask.user, seen, None)
                        .await?;
                    let draft = NewRequest {
                        kind: RequestKind::TokenMigration {
                            user: ask.user.clone(),
                            customer,
                            payment_method: None,
                        },
                        frozen: None,
                    };
                    if let Some(mine) = self.claim_request(asked, draft).await? {
                        return self.continue_migration(asked, ask, &mine).await;
                    }
                }
            }
        }
    }

    /// Goes on where the last owner of the claim has died.
    async fn continue_migration(
        &self,
        asked: &RequestKey,
        ask: &MigrateToken,
        mine: &HeldClaim,
    ) -> Result<Migrated, PaymentError> {
        let RequestKind::TokenMigration {
            customer,
            payment_method,
            ..
        } = &mine.request.kind
        else {
            return Err(PaymentErrorCode::KeyReused.into());
        };
        if payment_method.is_some() {
            return self.set_up(asked, mine, customer, &mine.claim()?).await;
        }
        let method = self.make_method(asked, ask, mine).await?;
        let request = SetUpMethod {
            customer,
            method: &method,
            usage: ask.usage,
            return_url: ask.return_url.as_str(),
            user: ask.user.as_str(),
            request: &asked.key,
        }
        .freeze(key("seti", asked)?);
        let claim = Claim {
            lease: mine.lease.clone(),
            frozen_at: self.cx.clock.now(),
            request,
        };
        let recorded = self
            .cx
            .table
            .record_migrated_method(&asked.key, &method, &claim);
        if !recorded.await? {
            // Another caller has taken this over, and does the rest.
            return Err(FlowError::Busy.into());
        }
        self.set_up(asked, mine, customer, &claim).await
    }

    /// The method that the token is, or was made into. After Stripe has forgotten the key, a token
    /// that was used is refused, and nothing was charged.
    async fn make_method(
        &self,
        asked: &RequestKey,
        ask: &MigrateToken,
        mine: &HeldClaim,
    ) -> Result<PaymentMethodId, PaymentError> {
        let request = CreateMethod {
            token: &ask.token,
            request: &asked.key,
        }
        .freeze(key("pm", asked)?);
        let claim = Claim {
            lease: mine.lease.clone(),
            // Nothing can be looked for, and Stripe refuses a token that was used.
            frozen_at: self.cx.clock.now(),
            // The token is not kept, so this is not what is stored.
            request,
        };
        let sent = self.cx.send_claimed(
            ClaimedStep::Payment(&asked.key),
            &claim,
            |request| Box::pin(self.cx.stripe.create_payment_method(request)),
            || Box::pin(async { Ok::<_, PaymentError>(None::<Infallible>) }),
        );
        match sent.await? {
            Sent::Made(reply) => Ok(reply.value.id),
            Sent::Found(never) => match never {},
            Sent::Refused(error) => {
                let why = match &error {
                    StripeError::Declined { .. } => PaymentErrorCode::Declined,
                    _ if is_about_token(&error) => PaymentErrorCode::TokenNotUsable,
                    _ => PaymentErrorCode::StripeRefused,
                };
                Err(self.refuse(asked, Refusal::of(why, &error)).await?)
            }
            Sent::Spent(error) => {
                self.release_claim(asked, mine).await?;
                Err(error.into())
            }
            Sent::Released(error) => Err(error.into()),
        }
    }

    /// The first transaction of the method.
    async fn set_up(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        customer: &CustomerId,
        claim: &Claim,
    ) -> Result<Migrated, PaymentError> {
        let sent = self.cx.send_claimed(
            ClaimedStep::Payment(&asked.key),
            claim,
            |request| Box::pin(self.cx.stripe.set_up_method(request)),
            || Box::pin(self.find_setup(asked, customer, claim)),
        );
        match sent.await? {
            Sent::Made(reply) => {
                self.done(asked, reply.value.id.as_str()).await?;
                Ok(Migrated {
                    created: true,
                    ..Migrated::of(&reply.value)
                })
            }
            Sent::Found(id) => self.adopt_setup(asked, &id).await,
            Sent::Refused(error @ StripeError::Declined { .. }) => {
                let named = match &error {
                    StripeError::Declined { intent, .. } => intent.clone(),
                    _ => None,
                };
                let found = match named {
                    Some(id) => Some(id),
                    None => self.find_setup(asked, customer, claim).await?,
                };
                if let Some(id) = found {
                    return self.adopt_setup(asked, &id).await;
                }
                let refusal = Refusal::of(PaymentErrorCode::Declined, &error);
                Err(self.refuse(asked, refusal).await?)
            }
            Sent::Refused(error) => Err(self.invalid(asked, mine, &error).await?),
            Sent::Spent(error) => {
                self.release_claim(asked, mine).await?;
                Err(error.into())
            }
            Sent::Released(error) => Err(error.into()),
        }
    }

    async fn adopt_setup(&self, asked: &RequestKey, id: &str) -> Result<Migrated, PaymentError> {
        self.done(asked, id).await?;
        Ok(Migrated {
            created: true,
            ..self.recall_setup(id).await?
        })
    }

    /// What came of a token, read again from Stripe.
    async fn recall_setup(&self, id: &str) -> Result<Migrated, PaymentError> {
        let lacking = |_| FlowError::ItemLacks("the id of what came of a request");
        let id = id.parse().map_err(lacking)?;
        let intent = self.cx.stripe.retrieve_setup_intent(&id).await?.value;
        Ok(Migrated::of(&intent))
    }

    /// Looks for what a request may have set up before its key was forgotten.
    async fn find_setup(
        &self,
        asked: &RequestKey,
        customer: &CustomerId,
        claim: &Claim,
    ) -> Result<Option<String>, PaymentError> {
        let since = not_before(claim.frozen_at);
        let found = listed::find(
            |after| async move {
                let stripe = &self.cx.stripe;
                stripe.list_setup_intents(customer, after.as_ref()).await
            },
            |record| is_made_for(asked, &record.metadata),
            |last| (last.created >= since).then(|| last.id.clone()),
        );
        Ok(found.await?.map(|record| record.id.as_str().to_owned()))
    }
}

impl Migrated {
    fn of(intent: &SetupIntent) -> Self {
        let status = match intent.status {
            SetupIntentStatus::Succeeded => MigratedStatus::Saved,
            SetupIntentStatus::RequiresAction | SetupIntentStatus::RequiresConfirmation => {
                MigratedStatus::RequiresAction
            }
            SetupIntentStatus::Processing => MigratedStatus::Processing,
            _ => MigratedStatus::Refused,
        };
        let method = intent.payment_method.as_ref().and_then(Expandable::object);
        let error = intent.last_setup_error.as_ref();
        let refused = status == MigratedStatus::Refused;
        Self {
            status,
            payment_method: intent
                .payment_method_id()
                .or_else(|| error?.payment_method.as_ref())
                .cloned(),
            setup_intent: intent.id.clone(),
            wallet: method.and_then(wallet_of).map(str::to_owned),
            redirect_url: intent.redirect_url().map(str::to_owned),
            failure: error.filter(|_| refused).map(|error| FailureReport {
                code: error.code.clone(),
                decline_code: error.decline_code.clone(),
                next: NextStep::after(
                    Refused::Setup,
                    error.code.as_deref(),
                    error.decline_code.as_deref(),
                    error.advice_code.as_deref(),
                ),
            }),
            created: false,
        }
    }
}

fn is_about_token(error: &StripeError) -> bool {
    let named =
        matches!(error, StripeError::Invalid { param: Some(param), .. } if param.contains("token"));
    let code = error.code().is_some_and(|code| code.starts_with("token_"));
    named || code || is_missing(error)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn migrated(changes: &Value) -> Migrated {
        let mut intent = json!({"id": "seti_1", "status": "succeeded", "payment_method": "pm_1"});
        let fields = intent.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        Migrated::of(&serde_json::from_value(intent).unwrap())
    }

    #[test]
    fn a_bank_that_wants_to_see_the_shopper_has_a_page_for_them() {
        let waits = migrated(&json!({
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url":
                {"url": "https://bank.example/ask", "return_url": "https://shop.example/"}},
        }));
        assert_eq!(waits.status, MigratedStatus::RequiresAction);
        assert_eq!(
            waits.redirect_url.as_deref(),
            Some("https://bank.example/ask")
        );
        assert!(waits.failure.is_none());
    }

    #[test]
    fn a_refused_token_names_its_method_and_the_reason() {
        let refused = migrated(&json!({
            "status": "requires_payment_method", "payment_method": null,
            "last_setup_error": {"code": "card_declined", "decline_code": "do_not_honor",
                "payment_method": {"id": "pm_1"}},
        }));
        assert_eq!(refused.status, MigratedStatus::Refused);
        assert_eq!(refused.payment_method.unwrap().as_str(), "pm_1");
        let failure = refused.failure.unwrap();
        assert_eq!(failure.decline_code.as_deref(), Some("do_not_honor"));
    }

    #[test]
    fn a_saved_method_has_no_failure_and_no_page() {
        let saved = migrated(&json!({
            "payment_method": {"id": "pm_1", "type": "card", "card": {"wallet": {"type": "apple_pay"}}},
        }));
        assert_eq!(saved.status, MigratedStatus::Saved);
        assert_eq!(saved.wallet.as_deref(), Some("apple_pay"));
        assert!(saved.redirect_url.is_none() && saved.failure.is_none());
    }
}
