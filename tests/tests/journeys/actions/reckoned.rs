//! Whole lives of subscriptions that are drawn at random, whose every amount is reckoned by hand: what is shown before,
//! what is charged, what is left, and what comes next.

mod by_hand;

use perennial_tests::{Setup, TestApp};
use perennial_types::Timestamp;
use serde_json::{Value, json};

use self::by_hand::{Bill, ByHand, Cents, Off, Sold, Tax};
use super::{Subscriber, discounting::Form, pausing::DAY};
use crate::payments::text;

const SOLD: [(&str, Cents, bool, u64); 5] = [
    ("solo", 1299, false, 1),
    ("pro", 4999, false, 1),
    ("team", 733, false, 9),
    ("yearly", 12_990, true, 1),
    ("team-yearly", 7499, true, 9),
];

/// Steps in the life of one subscription.
const STEPS: usize = 7;

/// Numbers that look drawn, the same for each seed.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, most: u64) -> u64 {
        // <https://en.wikipedia.org/wiki/Linear_congruential_generator>, with Knuth's factor.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn sold(&mut self) -> Sold {
        let which = usize::try_from(self.below(5)).unwrap();
        let (plan, price, yearly, most) = SOLD[which];
        Sold {
            plan,
            price,
            yearly,
            quantity: self.below(most) + 1,
        }
    }
}

struct Life {
    it: Subscriber,
    drawn: Drawn,
    hand: ByHand,
    /// What is sold from the next period on.
    later: Option<Sold>,
    keys: u32,
    steps: Vec<String>,
}

fn amount(shown: &Value) -> Cents {
    shown["amount"].as_i64().unwrap().into()
}

fn time(told: &Value) -> i64 {
    let time: Timestamp = serde_json::from_value(told.clone()).unwrap();
    time.unix()
}

async fn period(it: &Subscriber) -> (i64, i64) {
    let item = it.at_stripe().await["items"]["data"][0].clone();
    let at = |name: &str| item[name].as_i64().unwrap();
    (at("current_period_start"), at("current_period_end"))
}

impl Life {
    async fn begin(seed: u64, tax: Tax) -> Self {
        let taxes = match tax {
            Tax::None => json!({}),
            Tax::OnTop(_) => json!({"tax": "automatic", "tax_behavior": "exclusive"}),
            Tax::Within(_) => json!({"tax": "automatic", "tax_behavior": "inclusive"}),
        };
        let mut plans = serde_json::Map::new();
        for (name, price, yearly, most) in SOLD {
            let mut plan = taxes.clone();
            plan["amount"] = u64::try_from(price).unwrap().into();
            plan["interval"] = if yearly { "year" } else { "month" }.into();
            if most > 1 {
                plan["quantity"] =
                    json!({"minimum": 1, "maximum": most, "shopper_may_change": true});
            }
            plans.insert(name.to_owned(), plan);
        }
        let app = TestApp::selling(&plans.into(), Setup::default()).await;
        let mut drawn = Drawn(seed);
        let sold = drawn.sold();
        let it = bought(app, sold, tax).await;
        let (hand, bill) = ByHand::begun(sold, tax, period(&it).await);
        let steps = vec![format!("{seed}: {sold:?}, {tax:?}")];
        let (later, keys) = (None, 0);
        let life = Self {
            it,
            drawn,
            hand,
            later,
            keys,
            steps,
        };
        life.is_billed(bill).await;
        life
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("k{}", self.keys)
    }

    async fn ask(&mut self, action: &str, body: &Value) -> Value {
        let key = self.key();
        let answer = self.it.server_asks(action, &key, body).await;
        answer.expect(200).json()
    }

    /// The newest invoice, and what is left of the customer.
    async fn is_billed(&self, (total, paid): Bill) {
        let request = self.it.alice.calls.request("GET", "/invoices");
        let told = self.it.alice.calls.send(request).await.expect(200).json();
        let newest = &told["invoices"][0];
        let cents = |name: &str| Cents::from(newest[name].as_i64().unwrap());
        let billed = (cents("total"), cents("amount_paid"));
        assert_eq!(billed, (total, paid), "{:#?}\n{newest}", self.steps);
        let customer = self.it.app.stripe.objects("customer").await.remove(0);
        let left = Cents::from(customer["balance"].as_i64().unwrap());
        assert_eq!(left, self.hand.balance, "{:#?}", self.steps);
    }

