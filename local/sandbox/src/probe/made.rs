//! What a side has made, marked, and how it is taken away again.

use super::client::{Answer, Call, Failure, Side};
use serde_json::Value;
use std::collections::BTreeSet;

/// The key of the mark in the metadata, whose value is the run's name; a test clock has it in its name.
pub(crate) const MARK: &str = "perennial_probe";

/// Creations that take metadata.
const MARKED: &[&str] = &[
    "/v1/coupons",
    "/v1/credit_notes",
    "/v1/customers",
    "/v1/invoiceitems",
    "/v1/invoices",
    "/v1/payment_intents",
    "/v1/prices",
    "/v1/products",
    "/v1/promotion_codes",
    "/v1/refunds",
    "/v1/setup_intents",
    "/v1/subscription_schedules",
    "/v1/subscriptions",
];

const CLOCKS: &str = "/v1/test_helpers/test_clocks";

/// Adds the mark to what a call makes, where it can have one.
pub(crate) fn mark(path: &str, params: &mut Vec<(String, String)>, run: &str) {
    if path == CLOCKS {
        params.push(("name".to_owned(), format!("{MARK}={run}")));
    }
    // A schedule that is made of a subscription takes no other parameter.
    let alone = params.iter().any(|(name, _)| name == "from_subscription");
    if MARKED.contains(&path) && !alone {
        params.push((format!("metadata[{MARK}]"), run.to_owned()));
    }
}

/// How an object is taken away. The order is that in which they go.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    /// Its customers and their subscriptions go with it.
    Clock,
    Customer,
    PaymentIntent,
    SetupIntent,
    PromotionCode,
    Coupon,
    Price,
    Product,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Clock,
        Self::Customer,
        Self::PaymentIntent,
        Self::SetupIntent,
        Self::PromotionCode,
        Self::Coupon,
        Self::Price,
        Self::Product,
    ];

    fn path(self) -> &'static str {
        match self {
            Self::Clock => CLOCKS,
            Self::Customer => "/v1/customers",
            Self::PaymentIntent => "/v1/payment_intents",
            Self::SetupIntent => "/v1/setup_intents",
            Self::PromotionCode => "/v1/promotion_codes",
            Self::Coupon => "/v1/coupons",
            Self::Price => "/v1/prices",
            Self::Product => "/v1/products",
        }
    }

    fn of(object: &Value) -> Option<Self> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let on_its_own = |name: &str| object.get(name).is_none_or(Value::is_null);
        match text("object")? {
            "test_helpers.test_clock" => Some(Self::Clock),
            // One on a clock goes with it.
            "customer" if on_its_own("test_clock") => Some(Self::Customer),
            "payment_intent" if !is_settled(text("status")) => Some(Self::PaymentIntent),
            "setup_intent" if !is_settled(text("status")) => Some(Self::SetupIntent),
            "promotion_code" => Some(Self::PromotionCode),
            "coupon" => Some(Self::Coupon),
            "price" => Some(Self::Price),
            "product" => Some(Self::Product),
            _ => None,
        }
    }

    /// Whether a refusal of that call says that there is nothing to take away: it is gone, or has ended by itself.
    fn is_gone(self, status: u16) -> bool {
        let ends_by_itself = matches!(self, Self::PaymentIntent | Self::SetupIntent);
        status == 404 || (status == 400 && ends_by_itself)
    }

    /// The call that takes it away, or as far away as Stripe lets it.
    fn removal(self, id: &str) -> Call {
        let path = format!("{}/{id}", self.path());
        let call = |method, path, params| Call {
            method,
            path,
            params,
            idempotency_key: None,
        };
        match self {
            Self::Clock | Self::Customer | Self::Coupon => call("DELETE", path, Vec::new()),
            Self::PaymentIntent | Self::SetupIntent => {
                call("POST", format!("{path}/cancel"), Vec::new())
            }
            Self::PromotionCode | Self::Price | Self::Product => call(
                "POST",
                path,
                vec![("active".to_owned(), "false".to_owned())],
            ),
        }
    }
}

