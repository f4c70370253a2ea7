//! A shopper who comes back from the wallet, and what proves that it is they.
//!
//! A return is a navigation from another site, so it has no token. The proof is the client secret of the
//! SetupIntent or PaymentIntent in its query, which is compared with the one that Stripe tells.

use perennial_stripe::SetupIntent;
use perennial_types::{AttemptId, PaymentIntentId, ReturnPath, SetupIntentId};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::{Checkouts, Finish};
use crate::FlowError;

/// What a wallet's page hands back, checked for its form. What it says about the outcome is not in it,
/// since only Stripe's answer counts.
#[derive(Debug)]
pub struct Return {
    /// What was confirmed at the wallet.
    pub intent: ReturnedIntent,
    /// The client secret of that.
    pub secret: SecretString,
    /// The checkout.
    pub checkout: AttemptId,
}

/// What was confirmed at the wallet.
#[derive(Debug)]
pub enum ReturnedIntent {
    /// A SetupIntent.
    Setup(SetupIntentId),
    /// The first payment of a subscription.
    Payment(PaymentIntentId),
}

impl Checkouts<'_> {
    /// Finishes the checkout of a return; with where in the shop its shopper wants to land. A checkout,
    /// an intent or a secret that does not fit is [`FlowError::UnknownCheckout`].
    pub async fn confirm_return(
        &self,
        back: &Return,
    ) -> Result<(Finish, Option<ReturnPath>), FlowError> {
        let found = match &back.intent {
            ReturnedIntent::Setup(id) => self.cx.table.find_setup_intent(id).await?,
            ReturnedIntent::Payment(id) => self.cx.table.find_payment_intent(id).await?,
        };
        let (user, attempt) = found
            .filter(|(_, id)| *id == back.checkout)
            .ok_or(FlowError::UnknownCheckout)?;
        let (secret, setup) = self.read_secret(&back.intent).await?;
        if !secret.is_some_and(|secret| is_same(&secret, &back.secret)) {
            return Err(FlowError::UnknownCheckout);
        }
        let attempt = self.attempt(&user, &attempt).await?;
        let return_to = attempt.return_to.clone();
        let finish = self.finish_from(attempt, setup).await?;
        Ok((finish, return_to))
    }

    /// The client secret, as Stripe has it; with the SetupIntent, so that it is not read again.
    async fn read_secret(
        &self,
        intent: &ReturnedIntent,
    ) -> Result<(Option<SecretString>, Option<SetupIntent>), FlowError> {
        Ok(match intent {
            ReturnedIntent::Setup(id) => {
                let mut intent = self.cx.stripe.retrieve_setup_intent(id).await?.value;
                (intent.client_secret.take(), Some(intent))
            }
            ReturnedIntent::Payment(id) => {
                let intent = self.cx.stripe.read_payment(id).await?.value;
                (intent.client_secret, None)
            }
        })
    }
}

fn is_same(right: &SecretString, got: &SecretString) -> bool {
    let (right, got) = (right.expose_secret(), got.expose_secret());
    bool::from(right.as_bytes().ct_eq(got.as_bytes()))
}
