//! A shopper: what a person, their browser and the shop's page do between two calls.

use serde_json::{Value, json};
use url::Url;

use crate::books::text;
use crate::broken::Broken;
use crate::lane::Tab;
use crate::request::{event, page_event, server_event};
use crate::stage::{Life, Reply, Stage, Told};
use crate::wire::Door;

/// Longer than a lease, so that whoever held one is taken to be gone.
pub const LEASE_IS_OVER: i64 = 13;
/// How often a stubborn shopper tries.
const TRIES: usize = 6;

/// Who confirms the SetupIntent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The page, with Amazon Pay.
    Page,
    /// The server, with Amazon Pay.
    Server,
    /// The page, with Apple Pay.
    Apple,
}

impl By {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Page => ("amazon_pay", "client"),
            Self::Server => ("amazon_pay", "server"),
            Self::Apple => ("apple_pay", "client"),
        }
    }
}

/// What a click led to.
#[derive(Debug, Clone)]
pub enum Click {
    /// An open checkout.
    Opened(Value),
    /// There is a subscription already.
    Subscribed,
    /// The shopper has given up.
    GaveUp,
}

/// The status, the body as JSON, and where a redirect leads.
type Answer = (u16, Value, Option<String>);

/// What a shopper asks.
pub(crate) enum Ask<'a> {
    Click {
        plan: &'a str,
        by: By,
    },
    Begin {
        plan: &'a str,
    },
    /// A click, or with `first` a subscription that comes first, with this body.
    Order {
        body: &'a Value,
    },
    Return {
        url: &'a str,
    },
    Poll {
        checkout: &'a str,
    },
    Subscribe {
        checkout: &'a str,
    },
    Act {
        path: &'a str,
        body: &'a Value,
    },
    Serve {
        path: &'a str,
        key: &'a str,
        body: &'a Value,
    },
    /// What a server asks about a user.
    User {
        path: &'a str,
        body: &'a Value,
    },
    Again {
        body: &'a Value,
    },
    /// What a plan costs with a code, or where the shopper is.
    Wallets {
        body: &'a Value,
    },
    /// The page of a link, or its button.
    Page {
        link: &'a str,
        form: Option<&'a [(&'a str, &'a str)]>,
    },
    /// A page of the shop, with a link and without a token.
    Open {
        path: &'a str,
        body: &'a Value,
    },
}

