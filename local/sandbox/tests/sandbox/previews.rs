//! Previews of invoices, which come to what is billed later, and change nothing.

use crate::frozen::{DAY, Frozen, HOUR, amounts};
use crate::support::{Answer, Pairs, id};
use serde_json::{Value, json};

/// 2026-11-01 00:00 UTC, a month of 2,592,000 s.
const NOVEMBER: i64 = 1_793_491_200;
const DECEMBER: i64 = NOVEMBER + 30 * DAY;

/// 1,614,600 s before the end of November.
const AT: i64 = DECEMBER - 1_614_600;

async fn preview(frozen: &Frozen, form: Pairs<'_>) -> Answer {
    frozen
        .stripe
        .post("/v1/invoices/create_preview", form)
        .await
}

/// The change of a subscription, in the words of a preview.
async fn preview_of(frozen: &Frozen, subscription: &str, change: Pairs<'_>) -> Answer {
    let mut form = vec![("subscription".to_owned(), subscription.to_owned())];
    for (name, value) in change {
        let (first, rest) = name.find('[').map_or((*name, ""), |at| name.split_at(at));
        form.push((
            format!("subscription_details[{first}]{rest}"),
            (*value).to_owned(),
        ));
    }
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    preview(frozen, &form).await
}

/// What has to agree between a preview and the invoice that comes of it.
fn essence(invoice: &Value) -> Value {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!([
                line["amount"],
                line["description"],
                line["period"],
                line["quantity"],
                line["pricing"],
                line["discountable"]
            ])
        })
        .collect();
    let names = [
        "amount_due",
        "currency",
        "customer",
        "subtotal",
        "total",
        "total_excluding_tax",
        "total_discount_amounts",
        "total_taxes",
        "starting_balance",
        "period_start",
        "period_end",
    ];
    json!([lines, names.map(|name| &invoice[name])])
}

/// The table of <https://docs.stripe.com/billing/subscriptions/prorations>: -166 + 541 + 3252.
#[tokio::test]
async fn the_preview_of_a_change_is_the_next_invoice() {
    let mut frozen = Frozen::at(1_596_749_288).await;
    let subscription = frozen.monthly(1000, 1, "flexible").await;
    let item = id(&frozen.read(&subscription).await["items"]["data"][0]);
    frozen.advance(1_598_982_148).await;
    let dearer = frozen.price(3252, "month", 1).await;
    let before = frozen.objects().await;
    let form = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", &dearer),
    ];
    let found = preview_of(&frozen, &subscription, &form).await.ok();
    assert!(frozen.objects().await == before, "it changes nothing");
    assert_eq!(
        (amounts(&found), &found["total"]),
        (vec![-166, 541, 3252], &json!(3627))
    );
    assert!(id(&found).starts_with("upcoming_in_"), "{found}");
    assert_eq!(
        (&found["billing_reason"], &found["status"]),
        (&json!("upcoming"), &json!("draft"))
    );
    assert_eq!(
        (&found["number"], &found["created"]),
        (&Value::Null, &json!(1_599_427_688))
    );
    assert_eq!(found["next_payment_attempt"], 1_599_427_688 + HOUR);
    frozen
        .change(&subscription, &[("items[0][price]", &dearer)])
        .await
        .ok();
    frozen.advance(1_599_427_688).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(essence(&renewal), essence(&found));
}

/// What is due at once has the invoice of the change as its preview.
#[tokio::test]
async fn the_preview_of_what_is_due_at_once_is_that_invoice() {
    let mut frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.monthly(1500, 1, "flexible").await;
    let item = id(&frozen.read(&subscription).await["items"]["data"][0]);
    let (dearer, yearly) = (
        frozen.price(2900, "month", 1).await,
        frozen.price(15_000, "year", 1).await,
    );
    frozen.advance(AT).await;
    let change = async |price: &str, more: Pairs<'_>| {
        let form = [
            &[("items[0][id]", item.as_str()), ("items[0][price]", price)],
            more,
        ]
        .concat();
        preview_of(&frozen, &subscription, &form).await
    };
    let now = ("proration_behavior", "always_invoice");
    let at = AT.to_string();
    let cases: [(&str, Pairs<'_>, &[i64]); 5] = [
        (&dearer, &[now], &[-934, 1806]),
        (
            &yearly,
            &[("billing_cycle_anchor[type]", "now")],
            &[-934, 15_000],
        ),
        (
            &dearer,
            &[("billing_cycle_anchor[type]", "unchanged")],
            &[-934, 1806, 2900],
        ),
        (&dearer, &[("proration_behavior", "none")], &[2900]),
        (&dearer, &[now, ("proration_date", &at)], &[-934, 1806]),
    ];
    for (price, more, expected) in cases {
        assert_eq!(
            amounts(&change(price, more).await.ok()),
            expected,
            "{more:?}"
        );
    }
    // A date needs something that is prorated.
    let date = ("proration_date", at.as_str());
    let refused = change(&dearer, &[date, ("proration_behavior", "none")]).await;
    assert_eq!(refused.refusal().0, 400);
    assert_eq!(
        preview_of(&frozen, &subscription, &[date])
            .await
            .refusal()
            .0,
        400
    );
}

