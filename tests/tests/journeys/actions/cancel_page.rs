//! A subscription is canceled by the link of a mail, in a browser that is not signed in.

use perennial_api::SignedLinks;
use perennial_functions::Function;
use perennial_tests::{Answer, Log, TestApp, wait_until};
use perennial_types::Clock;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Subscriber;
use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

/// What the button of a page sends.
type Form = Vec<(String, String)>;

async fn link(it: &Subscriber) -> String {
    let told = it.link("cancel").await;
    assert_eq!(told["expires_at"], Value::Null, "{told}");
    text(&told["url"]).to_owned()
}

async fn opens(app: &TestApp, link: &str) -> Answer {
    app.anybody().come_back(link).await
}

async fn sends(app: &TestApp, form: &Form) -> Answer {
    sends_for(app, form, "text/html").await
}

async fn sends_for_json(app: &TestApp, form: &Form) -> Answer {
    sends_for(app, form, "application/json").await
}

async fn sends_for(app: &TestApp, form: &Form, accept: &str) -> Answer {
    let nobody = app.anybody();
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let request = nobody
        .request("POST", "/cancel")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", accept)
        .body(body.finish());
    nobody.send(request).await
}

async fn asks_in(app: &TestApp, language: &str, link: &str) -> Answer {
    let nobody = app.anybody();
    let path = link.strip_prefix(app.url()).expect("a link of this API");
    let request = nobody.request("GET", path);
    nobody
        .send(request.header("accept-language", language))
        .await
}

/// The hidden fields of the page's form; none, if it has none.
fn form_of(page: &Answer) -> Form {
    let mut fields = page.text.split("<input type=\"hidden\" name=\"").skip(1);
    let mut form = Form::new();
    for field in &mut fields {
        let (name, rest) = field.split_once("\" value=\"").expect("a value");
        let value = rest.split('"').next().expect("its end");
        form.push((name.to_owned(), value.to_owned()));
    }
    form
}

fn heading(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("<h1>").expect("a heading");
    rest.split_once("</h1>").expect("its end").0
}

/// The value beside a name of the page.
fn fact(page: &Answer, name: &str) -> Option<String> {
    let (_, rest) = page.text.split_once(&format!("<dt>{name}</dt><dd>"))?;
    rest.split_once("</dd>").map(|(value, _)| value.to_owned())
}

/// As the page writes a moment out.
fn written(rfc3339: &Value) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let at = text(rfc3339);
    let month: usize = at[5..7].parse().unwrap();
    let day = at[8..10].trim_start_matches('0');
    format!(
        "{day} {} {}, {} UTC",
        MONTHS[month - 1],
        &at[..4],
        &at[11..16]
    )
}