impl Stage<'_> {
    fn tab(&self, door: Door) -> &Tab {
        if door == Door::TabB {
            &self.lane.functions.tab_b
        } else {
            &self.lane.functions.tab_a
        }
    }

    async fn send(&self, door: Door, ask: &Ask<'_>) -> Reply {
        let tab = self.tab(door);
        match ask {
            Ask::Click { plan, by } => {
                let (wallet, by) = by.names();
                let body = json!({"plan": plan, "wallet": wallet, "confirm": by});
                let event = event(Some(&self.user), "POST", "/client-secret", "", Some(&body));
                Box::pin(self.ask(door, &tab.client_secret, event)).await
            }
            Ask::Begin { plan } => {
                let body = json!({"plan": plan, "wallet": "apple_pay", "first": "subscription"});
                let event = event(Some(&self.user), "POST", "/subscriptions", "", Some(&body));
                Box::pin(self.ask(door, &tab.subscribe, event)).await
            }
            Ask::Order { body } => {
                let (path, function) = if body["first"].is_null() {
                    ("/client-secret", &tab.client_secret)
                } else {
                    ("/subscriptions", &tab.subscribe)
                };
                let event = event(Some(&self.user), "POST", path, "", Some(body));
                Box::pin(self.ask(door, function, event)).await
            }
            Ask::Return { url } => {
                let query = Url::parse(url)
                    .ok()
                    .and_then(|url| url.query().map(str::to_owned));
                let event = event(None, "GET", "/confirm", &query.unwrap_or_default(), None);
                Box::pin(self.ask(door, &tab.confirm, event)).await
            }
            Ask::Poll { checkout } => {
                let path = format!("/checkouts/{checkout}");
                let event = event(Some(&self.user), "GET", &path, "", None);
                Box::pin(self.ask(door, &tab.confirm, event)).await
            }
            Ask::Subscribe { checkout } => {
                let body = json!({ "checkout": checkout });
                let event = event(Some(&self.user), "POST", "/subscriptions", "", Some(&body));
                Box::pin(self.ask(door, &tab.subscribe, event)).await
            }
            Ask::Act { path, body } => {
                let event = event(Some(&self.user), "POST", path, "", Some(body));
                Box::pin(self.ask(door, &tab.actions, event)).await
            }
            Ask::Serve { path, key, body } => {
                let mut event = server_event(path, body);
                event["headers"]["idempotency-key"] = (*key).into();
                Box::pin(self.ask(door, &tab.actions, event)).await
            }
            Ask::User { path, body } => {
                let event = server_event(path, body);
                Box::pin(self.ask(door, &tab.users, event)).await
            }
            Ask::Again { body } => {
                let event = event(Some(&self.user), "POST", "/subscriptions", "", Some(body));
                Box::pin(self.ask(door, &tab.subscribe, event)).await
            }
            Ask::Wallets { body } => {
                let event = event(Some(&self.user), "POST", "/wallets", "", Some(body));
                Box::pin(self.ask(door, &tab.wallets, event)).await
            }
            Ask::Page { link, form } => {
                let event = page_event(link, *form);
                Box::pin(self.ask(door, &tab.actions, event)).await
            }
            Ask::Open { path, body } => {
                let event = event(None, "POST", path, "", Some(body));
                Box::pin(self.ask(door, &tab.actions, event)).await
            }
        }
    }

    /// Waits as a shopper does: until the page offers to try again, or by pressing again at once
    /// while a lease runs out.
    async fn send_again(&self, door: Door, ask: &Ask<'_>) -> Result<Reply, Broken> {
        if self.rng.borrow_mut().below(2) == 0 {
            self.pass(LEASE_IS_OVER).await?;
            return Ok(self.send(door, ask).await);
        }
        let later = async {
            tokio::time::sleep(std::time::Duration::from_millis(80)).await;
            self.pass(LEASE_IS_OVER).await
        };
        let (reply, passed) = tokio::join!(self.send(door, ask), later);
        passed?;
        Ok(reply)
    }

    /// Does something to a subscription; gives the status and the body, once there is a decision.
    pub async fn act(
        &self,
        door: Door,
        subscription: &str,
        action: &str,
        body: &Value,
    ) -> Result<Option<(u16, Value)>, Broken> {
        let path = format!("/subscriptions/{subscription}/{action}");
        let answer = self.insist(door, &Ask::Act { path: &path, body }).await?;
        if let Some((status, body, _)) = &answer {
            let code = body["error"]["code"].as_str().unwrap_or_default();
            self.tell(format!("{action}: {status} {code}"));
        }
        Ok(answer.map(|(status, body, _)| (status, body)))
    }

    /// One of the shop's servers does something to the user's subscription, and repeats itself by its key.
    pub async fn serve(
        &self,
        subscription: &str,
        action: &str,
        key: &str,
        body: &Value,
    ) -> Result<Option<(u16, Value)>, Broken> {
        let server = (Door::TabB, key);
        self.serve_at(server, subscription, action, body).await
    }

    /// The same behind one of two doors, for two servers at once.
    pub async fn serve_at(
        &self,
        (door, key): (Door, &str),
        subscription: &str,
        action: &str,
        body: &Value,
    ) -> Result<Option<(u16, Value)>, Broken> {
        let path = format!("/shop/subscriptions/{subscription}/{action}");
        let mut body = body.clone();
        body["user"] = self.user.as_str().into();
        let ask = Ask::Serve {
            path: &path,
            key,
            body: &body,
        };
        let answer = self.insist(door, &ask).await?;
        if let Some((status, body, _)) = &answer {
            let code = body["error"]["code"].as_str().unwrap_or_default();
            self.tell(format!("a server asks to {action}: {status} {code}"));
            self.is_well_asked(*status, code);
        }
        Ok(answer.map(|(status, body, _)| (status, body)))
    }

    /// What is refused for its form was never tried, so nothing that follows would be.
    pub(crate) fn is_well_asked(&self, status: u16, code: &str) {
        let refused = ["unknown_plan", "tax_id_refused", "link_invalid"];
        if status == 400 && !refused.contains(&code) {
            self.broke(format!("the trial asks for nothing that can be: {code}"));
        }
    }

    pub(crate) async fn insist(&self, door: Door, ask: &Ask<'_>) -> Result<Option<Answer>, Broken> {
        let mut reply = self.send(door, ask).await;
        for _ in 0..TRIES {
            match reply {
                Reply::Answered {
                    status,
                    body,
                    location,
                } if status < 500 && status != 429 && status != 202 => {
                    return Ok(Some((status, body, location)));
                }
                _ if self.setting.life != Life::Shopper => return Ok(None),
                _ => reply = self.send_again(door, ask).await?,
            }
        }
        Ok(None)
    }

    /// Presses the wallet's button.
    pub async fn click(&self, door: Door, plan: &str, by: By) -> Result<Click, Broken> {
        self.press(door, plan, &Ask::Click { plan, by }).await
    }

    pub(crate) async fn press(
        &self,
        door: Door,
        plan: &str,
        ask: &Ask<'_>,
    ) -> Result<Click, Broken> {
        let mut answer = self.insist(door, ask).await?;
        if answer.as_ref().is_some_and(is_over) {
            // What was open has come to its end, and the page says that one may press again.
            answer = self.insist(door, ask).await?;
        }
        match answer {
            Some((200 | 201, body, _)) => Ok(Click::Opened(body)),
            Some((409, body, _)) if body["error"]["code"] == "already_subscribed" => {
                self.check_already_subscribed(plan);
                Ok(Click::Subscribed)
            }
            Some((status, body, _)) => {
                self.broke(format!("a click was answered {status}: {body}"));
                Ok(Click::GaveUp)
            }
            None => Ok(Click::GaveUp),
        }
    }

    /// Goes to the wallet's page and answers it; gives where the browser is sent, if the page
    /// could still be reached.
    pub async fn at_wallet(&self, opened: &Value, choice: &str) -> Result<Option<String>, Broken> {
        if opened["redirect_url"].is_null() && opened["status"] != "succeeded" {
            let (secret, back) = (
                text(opened, "/client_secret")?,
                text(opened, "/return_url")?,
            );
            if opened["status"] == "requires_payment_method"
                && !self.lane.stripe.confirm_on_page(&secret, &back).await?
            {
                self.tell("the page could not confirm");
                return Ok(None);
            }
        }
        let intent = text(opened, "/setup_intent")?;
        let now = self.lane.stripe.setup_intent(&intent).await?;
        if now["status"] != "requires_action" {
            self.tell(format!(
                "nothing to answer at the wallet: {}",
                now["status"]
            ));
            return Ok(None);
        }
        let back = self.lane.stripe.answer_wallet(&intent, choice).await?;
        self.tell(format!("the shopper answers the wallet: {choice}"));
        if choice == "approve" {
            self.notes.borrow_mut().approved.push(intent);
        }
        Ok(Some(back))
    }

    /// Comes back from the wallet, and polls as the shop's page does until it is decided; gives
    /// how the checkout stands.
    pub async fn come_back(&self, door: Door, url: &str) -> Result<Option<Told>, Broken> {
        let Some((status, body, location)) = self.insist(door, &Ask::Return { url }).await? else {
            return Ok(None);
        };
        let Some(location) = location else {
            self.broke(format!("a return was answered {status}: {body}"));
            return Ok(None);
        };
        let told = landed(&location);
        self.heard(&told);
        if told.status == "pending" && self.setting.life == Life::Shopper {
            return self.poll(door, &told.checkout).await;
        }
        Ok(Some(told))
    }

    /// Polls the checkout until it is decided.
    pub async fn poll(&self, door: Door, checkout: &str) -> Result<Option<Told>, Broken> {
        for _ in 0..TRIES {
            let Some((status, body, _)) = self.insist(door, &Ask::Poll { checkout }).await? else {
                return Ok(None);
            };
            if status != 200 {
                self.broke(format!("a poll was answered {status}: {body}"));
                return Ok(None);
            }
            let told = Told {
                checkout: checkout.to_owned(),
                status: text(&body, "/status")?,
                reason: body["reason"].as_str().map(str::to_owned),
                subscription: body["subscription"]["id"].as_str().map(str::to_owned),
            };
            self.heard(&told);
            if told.status != "pending" || self.setting.life != Life::Shopper {
                return Ok(Some(told));
            }
            self.pass(LEASE_IS_OVER).await?;
        }
        Ok(None)
    }

    /// Asks for the subscription of a checkout.
    pub async fn subscribe(&self, door: Door, checkout: &str) -> Result<Option<Told>, Broken> {
        let Some((status, body, _)) = self.insist(door, &Ask::Subscribe { checkout }).await? else {
            return Ok(None);
        };
        let told = Told {
            checkout: checkout.to_owned(),
            status: if status < 300 { "subscribed" } else { "failed" }.to_owned(),
            reason: body["error"]["code"].as_str().map(str::to_owned),
            subscription: body["subscription"]["id"].as_str().map(str::to_owned),
        };
        self.heard(&told);
        Ok(Some(told))
    }

    fn heard(&self, told: &Told) {
        self.tell(format!(
            "told: {} {}",
            told.status,
            told.reason.as_deref().unwrap_or_default()
        ));
        self.notes.borrow_mut().told.push(told.clone());
    }
}

fn is_over((status, body, _): &Answer) -> bool {
    let code = body["error"]["code"].as_str();
    *status == 409 && matches!(code, Some("expired" | "canceled")) && body["may_retry"] == true
}

fn landed(location: &str) -> Told {
    let pairs: Vec<(String, String)> = Url::parse(location)
        .map(|url| url.query_pairs().into_owned().collect())
        .unwrap_or_default();
    let get = |name: &str| {
        pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, v)| v.clone())
    };
    Told {
        checkout: get("checkout").unwrap_or_default(),
        status: get("status").unwrap_or_default(),
        reason: get("reason"),
        subscription: None,
    }
}
