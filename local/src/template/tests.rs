use std::time::Duration;

use super::*;
use crate::schedule::When;
use perennial_functions::FUNCTIONS;
use serde_json::json;

const SMALL: &str = r#"
Globals:
  Function: {Timeout: 15}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: [!Ref ShopOrigin]
        AllowMethods: [GET, POST]
        AllowHeaders: [authorization, idempotency-key]
      Auth:
        DefaultAuthorizer: ShopJwt
        Authorizers:
          ShopJwt: {IdentitySource: $request.header.Authorization}
  ClientSecretFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Environment: {Variables: {TABLE_NAME: !Sub "${Table}-x"}}
      Events:
        Post: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: post, Path: /client-secret}}
  Back:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: confirm}}
    Properties:
      Timeout: 20
      Events:
        Get:
          Type: HttpApi
          Properties: {Method: GET, Path: /confirm, Auth: {Authorizer: NONE}}
  Apply:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/worker/
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            BatchSize: 7
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT"]}'
        Nightly:
          Type: Schedule
          Properties:
            Schedule: cron(17 3 * * ? *)
            Input: '{"sweep":"all"}'
  Form:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/shop-events, Timeout: 5}
  Out:
    Type: AWS::Pipes::Pipe
    Properties:
      Source: !GetAtt Table.StreamArn
      SourceParameters:
        FilterCriteria:
          Filters:
            - Pattern: '{"eventName":["MODIFY"]}'
        DynamoDBStreamParameters: {BatchSize: 1, StartingPosition: TRIM_HORIZON}
      Enrichment: !GetAtt Form.Arn
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
"#;

#[test]
fn a_route_takes_its_method_path_function_and_authorizer_from_the_template() {
    let template = Template::parse(SMALL).unwrap();
    assert_eq!(
        template.routes,
        [
            Route {
                method: "GET".into(),
                path: "/confirm".into(),
                function: "confirm".into(),
                authorization: Authorization::None,
                timeout: Duration::from_secs(20),
            },
            Route {
                method: "POST".into(),
                path: "/client-secret".into(),
                function: "client-secret".into(),
                authorization: Authorization::Jwt,
                timeout: Duration::from_secs(15),
            },
        ]
    );
}

#[test]
fn the_stream_mapping_names_its_function_by_the_folder_of_its_code() {
    let stream = Template::parse(SMALL).unwrap().stream;
    assert_eq!((stream.function.as_str(), stream.batch_size), ("worker", 7));
    assert_eq!(stream.filters.len(), 1);
}

#[test]
fn the_pipe_names_its_filter_and_the_function_that_forms_its_events() {
    let outbox = Template::parse(SMALL).unwrap().outbox;
    assert_eq!(
        (outbox.function.as_str(), outbox.batch_size),
        ("shop-events", 1)
    );
    assert_eq!(outbox.timeout, Duration::from_secs(5));
    assert!(outbox.filters[0].matches(&json!({"eventName": "MODIFY"})));
    assert!(!outbox.filters[0].matches(&json!({"eventName": "INSERT"})));
    let error = Template::parse(&SMALL.replace("Enrichment: !GetAtt Form.Arn", "")).unwrap_err();
    assert!(error.to_string().contains("Enrichment"), "{error}");
}

