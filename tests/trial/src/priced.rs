//! Coupons and promotion codes for a subscription that runs.

use serde_json::{Value, json};

use crate::asked::{AskedDiscount, Coupon};
use crate::books::text;
use crate::broken::Broken;
use crate::history::Came;
use crate::shop::SHARE;
use crate::stage::{Stage, Terms};
use crate::subscriber::Shown;
use crate::wire::Door;

/// What a server asks for.
#[derive(Debug, Clone, Copy)]
pub enum Discount<'a> {
    /// A coupon, by its id.
    Coupon(&'a Coupon),
    /// The same by its promotion code.
    Code(&'a Coupon),
    /// All are taken off.
    Remove,
}

impl Stage<'_> {
    /// The shop makes a coupon of a fifth off each payment, with a promotion code that may be redeemed so often.
    pub async fn make_coupon(&self, words: &str, most: Option<&str>) -> Result<Coupon, Broken> {
        let stripe = &self.lane.stripe;
        let form = [("percent_off", "20"), ("duration", "forever")];
        let id = text(&stripe.post("/v1/coupons", &form).await?, "/id")?;
        let mut form = vec![
            ("promotion[type]", "coupon"),
            ("promotion[coupon]", id.as_str()),
            ("code", words),
        ];
        form.extend(most.map(|most| ("max_redemptions", most)));
        let code = stripe.post("/v1/promotion_codes", &form).await?;
        Ok(Coupon {
            code: text(&code, "/id")?,
            words: words.to_owned(),
            id,
        })
    }

    /// Somebody else redeems the coupon with a subscription of theirs. Whether there was one left for them.
    pub async fn redeemed_by_another(&self, coupon: &Coupon, plan: &str) -> Result<bool, Broken> {
        let customer = self.older_customer(plan).await?;
        let price = self.lane.stripe.price_id(plan);
        let form = [
            ("customer", customer.as_str()),
            ("items[0][price]", price.as_str()),
            ("discounts[0][promotion_code]", coupon.code.as_str()),
        ];
        let path = "/v1/subscriptions";
        let (status, _) = self.lane.stripe.post_anyhow(path, &form).await?;
        self.tell(format!("somebody else redeems {}: {status}", coupon.words));
        if status == 200 {
            let others = &mut self.notes.borrow_mut().wishes.redeemed_by_others;
            others.push(coupon.id.clone());
        }
        Ok(status == 200)
    }

    fn discount_begins(&self, key: &str, coupon: Option<&Coupon>) -> usize {
        let now = self.moment();
        let discounts = &mut self.notes.borrow_mut().wishes.discounts;
        let known = discounts.place_of(|it| it.key == key);
        known.unwrap_or_else(|| {
            let asked = AskedDiscount {
                key: key.to_owned(),
                coupon: coupon.map(|it| it.id.clone()),
            };
            discounts.begin(asked, now)
        })
    }

    fn discount_ends(&self, place: usize, status: Option<u16>) {
        let now = self.moment();
        let discounts = &mut self.notes.borrow_mut().wishes.discounts;
        discounts.end(place, Came::of(status), now);
    }

    /// A server puts a discount on a subscription, or takes off what it has; `period` is what one costs in full.
    pub async fn discount(
        &self,
        (door, key): (Door, &str),
        id: &str,
        what: Discount<'_>,
        period: i64,
    ) -> Result<Option<u16>, Broken> {
        let (coupon, body) = match what {
            Discount::Coupon(it) => (Some(it), json!({"coupon": it.id})),
            Discount::Code(it) => (Some(it), json!({"promotion_code": it.code})),
            Discount::Remove => (None, json!({"remove": true})),
        };
        let at = self.lane.stripe.now().await?;
        let place = self.discount_begins(key, coupon);
        let answer = self.serve_at((door, key), id, "discount", &body).await?;
        let status = answer.as_ref().map(|it| it.0);
        self.discount_ends(place, status);
        if status == Some(200) {
            let share = if coupon.is_some() { SHARE } else { 100 };
            self.notes.borrow_mut().wishes.share = Some(share);
            let amount = period * share / 100;
            self.deal(id, at, Terms::counts(amount));
        }
        Ok(status)
    }

    /// Sees what a code does to the subscription that runs, alone or with another change, and nothing more.
    pub async fn preview_code(
        &self,
        door: Door,
        id: &str,
        coupon: &Coupon,
        ask: &Value,
    ) -> Result<Option<Shown>, Broken> {
        let mut ask = ask.clone();
        ask["code"] = coupon.words.as_str().into();
        self.preview(door, id, &ask).await
    }

    /// Agrees to a change with a code.
    pub async fn agree_code(
        &self,
        door: Door,
        id: &str,
        (coupon, shown): (&Coupon, &Shown),
    ) -> Result<Option<(u16, Value)>, Broken> {
        let place = self.discount_begins(&shown.name(), Some(coupon));
        let answer = self.agree(door, id, shown).await?;
        let status = answer.as_ref().map(|it| it.0);
        self.discount_ends(place, status);
        if status == Some(200) {
            self.notes.borrow_mut().wishes.share = Some(SHARE);
        }
        Ok(answer)
    }
}
