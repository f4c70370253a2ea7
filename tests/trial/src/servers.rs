//! What servers of the shop ask about a user: plans for free, private plans, tax ids, addresses, and customers that
//! were there before.

use std::collections::BTreeSet;

use perennial_types::Timestamp;
use serde_json::{Value, json};

use crate::asked::AskedGrant;
use crate::books::text;
use crate::broken::Broken;
use crate::history::Came;
use crate::shopper::Ask;
use crate::stage::Stage;
use crate::subscriber::Shown;
use crate::wire::Door;

/// Stands for a checkout that was begun without an answer.
const UNANSWERED: &str = "unanswered";

impl Stage<'_> {
    /// A server gives the user a plan for free, until a time or without an end, or takes it away.
    pub async fn grant(&self, door: Door, asked: AskedGrant) -> Result<Option<u16>, Broken> {
        let grant = match (asked.given, asked.until) {
            (false, _) => Value::Null,
            (true, None) => json!({}),
            (true, Some(until)) => json!({ "until": Timestamp::from_unix(until) }),
        };
        let body = json!({"plan": asked.plan, "grant": grant});
        self.tell(format!("a server asks for {asked:?}"));
        let now = self.moment();
        let place = self
            .notes
            .borrow_mut()
            .wishes
            .grants
            .begin(asked.clone(), now);
        let answer = self.ask_about_user(door, "/shop/users/grant", body).await?;
        let status = answer.as_ref().map(|it| it.0);
        let now = self.moment();
        let grants = &mut self.notes.borrow_mut().wishes.grants;
        grants.end(place, Came::of(status), now);
        Ok(status)
    }

    /// A server offers the user a private plan, or takes the offer back.
    pub async fn offer(&self, door: Door, plan: &str, offered: bool) -> Result<(), Broken> {
        let body = json!({"plan": plan, "offered": offered});
        let (now, asked) = (self.moment(), (plan.to_owned(), offered));
        let place = self.notes.borrow_mut().wishes.offers.begin(asked, now);
        let answer = self.ask_about_user(door, "/shop/users/offer", body).await?;
        let now = self.moment();
        if let Some((200, body)) = &answer {
            let listed = body["offers"].as_array().into_iter().flatten();
            if listed.into_iter().any(|it| *it == plan) != offered {
                self.broke(format!("an offer ({offered}) was answered {body}"));
            }
        }
        let offers = &mut self.notes.borrow_mut().wishes.offers;
        offers.end(place, Came::of(answer.map(|it| it.0)), now);
        Ok(())
    }

    /// Whether a private plan was offered at some time since then, and whether it was offered all the time.
    fn offered_since(&self, from: u64, plan: &str) -> (bool, bool) {
        let now = self.moment();
        let notes = self.notes.borrow();
        let offers = notes.wishes.offers.about(|(of, _)| of == plan);
        let states = offers.between(from, now);
        let mut states = states
            .iter()
            .map(|it| it.is_some_and(|(_, offered)| *offered));
        (states.clone().any(|it| it), states.all(|it| it))
    }

    /// Presses the button for a private plan; gives the checkout, if there is one.
    pub async fn click_private(&self, door: Door, plan: &str) -> Result<Option<Value>, Broken> {
        let from = self.moment();
        let body = json!({"plan": plan, "wallet": "amazon_pay", "confirm": "client"});
        let answer = self.insist(door, &Ask::Order { body: &body }).await?;
        let (may, must) = self.offered_since(from, plan);
        match answer {
            Some((200 | 201, body, _)) => {
                let checkout = text(&body, "/checkout")?;
                // A second click goes on with what was begun.
                let is_known = {
                    let begun = &self.notes.borrow().wishes.begun;
                    begun.contains(&checkout) || begun.contains(UNANSWERED)
                };
                if !may && !is_known {
                    self.broke(format!(
                        "{checkout} of {plan} was begun, which was not offered"
                    ));
                }
                self.notes.borrow_mut().wishes.begun.insert(checkout);
                return Ok(Some(body));
            }
            Some((400, body, _)) if body["error"]["code"] == "unknown_plan" && must => {
                self.broke(format!("{plan} was offered all the time, and is unknown"));
            }
            Some((400, body, _)) if body["error"]["code"] == "unknown_plan" => {}
            Some((409, body, _)) if body["error"]["code"] == "already_subscribed" => {}
            Some((status, body, _)) => {
                self.broke(format!("a click for {plan} was answered {status}: {body}"));
            }
            // It may have begun one that nobody was told of.
            None if may => {
                let begun = &mut self.notes.borrow_mut().wishes.begun;
                begun.insert(UNANSWERED.to_owned());
            }
            None => {}
        }
        Ok(None)
    }

    /// Sees what a change to a private plan costs.
    pub async fn preview_private(
        &self,
        door: Door,
        id: &str,
        plan: &str,
    ) -> Result<Option<Shown>, Broken> {
        let from = self.moment();
        let shown = self.preview(door, id, &json!({ "plan": plan })).await?;
        if shown.is_some() && !self.offered_since(from, plan).0 {
            self.broke(format!("{plan} has a price, and was not offered"));
        }
        Ok(shown)
    }

    /// Agrees to a change to a private plan.
    pub async fn agree_private(
        &self,
        door: Door,
        id: &str,
        (plan, shown): (&str, &Shown),
    ) -> Result<Option<u16>, Broken> {
        let from = self.moment();
        let answer = self.agree(door, id, shown).await?;
        let status = answer.as_ref().map(|it| it.0);
        let (may, must) = self.offered_since(from, plan);
        if !may && status == Some(200) {
            self.broke(format!(
                "a change to {plan} was made, and it was not offered"
            ));
        }
        if may && matches!(status, None | Some(200)) {
            let changed = &mut self.notes.borrow_mut().wishes.changed_to;
            changed.insert(plan.to_owned());
        }
        if let Some((409, body)) = &answer
            && must
            && body["error"]["code"] == "preview_outdated"
            && self.setting.trouble.is_none()
        {
            self.broke(format!("{plan} was offered all the time, and is outdated"));
        }
        Ok(status)
    }

    /// A server says which tax ids the user has, of which it may be told that Stripe refuses one.
    pub async fn set_tax_ids(&self, door: Door, ids: &[(&str, &str)]) -> Result<(), Broken> {
        let list = ids
            .iter()
            .map(|(kind, value)| json!({"type": kind, "value": value}));
        let body = json!({ "tax_ids": list.collect::<Value>() });
        let wanted: BTreeSet<String> = ids
            .iter()
            .map(|(kind, value)| format!("{kind} {value}"))
            .collect();
        let now = self.moment();
        let place = {
            let wishes = &mut self.notes.borrow_mut().wishes;
            wishes.moved = true;
            wishes.tax_ids.begin(wanted, now)
        };
        let path = "/shop/users/tax-ids";
        let answer = self.ask_about_user(door, path, body).await?;
        let now = self.moment();
        let asked = &mut self.notes.borrow_mut().wishes.tax_ids;
        asked.end(place, Came::of(answer.map(|it| it.0)), now);
        Ok(())
    }

    /// A server says where the user is.
    pub async fn set_address(&self, door: Door, address: &Value) -> Result<Option<u16>, Broken> {
        let body = json!({ "billing_address": address });
        self.notes.borrow_mut().wishes.moved = true;
        let path = "/shop/users/address";
        let answer = self.ask_about_user(door, path, body).await?;
        Ok(answer.map(|it| it.0))
    }

    /// What a plan costs with its taxes at an address.
    pub async fn taxed(&self, door: Door, ask: &Value) -> Result<Option<i64>, Broken> {
        match self.insist(door, &Ask::Wallets { body: ask }).await? {
            Some((200, body, _)) => {
                let amount = body["tax"]["amount"].as_i64();
                amount
                    .map(Some)
                    .ok_or_else(|| Broken::new(format!("there are no taxes in {body}")))
            }
            Some((status, body, _)) => {
                self.broke(format!("taxes were answered {status}: {body}"));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Somebody subscribed to a plan at Stripe before; gives the customer.
    pub async fn older_customer(&self, plan: &str) -> Result<String, Broken> {
        let stripe = &self.lane.stripe;
        let form = [("payment_method", "pm_card_visa")];
        let customer = text(&stripe.post("/v1/customers", &form).await?, "/id")?;
        self.notes
            .borrow_mut()
            .wishes
            .others
            .insert(customer.clone());
        let path = format!("/v1/customers/{customer}");
        let methods = stripe.get(&format!("{path}/payment_methods")).await?;
        let method = text(&methods, "/data/0/id")?;
        let form = [("invoice_settings[default_payment_method]", method.as_str())];
        stripe.post(&path, &form).await?;
        let price = stripe.price_id(plan);
        let form = [
            ("customer", customer.as_str()),
            ("items[0][price]", price.as_str()),
        ];
        stripe.post("/v1/subscriptions", &form).await?;
        self.tell(format!("{customer} has {plan} at Stripe"));
        Ok(customer)
    }

    /// A server says that a customer is the user's; gives the status.
    pub async fn adopt(
        &self,
        door: Door,
        customer: &str,
        is_dry: bool,
    ) -> Result<Option<u16>, Broken> {
        let body = json!({"customer": customer, "dry_run": is_dry});
        let now = self.moment();
        let begun = |stage: &Self| {
            let adoptions = &mut stage.notes.borrow_mut().wishes.adoptions;
            adoptions.begin(customer.to_owned(), now)
        };
        let place = (!is_dry).then(|| begun(self));
        let answer = self.ask_about_user(door, "/shop/customers", body).await?;
        let status = answer.as_ref().map(|it| it.0);
        let now = self.moment();
        if let Some(place) = place {
            let adoptions = &mut self.notes.borrow_mut().wishes.adoptions;
            adoptions.end(place, Came::of(status), now);
        }
        Ok(status)
    }
}