    /// What the next renewal is told to come to.
    async fn comes_next(&self) {
        let path = format!("/subscriptions/{}", self.it.id);
        let request = self.it.alice.calls.request("GET", &path);
        let told = self.it.alice.calls.send(request).await.expect(200).json();
        let ends = self.hand.period.1;
        let next = self.then().next(ends);
        assert_eq!(amount(&told["next_charge"]), next, "{:#?}", self.steps);
        assert_eq!(time(&told["next_charge"]["at"]), ends);
    }

    /// The subscription as it is when the period is over.
    fn then(&self) -> ByHand {
        let mut then = self.hand.clone();
        then.sold = self.later.unwrap_or(then.sold);
        then
    }

    async fn change(&mut self) {
        let sold = self.drawn.sold();
        if sold == self.hand.sold {
            return;
        }
        let is_now = self.drawn.below(3) > 0;
        let when = if is_now { "now" } else { "period_end" };
        let mut body = json!({"plan": sold.plan, "when": when});
        if sold.plan.starts_with("team") {
            body["quantity"] = sold.quantity.into();
        }
        self.steps.push(body.to_string());
        let shown = self.ask("preview", &body).await;
        let mut then = self.hand.clone();
        let at = time(&shown["takes_effect_at"]);
        let next_at = time(&shown["next_charge"]["at"]);
        let bill = if is_now {
            then.changes(sold, at, next_at)
        } else {
            then.sold = sold;
            (0, 0)
        };
        let known = (self.steps.clone(), shown.clone());
        assert_eq!(amount(&shown["due_now"]), bill.1, "{known:#?}");
        // A change that waits is made with the next invoice, which takes from it.
        let mut after = then.clone();
        if !is_now {
            after.renews((next_at, next_at + 1));
        }
        let left = (-after.balance).max(0);
        assert_eq!(amount(&shown["credit_left"]), left, "{known:#?}");
        let next = then.next(next_at);
        assert_eq!(amount(&shown["next_charge"]), next, "{known:#?}");
        self.ask("change", &json!({"preview": shown["preview"]}))
            .await;
        self.it.app.quiet().await;
        if is_now {
            then.moved_to(period(&self.it).await);
            assert!((0..60).contains(&(then.period.1 - next_at)), "{known:#?}");
            (self.hand, self.later) = (then, None);
            self.is_billed(bill).await;
        } else {
            self.later = Some(sold);
        }
    }

    async fn renew(&mut self) {
        self.steps.push("renewed".to_owned());
        let now = self.it.now().await;
        let left = self.hand.period.1 - now;
        self.it.pass(left + 10).await;
        self.it.pass(3700).await;
        self.hand.sold = self.later.take().unwrap_or(self.hand.sold);
        let bill = self.hand.renews(period(&self.it).await);
        self.is_billed(bill).await;
    }

    async fn wait(&mut self) {
        let left = self.hand.period.1 - self.it.now().await;
        let days = u64::try_from(left / DAY - 1).unwrap_or(0);
        if days > 1 {
            let seconds = self.drawn.below(days * 24 * 3600);
            self.steps.push(format!("{seconds} seconds"));
            self.it.pass(i64::try_from(seconds).unwrap()).await;
            // What is over by then counts no more.
            let now = self.it.now().await;
            self.hand
                .offs
                .retain(|off| off.until.is_none_or(|until| now < until));
        }
    }

