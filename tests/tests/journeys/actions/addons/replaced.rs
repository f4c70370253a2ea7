//! A change that takes the place of another one, which was to come at the end of the period.

use super::*;

#[tokio::test]
async fn a_change_says_which_change_to_come_does_not_happen_then() {
    let it = subscriber(json!({"storage": 3, "support": 1})).await;
    let first = preview(&it, json!({"addons": {"support": 0}})).await;
    assert_eq!(first["replaces"], Value::Null, "nothing is to come");
    let changed = agree(&it, &first).await.expect(200).json();
    let to_come = &changed["subscription"]["pending_change"];
    assert_eq!(pairs(&to_come["addons"]), json!([["storage", 3]]));

    // More of the plan at once: support goes on, and the preview says what is given up for it.
    let shown = preview(&it, json!({"quantity": 2})).await;
    assert_eq!(shown["when"], "now");
    assert_eq!(shown["replaces"], *to_come, "{shown}");
    assert_eq!(
        pairs(&shown["addons"]),
        json!([["storage", 3], ["support", 1]])
    );
    assert_eq!(shown["next_charge"]["amount"], 3000 + 1500 + 700);
    // Named once more, it ends all the same.
    let both = preview(&it, json!({"quantity": 2, "addons": {"support": 0}})).await;
    assert_eq!(both["ended_addons"], json!(["support"]), "{both}");

    // Meanwhile another device has scheduled something else in the same schedule.
    let other = preview(&it, json!({"addons": {"storage": 1}})).await;
    assert_eq!(other["replaces"], *to_come);
    agree(&it, &other).await.expect(200);
    let outdated = agree(&it, &shown).await;
    assert_eq!(outdated.expect_error(409), "preview_outdated");
    let replaced = &outdated.json()["new_preview"]["replaces"];
    assert_eq!(
        pairs(&replaced["addons"]),
        json!([["storage", 1], ["support", 1]])
    );
    // What it has scheduled is agreed to again, as a repeat whose first answer was lost.
    let again = agree(&it, &other).await.expect(200).json();
    assert_eq!(again["subscription"]["pending_change"], *replaced);

    let shown = preview(&it, json!({"quantity": 2})).await;
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(changed["subscription"]["pending_change"], Value::Null);
    it.app.pass_days(32).await;
    assert_eq!(entitled(&it).await, json!([["storage", 3], ["support", 1]]));
    assert!(charged(&it).await.contains(&(3000 + 1500 + 700)));
}