#[tokio::test]
async fn a_link_of_a_mail_shows_what_ends_and_one_button_ends_it() {
    let it = Subscriber::of(MONTHLY).await;
    let link = link(&it).await;
    let before = it.mine().await;
    let ends = written(&before["current_period_end"]);
    it.app.forget_calls().await;

    let page = opens(&it.app, &link).await.expect(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(heading(&page), "Cancel your subscription");
    assert_eq!(fact(&page, "Subscription").as_deref(), Some("Stock photos"));
    assert_eq!(fact(&page, "Ends"), Some(ends.clone()));
    assert_eq!(fact(&page, "Received"), None);
    assert_eq!(page.text.matches("<button").count(), 1, "{}", page.text);
    assert!(!page.text.contains("<script"), "{}", page.text);
    assert!(page.text.contains(it.app.variable("SHOP_URL")));

    let confirmed = sends(&it.app, &form_of(&page)).await.expect(200);
    assert_eq!(heading(&confirmed), "Your cancellation is confirmed");
    assert_eq!(fact(&confirmed, "Ends"), Some(ends.clone()));
    let mine = it.mine().await;
    assert_eq!(mine["ends_at"], before["current_period_end"], "{mine}");
    let received = Some(written(&mine["canceled_at"]));
    assert_eq!(fact(&confirmed, "Received"), received);
    it.app.quiet().await;
    let told = it.app.table.items_of("OUT#").await;
    let told = told.last().unwrap();
    assert_eq!(told["type"], "subscription.cancellation_scheduled");
    let data: Value = serde_json::from_str(text(&told["data"])).unwrap();
    let said = &data["subscription"];
    assert_eq!(said["canceled_at"], mine["canceled_at"], "when it came");
    assert_eq!(said["ends_at"], mine["ends_at"], "and when it counts");

    // The same link shows it from now on, and takes it back.
    let again = opens(&it.app, &link).await.expect(200);
    assert_eq!(heading(&again), "Your cancellation is confirmed");
    assert_eq!(fact(&again, "Received"), received);
    let kept = sends(&it.app, &form_of(&again)).await.expect(200);
    assert_eq!(heading(&kept), "The cancellation is taken back");
    assert_eq!(it.mine().await["ends_at"], Value::Null);
    assert_eq!(it.mine().await["canceled_at"], Value::Null);
    let anew = opens(&it.app, &link).await.expect(200);
    assert_eq!(heading(&anew), "Cancel your subscription");
    it.app.quiet().await;
    assert_eq!(
        it.told().await,
        [
            "subscription.cancellation_scheduled",
            "subscription.cancellation_withdrawn"
        ]
    );
}

/// Programs that look through mails open every link in them, some of them several times.
#[tokio::test]
async fn opening_the_link_changes_nothing_and_costs_nothing_at_stripe() {
    let it = Subscriber::of(MONTHLY).await;
    let link = link(&it).await;
    let before = it.app.table.items().await;
    it.app.forget_calls().await;
    let nobody = it.app.anybody();
    let path = link.strip_prefix(it.app.url()).unwrap();
    for method in ["GET", "GET", "HEAD", "OPTIONS"] {
        nobody.send(nobody.request(method, path)).await;
    }
    let calls = it.app.calls().await;
    assert!(calls.stripe.is_empty(), "{calls:?}");
    assert_eq!(it.app.table.items().await, before);
    // A button is pressed by a form's POST alone; its fields in the address press nothing.
    opens(&it.app, &format!("{link}&do=cancel&when=period_end"))
        .await
        .expect(200);
    assert_eq!(it.app.table.items().await, before);
    assert_eq!(it.mine().await["ends_at"], Value::Null);
}

#[tokio::test]
async fn it_costs_what_the_shoppers_own_request_costs_and_a_repeat_less() {
    let it = Subscriber::of(MONTHLY).await;
    let page = opens(&it.app, &link(&it).await).await;
    let form = form_of(&page);
    it.app.forget_calls().await;
    sends(&it.app, &form).await.expect(200);
    it.app.quiet().await;
    assert_eq!(it.changes().await, 1);
    it.app.stripe.forget_requests().await;
    let again = sends(&it.app, &form).await.expect(200);
    assert_eq!(heading(&again), "Your cancellation is confirmed");
    assert_eq!(it.changes().await, 0, "it is going to end already");
    assert_eq!(it.app.stripe.requests().await.len(), 1);
    let told = it.told().await;
    assert_eq!(told, ["subscription.cancellation_scheduled"]);
}

#[tokio::test]
async fn the_time_of_receipt_stays_when_a_reason_is_given_later() {
    let it = Subscriber::of(MONTHLY).await;
    let page = opens(&it.app, &link(&it).await).await;
    sends(&it.app, &form_of(&page)).await.expect(200);
    let received = it.mine().await["canceled_at"].clone();
    assert_ne!(received, Value::Null);
    it.app.stripe.advance(3600).await;
    it.app.quiet().await;
    let why = json!({"when": "period_end", "feedback": "unused"});
    it.asks("cancel", &why).await.expect(200);
    it.app.quiet().await;
    assert_eq!(it.mine().await["canceled_at"], received);
}

#[tokio::test]
async fn what_has_ended_says_so_and_when() {
    let it = Subscriber::of(MONTHLY).await;
    let link = link(&it).await;
    let page = opens(&it.app, &link).await;
    sends(&it.app, &form_of(&page)).await.expect(200);
    let received = written(&it.mine().await["canceled_at"]);
    it.app.pass_days(32).await;
    let over = opens(&it.app, &link).await.expect(200);
    assert_eq!(heading(&over), "Your subscription has ended");
    assert_eq!(fact(&over, "Received"), Some(received));
    assert!(fact(&over, "Ended").is_some(), "{}", over.text);
    assert!(form_of(&over).is_empty(), "{}", over.text);
    let late = sends(&it.app, &form_of(&page)).await.expect(409);
    assert_eq!(heading(&late), "Your subscription has ended");
}

#[tokio::test]
async fn what_is_past_due_ends_with_its_period_and_what_is_owed_stays_open() {
    let it = Subscriber::of(MONTHLY).await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    let link = link(&it).await;
    let early = form_of(&opens(&it.app, &link).await);
    it.app.pass_days(32).await;
    let page = opens(&it.app, &link).await.expect(200);
    assert!(
        page.text
            .contains("An invoice that is not paid stays open.")
    );
    // The page was opened while a period ran, which still does.
    let confirmed = sends(&it.app, &early).await.expect(200);
    assert_eq!(heading(&confirmed), "Your cancellation is confirmed");
    it.app.quiet().await;
}

#[tokio::test]
async fn what_has_changed_since_the_page_was_opened_is_shown_again() {
    let it = Subscriber::of(MONTHLY).await;
    let link = link(&it).await;
    let mut form = form_of(&opens(&it.app, &link).await);
    for (name, value) in &mut form {
        if name == "when" {
            "now".clone_into(value);
        }
    }
    let page = sends(&it.app, &form).await.expect(409);
    assert!(page.text.contains("Something has changed"), "{}", page.text);
    assert_eq!(heading(&page), "Cancel your subscription");
    assert_eq!(it.mine().await["ends_at"], Value::Null);
    sends(&it.app, &form_of(&page)).await.expect(200);
    assert_ne!(it.mine().await["ends_at"], Value::Null);
    it.app.quiet().await;
}

#[tokio::test]
async fn a_trial_ends_with_itself() {
    let it = Subscriber::of(TRIAL).await;
    let page = opens(&it.app, &link(&it).await).await.expect(200);
    let ends = written(&it.mine().await["trial_end"]);
    assert_eq!(fact(&page, "Ends"), Some(ends));
    sends(&it.app, &form_of(&page)).await.expect(200);
    it.app.pass_days(32).await;
    assert_eq!(it.mine().await["status"], "canceled");
    assert!(it.app.stripe.objects("charge").await.is_empty());
}

#[tokio::test]
async fn it_is_german_for_who_reads_german() {
    let it = Subscriber::of(MONTHLY).await;
    let link = link(&it).await;
    let page = asks_in(&it.app, "de-DE,de;q=0.9,en;q=0.5", &link).await;
    assert_eq!(heading(&page), "Abonnement kündigen");
    assert!(page.text.contains("<html lang=\"de\">"));
    assert!(page.text.contains(">Jetzt kündigen</button>"));
    let other = asks_in(&it.app, "fr", &link).await;
    assert_eq!(heading(&other), "Cancel your subscription");
}

#[tokio::test]
async fn a_link_that_is_not_of_this_subscription_opens_nothing_and_tells_nothing() {
    let it = Subscriber::of(MONTHLY).await;
    let bob = it.app.shopper("bob");
    bob.buy(MONTHLY).await.1.expect(303);
    it.app.quiet().await;
    let good = link(&it).await;
    let form = form_of(&opens(&it.app, &good).await);
    let links = SignedLinks::new(&SecretString::from(it.app.variable("LINK_SECRET")));
    let base = it.app.url().parse().unwrap();
    let [alice, other] = ["alice", "bob"].map(|name| name.parse().unwrap());
    let id = it.id.parse().unwrap();
    let in_an_hour = Clock::system().now().plus_seconds(3600);
    let stage = SignedLinks::new(&SecretString::from(
        "the secret of another stage, 32 letters",
    ));
    let manage = links.manage(&base, &alice, 0);
    let repair = links.repair(&base, &alice, &id, in_an_hour);
    let cases = [
        ("no link", format!("{}/cancel", it.app.url())),
        ("an empty one", format!("{}/cancel?link=", it.app.url())),
        (
            "another user's",
            links.cancel(&base, &other, &id, 0).to_string(),
        ),
        (
            "another stage's",
            stage.cancel(&base, &alice, &id, 0).to_string(),
        ),
        (
            "of another number",
            links.cancel(&base, &alice, &id, 1).to_string(),
        ),
        (
            "no such subscription",
            links
                .cancel(&base, &alice, &"sub_1NotThere".parse().unwrap(), 0)
                .to_string(),
        ),
        ("to manage", manage.as_str().replace("/manage?", "/cancel?")),
        ("to repair", repair.as_str().replace("/repair?", "/cancel?")),
        ("changed", good.replace("link=v1.", "link=v1.e")),
    ];
    for (what, link) in cases {
        let page = opens(&it.app, &link).await.expect(404);
        assert_eq!(heading(&page), "This link cannot be used", "{what}");
        for secret in [it.id.as_str(), "alice", "bob", "Stock photos"] {
            assert!(!page.text.contains(secret), "{what} tells {secret}");
        }
        let url: url::Url = link.parse().unwrap();
        let given = url.query_pairs().find(|(name, _)| name == "link");
        let given = given.map_or_else(String::new, |(_, link)| link.into_owned());
        let form: Form = form
            .iter()
            .map(|(name, value)| match name.as_str() {
                "link" => (name.clone(), given.clone()),
                _ => (name.clone(), value.clone()),
            })
            .collect();
        sends(&it.app, &form).await.expect(404);
        let answer = it.app.anybody().come_back_for_json(&link).await;
        assert_eq!(answer.expect_error(404), "unknown_link", "{what}");
    }
    assert_eq!(it.changes().await, 0);
    // Its own purpose is all that it is good for.
    for path in ["/manage?", "/authorize?", "/repair?"] {
        let address = good.replace("/cancel?", path);
        let answer = it.app.anybody().come_back_for_json(&address).await;
        assert_eq!(answer.expect_error(404), "unknown_link", "{path}");
    }
}

/// What an operator does when a mail has got into wrong hands.
#[tokio::test]
async fn a_link_is_revoked_by_raising_the_users_number() {
    let it = Subscriber::of(MONTHLY).await;
    let old = link(&it).await;
    let form = form_of(&opens(&it.app, &old).await.expect(200));
    it.app.table.add("USER#alice", "CUSTOMER", "links", 1).await;
    opens(&it.app, &old).await.expect(404);
    sends(&it.app, &form).await.expect(404);
    assert_eq!(it.mine().await["ends_at"], Value::Null);
    let new = link(&it).await;
    assert_ne!(new, old);
    opens(&it.app, &new).await.expect(200);
}

#[tokio::test]
async fn what_no_browser_sends_is_refused_with_a_page() {
    let it = Subscriber::of(MONTHLY).await;
    let good = form_of(&opens(&it.app, &link(&it).await).await);
    let without = |name: &str| -> Form {
        let others = good.iter().filter(|(known, _)| known != name);
        others.cloned().collect()
    };
    let with = |name: &str, value: &str| -> Form {
        let mut form = without(name);
        form.push((name.to_owned(), value.to_owned()));
        form
    };
    for (form, status, code) in [
        (Form::new(), 400, "invalid_form"),
        (without("do"), 400, "invalid_form"),
        (without("when"), 400, "invalid_form"),
        (with("do", "pause"), 400, "invalid_form"),
        (with("when", "yesterday"), 400, "invalid_form"),
        (with("link", ""), 404, "unknown_link"),
        (with("link", &"x".repeat(9000)), 413, "body_too_large"),
    ] {
        let page = sends(&it.app, &form).await.expect(status);
        assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
        let answer = sends_for_json(&it.app, &form).await;
        assert_eq!(answer.expect_error(status), code, "{form:?}");
    }
    let nobody = it.app.anybody();
    let json = nobody
        .request("POST", "/cancel")
        .json(&json!({"do": "cancel"}));
    nobody.send(json).await.expect(415);
    assert_eq!(it.changes().await, 0);
}

#[tokio::test]
async fn stripe_is_away_and_the_same_button_does_it_later() {
    for fault in ["severed", "timeout_before", "timeout_after"] {
        let it = Subscriber::of(MONTHLY).await;
        let form = form_of(&opens(&it.app, &link(&it).await).await);
        let path = format!("/v1/subscriptions/{}", it.id);
        let fault_ =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault_).await;
        let lost = sends(&it.app, &form).await;
        assert!(lost.status == 503 || lost.status == 200, "{lost:?}");
        if lost.status == 503 {
            assert_eq!(heading(&lost), "This cannot be done right now");
            assert!(lost.retry_after().is_some());
        }
        it.app.stripe.no_faults().await;
        let done = sends(&it.app, &form).await.expect(200);
        assert_eq!(heading(&done), "Your cancellation is confirmed", "{fault}");
        it.app.quiet().await;
        let told = it.told().await;
        assert_eq!(told, ["subscription.cancellation_scheduled"], "{fault}");
    }
}

