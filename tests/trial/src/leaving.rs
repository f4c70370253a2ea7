//! What a subscriber pauses, gets back, takes again with what is saved, and does by the link of a mail; with what was
//! shown before each kept for the ledger.

use perennial_types::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::books::text;
use crate::broken::Broken;
use crate::shopper::Ask;
use crate::stage::{AskedRefund, Back, Pause, Stage, Terms};
use crate::wire::Door;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'k> {
    /// The shopper, in a tab.
    Page(Door),
    /// A server of the shop, under this idempotency key.
    Server(&'k str),
}

/// A decided answer: its status and its body.
type Decided = Option<(u16, Value)>;

const MINUTE: i64 = 60;

/// A time as it is sent and answered.
fn written(at: i64) -> Value {
    json!(Timestamp::from_unix(at))
}

fn time_of(value: &Value) -> Option<i64> {
    let time = serde_json::from_value::<Timestamp>(value.clone());
    time.ok().map(Timestamp::unix)
}

impl Stage<'_> {
    async fn ask_as(
        &self,
        who: Asker<'_>,
        id: &str,
        action: &str,
        body: &Value,
    ) -> Result<Decided, Broken> {
        match who {
            Asker::Page(door) => self.act(door, id, action, body).await,
            Asker::Server(key) => self.serve(id, action, key, body).await,
        }
    }

    /// Sees what a pause credits, and asks for it.
    pub async fn pause(
        &self,
        who: Asker<'_>,
        id: &str,
        until: Option<i64>,
    ) -> Result<Decided, Broken> {
        let mut body = json!({});
        if let Some(until) = until {
            body["until"] = written(until);
        }
        let ask = json!({ "pause": body });
        let Some((200, shown)) = self.ask_as(who, id, "preview", &ask).await? else {
            return Ok(None);
        };
        self.pause_as_shown(who, id, until, &shown).await
    }

    async fn pause_as_shown(
        &self,
        who: Asker<'_>,
        id: &str,
        until: Option<i64>,
        shown: &Value,
    ) -> Result<Decided, Broken> {
        let amount = |name: &str| shown[name]["amount"].as_i64().unwrap_or_default();
        let pause = Pause {
            subscription: id.to_owned(),
            until,
            ends_for: amount("next_charge"),
            is_over: false,
        };
        self.tell(format!("asks for {pause:?}"));
        // It may be carried out even if no answer comes.
        self.notes.borrow_mut().pauses.push(pause);
        let at = self.lane.stripe.now().await?;
        let mut body = json!({});
        if let Some(until) = until {
            body["until"] = written(until);
        }
        let answer = self.ask_as(who, id, "pause", &body).await?;
        match &answer {
            Some((200, body)) => {
                let credit = amount("credit");
                self.deal(id, at, Terms::Paused { credit });
                let until_there = time_of(&body["subscription"]["pause"]["resumes_at"]);
                if until_there != until {
                    self.broke(format!("a pause until {until:?} was answered: {body}"));
                }
            }
            Some(_) => drop(self.notes.borrow_mut().pauses.pop()),
            None => {}
        }
        Ok(answer)
    }

    /// Sees what it costs to go on at once, and agrees.
    pub async fn resume(&self, who: Asker<'_>, id: &str) -> Result<Decided, Broken> {
        let ask = json!({"resume": {}});
        let Some((200, shown)) = self.ask_as(who, id, "preview", &ask).await? else {
            return Ok(None);
        };
        let due = shown["due_now"]["amount"].as_i64().unwrap_or_default();
        self.notes.borrow_mut().agreed.push(due);
        let at = self.lane.stripe.now().await?;
        let answer = self
            .ask_as(who, id, "resume", &json!({ "due_now": due }))
            .await?;
        if let Some((200, _)) = answer {
            let next = &shown["next_charge"];
            let amount = next["amount"].as_i64().unwrap_or_default();
            let next = (amount, time_of(&next["at"]).unwrap_or_default());
            self.goes_on(id, at, Some(due), next);
        }
        Ok(answer)
    }

    /// Notes that a pause is over, with what was told of its charge.
    fn goes_on(&self, id: &str, at: i64, due: Option<i64>, next: (i64, i64)) {
        let mut notes = self.notes.borrow_mut();
        let mut pauses = notes.pauses.iter_mut().rev();
        let Some(pause) = pauses.find(|it| it.subscription == id && !it.is_over) else {
            return;
        };
        pause.is_over = true;
        drop(notes);
        self.deal(id, at, Terms::Resumed { due, next });
    }

    /// Notes which pauses a sweep has ended, or has tried to.
    pub fn note_ended_pauses(&self) {
        let books = self.lane.stripe.books();
        let pauses = self.notes.borrow().pauses.clone();
        for pause in pauses.iter().filter(|it| !it.is_over) {
            let Some(until) = pause.until else { continue };
            let ended = books.invoices.iter().find(|it| {
                it["billing_reason"] == "subscription_update"
                    && it["parent"]["subscription_details"]["subscription"] == *pause.subscription
                    && it["created"].as_i64().is_some_and(|at| at >= until)
            });
            if let Some(at) = ended.and_then(|it| it["created"].as_i64()) {
                self.goes_on(&pause.subscription, at, None, (0, 0));
            }
        }
    }

    /// Lets the sweeps of some minutes pass, which end what a caller has left that has died.
    pub async fn some_minutes(&self) -> Result<(), Broken> {
        for minutes in [2, 6] {
            self.pass(minutes * MINUTE).await?;
            self.sweep_until_done("open").await?;
            self.flow().await?;
        }
        Ok(())
    }

    /// Sees what an end at once gives back, and agrees.
    pub async fn end_now(&self, door: Door, id: &str) -> Result<Decided, Broken> {
        match self.preview_end(door, id).await? {
            Some(shown) => self.end_as_shown(door, id, &shown).await,
            None => Ok(None),
        }
    }

    /// Sees what an end at once gives back.
    pub async fn preview_end(&self, door: Door, id: &str) -> Result<Option<Value>, Broken> {
        let shown = self
            .act(door, id, "preview", &json!({"cancel": "now"}))
            .await?;
        Ok(match shown {
            Some((200, shown)) => Some(shown),
            _ => None,
        })
    }

    /// Agrees to what was shown.
    pub async fn end_as_shown(
        &self,
        door: Door,
        id: &str,
        shown: &Value,
    ) -> Result<Decided, Broken> {
        let amount = |name: &str| {
            let back = &shown["given_back"][name]["amount"];
            back.as_i64().unwrap_or_default()
        };
        let back = Back {
            subscription: id.to_owned(),
            refund: amount("refund"),
            credit: amount("credit"),
        };
        self.tell(format!("agrees to {back:?}"));
        {
            let mut notes = self.notes.borrow_mut();
            notes.backs.push(back.clone());
            notes.ended.insert(id.to_owned());
        }
        let at = self.lane.stripe.now().await?;
        let body = json!({ "preview": shown["preview"] });
        let answer = self.act(door, id, "cancel", &body).await?;
        if let Some((200, body)) = &answer {
            if body["given_back"] != shown["given_back"] {
                self.broke(format!("of {} came {body}", shown["given_back"]));
            }
            self.deal(id, at, Terms::Ended(back));
        } else if answer.is_some() {
            // Nothing comes of it.
            let mut notes = self.notes.borrow_mut();
            let known = notes.backs.iter().rposition(|it| *it == back);
            known.map(|known| notes.backs.remove(known));
        }
        Ok(answer)
    }

    /// A server gives a part of an invoice back, or all that is left of it, behind a door and under a key; of the newest
    /// invoice unless one is named.
    pub async fn refund(
        &self,
        (door, key): (Door, &str),
        id: &str,
        amount: i64,
    ) -> Result<Decided, Broken> {
        let books = self.lane.stripe.books();
        let subscription = books.subscriptions.iter().find(|it| it["id"] == id);
        let invoice = subscription.map(|it| it["latest_invoice"].clone());
        let is_it = |it: &AskedRefund| it.key == key;
        if !self.notes.borrow().refunds.iter().any(is_it) {
            self.notes.borrow_mut().refunds.push(AskedRefund {
                key: key.to_owned(),
                subscription: id.to_owned(),
                amount,
                is_sure: false,
            });
        }
        let body = json!({"invoice": invoice, "amount": amount});
        let answer = self.serve_at((door, key), id, "refund", &body).await?;
        let mut notes = self.notes.borrow_mut();
        match &answer {
            Some((200, body)) => {
                let mut asked = notes.refunds.iter_mut();
                if let Some(asked) = asked.find(|it| it.key == key) {
                    asked.is_sure = true;
                }
                drop(notes);
                let back = |name: &str| {
                    let amount = &body["given_back"][name]["amount"];
                    amount.as_i64().unwrap_or_default()
                };
                if back("refund") + back("credit") != amount {
                    self.broke(format!("of {amount} came {body}"));
                }
            }
            // It was refused, and nothing comes of it.
            Some(_) => notes.refunds.retain(|it| it.key != key || it.is_sure),
            None => {}
        }
        Ok(answer)
    }

    /// Sees what another subscription costs after one that has ended, and agrees: what is saved is charged.
    pub async fn come_again(&self, door: Door, id: &str, plan: &str) -> Result<Decided, Broken> {
        match self.preview_again(door, id, plan).await? {
            Some(shown) => self.again_as_shown(door, id, &shown).await,
            None => Ok(None),
        }
    }

    /// Sees what another subscription costs.
    pub async fn preview_again(
        &self,
        door: Door,
        id: &str,
        plan: &str,
    ) -> Result<Option<Value>, Broken> {
        let ask = json!({ "again": plan });
        Ok(match self.act(door, id, "preview", &ask).await? {
            Some((200, shown)) => Some(shown),
            _ => None,
        })
    }

    /// Agrees to what was shown.
    pub async fn again_as_shown(
        &self,
        door: Door,
        id: &str,
        shown: &Value,
    ) -> Result<Decided, Broken> {
        let due = shown["due_now"]["amount"].as_i64().unwrap_or_default();
        self.notes.borrow_mut().firsts.push(due);
        let body = json!({
            "again": id,
            "plan": shown["again"],
            "due_now": due,
            "trial_days": shown["trial_days"],
        });
        let answer = self.insist_on(door, &body).await?;
        if let Some((status, body)) = &answer {
            let code = body["error"]["code"].as_str().unwrap_or_default();
            self.tell(format!("comes again: {status} {code}"));
        }
        Ok(answer)
    }

    /// Sends a `POST /subscriptions` of which nobody confirms anything, again until there is an answer.
    pub async fn insist_on(&self, door: Door, body: &Value) -> Result<Decided, Broken> {
        let answer = self.insist(door, &Ask::Again { body }).await?;
        Ok(answer.map(|(status, body, _)| (status, body)))
    }

    /// A server asks for the link of a mail; gives what its query holds.
    pub async fn link_of(&self, id: &str, kind: &str) -> Result<Option<String>, Broken> {
        let ask = json!({ "kind": kind });
        let Some((200, body)) = self.serve(id, "links", kind, &ask).await? else {
            return Ok(None);
        };
        let url = Url::parse(&text(&body, "/url")?).ok();
        let link = url.and_then(|url| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(name, _)| name == "link")
                .map(|(_, link)| link.into_owned())
        });
        link.map(Some)
            .ok_or_else(|| Broken::new("there is no link in what should have one"))
    }

    /// Opens the page of a link and presses its button; gives the status, once there is a decision.
    pub async fn press_by_link(
        &self,
        door: Door,
        id: &str,
        link: &str,
        what: &[(&str, &str)],
    ) -> Result<Option<u16>, Broken> {
        let opened = self.insist(door, &Ask::Page { link, form: None }).await?;
        if !matches!(opened, Some((200, _, _))) {
            return Ok(None);
        }
        let at = self.lane.stripe.now().await?;
        let form = Some(what);
        let answer = self.insist(door, &Ask::Page { link, form }).await?;
        let status = answer.map(|(status, _, _)| status);
        self.tell(format!("the button of a link: {status:?}"));
        if status == Some(200) && what.contains(&("do", "cancel")) {
            self.deal(id, at, Terms::Kept);
            self.notes.borrow_mut().ended.insert(id.to_owned());
        }
        Ok(status)
    }

    /// Gives another payment method by the link of a mail.
    pub async fn repair_by_link(&self, door: Door, link: &str) -> Result<Decided, Broken> {
        let body = json!({"link": link, "wallet": "amazon_pay"});
        let ask = Ask::Open {
            path: "/repair",
            body: &body,
        };
        let Some((201, opened, _)) = self.insist(door, &ask).await? else {
            return Ok(None);
        };
        if self.at_wallet(&opened, "approve").await?.is_none() {
            return Ok(None);
        }
        let body = json!({"link": link, "setup_intent": opened["setup_intent"]});
        let ask = Ask::Open {
            path: "/repair/finish",
            body: &body,
        };
        let answer = self.insist(door, &ask).await?;
        Ok(answer.map(|(status, body, _)| (status, body)))
    }
}