fn is_settled(status: Option<&str>) -> bool {
    matches!(status, Some("succeeded" | "canceled" | "processing"))
}

/// What was made and is not taken away yet.
#[derive(Debug, Default)]
pub(crate) struct Made {
    objects: BTreeSet<(Kind, String)>,
    /// Whether a creation has no answer, so that something may be there whose id is not known.
    pub(crate) unknown: bool,
}

impl Made {
    /// Notes what a creation has made.
    pub(crate) fn note(&mut self, call: &Call, answer: &Result<Answer, Failure>) {
        if call.method != "POST" {
            return;
        }
        match answer {
            Ok(answer) if answer.is_success() => {
                let id = answer.body.get("id").and_then(Value::as_str);
                if let (Some(kind), Some(id)) = (Kind::of(&answer.body), id) {
                    self.objects.insert((kind, id.to_owned()));
                }
            }
            Ok(answer) if answer.status < 500 => {}
            _ => self.unknown = true,
        }
    }

    /// Takes away what a scenario made, and leaves prices and products, which are the fixtures'.
    pub(crate) async fn remove_but_fixtures(&mut self, side: &Side) -> Vec<String> {
        let is_fixture = |(kind, _): &(Kind, String)| matches!(kind, Kind::Price | Kind::Product);
        let (kept, gone) = std::mem::take(&mut self.objects)
            .into_iter()
            .partition(is_fixture);
        self.objects = gone;
        let left = self.remove(side).await;
        self.objects.extend(kept);
        left
    }

    /// Takes everything away, and says of what could not be: its path and why. What is not tried, because the run has
    /// to end, stays noted.
    pub(crate) async fn remove(&mut self, side: &Side) -> Vec<String> {
        let mut left = Vec::new();
        for (kind, id) in std::mem::take(&mut self.objects) {
            match side.ask(&kind.removal(&id)).await {
                Ok(answer) if answer.is_success() || kind.is_gone(answer.status) => {}
                Ok(answer) => left.push(format!("{}/{id} (status {})", kind.path(), answer.status)),
                Err(Failure::Lost(why)) => left.push(format!("{}/{id} ({why})", kind.path())),
                Err(Failure::Live | Failure::Stopped) => {
                    self.objects.insert((kind, id));
                }
            }
        }
        left
    }

    /// What is not taken away yet, by its path.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.objects
            .iter()
            .map(|(kind, id)| format!("{}/{id}", kind.path()))
    }

    /// Finds what carries the mark of this run, or of any, and is still there.
    pub(crate) async fn find(side: &Side, run: Option<&str>) -> Result<Self, Failure> {
        let mut made = Self::default();
        for kind in Kind::ALL {
            let only: &[(&str, &str)] = match kind {
                Kind::Price | Kind::Product | Kind::PromotionCode => &[("active", "true")],
                _ => &[],
            };
            for object in listed(side, kind.path(), only).await? {
                let is_ours = match kind {
                    Kind::Clock => clock_is_ours(side, &object, run).await?,
                    _ => has_mark(&object, run),
                };
                let id = object.get("id").and_then(Value::as_str);
                if let (true, Some(id), Some(kind)) = (is_ours, id, Kind::of(&object)) {
                    made.objects.insert((kind, id.to_owned()));
                }
            }
        }
        Ok(made)
    }
}

fn fits(mark: Option<&str>, run: Option<&str>) -> bool {
    mark.is_some_and(|mark| run.is_none_or(|run| run == mark))
}

fn has_mark(object: &Value, run: Option<&str>) -> bool {
    let mark = object.pointer(&format!("/metadata/{MARK}"));
    fits(mark.and_then(Value::as_str), run)
}