#[tokio::test]
async fn a_schedule_of_the_shops_own_is_for_the_shop_to_end() {
    let it = Subscriber::of(MONTHLY).await;
    let form = form_of(&opens(&it.app, &link(&it).await).await);
    let schedule = [("from_subscription", it.id.as_str())];
    let made = it
        .app
        .stripe
        .api("POST", "/v1/subscription_schedules", &schedule);
    assert!(made.await["id"].is_string());
    it.app.quiet().await;
    let page = sends(&it.app, &form).await.expect(409);
    assert_eq!(heading(&page), "This cannot be done here");
    assert_eq!(it.mine().await["ends_at"], Value::Null);
}

/// A link is a proof, and is in no line: neither of the page nor of its button nor of a repair.
#[tokio::test]
async fn no_link_is_logged() {
    let it = Subscriber::of(MONTHLY).await;
    let good = link(&it).await;
    let form = form_of(&opens(&it.app, &good).await);
    let repair = it.link("repair").await;
    let log = Log::default();
    let _listens = log.listen();
    let env = it.app.env_of("actions", &[]);
    let function = Function::named("actions").unwrap();
    let function = function.start(&env, Clock::system()).await.unwrap();
    let link_of = |address: &str| {
        let (_, link) = address.split_once("link=").expect("a link");
        link.to_owned()
    };
    let [cancel, repair] = [good.as_str(), text(&repair["url"])].map(link_of);
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(&form);
    let body = body.finish();
    let open = json!({"link": repair, "wallet": "amazon_pay"}).to_string();
    let event = |method: &str, path: &str, link: &str, kind: &str, body: &str| {
        let route = format!("{method} {path}");
        let query = if link.is_empty() {
            String::new()
        } else {
            format!("link={link}")
        };
        json!({
            "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": query,
            "headers": {"content-type": kind, "accept": "application/json"},
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "api.shop.example", "domainPrefix": "api",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "x"},
                "requestId": "r1", "routeKey": route, "stage": "$default",
                "time": "25/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_000_000_000_i64
            },
            "body": body, "isBase64Encoded": false
        })
    };
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    for (event, status) in [
        (event("GET", "/cancel", &cancel, "", ""), 200),
        (event("GET", "/cancel", &format!("{cancel}x"), "", ""), 404),
        (event("GET", "/cancel", &repair, "", ""), 404),
        (event("POST", "/cancel", "", form, &body), 200),
        (event("GET", "/repair", &repair, "", ""), 409),
        (event("GET", "/repair", &cancel, "", ""), 404),
        (event("POST", "/repair", "", json, &open), 409),
    ] {
        let answer = function.handle(event.clone()).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{event} {answer}");
    }
    let lines = log.take();
    let answered = lines
        .iter()
        .filter(|line| line["fields"]["message"] == "answered");
    assert_eq!(answered.count(), 7);
    let told = serde_json::to_string(&lines).unwrap();
    for secret in [&cancel, &repair] {
        let signature = secret.rsplit('.').next().unwrap();
        assert!(!told.contains(signature), "{told}");
        assert!(!told.contains("v1.ey"), "{told}");
    }
    it.app.quiet().await;
}

