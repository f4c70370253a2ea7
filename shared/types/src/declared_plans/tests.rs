use super::*;

const GOOD: &str = r#"{"basic":{"price":"price_1","group":"main","label":"Basic"}}"#;

fn parse(text: &str) -> Result<DeclaredPlans, String> {
    DeclaredPlans::parse(text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_plan_needs_a_group_a_label_and_a_price() {
    let plans = parse(GOOD).unwrap();
    let plan = plans.get("basic").unwrap();
    assert_eq!((plan.trial_days, plan.sold), (0, true));
    assert_eq!(plan.wallets, None);
    assert!(plans.get("other").is_none());
    assert!(
        parse(&format!("\u{feff}{GOOD}")).is_ok(),
        "with a byte order mark"
    );
    let by_key = GOOD.replace(r#""price":"price_1""#, r#""lookup_key":"基本""#);
    let plans = parse(&by_key).unwrap();
    assert_eq!(
        plans.get("basic").unwrap().lookup_key.as_deref(),
        Some("基本")
    );
}

const PRICE: &str = r#""price":"price_1""#;

#[test]
fn a_trial_without_a_payment_method_is_one_of_a_plan_with_a_trial() {
    for (more, expected) in [
        (
            r#""trial_without_payment_method":"cancel""#,
            "plan basic, field trial_without_payment_method: there is no free trial without",
        ),
        (
            r#""trial_days":7,"trial_without_payment_method":"create_invoice""#,
            "plan basic, field trial_without_payment_method: unknown variant `create_invoice`",
        ),
    ] {
        let file = GOOD.replace(PRICE, &format!("{PRICE},{more}"));
        let error = parse(&file).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_mistake_names_the_plan_and_the_field() {
    let price = r#""price":"price_1""#;
    let and = |more: &str| format!("{price},{more}");
    for (to, expected) in [
        (
            "\"price\":\"prod_1\"".to_owned(),
            "plan basic, field price: not a Stripe price id",
        ),
        (
            String::from("\"sold\":true"),
            "plan basic, field price: price or lookup_key is missing",
        ),
        (
            and(r#""lookup_key":"k""#),
            "plan basic, field lookup_key: say price or lookup_key",
        ),
        (
            "\"lookup_key\":\" \"".to_owned(),
            "plan basic, field lookup_key: it must have 1 to 200",
        ),
        (
            and(r#""color":1"#),
            "plan basic, field color: there is no such field",
        ),
        (and(price), "plan basic, field price: it is there twice"),
        (
            and(r#""trial_days":731"#),
            "plan basic, field trial_days: it must be from 0 to 730",
        ),
        (
            and(r#""trial_days":-1"#),
            "plan basic, field trial_days: invalid value",
        ),
        (
            and(r#""trial_days":"7""#),
            "plan basic, field trial_days: invalid type: string",
        ),
        (
            and(r#""trial_days":1.5"#),
            "plan basic, field trial_days: invalid type: floating",
        ),
        (
            and(r#""shopper_pause":0"#),
            "plan basic, field shopper_pause: it must be a number of days from 1 to 730",
        ),
        (
            and(r#""shopper_pause":true"#),
            "plan basic, field shopper_pause: it must be a number of days from 1 to 730",
        ),
        (
            and(r#""wallets":[]"#),
            "plan basic, field wallets: it must name at least one",
        ),
        (
            and(r#""wallets":["apple_pay","apple_pay"]"#),
            "plan basic, field wallets: it must name",
        ),
        (
            and(r#""wallets":["paypal"]"#),
            "plan basic, field wallets: unknown variant `paypal`",
        ),
        (
            and(r#""cancel_refund":"all""#),
            "plan basic, field cancel_refund: unknown variant `all`",
        ),
        (
            and(r#""sold":"no""#),
            "plan basic, field sold: invalid type",
        ),
        (
            and(r#""former_prices":["x"]"#),
            "plan basic, field former_prices: not a Stripe price id",
        ),
        (
            and(r#""amount":0"#),
            "plan basic, field amount: it must be above 0",
        ),
        (
            and(r#""amount":9.99"#),
            "plan basic, field amount: invalid type",
        ),
        (
            and(r#""currency":"dollars""#),
            "plan basic, field currency: a currency is three letters",
        ),
        (
            and(r#""interval":"fortnight""#),
            "plan basic, field interval: unknown variant",
        ),
        (
            and(r#""interval_count":0"#),
            "plan basic, field interval_count: it must be from 1",
        ),
        (
            and(r#""group":"x""#),
            "plan basic, field group: it is there twice",
        ),
    ] {
        let error = parse(&GOOD.replacen(price, &to, 1)).unwrap_err();
        assert!(error.starts_with(expected), "{error} is not {expected}");
    }
}

#[test]
fn a_label_is_bounded_in_characters_of_any_script() {
    for (label, is_well) in [
        ("x".repeat(100), true),
        ("写".repeat(100), true),
        ("写".repeat(101), false),
        (" ".to_owned(), false),
        ("a\\nb".to_owned(), false),
    ] {
        let answer = parse(&GOOD.replacen("Basic", &label, 1));
        assert_eq!(answer.is_ok(), is_well, "{label}");
        if let Err(error) = answer {
            assert!(error.starts_with("plan basic, field label"), "{error}");
        }
    }
    for field in ["group", "label"] {
        let without = GOOD.replacen(&format!("\"{field}\""), "\"sold\":true,\"amount\"", 1);
        let error = parse(&without).unwrap_err();
        assert!(error.starts_with("plan basic, field"), "{error}");
    }
}

#[test]
fn a_file_that_holds_no_plans_says_so() {
    for (text, expected) in [
        ("", "the file has no plan"),
        ("  \n", "the file has no plan"),
        ("{}", "the file has no plan"),
        ("{", "the file is not a JSON object of plans by name: EOF"),
        (
            "[]",
            "the file is not a JSON object of plans by name: invalid type: sequence, expected an object",
        ),
        (
            r#"{"basic":1}"#,
            "the file is not a JSON object of plans by name: in \"basic\"",
        ),
        (
            r#"{"basic":{"price":}}"#,
            "the file is not a JSON object of plans by name: in \"basic\"",
        ),
        (
            r#"{"Basic!":{}}"#,
            "plan \"Basic!\": \"Basic!\" is not a name",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(expected), "{error} is not {expected}");
    }
    let twice = format!("{},{}", &GOOD[..GOOD.len() - 1], &GOOD[1..]);
    let error = parse(&twice).unwrap_err();
    assert_eq!(error, "plan \"basic\": there are two plans of this name");
    assert_eq!(
        DeclaredPlans::parse(&[0xff, 0xfe]),
        Err(PlansFileError::NotText)
    );
    let large = vec![b' '; LARGEST_FILE + 1];
    assert_eq!(
        DeclaredPlans::parse(&large),
        Err(PlansFileError::TooLarge(LARGEST_FILE + 1))
    );
}

#[test]
fn a_file_and_its_number_of_plans_are_bounded() {
    let plan = r#"{"group":"main","label":"Basic","price":"price_1"}"#;
    let text = format!(r#"{{"basic":{plan}}}"#);
    let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert!(parse(&padded(1024 * 1024)).is_ok());
    let too_large = parse(&padded(1024 * 1024 + 1)).unwrap_err();
    assert!(too_large.contains("at most 1048576"), "{too_large}");
    let many = |number: usize| {
        let plans: Vec<String> = (0..number).map(|it| format!(r#""p{it}":{plan}"#)).collect();
        parse(&format!("{{{}}}", plans.join(",")))
    };
    assert!(many(1000).is_ok());
    let too_many = many(1001).unwrap_err();
    assert!(too_many.contains("has 1001 plans"), "{too_many}");
}

#[test]
fn former_prices_are_bounded_and_each_is_named_once() {
    let with = |prices: &[String]| {
        let prices = serde_json::to_string(prices).unwrap();
        parse(&GOOD.replace(
            "\"label\"",
            &format!("\"former_prices\":{prices},\"label\""),
        ))
    };
    let prices =
        |number: usize| -> Vec<String> { (0..number).map(|it| format!("price_f{it}")).collect() };
    assert!(with(&prices(100)).is_ok());
    for wrong in [
        prices(101),
        vec!["price_f1".to_owned(), "price_f1".to_owned()],
    ] {
        let error = with(&wrong).unwrap_err();
        assert!(
            error.contains("at most 100 prices, and each once"),
            "{error}"
        );
    }
}

#[test]
fn quantities_that_nobody_could_buy_name_the_plan_and_the_field() {
    let with = |quantity: &str| {
        let price = format!(r#""price":"price_1","quantity":{quantity}"#);
        parse(&GOOD.replace(r#""price":"price_1""#, &price))
    };
    for (quantity, expected) in [
        (r#"{"minimum":0,"maximum":5}"#, "the minimum must be from 1"),
        (r#"{"maximum":5,"most":6}"#, "unknown field `most`"),
    ] {
        let error = with(quantity).unwrap_err();
        let expected = format!("plan basic, field quantity: {expected}");
        assert!(error.starts_with(&expected), "{error}");
    }
    let plans = with(r#"{"maximum":5}"#).unwrap();
    let written = serde_json::to_value(plans.get("basic").unwrap()).unwrap();
    let expected = serde_json::json!({"minimum": 1, "maximum": 5, "shopper_may_change": false});
    assert_eq!(written["quantity"], expected);
}

#[test]
fn a_mistake_in_an_add_on_names_the_plan_and_the_add_on() {
    let with = |addons: &str| {
        let price = format!(r#""price":"price_1","addons":{addons}"#);
        parse(&GOOD.replace(r#""price":"price_1""#, &price))
    };
    let one = r#"{"price":"price_2","label":"A"}"#;
    let many: Vec<String> = (0..20)
        .map(|n| format!(r#""a{n}":{{"price":"price_a{n}","label":"A"}}"#))
        .collect();
    for (addons, expected) in [
        (r#"{"A b":{}}"#.to_owned(), "in \"A b\": missing field"),
        (format!(r#"{{"A b":{one}}}"#), "\"A b\" is not a name"),
        (
            format!(r#"{{"a":{one},"b":{one}}}"#),
            "\"b\": another one has the same price",
        ),
        (
            r#"{"a":{"price":"price_2","label":"A","most":1}}"#.to_owned(),
            "in \"a\": unknown field `most`",
        ),
        (
            r#"{"a":{"price":"price_2","label":"A","maximum":0}}"#.to_owned(),
            "\"a\": its maximum must be from 1",
        ),
        (format!("{{{}}}", many.join(",")), "a plan has at most 9"),
        ("5".to_owned(), "invalid type"),
    ] {
        let error = with(&addons).unwrap_err();
        let expected = format!("plan basic, field addons: {expected}");
        assert!(error.starts_with(&expected), "{error}");
    }
    let plans = with(&format!(r#"{{"a":{one}}}"#)).unwrap();
    let addon = plans.get("basic").unwrap().addons.get("a").unwrap();
    assert_eq!((addon.maximum, addon.shopper_may_change), (1, false));
}

#[test]
fn what_a_file_leaves_out_is_left_out_again() {
    let plans = parse(GOOD).unwrap();
    let plan = plans.get("basic").unwrap();
    assert!(plan.sold);
    assert_eq!(
        serde_json::to_string(plan).unwrap(),
        r#"{"group":"main","label":"Basic","price":"price_1"}"#
    );
    let stored: DeclaredPlan = serde_json::from_str(&serde_json::to_string(plan).unwrap()).unwrap();
    assert_eq!(stored, *plan);
    let more = DeclaredPlan {
        trial_days: 7,
        shopper_pause: Some(ShopperPause::Days(90)),
        sold: false,
        ..stored
    };
    let written = serde_json::to_value(&more).unwrap();
    assert_eq!(
        (&written["trial_days"], &written["sold"]),
        (&7.into(), &false.into())
    );
}

#[test]
fn a_plan_is_private_if_the_file_says_so() {
    let with = |private: &str| {
        let price = format!(r#""price":"price_1","private":{private}"#);
        parse(&GOOD.replace(r#""price":"price_1""#, &price))
    };
    for private in [true, false] {
        let plans = with(&private.to_string()).unwrap();
        let plan = plans.get("basic").unwrap();
        assert_eq!(plan.private, private);
        let written = serde_json::to_value(plan).unwrap();
        assert_eq!(written.get("private").is_some(), private);
    }
    let error = with(r#""yes""#).unwrap_err();
    let expected = "plan basic, field private: invalid type";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn taxes_are_reckoned_automatically_or_not_at_all() {
    let with = |tax: &str| {
        let price = format!(r#""price":"price_1","tax":{tax}"#);
        parse(&GOOD.replace(r#""price":"price_1""#, &price))
    };
    let plans = with(r#""automatic""#).unwrap();
    let plan = plans.get("basic").unwrap();
    assert_eq!(plan.tax, Some(PlanTax::Automatic));
    assert_eq!(serde_json::to_value(plan).unwrap()["tax"], "automatic");
    let untaxed = parse(GOOD).unwrap();
    let untaxed = serde_json::to_value(untaxed.get("basic").unwrap()).unwrap();
    assert!(untaxed.get("tax").is_none(), "as older versions wrote it");
    for wrong in ["true", r#""none""#, "19"] {
        let error = with(wrong).unwrap_err();
        assert!(error.contains("plan basic, field tax"), "{error}");
    }
}

#[test]
fn features_are_names_that_differ() {
    let with = |features: &str| {
        let json = format!(
            r#"{{"basic":{{"group":"g","label":"Basic","price":"price_1","features":{features}}}}}"#
        );
        parse(&json)
    };
    let named: Vec<String> = (0..51).map(|it| format!("f{it}")).collect();
    let many = |many: usize| serde_json::to_string(&named[..many]).unwrap();
    for (features, part) in [
        (
            r#"["hd","hd"]"#.to_owned(),
            "at most 50 features, and each once",
        ),
        (many(51), "at most 50 features, and each once"),
        (r#"["HD"]"#.to_owned(), "is not a name"),
        (r#""hd""#.to_owned(), "expected a sequence"),
    ] {
        let error = with(&features).unwrap_err();
        assert!(error.starts_with("plan basic, field features: "), "{error}");
        assert!(error.contains(part), "{error}");
    }
    for (features, count) in [("[]".to_owned(), 0), (many(50), 50)] {
        let plans = with(&features).unwrap();
        assert_eq!(plans.get("basic").unwrap().features.len(), count);
    }
}