/// `1500 * 1614600 / 2592000 = 934.4` are left, and there is no next renewal.
#[tokio::test]
async fn an_end_is_previewed_with_its_credit() {
    let mut frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.monthly(1500, 1, "flexible").await;
    frozen.advance(AT).await;
    let ending = async |form: Pairs<'_>| preview_of(&frozen, &subscription, form).await;
    let now = ending(&[("cancel_now", "true")]).await.ok();
    assert_eq!(
        (amounts(&now), &now["total"], &now["amount_due"]),
        (vec![-934], &json!(-934), &json!(0))
    );
    let none = (404, Some("invoice_upcoming_none"));
    let unprorated = [("cancel_now", "true"), ("proration_behavior", "none")];
    assert_eq!(ending(&unprorated).await.refusal(), none);
    assert_eq!(
        ending(&[("cancel_at_period_end", "true")]).await.refusal(),
        none
    );
    // Half way through what is left.
    let at = (AT + 807_300).to_string();
    let inside = ending(&[("cancel_at", &at)]).await.ok();
    assert_eq!(amounts(&inside), [-467]);
    // In December, 10 of its 31 days: 1500 * 10 / 31 = 483.9. The next invoice is for them.
    let at = (DECEMBER + 10 * DAY).to_string();
    let later = ending(&[("cancel_at", &at)]).await.ok();
    assert_eq!(amounts(&later), [484]);
    let form = [("cancel_at", at.as_str())];
    frozen.change(&subscription, &form).await.ok();
    frozen.advance(DECEMBER).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(essence(&renewal), essence(&later));
    frozen.advance(DECEMBER + 10 * DAY).await;
    assert_eq!(frozen.read(&subscription).await["status"], "canceled");
    assert_eq!(
        preview_of(&frozen, &subscription, &[]).await.refusal(),
        none
    );
}

/// Without a change it is the renewal; `recurring` leaves out what waits and the balance.
#[tokio::test]
async fn what_comes_anyway_is_previewed_too() {
    let mut frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.monthly(1500, 2, "flexible").await;
    frozen.advance(AT).await;
    let customer = [("customer", frozen.shopper.customer.as_str())];
    for form in [&[("subscription", subscription.as_str())], &customer] {
        let found = preview(&frozen, form).await.ok();
        assert_eq!(
            (amounts(&found), &found["created"]),
            (vec![3000], &json!(DECEMBER))
        );
    }
    frozen
        .change(&subscription, &[("items[0][quantity]", "3")])
        .await
        .ok();
    let form = [
        ("subscription", subscription.as_str()),
        ("preview_mode", "recurring"),
    ];
    let found = preview(&frozen, &form).await.ok();
    assert_eq!(
        (amounts(&found), &found["amount_due"]),
        (vec![4500], &json!(4500))
    );
    let found = preview(&frozen, &form[..1]).await.ok();
    // 3000 and 4500, each * 1614600 / 2592000.
    assert_eq!(amounts(&found), [-1869, 2803, 4500]);
    let nobody = frozen.stripe.id("/v1/customers", &[]).await;
    let refused = preview(&frozen, &[("customer", &nobody)]).await;
    assert_eq!(refused.refusal(), (404, Some("invoice_upcoming_none")));
    assert_eq!(preview(&frozen, &[]).await.refusal().0, 400);
}