/// The function dies once Stripe has carried the cancellation out: the same button finds it done, and the shop is
/// told once.
#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_cancellation_whose_function_dies_is_confirmed_by_the_same_button() {
    let it = Subscriber::in_app(TestApp::start_on_lambda().await, MONTHLY).await;
    let form = form_of(&opens(&it.app, &link(&it).await).await);
    let path = format!("/v1/subscriptions/{}", it.id);
    let fault =
        json!({"method": "POST", "path": path, "fault": "timeout_after", "delay_ms": 60_000});
    it.app.stripe.fault(fault).await;
    let nobody = it.app.anybody();
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let body = body.extend_pairs(&form).finish();
    let request = nobody
        .request("POST", "/cancel")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let first = tokio::spawn(async move { nobody.send(request).await });
    wait_until("Stripe has carried it out", async || {
        let requests = it.app.stripe.requests().await;
        let done = requests
            .iter()
            .any(|it| it["path"] == path.as_str() && it["fault"] == "timeout_after");
        done.then_some(())
    })
    .await;
    let lambda = it.app.lambda.as_ref().unwrap();
    assert_eq!(lambda.kill("actions"), 1, "it died in the middle");
    first.await.unwrap().expect(500);
    let done = wait_until("the dead one's lease has run out", async || {
        let page = sends(&it.app, &form).await;
        (!matches!(page.status, 429 | 503)).then_some(page)
    });
    let done = done.await.expect(200);
    assert_eq!(heading(&done), "Your cancellation is confirmed");
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.cancellation_scheduled"]);
    assert_eq!(it.at_stripe().await["cancel_at_period_end"], true);
}
