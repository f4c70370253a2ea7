//! What is offered to a user who is erased.

use super::*;
use crate::sweeps::{sweep, sweeper};

async fn erase(app: &TestApp) -> Answer {
    let body = json!({"user": "alice"});
    ShopServer::of(app)
        .post("/shop/users/erase", "", &body)
        .await
}

#[tokio::test]
async fn nothing_is_offered_to_a_user_who_is_erased() {
    for with_customer in [true, false] {
        let app = shop().await;
        offer(&app, "alice", "acme", true).await.expect(200);
        if with_customer {
            app.shopper("alice").click_for("acme").await;
            let fault = json!({"method": "GET", "path": "/v1/customers/*", "fault": "severed", "times": 99, "delay_ms": 1});
            app.stripe.fault(fault).await;
            erase(&app).await.expect(503);
        } else {
            let erased = erase(&app).await.expect(200).json();
            assert_eq!(erased["complete"], false, "{erased}");
        }
        let before = app.table.items_of("CUSTOMER").await;
        for (plan, offered) in [("acme-wiki", true), ("acme", true), ("acme", false)] {
            let refused = offer(&app, "alice", plan, offered).await;
            assert_eq!(refused.expect_error(409), "user_being_erased");
        }
        assert_eq!(app.table.items_of("CUSTOMER").await, before);
        app.stripe.no_faults().await;
        erase(&app).await.expect(200);
        app.quiet().await;
        sweep(&sweeper(&app, 20 * 60).await, "open").await;
        app.quiet().await;
        let left = app.table.items().await;
        let left: Vec<&Value> = left
            .iter()
            .filter(|it| it.to_string().contains("USER#alice"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        // Who comes afterwards is another user.
        assert_eq!(offers(&app, "alice").await, json!([]));
        offer(&app, "alice", "acme", true).await.expect(200);
    }
}