/// Whether a clock has the mark as its name, and so has each customer on it.
async fn clock_is_ours(side: &Side, clock: &Value, run: Option<&str>) -> Result<bool, Failure> {
    let name = clock.get("name").and_then(Value::as_str);
    let mark = name.and_then(|name| name.strip_prefix(MARK)?.strip_prefix('='));
    if !fits(mark, run) {
        return Ok(false);
    }
    let id = clock.get("id").and_then(Value::as_str).unwrap_or_default();
    let customers = listed(side, Kind::Customer.path(), &[("test_clock", id)]).await?;
    Ok(customers.iter().all(|customer| has_mark(customer, mark)))
}

/// The whole list, page by page; nothing where the side does not serve it.
async fn listed(side: &Side, path: &str, only: &[(&str, &str)]) -> Result<Vec<Value>, Failure> {
    let mut call = Call::get(path, only);
    call.params.push(("limit".to_owned(), "100".to_owned()));
    listed_until(side, call, |_| false).await
}

/// The list, page by page, until a page has what was looked for.
pub(crate) async fn listed_until(
    side: &Side,
    mut call: Call,
    has_it: impl Fn(&Value) -> bool,
) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    loop {
        let mut answer = side.ask(&call).await?;
        if answer.status == 404 {
            return Ok(all);
        }
        if !answer.is_success() {
            let why = format!("GET {}: status {}", call.path, answer.status);
            return Err(Failure::Lost(why));
        }
        let more = answer.body.get("has_more") == Some(&Value::Bool(true));
        let Some(Value::Array(page)) = answer.body.get_mut("data").map(Value::take) else {
            return Ok(all);
        };
        let last = page.last().and_then(|object| object.get("id")?.as_str());
        let after = last.map(str::to_owned);
        let found = page.iter().any(&has_it);
        all.extend(page);
        let (true, false, Some(after)) = (more, found, after) else {
            return Ok(all);
        };
        call.params.retain(|(name, _)| name != "starting_after");
        call.params.push(("starting_after".to_owned(), after));
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, has_mark, mark};
    use serde_json::json;

    fn marked(path: &str, params: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut params = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        mark(path, &mut params, "r1");
        params.split_off(params.len().saturating_sub(1))
    }

    #[test]
    fn what_can_carry_the_mark_gets_it() {
        let own = vec![("metadata[perennial_probe]".to_owned(), "r1".to_owned())];
        assert_eq!(marked("/v1/customers", &[]), own);
        assert_eq!(
            marked("/v1/subscription_schedules", &[("customer", "cus_1")]),
            own
        );
        let alone = marked(
            "/v1/subscription_schedules",
            &[("from_subscription", "sub_1")],
        );
        assert_eq!(alone[0].0, "from_subscription");
        assert_eq!(marked("/v1/customers/cus_1", &[]), []);
        let clock = vec![("name".to_owned(), "perennial_probe=r1".to_owned())];
        assert_eq!(marked("/v1/test_helpers/test_clocks", &[]), clock);
    }

    #[test]
    fn only_what_carries_the_mark_is_ours() {
        let object = |mark| json!({"metadata": {"perennial_probe": mark}});
        assert!(has_mark(&object(json!("r1")), None));
        assert!(has_mark(&object(json!("r1")), Some("r1")));
        assert!(!has_mark(&object(json!("r2")), Some("r1")));
        assert!(!has_mark(&object(json!(null)), None));
        assert!(!has_mark(&json!({"metadata": {"other": "r1"}}), None));
    }

    #[test]
    fn what_ends_by_itself_is_left_alone() {
        let kind = |object: serde_json::Value| Kind::of(&object);
        assert_eq!(
            kind(json!({"object": "customer", "test_clock": "clock_1"})),
            None
        );
        assert_eq!(
            kind(json!({"object": "customer", "test_clock": null})),
            Some(Kind::Customer)
        );
        assert_eq!(
            kind(json!({"object": "payment_intent", "status": "succeeded"})),
            None
        );
        let waiting = json!({"object": "payment_intent", "status": "requires_action"});
        assert_eq!(kind(waiting), Some(Kind::PaymentIntent));
        assert_eq!(kind(json!({"object": "invoice"})), None);
    }
}
