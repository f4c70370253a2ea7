//! Who may call the routes of the shop's servers: whoever signs, as AWS writes it down
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use hmac::{Hmac, KeyInit as _, Mac as _};
use perennial_tests::{Answer, TestApp, http};
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

on_both!(
    a_signed_request_is_carried_out,
    a_request_that_was_changed_on_the_way_reaches_no_function,
    a_token_is_no_signature_and_a_signature_no_token,
    a_signature_of_another_time_or_caller_is_refused,
);

const PAYMENT: &str =
    r#"{"user":"alice","amount":1999,"currency":"usd","wallet":"apple_pay","save":false}"#;

/// A request, and how it is signed.
#[derive(Clone)]
struct Signed<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    /// Those that are signed beside the host and the date, in the order of their names.
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    key: &'a str,
    /// Another than the one that the gateway knows.
    secret: Option<&'a str>,
    time: Timestamp,
}

fn payment(headers: &'static [(&'static str, &'static str)]) -> Signed<'static> {
    Signed {
        method: "POST",
        path: "/payments",
        query: "",
        headers,
        body: PAYMENT,
        key: "local",
        secret: None,
        time: Clock::system().now(),
    }
}

/// What a request says in the end, which need not be what was signed.
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl Signed<'_> {
    fn sign(&self, app: &TestApp) -> Sent {
        let host = app.url().trim_start_matches("http://").to_owned();
        let date = self.time.to_string().replace(['-', ':'], "");
        let day = date.split('T').next().unwrap();
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        headers.extend([
            ("host".to_owned(), host),
            ("x-amz-date".to_owned(), date.clone()),
        ]);
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: Vec<String> = headers.iter().map(|(n, v)| format!("{n}:{v}\n")).collect();
        let lines = lines.concat();
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{}",
            self.method,
            self.path,
            self.query,
            hash(self.body.as_bytes())
        );
        let scope = format!("{day}/eu-west-1/execute-api/aws4_request");
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
            hash(canonical.as_bytes())
        );
        let secret = self.secret.map_or_else(|| app.key(), str::to_owned);
        let key = ["eu-west-1", "execute-api", "aws4_request"].iter().fold(
            keyed(format!("AWS4{secret}").as_bytes(), day),
            |key, part| keyed(&key, part),
        );
        let signature = hex::encode(keyed(&key, &to_sign));
        headers.push((
            "authorization".to_owned(),
            format!(
                "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
                self.key
            ),
        ));
        Sent {
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            query: self.query.to_owned(),
            headers,
            body: self.body.to_owned(),
        }
    }

    async fn send(&self, app: &TestApp) -> Answer {
        self.sign(app).send(app).await
    }
}

impl Sent {
    async fn send(&self, app: &TestApp) -> Answer {
        let query = if self.query.is_empty() { "" } else { "?" };
        let address = format!("{}{}{query}{}", app.url(), self.path, self.query);
        let mut request = http().request(self.method.parse().unwrap(), address);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        app.anybody().send(request.body(self.body.clone())).await
    }
}

#[track_caller]
fn check_forbidden(answer: &Answer) {
    assert_eq!(answer.expect_error(403), "forbidden");
    assert_eq!(answer.json()["message"], "Forbidden");
}

async fn a_signed_request_is_carried_out(app: TestApp) {
    let with_content_type = payment(&[
        ("content-type", "application/json"),
        ("idempotency-key", "order-1"),
    ]);
    let started = with_content_type.send(&app).await.expect(201).json();
    assert_eq!(started["amount"], 1999);

    // curl signs the headers that it is given, and adds its own content type afterwards.
    let mut sent = payment(&[("idempotency-key", "order-1")]).sign(&app);
    let kind = ("content-type".to_owned(), "application/json".to_owned());
    sent.headers.push(kind);
    let again = sent.send(&app).await.expect(200).json();
    assert_eq!(again["id"], started["id"]);

    let path = format!("/payments/{}", started["id"].as_str().unwrap());
    let read = Signed {
        method: "GET",
        path: &path,
        body: "",
        ..payment(&[])
    };
    let read = read.send(&app).await.expect(200).json();
    assert_eq!(read["status"], "requires_payment_method");
    app.quiet().await;
}

async fn a_request_that_was_changed_on_the_way_reaches_no_function(app: TestApp) {
    let signed = payment(&[("idempotency-key", "order-1")]);
    let change = |change: fn(&mut Sent)| {
        let mut sent = signed.sign(&app);
        change(&mut sent);
        sent
    };
    app.forget_calls().await;
    for sent in [
        change(|sent| sent.body = PAYMENT.replace("alice", "mallory")),
        change(|sent| sent.body.clear()),
        change(|sent| sent.query = "user=mallory".into()),
        change(|sent| sent.path = "/payment-methods/migrate".into()),
        change(|sent| sent.headers[1].1 = "order-2".into()),
    ] {
        check_forbidden(&sent.send(&app).await);
    }
    let diagnosis = Signed {
        method: "GET",
        path: "/payment-methods/pm_1/diagnosis",
        query: "user=alice",
        body: "",
        ..payment(&[])
    };
    let mut sent = diagnosis.sign(&app);
    sent.query = "user=mallory".into();
    check_forbidden(&sent.send(&app).await);
    let calls = app.calls().await;
    assert!(
        calls.stripe.is_empty() && calls.dynamodb.is_empty(),
        "{calls}"
    );
}

async fn a_token_is_no_signature_and_a_signature_no_token(app: TestApp) {
    let alice = app.caller("alice");
    let body: Value = serde_json::from_str(PAYMENT).unwrap();
    for (method, path) in [
        ("POST", "/payments"),
        ("GET", "/payments/pi_1"),
        ("POST", "/payments/pi_1/increment"),
        ("POST", "/payments/pi_1/capture"),
        ("POST", "/payments/pi_1/cancel"),
        ("POST", "/payments/pi_1/refunds"),
        ("POST", "/payment-methods/migrate"),
        ("GET", "/payment-methods/pm_1/diagnosis?user=alice"),
    ] {
        for caller in [&alice, &app.anybody()] {
            let request = caller
                .request(method, path)
                .header("idempotency-key", "order-1");
            check_forbidden(&caller.send(request.json(&body)).await);
        }
    }
    let subscriptions = Signed {
        method: "GET",
        path: "/subscriptions",
        body: "",
        ..payment(&[])
    };
    let answer = subscriptions.send(&app).await;
    assert_eq!(answer.expect_error(401), "unauthorized");
    assert_eq!(app.calls().await.stripe, [].into());
}

async fn a_signature_of_another_time_or_caller_is_refused(app: TestApp) {
    let good = payment(&[
        ("content-type", "application/json"),
        ("idempotency-key", "order-1"),
    ]);
    for bad in [
        Signed {
            time: good.time.plus_seconds(-400),
            ..good.clone()
        },
        Signed {
            time: good.time.plus_seconds(400),
            ..good.clone()
        },
        Signed {
            key: "AKIAIOSFODNN7EXAMPLE",
            ..good.clone()
        },
        Signed {
            secret: Some("remote"),
            ..good.clone()
        },
    ] {
        check_forbidden(&bad.send(&app).await);
    }
    let answer = good.send(&app).await.expect(201).json();
    assert_eq!(answer["currency"], json!("usd"));
    app.quiet().await;
}
