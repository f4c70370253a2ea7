//! What a shopper buys with a promotion code, and what servers of the shop ask about a user.

use serde_json::{Value, json};

use crate::asked::{AskedEmail, Code, Erasing};
use crate::books::text;
use crate::broken::Broken;
use crate::shop::price_of;
use crate::shopper::Ask;
use crate::stage::Stage;
use crate::wire::Door;

impl Stage<'_> {
    /// The shop makes a code that takes a fifth off the first payment of a plan.
    pub async fn make_code(&self, plan: &str) -> Result<Code, Broken> {
        let stripe = &self.lane.stripe;
        let form = [("percent_off", "20"), ("duration", "once")];
        let coupon = text(&stripe.post("/v1/coupons", &form).await?, "/id")?;
        let form = [
            ("promotion[type]", "coupon"),
            ("promotion[coupon]", coupon.as_str()),
            ("code", "FIFTH"),
        ];
        let code = stripe.post("/v1/promotion_codes", &form).await?;
        let code = Code {
            id: text(&code, "/id")?,
            first: price_of(plan) * 4 / 5,
            is_ended: false,
        };
        self.notes.borrow_mut().code = Some(code.clone());
        Ok(code)
    }

    /// The shop ends the code.
    pub async fn end_code(&self, code: &Code) -> Result<(), Broken> {
        let path = format!("/v1/promotion_codes/{}", code.id);
        self.lane.stripe.post(&path, &[("active", "false")]).await?;
        self.tell("the shop ends the code");
        if let Some(code) = &mut self.notes.borrow_mut().code {
            code.is_ended = true;
        }
        Ok(())
    }

    /// A server asks something about the user; gives the status and the body, once there is a decision.
    pub(crate) async fn ask_about_user(
        &self,
        door: Door,
        path: &str,
        mut body: Value,
    ) -> Result<Option<(u16, Value)>, Broken> {
        body["user"] = self.user.as_str().into();
        let ask = Ask::User { path, body: &body };
        let answer = self.insist(door, &ask).await?;
        if let Some((status, body, _)) = &answer {
            let code = body["error"]["code"].as_str().unwrap_or_default();
            self.tell(format!("a server asks {path}: {status} {code}"));
            self.is_well_asked(*status, code);
        }
        Ok(answer.map(|(status, body, _)| (status, body)))
    }

    /// A server says where Stripe writes to.
    pub async fn set_email(&self, address: &Value) -> Result<(), Broken> {
        self.notes.borrow_mut().emails.push(AskedEmail {
            address: address.clone(),
            is_sure: false,
        });
        let body = json!({ "email": address });
        let path = "/shop/users/email";
        let answer = self.ask_about_user(Door::TabB, path, body).await?;
        let status = answer.map(|it| it.0);
        let mut notes = self.notes.borrow_mut();
        match (status, notes.emails.last_mut()) {
            (Some(200), Some(asked)) => asked.is_sure = true,
            // It was refused, and nothing comes of it.
            (Some(_), Some(_)) => drop(notes.emails.pop()),
            _ => {}
        }
        Ok(())
    }

    /// A server has the user erased; gives whether it was answered that they are.
    pub async fn erase(&self) -> Result<bool, Broken> {
        self.notes.borrow_mut().erasing = Some(Erasing::Asked);
        let path = "/shop/users/erase";
        let answer = self.ask_about_user(Door::TabB, path, json!({})).await?;
        let is_sure = answer.is_some_and(|it| it.0 == 200);
        if is_sure {
            self.notes.borrow_mut().erasing = Some(Erasing::Sure);
        }
        Ok(is_sure)
    }
}
