//! A subscriber: what is seen, agreed to and taken back in the page, with what was agreed on kept for the ledger.

use perennial_types::Timestamp;
use serde_json::{Value, json};

use crate::books::text;
use crate::broken::Broken;
use crate::shop::{SHARE, addon_price, price_of};
use crate::stage::{Deal, Stage, Terms};
use crate::wire::Door;

/// A change that was shown.
#[derive(Debug, Clone)]
pub struct Shown {
    preview: Value,
    /// What it offers.
    pub terms: Terms,
    /// What is to be paid at once.
    pub due: i64,
}

impl Shown {
    /// Which of the previews it is.
    pub fn name(&self) -> String {
        self.preview.to_string()
    }
}

impl Stage<'_> {
    /// The live subscription, as Stripe has it.
    pub fn live(&self) -> Option<Value> {
        let subscriptions = self.lane.stripe.books().subscriptions;
        let is_over = |it: &Value| {
            let status = it["status"].as_str();
            matches!(status, Some("canceled" | "incomplete_expired"))
        };
        subscriptions.into_iter().find(|it| !is_over(it))
    }

    /// Asks what another plan would cost.
    pub async fn preview(
        &self,
        door: Door,
        id: &str,
        ask: &Value,
    ) -> Result<Option<Shown>, Broken> {
        let Some((200, shown)) = self.act(door, id, "preview", ask).await? else {
            return Ok(None);
        };
        Ok(Some(self.read_preview(id, ask, &shown)?))
    }

    /// What a preview says of the deal that it offers.
    pub fn read_preview(&self, id: &str, ask: &Value, shown: &Value) -> Result<Shown, Broken> {
        let amount_of = |name: &str| shown[name]["amount"].as_i64().unwrap_or_default();
        // Without a plan it is another quantity of the same.
        let plan = ask["plan"].as_str().or(shown["plan"].as_str());
        let plan = plan.unwrap_or_default();
        let books = self.lane.stripe.books();
        let known = books.subscriptions.iter().find(|it| it["id"] == id);
        let known = known.and_then(|it| it["items"]["data"][0]["quantity"].as_i64());
        let quantity = ask["quantity"].as_i64().or(known).unwrap_or(1);
        let addons = shown["addons"].as_array().into_iter().flatten();
        let addons = addons.map(|it| {
            let one = addon_price(plan, it["name"].as_str().unwrap_or_default());
            one * it["quantity"].as_i64().unwrap_or_default()
        });
        let full = price_of(plan) * quantity + addons.sum::<i64>();
        let share = if shown["discount"].is_object() {
            Some(SHARE)
        } else {
            self.notes.borrow().wishes.share
        };
        let amount = full * share.unwrap_or(100) / 100;
        let due = amount_of("due_now");
        let time = |pointer: &str| -> Result<i64, Broken> {
            let time: Timestamp = serde_json::from_value(text(shown, pointer)?.into())?;
            Ok(time.unix())
        };
        let next = (amount_of("next_charge"), time("/next_charge/at")?);
        let terms = if shown["when"] == "period_end" {
            let from = time("/takes_effect_at")?;
            Terms::Later { amount, from, next }
        } else {
            let lines = shown["lines"].as_array().filter(|it| !it.is_empty());
            let total =
                |lines: &Vec<Value>| lines.iter().filter_map(|it| it["amount"].as_i64()).sum();
            let invoice = lines.map(|lines| (due, total(lines)));
            Terms::Now {
                amount,
                invoice,
                next,
            }
        };
        Ok(Shown {
            preview: shown["preview"].clone(),
            terms,
            due,
        })
    }

    /// Agrees to what was shown; gives the status and the body.
    pub async fn agree(
        &self,
        door: Door,
        id: &str,
        shown: &Shown,
    ) -> Result<Option<(u16, Value)>, Broken> {
        // It may be carried out even if no answer comes.
        self.notes.borrow_mut().agreed.push(shown.due);
        self.tell(format!("agrees to {:?}", shown.terms));
        let body = json!({ "preview": shown.preview });
        let at = self.lane.stripe.now().await?;
        let answer = self.act(door, id, "change", &body).await?;
        self.strike(id, at, shown, answer.as_ref());
        Ok(answer)
    }

    /// Notes what came of a change that was agreed to. A plan that was to come was given up before the charge
    /// that is declined, and does not come either.
    pub fn strike(&self, id: &str, at: i64, shown: &Shown, answer: Option<&(u16, Value)>) {
        match answer {
            Some((200, _)) => self.deal(id, at, shown.terms.clone()),
            Some((402, _)) => self.deal(id, at, Terms::Kept),
            _ => {}
        }
    }

    /// Cancels, or takes back what is to come.
    pub async fn take_back(
        &self,
        door: Door,
        id: &str,
        action: &str,
    ) -> Result<Option<(u16, Value)>, Broken> {
        let at = self.lane.stripe.now().await?;
        let answer = self.act(door, id, action, &json!({})).await?;
        if let Some((200, _)) = answer
            && action != "withdraw-cancellation"
        {
            self.deal(id, at, Terms::Kept);
            if action == "cancel" {
                self.notes.borrow_mut().ended.insert(id.to_owned());
            }
        }
        Ok(answer)
    }

    /// Notes what was agreed on.
    pub fn deal(&self, id: &str, at: i64, terms: Terms) {
        self.notes.borrow_mut().deals.push(Deal {
            subscription: id.to_owned(),
            at,
            terms,
        });
    }

    /// Gives another payment method in a wallet's page, and comes back.
    pub async fn give_method(&self, door: Door, id: &str) -> Result<(), Broken> {
        let ask = json!({"wallet": "amazon_pay"});
        let Some((201, opened)) = self.act(door, id, "payment-method", &ask).await? else {
            return Ok(());
        };
        if self.at_wallet(&opened, "approve").await?.is_none() {
            return Ok(());
        }
        let finish = json!({ "setup_intent": opened["setup_intent"] });
        self.act(door, id, "payment-method/finish", &finish).await?;
        Ok(())
    }
}
