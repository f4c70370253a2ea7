use std::collections::BTreeSet;

use serde_json::json;

use super::{Roles, request, template};

fn roles() -> Roles {
    let role = json!({"Properties": {"ManagedPolicyArns": [{"Ref": "Read"}, {"Fn::If": ["X", {"Ref": "Loose"}, {"Ref": "AWS::NoValue"}]}]}});
    let policy = |statement| json!({"Properties": {"PolicyDocument": {"Statement": [statement]}}});
    let document = json!({"Resources": {
        "Reader": {"Type": "AWS::Serverless::Function", "Properties": {
            "CodeUri": "functions/reader", "Role": {"Fn::GetAtt": "ReaderRole.Arn"},
        }},
        "ReaderRole": role,
        "Read": policy(json!({
            "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": {"Fn::If": ["Own", {"Fn::GetAtt": "Table.Arn"}, "other"]},
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*", "MODE"]},
                          "Null": {"dynamodb:LeadingKeys": false}},
        })),
        "Loose": policy(json!({
            "Effect": "Allow", "Action": "dynamodb:Query", "Resource": {"Fn::GetAtt": "Table.Arn"},
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "USER#*"}},
        })),
    }});
    Roles {
        functions: template::statements(&document),
        seen: std::sync::Mutex::default(),
    }
}

fn item(pk: &str) -> serde_json::Value {
    json!({"Key": {"pk": {"S": pk}, "sk": {"S": "x"}}})
}

#[test]
fn a_call_is_allowed_by_its_action_and_its_partition_key() {
    let roles = roles();
    for pk in ["USER#alice", "MODE"] {
        assert_eq!(roles.judge("reader", "GetItem", &item(pk)), Ok(()));
    }
    for (operation, pk) in [
        ("GetItem", "CUST#cus_1"),
        ("GetItem", "MODE#live"),
        ("GetItem", "USER"),
        ("DeleteItem", "USER#alice"),
    ] {
        let denied = roles.judge("reader", operation, &item(pk)).unwrap_err();
        assert!(
            denied.contains(operation) && denied.contains(pk),
            "{denied}"
        );
        assert!(denied.contains("template.yaml"), "{denied}");
    }
    assert!(
        roles
            .judge("writer", "GetItem", &item("USER#alice"))
            .is_err()
    );
}

#[test]
fn a_transaction_is_judged_write_by_write() {
    let write = |pk: &str| json!({"Put": {"Item": {"pk": {"S": pk}}}});
    let allowed = json!({"TransactItems": [write("USER#a"), write("MODE")]});
    assert_eq!(
        roles().judge("reader", "TransactWriteItems", &allowed),
        Ok(())
    );
    let one_too_many = json!({"TransactItems": [write("USER#a"), write("SETI#1")]});
    assert!(
        roles()
            .judge("reader", "TransactWriteItems", &one_too_many)
            .is_err()
    );
    let check = json!({"TransactItems": [{"ConditionCheck": item("USER#a")}]});
    assert!(
        roles()
            .judge("reader", "TransactWriteItems", &check)
            .is_err()
    );
    let unknown = json!({"TransactItems": [{"Get": item("USER#a")}]});
    assert!(
        roles()
            .judge("reader", "TransactWriteItems", &unknown)
            .is_err()
    );
}

#[test]
fn a_batch_is_judged_by_all_of_its_keys() {
    let batch = |keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|pk| json!({"pk": {"S": pk}})).collect();
        request::accesses(
            "BatchGetItem",
            &json!({"RequestItems": {"t": {"Keys": keys}}}),
        )
        .unwrap()
        .remove(0)
    };
    let two = batch(&["USER#a", "CUST#cus_1"]);
    assert_eq!(two.action, "dynamodb:BatchGetItem");
    assert_eq!(two.resource, "Table.Arn");
    assert_eq!(
        two.keys,
        Some(vec!["USER#a".to_owned(), "CUST#cus_1".to_owned()])
    );
    let without = json!({"RequestItems": {"t": {"Keys": [{"sk": {"S": "x"}}]}}});
    let without = request::accesses("BatchGetItem", &without).unwrap();
    assert_eq!(without[0].keys, None);
}

#[test]
fn a_call_without_the_key_passes_where_only_all_values_are_asked_for() {
    let roles = roles();
    let no_key = json!({"Key": {}});
    assert!(roles.judge("reader", "GetItem", &no_key).is_err());
    assert_eq!(roles.judge("reader", "Query", &json!({})), Ok(()));
}

#[test]
fn a_query_is_judged_by_the_key_of_what_it_reads() {
    let of = |body| request::accesses("Query", &body).unwrap().remove(0);
    let table = of(json!({
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
        "ExpressionAttributeValues": {":pk": {"S": "USER#a"}, ":sk": {"S": "SUB#"}},
    }));
    assert_eq!(
        (table.resource.as_str(), table.keys),
        ("Table.Arn", Some(vec!["USER#a".to_owned()]))
    );
    let index = of(json!({
        "IndexName": "due", "KeyConditionExpression": "due = :due AND due_at < :t",
        "ExpressionAttributeValues": {":due": {"S": "EVENT"}, ":t": {"S": "2026"}},
    }));
    assert_eq!(index.resource, "${Table.Arn}/index/due");
    assert_eq!(index.keys, Some(vec!["EVENT".to_owned()]));
}

#[test]
fn an_operation_that_is_not_known_is_refused() {
    for operation in ["Scan", "BatchWriteItem", "ExecuteStatement"] {
        assert!(
            roles().judge("reader", operation, &json!({})).is_err(),
            "{operation}"
        );
    }
}

#[test]
fn what_is_granted_and_what_is_used_can_be_compared() {
    let roles = roles();
    assert_eq!(roles.granted().len(), 5);
    roles
        .judge("reader", "GetItem", &item("USER#alice"))
        .unwrap();
    let used: Vec<String> = roles.used().iter().map(ToString::to_string).collect();
    assert_eq!(
        used,
        ["reader may dynamodb:GetItem on Table.Arn where the partition key is USER#*"]
    );
    let unused: BTreeSet<_> = roles.granted().difference(&roles.used()).cloned().collect();
    assert_eq!(unused.len(), 4);
}

#[test]
fn every_function_of_the_template_has_a_role_that_can_be_read() {
    let roles = Roles::of_template();
    assert!(roles.functions.len() >= 12, "{:?}", roles.functions.keys());
    assert!(!roles.granted().is_empty());
}