    async fn discount(&mut self) {
        if self.later.is_some() || !self.hand.offs.is_empty() {
            return;
        }
        let (form, off): (Form<'_>, (Cents, Cents)) = match self.drawn.below(3) {
            0 => (
                &[("percent_off", "33.3"), ("duration", "forever")],
                (333, 0),
            ),
            1 => (
                &[
                    ("amount_off", "501"),
                    ("currency", "usd"),
                    ("duration", "repeating"),
                    ("duration_in_months", "2"),
                ],
                (0, 501),
            ),
            _ => (
                &[
                    ("percent_off", "7.5"),
                    ("duration", "repeating"),
                    ("duration_in_months", "14"),
                ],
                (75, 0),
            ),
        };
        self.steps.push(format!("{form:?}"));
        let coupon = self.it.coupon(form).await;
        let (key, body) = (self.key(), json!({"coupon": coupon}));
        let answer = self.it.server_asks("discount", &key, &body).await;
        if answer.status == 409 {
            assert_eq!(answer.expect_error(409), "code_not_for_plan");
            return;
        }
        let told = answer.expect(200).json();
        let until = &told["discounts"][0]["until"];
        self.hand.offs.push(Off {
            permille: off.0,
            amount: off.1,
            once: false,
            until: until.is_string().then(|| time(until)),
        });
    }

    async fn pause(&mut self) {
        self.steps.push("paused".to_owned());
        let paused = self.ask("pause", &json!({})).await;
        let at = time(&paused["subscription"]["pause"]["since"]);
        self.later = None;
        let bill = self.hand.credited(at);
        self.it.app.quiet().await;
        self.is_billed(bill).await;
        let days = i64::try_from(self.drawn.below(40)).unwrap() + 1;
        self.it.pass(days * DAY).await;
        let shown = self.ask("preview", &json!({"resume": {}})).await;
        let due = self.hand.next(self.it.now().await);
        assert_eq!(amount(&shown["due_now"]), due, "{:#?}", self.steps);
        let due = shown["due_now"]["amount"].clone();
        self.ask("resume", &json!({"due_now": due})).await;
        self.it.app.quiet().await;
        let bill = self.hand.renews(period(&self.it).await);
        self.is_billed(bill).await;
    }
}

/// A subscription of the first day, with what the page shows before it.
async fn bought(app: TestApp, sold: Sold, tax: Tax) -> Subscriber {
    let alice = app.shopper("alice");
    let mut body = json!({"plan": sold.plan});
    if sold.plan.starts_with("team") {
        body["quantity"] = sold.quantity.into();
    }
    let place = match tax {
        Tax::None => None,
        Tax::OnTop(_) => Some(json!({"country": "US", "postal_code": "94103"})),
        Tax::Within(_) => Some(json!({"country": "DE"})),
    };
    if let Some(place) = place {
        body["billing_address"] = place;
        let request = alice.calls.request("POST", "/wallets").json(&body);
        let shown = alice.calls.send(request).await.expect(200).json();
        let (hand, _) = ByHand::begun(sold, tax, (0, 1));
        let told = (amount(&shown["tax"]), shown["tax"]["tax_amount"].as_i64());
        let (regular, taxes) = hand.regular();
        let known = (regular, i64::try_from(taxes).ok());
        assert_eq!(told, known, "{shown}");
        body["tax"] = json!({"amount": shown["tax"]["amount"]});
    }
    body["wallet"] = "amazon_pay".into();
    let opened = alice.calls.client_secret(&body).await.expect(201).json();
    let back = alice.answer_wallet(&opened, "approve").await;
    alice.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let id = text(&subscription["id"]).to_owned();
    Subscriber { app, alice, id }
}

async fn live(seed: u64, tax: Tax) {
    let mut life = Life::begin(seed, tax).await;
    for _ in 0..STEPS {
        match life.drawn.below(8) {
            0..=2 => life.change().await,
            3 | 4 => life.renew().await,
            5 => life.wait().await,
            6 => life.discount().await,
            _ => life.pause().await,
        }
        life.comes_next().await;
    }
}

#[tokio::test]
async fn each_amount_without_taxes_is_what_it_is_by_hand() {
    for seed in 1..=3 {
        live(seed, Tax::None).await;
    }
}

#[tokio::test]
async fn each_amount_with_taxes_on_top_is_what_it_is_by_hand() {
    for seed in 4..=6 {
        live(seed, Tax::OnTop(725)).await;
    }
}

#[tokio::test]
async fn each_amount_with_taxes_within_is_what_it_is_by_hand() {
    for seed in 7..=9 {
        live(seed, Tax::Within(1900)).await;
    }
}
