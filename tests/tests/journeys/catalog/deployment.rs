//! A deployment: CloudFormation asks, and is answered at an address that only it and this know.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, http::StatusCode, routing::put};
use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::TestApp;
use perennial_types::Clock;
use serde_json::{Value, json};

use super::{names, offered, plan, price};

/// Stands for the bucket in which CloudFormation looks for answers.
struct Bucket {
    url: String,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Bucket {
    /// It refuses the first so many.
    async fn start(refuses: usize) -> Self {
        let got: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keeps = Arc::clone(&got);
        let answer = move |body: Bytes| async move {
            let mut kept = keeps.lock().unwrap();
            kept.push(serde_json::from_slice(&body).unwrap());
            if kept.len() <= refuses {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::OK
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/answer?X-Amz-Signature=hush",
            listener.local_addr().unwrap()
        );
        let router = Router::new().route("/answer", put(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, got }
    }

    fn answers(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }
}

struct Deployment {
    function: reconcile::App,
    file: tempfile::NamedTempFile,
}

impl Deployment {
    async fn of(app: &TestApp) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let env = app.env_of("reconcile", &[("PLANS_FILE", &path)]);
        let function = reconcile::App::start(&env, Clock::system()).await.unwrap();
        Self { function, file }
    }

    /// Deploys this file, and gives what CloudFormation is told.
    async fn run(&self, kind: &str, plans: &str, bucket: &Bucket) -> Result<Value, String> {
        std::fs::write(self.file.path(), plans).unwrap();
        let mut event = json!({
            "RequestType": kind, "ResponseURL": bucket.url, "StackId": "arn:stack", "RequestId": "r-1",
            "LogicalResourceId": "PublishedPlans", "ResourceType": "Custom::Plans",
            "ResourceProperties": {"ServiceToken": "arn:function", "Plans": "arn:layer:1"},
        });
        if kind != "Create" {
            event["PhysicalResourceId"] = json!("plans");
        }
        let answer = self.function.handle(event).await?;
        let told = bucket.answers().pop().unwrap();
        assert_eq!(answer["Status"], told["Status"]);
        for (name, value) in [
            ("StackId", "arn:stack"),
            ("RequestId", "r-1"),
            ("LogicalResourceId", "PublishedPlans"),
            ("PhysicalResourceId", "plans"),
        ] {
            assert_eq!(told[name], value);
        }
        Ok(told)
    }
}

#[tokio::test]
async fn a_deployment_publishes_its_plans_and_a_changed_file_changes_them() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let deployment = Deployment::of(&app).await;
    let bucket = Bucket::start(0).await;
    let told = deployment
        .run("Create", &plan("basic", &id, ""), &bucket)
        .await
        .unwrap();
    assert_eq!(told["Status"], "SUCCESS", "{told}");
    assert_eq!(names(&offered(&app).await), ["basic"]);
    let told = deployment
        .run("Update", &plan("starter", &id, ""), &bucket)
        .await
        .unwrap();
    assert_eq!(told["Status"], "SUCCESS");
    assert_eq!(names(&offered(&app).await), ["starter"]);
}

/// A table that was made anew has no plans, and no deployment comes because of that.
#[tokio::test]
async fn the_hourly_sweep_publishes_the_file_again_when_there_is_no_catalog() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let deployment = Deployment::of(&app).await;
    let bucket = Bucket::start(0).await;
    deployment
        .run("Create", &plan("basic", &id, ""), &bucket)
        .await
        .unwrap();
    app.table.remove_catalog().await;
    let sweep = || deployment.function.handle(json!({"sweep": "plans"}));
    assert_eq!(sweep().await.unwrap()["plans"]["version"], 1);
    assert_eq!(names(&offered(&app).await), ["basic"]);
    app.table.remove_catalog().await;
    std::fs::write(deployment.file.path(), "{").unwrap();
    assert_eq!(sweep().await.unwrap()["plans"]["version"], 0);
}

#[tokio::test]
async fn what_is_wrong_fails_the_deployment_and_the_old_version_stays() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let deployment = Deployment::of(&app).await;
    let bucket = Bucket::start(0).await;
    deployment
        .run("Create", &plan("basic", &id, ""), &bucket)
        .await
        .unwrap();
    let before = app.table.catalog().await;
    for (file, words) in [
        ("{".to_owned(), "not a JSON object"),
        (
            plan("basic", &id, r#","color":1"#),
            "plan basic, field color",
        ),
        (
            plan("basic", "price_REPLACE", ""),
            "Stripe has no price price_REPLACE.",
        ),
    ] {
        let told = deployment.run("Update", &file, &bucket).await.unwrap();
        assert_eq!(told["Status"], "FAILED");
        let reason = told["Reason"].as_str().unwrap();
        assert!(
            reason.starts_with("plans.json: ") && reason.contains(words),
            "{reason}"
        );
        assert!(reason.ends_with("The plans stay as they were."), "{reason}");
        assert_eq!(app.table.catalog().await, before);
    }
    let long = plan("basic", &id, &format!(r#","{}":1"#, "x".repeat(6000)));
    let told = deployment.run("Update", &long, &bucket).await.unwrap();
    assert!(
        told.to_string().len() < 4096,
        "CloudFormation takes no longer answer"
    );
}

#[tokio::test]
async fn a_plan_that_is_not_offered_does_not_fail_the_deployment_of_the_others() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let deployment = Deployment::of(&app).await;
    let bucket = Bucket::start(0).await;
    let told = deployment
        .run("Create", &plan("basic", &id, r#","amount":1"#), &bucket)
        .await
        .unwrap();
    assert_eq!(
        (&told["Status"], &told["Data"]["NotOffered"]),
        (&json!("SUCCESS"), &json!("1"))
    );
}

#[tokio::test]
async fn a_deletion_always_succeeds_and_keeps_the_plans() {
    let app = TestApp::start().await;
    let deployment = Deployment::of(&app).await;
    let before = app.table.catalog().await;
    app.to_dynamodb.set_down(true);
    let bucket = Bucket::start(0).await;
    let told = deployment.run("Delete", "{", &bucket).await.unwrap();
    assert_eq!(told["Status"], "SUCCESS");
    app.to_dynamodb.set_down(false);
    assert_eq!(app.table.catalog().await, before);
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_put_again() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let deployment = Deployment::of(&app).await;
    let bucket = Bucket::start(2).await;
    let file = plan("basic", &id, "");
    deployment.run("Create", &file, &bucket).await.unwrap();
    let answers = bucket.answers();
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    // One that is never taken is an error, so that Lambda tries the event again.
    let deaf = Bucket::start(usize::MAX).await;
    let error = deployment.run("Update", &file, &deaf).await.unwrap_err();
    assert!(error.contains("503") && !error.contains("hush"), "{error}");
    // Nothing leaves in clear text for elsewhere.
    let mut elsewhere = Bucket::start(0).await;
    elsewhere.url = "http://evil.example/answer?X-Amz-Signature=hush".to_owned();
    let error = deployment
        .run("Update", &file, &elsewhere)
        .await
        .unwrap_err();
    assert!(
        error.contains("https") && !error.contains("hush"),
        "{error}"
    );
}