#[test]
fn a_schedule_takes_its_function_time_and_event_from_the_template() {
    let schedules = Template::parse(SMALL).unwrap().schedules;
    assert_eq!(
        schedules,
        [Schedule {
            function: "worker".into(),
            input: json!({"sweep": "all"}),
            when: When::parse("cron(17 3 * * ? *)").unwrap(),
            timeout: Duration::from_secs(15),
        }]
    );
    for (good, bad) in [
        ("cron(17 3 * * ? *)", "nightly"),
        (r#"{"sweep":"all"}"#, "all"),
    ] {
        let error = Template::parse(&SMALL.replace(good, bad)).unwrap_err();
        assert!(error.to_string().contains("Apply.Nightly"), "{error}");
    }
}

#[test]
fn every_sweep_of_the_deployed_template_is_kept_here() {
    let schedules = Template::embedded().unwrap().schedules;
    let sweeps: Vec<_> = schedules
        .iter()
        .map(|it| (it.function.as_str(), it.input["sweep"].as_str().unwrap()))
        .collect();
    for sweep in ["open", "events", "subscriptions"] {
        assert!(sweeps.contains(&("reconcile", sweep)), "{sweeps:?}");
    }
}

#[test]
fn the_table_is_created_with_the_keys_and_the_stream_of_the_template() {
    let table = Template::parse(SMALL).unwrap().table;
    assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"));
    let request = table.create_request("perennial");
    assert_eq!(
        request["KeySchema"],
        json!([{"AttributeName": "pk", "KeyType": "HASH"}])
    );
    assert_eq!(
        request["StreamSpecification"]["StreamViewType"],
        "NEW_AND_OLD_IMAGES"
    );
}

#[test]
fn the_methods_and_headers_of_cors_are_those_of_the_template() {
    let cors = Template::parse(SMALL).unwrap().cors;
    assert_eq!(cors.methods, "GET,POST");
    assert_eq!(cors.headers, "authorization,idempotency-key");
}

#[test]
fn a_route_that_asks_for_iam_is_guarded_by_it_if_the_api_knows_it() {
    let guarded = SMALL.replace("Authorizer: NONE", "Authorizer: AWS_IAM");
    let error = Template::parse(&guarded).unwrap_err();
    assert!(error.to_string().contains("EnableIamAuthorizer"), "{error}");
    let enabled = "DefaultAuthorizer: ShopJwt\n        EnableIamAuthorizer: true";
    let template =
        Template::parse(&guarded.replace("DefaultAuthorizer: ShopJwt", enabled)).unwrap();
    let confirm = template.routes.iter().find(|it| it.path == "/confirm");
    assert_eq!(confirm.unwrap().authorization, Authorization::Iam);
}

#[test]
fn a_filter_that_is_not_understood_is_refused() {
    let text = SMALL.replace(r#"["INSERT"]"#, r#"[{"cidr":"10.0.0.0/8"}]"#);
    assert!(
        Template::parse(&text)
            .unwrap_err()
            .to_string()
            .contains("cidr")
    );
}

/// The routes of docs/HTTP.md, and whom each lets in.
const CONTRACT: &[(&str, Authorization)] = &[
    ("GET /checkouts/{checkout}", Authorization::Jwt),
    ("GET /confirm", Authorization::None),
    ("GET /subscriptions", Authorization::Jwt),
    ("GET /shop/subscriptions", Authorization::Iam),
    ("GET /shop/users", Authorization::Iam),
    ("POST /client-secret", Authorization::Jwt),
    ("POST /subscriptions", Authorization::Jwt),
    ("POST /webhooks/stripe", Authorization::None),
    (
        "POST /subscriptions/{subscription}/cancel",
        Authorization::Jwt,
    ),
    (
        "POST /subscriptions/{subscription}/withdraw-cancellation",
        Authorization::Jwt,
    ),
    (
        "POST /subscriptions/{subscription}/preview",
        Authorization::Jwt,
    ),
    (
        "POST /shop/subscriptions/{subscription}/preview",
        Authorization::Iam,
    ),
    (
        "POST /subscriptions/{subscription}/change",
        Authorization::Jwt,
    ),
    (
        "POST /shop/subscriptions/{subscription}/change",
        Authorization::Iam,
    ),
    (
        "POST /subscriptions/{subscription}/withdraw-change",
        Authorization::Jwt,
    ),
    (
        "POST /shop/subscriptions/{subscription}/withdraw-change",
        Authorization::Iam,
    ),
    (
        "POST /subscriptions/{subscription}/payment-method",
        Authorization::Jwt,
    ),
    (
        "POST /subscriptions/{subscription}/payment-method/finish",
        Authorization::Jwt,
    ),
    (
        "POST /subscriptions/{subscription}/pause",
        Authorization::Jwt,
    ),
    (
        "POST /subscriptions/{subscription}/resume",
        Authorization::Jwt,
    ),
    (
        "POST /shop/subscriptions/{subscription}/pause",
        Authorization::Iam,
    ),
    (
        "POST /shop/subscriptions/{subscription}/resume",
        Authorization::Iam,
    ),
    (
        "POST /shop/subscriptions/{subscription}/trial",
        Authorization::Iam,
    ),
    (
        "POST /shop/subscriptions/{subscription}/refund",
        Authorization::Iam,
    ),
    (
        "POST /shop/subscriptions/{subscription}/discount",
        Authorization::Iam,
    ),
    ("GET /subscriptions/{subscription}", Authorization::Jwt),
    ("GET /shop/subscriptions/{subscription}", Authorization::Iam),
    ("GET /invoices", Authorization::Jwt),
    (
        "POST /shop/subscriptions/{subscription}/cancel",
        Authorization::Iam,
    ),
    (
        "POST /shop/subscriptions/{subscription}/withdraw-cancellation",
        Authorization::Iam,
    ),
    ("POST /shop/customers", Authorization::Iam),
    ("POST /shop/users/address", Authorization::Iam),
    ("POST /shop/users/email", Authorization::Iam),
    ("POST /shop/users/tax-ids", Authorization::Iam),
    ("POST /shop/users/offer", Authorization::Iam),
    ("POST /shop/users/erase", Authorization::Iam),
    ("POST /shop/users/grant", Authorization::Iam),
    ("GET /shop/invoices", Authorization::Iam),
    (
        "POST /shop/subscriptions/{subscription}/links",
        Authorization::Iam,
    ),
    ("GET /cancel", Authorization::None),
    ("POST /cancel", Authorization::None),
    ("GET /repair", Authorization::None),
    ("POST /repair", Authorization::None),
    ("POST /repair/finish", Authorization::None),
    ("GET /wallets", Authorization::Jwt),
    ("POST /wallets", Authorization::Jwt),
    ("GET /manage", Authorization::None),
    ("GET /authorize", Authorization::None),
    ("POST /payments", Authorization::Iam),
    ("GET /payments/{payment}", Authorization::Iam),
    ("POST /payments/{payment}/increment", Authorization::Iam),
    ("POST /payments/{payment}/capture", Authorization::Iam),
    ("POST /payments/{payment}/cancel", Authorization::Iam),
    ("POST /payments/{payment}/refunds", Authorization::Iam),
    ("POST /payment-methods/migrate", Authorization::Iam),
    (
        "GET /payment-methods/{payment_method}/diagnosis",
        Authorization::Iam,
    ),
];

#[test]
fn every_route_of_the_contract_is_in_the_deployed_template() {
    let template = Template::embedded().unwrap();
    let mut seen: Vec<_> = template
        .routes
        .iter()
        .map(|r| (r.key(), r.function.as_str(), r.authorization))
        .collect();
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    for &(key, authorization) in CONTRACT {
        let found = seen.iter().find(|route| route.0 == key);
        assert_eq!(found.map(|route| route.2), Some(authorization), "{key}");
    }
    assert_eq!(template.stream.function, "worker");
    assert!(!template.stream.filters.is_empty());
}

#[test]
fn an_event_of_the_outbox_goes_out_when_it_is_new_and_when_somebody_touches_it() {
    let outbox = Template::embedded().unwrap().outbox;
    assert_eq!(outbox.function, "shop-events");
    let wanted = |what: &str, sk: &str| {
        let record = json!({"eventName": what, "dynamodb": {"Keys": {"sk": {"S": sk}}}});
        outbox.filters.iter().any(|filter| filter.matches(&record))
    };
    assert!(wanted("INSERT", "OUT#pev_1") && wanted("MODIFY", "OUT#pev_1"));
    assert!(
        !wanted("REMOVE", "OUT#pev_1"),
        "an old event expires without a word"
    );
    assert!(!wanted("INSERT", "SUB#sub_1") && !wanted("INSERT", "EVENT#evt_1"));
}

#[test]
fn each_function_is_listed_with_the_routes_that_the_template_has_for_it() {
    let template = Template::embedded().unwrap();
    let routes = template.routes.iter();
    let mut expected: Vec<_> = routes.map(|it| (&*it.function, it.key())).collect();
    let keys = |function: &perennial_functions::Function| {
        let name = function.name;
        let keys = function.routes().into_iter();
        keys.map(move |key| (name, key.to_owned()))
    };
    let mut listed: Vec<_> = FUNCTIONS.iter().flat_map(keys).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}

#[test]
fn each_folder_of_a_function_is_listed() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
    let name = |folder: std::io::Result<std::fs::DirEntry>| folder.unwrap().file_name();
    let mut folders: Vec<_> = folders.map(name).collect();
    let mut listed = FUNCTIONS.map(|function| function.name);
    folders.sort();
    listed.sort_unstable();
    assert_eq!(folders, listed);
}