/// A new subscription's first invoice, for a customer that exists or is only described. The time until the anchor is
/// prorated: of November's 30 days, 10 are left on the 21st.
#[tokio::test]
async fn a_new_subscription_is_previewed_before_there_is_one() {
    let frozen = Frozen::at(NOVEMBER + 20 * DAY).await;
    let price = frozen.price(3000, "month", 1).await;
    let items = [
        ("subscription_details[items][0][price]", price.as_str()),
        ("subscription_details[items][0][quantity]", "2"),
    ];
    let before = frozen.objects().await;
    let customer = ("customer", frozen.shopper.customer.as_str());
    let found = preview(&frozen, &[&[customer], &items[..]].concat())
        .await
        .ok();
    assert_eq!(
        (amounts(&found), &found["amount_due"]),
        (vec![6000], &json!(6000))
    );
    let described = ("customer_details[address][country]", "DE");
    let found = preview(&frozen, &[&[described], &items[..]].concat())
        .await
        .ok();
    assert_eq!(
        (amounts(&found), &found["customer_address"]["country"]),
        (vec![6000], &json!("DE"))
    );
    let anchor = DECEMBER.to_string();
    let anchored = [
        customer,
        (
            "subscription_details[billing_cycle_anchor][type]",
            "timestamp",
        ),
        (
            "subscription_details[billing_cycle_anchor][timestamp]",
            &anchor,
        ),
    ];
    let found = preview(&frozen, &[&anchored, &items[..]].concat())
        .await
        .ok();
    assert_eq!(amounts(&found), [2000]);
    assert!(frozen.objects().await == before, "it changes nothing");
}

/// Numbers that come of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// For one `proration_date`, whatever is changed and however it is prorated.
#[tokio::test]
async fn a_preview_comes_to_what_is_billed_later() {
    for seed in 0..40 {
        agrees(seed).await;
    }
}

async fn agrees(seed: u64) {
    let mut dice = Dice(seed);
    let mut frozen = Frozen::at(NOVEMBER).await;
    let amount = i64::try_from(dice.below(9000)).unwrap() + 100;
    let mode = dice.of(&["flexible", "classic"]);
    let quantity = u32::try_from(dice.below(4)).unwrap() + 1;
    let subscription = frozen.monthly(amount, quantity, mode).await;
    let mut now = NOVEMBER;
    // A change before, of whose debits and credits some wait.
    for behavior in ["create_prorations", "always_invoice", "none"] {
        if dice.below(3) > 0 {
            continue;
        }
        now += i64::try_from(dice.below(400_000)).unwrap() + 1;
        frozen.advance(now).await;
        let quantity = (dice.below(9) + 1).to_string();
        let form = [
            ("items[0][quantity]", quantity.as_str()),
            ("proration_behavior", behavior),
        ];
        frozen.change(&subscription, &form).await.ok();
    }
    now += i64::try_from(dice.below(400_000)).unwrap() + 1;
    frozen.advance(now).await;
    let item = id(&frozen.read(&subscription).await["items"]["data"][0]);
    let price = frozen
        .price(i64::try_from(dice.below(20_000)).unwrap(), "month", 1)
        .await;
    let (date, other) = (now.to_string(), (dice.below(5) + 1).to_string());
    let mut change = vec![("items[0][id]", item.as_str()), ("proration_date", &date)];
    match dice.below(3) {
        0 => change.push(("items[0][price]", &price)),
        1 => change.push(("items[0][quantity]", &other)),
        _ => change.extend([
            ("items[0][deleted]", "true"),
            ("items[1][price]", &price),
            ("items[1][quantity]", &other),
        ]),
    }
    let behavior = dice.of(&["create_prorations", "always_invoice"]);
    change.push(("proration_behavior", behavior));
    let resets = dice.below(4) == 0;
    if resets {
        change.push(("billing_cycle_anchor[type]", "now"));
    }
    let found = preview_of(&frozen, &subscription, &change).await.ok();
    if !resets {
        // A new cycle begins when it is asked for, whatever the date.
        now += i64::try_from(dice.below(7000)).unwrap() + 1;
        frozen.advance(now).await;
    }
    let latest = frozen.read(&subscription).await["latest_invoice"]["id"].clone();
    let path = format!("/v1/subscriptions/{subscription}");
    frozen.stripe.post(&path, &change).await.ok();
    let mut invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    if invoice["id"] == latest {
        frozen.advance(DECEMBER).await;
        invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    }
    let (mut one, mut other) = (essence(&found), essence(&invoice));
    if invoice["billing_reason"] == "subscription_update" {
        // The invoice itself is of the moment at which it is made.
        for essence in [&mut one, &mut other] {
            essence[1][9] = Value::Null;
            essence[1][10] = Value::Null;
        }
    }
    assert_eq!(one, other, "seed {seed}: {change:?}");
}
