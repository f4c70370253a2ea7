//! Subscriptions that have ended are moved to where no click reads them, and nothing is lost of them.

use perennial_types::Clock;
use serde_json::{Value, json};

use crate::{
    payments::text,
    sweeps::{sweep, sweeper},
    wallet_health::Subscriber,
};

/// One whose subscription was cancelled at Stripe, with everything applied.
async fn former() -> Subscriber {
    let it = Subscriber::start().await;
    let path = format!("/v1/subscriptions/{}", it.id_of("id"));
    it.ask("DELETE", &path, &[]).await;
    it
}

/// The rows of the subscription, raw, by the beginning of their sort keys.
async fn rows(it: &Subscriber, sort_key: &str) -> Vec<Value> {
    let id = it.id_of("id");
    let mut items = it.app.table.raw_items().await;
    items.retain(|item| text(&item["sk"]["S"]) == format!("{sort_key}{id}"));
    items
}

/// Checks that it lies in the archive and nowhere else.
async fn check_archived(it: &Subscriber) {
    assert_eq!(rows(it, "SUB#").await, Vec::<Value>::new());
    assert_eq!(rows(it, "ARCHIVE#").await.len(), 1);
}

/// Puts the row where an older version, or a process that died, has left it.
async fn move_back(it: &Subscriber) {
    let mut row = rows(it, "ARCHIVE#").await.remove(0);
    it.app.table.delete(&row).await;
    row["sk"]["S"] = format!("SUB#{}", it.id_of("id")).into();
    it.app.table.put(&row).await;
}

/// What an event about the subscription that comes late leads to.
async fn hear_late(it: &Subscriber) {
    let now = Clock::system().now().to_string();
    let (customer, id) = (it.id_of("customer"), it.id_of("id"));
    let event = json!({
        "pk": {"S": format!("INBOX#{customer}")}, "sk": {"S": "EVENT#evt_late"},
        "event": {"S": "evt_late"}, "type": {"S": "customer.subscription.updated"},
        "customer": {"S": customer}, "subscription": {"S": id}, "object": {"S": id},
        "created": {"S": now}, "livemode": {"BOOL": false}, "status": {"S": "received"},
        "attempts": {"N": "0"}, "received_at": {"S": now},
        "due": {"S": "EVENT"}, "due_at": {"S": now},
    });
    it.app.table.put(&event).await;
    it.app.quiet().await;
}

#[tokio::test]
async fn what_has_ended_is_archived_and_told_once_and_listed_for_good() {
    let it = former().await;
    check_archived(&it).await;
    it.check("canceled", "ok", None).await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
    hear_late(&it).await;
    check_archived(&it).await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
    let events = it.app.table.items_of("EVENT#evt_late").await;
    assert_eq!(events[0]["status"], "processed");
}

#[tokio::test]
async fn a_dispute_about_one_that_is_archived_is_noted_and_taken_back() {
    let it = former().await;
    let charge = it.charge().await;
    let dispute = it
        .play(&format!("/charges/{charge}/dispute"), json!({}))
        .await;
    it.check("canceled", "contested", Some("disputed")).await;
    check_archived(&it).await;
    let close = format!("/disputes/{}/close", text(&dispute["id"]));
    it.play(&close, json!({"status": "lost"})).await;
    it.check("canceled", "contested", Some("dispute_lost"))
        .await;
    it.play(&close, json!({"status": "won"})).await;
    it.check("canceled", "ok", None).await;
    check_archived(&it).await;
    let archived = &rows(&it, "ARCHIVE#").await[0];
    assert_eq!(archived.get("disputed"), None);
    assert_eq!(archived.get("dispute_lost"), None);
}

/// The comparison moves what an older version has left, however long ago it has ended: its last pass
/// was one without an archive.
#[tokio::test]
async fn the_nightly_comparison_archives_what_an_older_version_has_left() {
    let it = former().await;
    let mine = it.mine().await;
    move_back(&it).await;
    assert_eq!(it.mine().await, mine);
    let long_after = Clock::system().now().plus_seconds(400 * 24 * 3600);
    let cursor = json!({
        "pk": {"S": "RECONCILE"}, "sk": {"S": "CURSOR#subscriptions"}, "fence": {"N": "7"},
        "known_until": {"S": long_after.to_string()}, "pass": {"N": "0"}, "types": {"N": "0"},
    });
    it.app.table.put(&cursor).await;
    let sweeper = sweeper(&it.app, 0).await;
    let swept = sweep(&sweeper, "subscriptions").await;
    let compared = &swept["subscriptions"];
    assert_eq!(compared["complete"], true, "{swept}");
    assert_eq!(compared["compared"], 1, "{swept}");
    assert_eq!(compared["repaired"], 0, "{swept}");
    check_archived(&it).await;
    assert_eq!(it.mine().await, mine);
    let cursor = it.app.table.items_of("CURSOR#subscriptions").await;
    assert_eq!(cursor[0]["archived"], true);
    it.app.forget_calls().await;
    let again = sweep(&sweeper, "subscriptions").await;
    assert_eq!(again["subscriptions"]["repaired"], 0, "{again}");
    check_archived(&it).await;
}

#[tokio::test]
async fn an_event_archives_what_an_older_version_has_left() {
    let it = former().await;
    move_back(&it).await;
    hear_late(&it).await;
    check_archived(&it).await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
}

/// A reader who died had taken a fence where nothing lay any more.
#[tokio::test]
async fn a_fence_in_the_place_of_an_archived_one_goes_away() {
    let it = former().await;
    let mut fence = rows(&it, "ARCHIVE#").await.remove(0);
    let archived = fence.clone();
    let fields = fence.as_object_mut().unwrap();
    fields.retain(|name, _| matches!(name.as_str(), "pk" | "sk"));
    fields["sk"] = json!({"S": format!("SUB#{}", it.id_of("id"))});
    fields.insert("fence".to_owned(), json!({"N": "1"}));
    it.app.table.put(&fence).await;
    hear_late(&it).await;
    check_archived(&it).await;
    assert_eq!(rows(&it, "ARCHIVE#").await, [archived]);
    assert_eq!(it.told().await, ["subscription.canceled"]);
}

/// What was noted at the moment in which it was moved is brought together with it.
#[tokio::test]
async fn a_note_in_the_place_of_an_archived_one_is_kept() {
    let it = former().await;
    let archived = rows(&it, "ARCHIVE#").await.remove(0);
    let note = json!({
        "pk": archived["pk"], "sk": {"S": format!("SUB#{}", it.id_of("id"))},
        "disputed": {"SS": ["du_1"]},
    });
    it.app.table.put(&note).await;
    hear_late(&it).await;
    it.check("canceled", "contested", Some("disputed")).await;
    check_archived(&it).await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
}

#[tokio::test]
async fn a_subscriber_of_before_subscribes_again_and_has_both() {
    let it = former().await;
    let alice = it.app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    it.app.quiet().await;
    check_archived(&it).await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    let statuses: Vec<&str> = mine["subscriptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["status"]))
        .collect();
    assert_eq!(statuses, ["active", "canceled"]);
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
}
