use super::*;

fn declared(text: &str) -> DeclaredPlans {
    DeclaredPlans::parse(text.as_bytes()).unwrap()
}

fn price(id: &str) -> StripePrice {
    StripePrice {
        id: id.parse().unwrap(),
        product: "prod_1".to_owned(),
        active: true,
        product_active: true,
        livemode: false,
        kind: PriceKind::Terms(Terms {
            amount: 3000,
            currency: "usd".parse().unwrap(),
            interval: Interval::Month,
            interval_count: 1,
        }),
    }
}

/// The catalog of this file, in which each plan has the price of that id.
fn publish(older: &PlanCatalog, text: &str, prices: &[(&str, &str)]) -> PlanCatalog {
    let mut catalog = older.declare(&declared(text));
    for (name, id) in prices {
        let plan = catalog.plans.get_mut(*name).unwrap();
        plan.learn(Answer::Price(price(id)), false);
    }
    catalog.keep_removed(older);
    catalog
}

fn name_of(catalog: &PlanCatalog, id: &str) -> Option<String> {
    let plans = catalog.plans();
    let found = plans.charging(&id.parse().unwrap(), None, None);
    found.map(|(name, _)| name.to_string())
}

const BASIC: &str = r#"{"basic":{"price":"price_1","group":"main","label":"Basic"}}"#;

fn with(more: &str) -> String {
    BASIC.replace("\"price_1\"", &format!("\"price_1\",{more}"))
}

#[test]
fn the_amount_is_that_of_stripe() {
    let catalog = publish(&PlanCatalog::default(), BASIC, &[("basic", "price_1")]);
    let plans = catalog.plans();
    let (_, plan) = plans.get("basic").unwrap();
    assert_eq!(plan.money().to_string(), "30.00 USD");
    assert_eq!(plan.wallets, Wallet::usual());
    assert_eq!((plans.offered().count(), plan.refusal.clone()), (1, None));
}

#[test]
fn a_plan_that_does_not_agree_is_not_offered_and_says_why() {
    let archived = StripePrice {
        active: false,
        ..price("price_1")
    };
    let without_product = StripePrice {
        product_active: false,
        ..price("price_1")
    };
    let live = StripePrice {
        livemode: true,
        ..price("price_1")
    };
    let once = StripePrice {
        kind: PriceKind::Unfit(RefusalCode::PriceNotRecurring),
        ..price("price_1")
    };
    let unfit = |code| StripePrice {
        kind: PriceKind::Unfit(code),
        ..price("price_1")
    };
    for (text, stripe, code, words) in [
        (
            with(r#""amount":1000,"interval":"year""#),
            price("price_1"),
            RefusalCode::AmountDiffers,
            "plans.json says 10.00 USD every year, and the price price_1 charges 30.00 USD every month.",
        ),
        (
            with(r#""currency":"eur""#),
            price("price_1"),
            RefusalCode::CurrencyDiffers,
            "30.00 EUR",
        ),
        (
            with(r#""interval_count":3"#),
            price("price_1"),
            RefusalCode::IntervalDiffers,
            "every 3 months",
        ),
        (
            BASIC.to_owned(),
            archived.clone(),
            RefusalCode::PriceArchived,
            "price_1",
        ),
        (
            BASIC.to_owned(),
            without_product,
            RefusalCode::ProductArchived,
            "prod_1",
        ),
        (BASIC.to_owned(), live, RefusalCode::OtherMode, "other mode"),
        (
            BASIC.to_owned(),
            once,
            RefusalCode::PriceNotRecurring,
            "paid once",
        ),
        (
            BASIC.to_owned(),
            unfit(RefusalCode::PriceMetered),
            RefusalCode::PriceMetered,
            "is charged by use",
        ),
        (
            BASIC.to_owned(),
            unfit(RefusalCode::PriceNotPerUnit),
            RefusalCode::PriceNotPerUnit,
            "has tiers or packages",
        ),
        (
            BASIC.to_owned(),
            unfit(RefusalCode::PriceWithoutAmount),
            RefusalCode::PriceWithoutAmount,
            "no whole amount above 0",
        ),
        (
            with(r#""sold":false"#),
            archived,
            RefusalCode::NotSold,
            "not sold",
        ),
    ] {
        let mut catalog = PlanCatalog::default().declare(&declared(&text));
        let plan = catalog.plans.get_mut("basic").unwrap();
        plan.learn(Answer::Price(stripe), false);
        let plans = catalog.plans();
        let refusal = plans.refusal("basic").unwrap();
        assert_eq!(refusal.code, code);
        assert!(refusal.sentence.contains(words), "{}", refusal.sentence);
        let name = serde_json::to_value(code).unwrap();
        assert_eq!(name, code.as_str());
        assert_eq!(plans.offered().count(), 0, "{code:?}");
        assert_eq!(plans.groups().len(), 1, "its group is there all the same");
    }
}

#[test]
fn agreeing_assertions_change_nothing() {
    let text = with(r#""amount":3000,"currency":"USD","interval":"month","interval_count":1"#);
    let catalog = publish(&PlanCatalog::default(), &text, &[("basic", "price_1")]);
    assert_eq!(catalog.plans().offered().count(), 1);
}

#[test]
fn a_price_that_is_gone_is_still_recognized() {
    let mut catalog = publish(&PlanCatalog::default(), BASIC, &[("basic", "price_1")]);
    let plan = catalog.plans.get_mut("basic").unwrap();
    plan.learn(Answer::Missing, false);
    let plans = catalog.plans();
    assert_eq!(
        plans.refusal("basic").unwrap().code,
        RefusalCode::PriceMissing
    );
    assert_eq!(name_of(&catalog, "price_1").as_deref(), Some("basic"));
}

#[test]
fn another_price_of_the_plan_leaves_the_first_one_recognized() {
    let by_key = BASIC.replace(r#""price":"price_1""#, r#""lookup_key":"basic""#);
    let first = publish(&PlanCatalog::default(), &by_key, &[("basic", "price_1")]);
    let second = publish(&first, &by_key, &[("basic", "price_2")]);
    assert_eq!(name_of(&second, "price_1").as_deref(), Some("basic"));
    assert_eq!(name_of(&second, "price_2").as_deref(), Some("basic"));
    let back = publish(&second, &by_key, &[("basic", "price_1")]);
    let plans = back.plans();
    let (_, plan) = plans.get("basic").unwrap();
    assert_eq!(plan.price.as_str(), "price_1");
    assert_eq!(plan.former_prices, ["price_2".parse().unwrap()]);
}

#[test]
fn a_renamed_plan_keeps_all_of_its_prices() {
    let first = publish(&PlanCatalog::default(), BASIC, &[("basic", "price_1")]);
    let raised = publish(
        &first,
        &BASIC.replace("price_1", "price_2"),
        &[("basic", "price_2")],
    );
    let renamed = r#"{"starter":{"price":"price_2","group":"main","label":"Starter"}}"#;
    let third = publish(&raised, renamed, &[("starter", "price_2")]);
    assert_eq!(third.plans.len(), 1);
    for id in ["price_1", "price_2"] {
        assert_eq!(name_of(&third, id).as_deref(), Some("starter"), "{id}");
    }
}

#[test]
fn a_plan_that_vanished_is_kept_for_its_subscribers() {
    let first = publish(&PlanCatalog::default(), BASIC, &[("basic", "price_1")]);
    let other = r#"{"pro":{"price":"price_9","group":"pro","label":"Pro"}}"#;
    let second = publish(&first, other, &[("pro", "price_9")]);
    let plans = second.plans();
    assert_eq!(plans.refusal("basic").unwrap().code, RefusalCode::Removed);
    assert_eq!(name_of(&second, "price_1").as_deref(), Some("basic"));
    assert_eq!(plans.groups().len(), 2);
    let again = publish(&second, other, &[("pro", "price_9")]);
    assert!(again.says_the_same(&second));
    // It comes back as it was.
    let third = publish(&second, BASIC, &[("basic", "price_1")]);
    assert_eq!(third.plans().refusal("basic"), None);
    assert_eq!(
        third.plans().refusal("pro").unwrap().code,
        RefusalCode::Removed
    );
}

#[test]
fn the_plan_that_charges_a_price_today_comes_before_those_that_did() {
    let text = r#"{
        "a":{"price":"price_1","group":"main","label":"A","former_prices":["price_2"]},
        "b":{"price":"price_2","group":"main","label":"B"},
        "c":{"price":"price_2","group":"main","label":"C","trial_days":7}
    }"#;
    let prices = [("a", "price_1"), ("b", "price_2"), ("c", "price_2")];
    let catalog = publish(&PlanCatalog::default(), text, &prices);
    let plans = catalog.plans();
    let id = "price_2".parse().unwrap();
    let names: Vec<_> = plans
        .plans_of_price(&id)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["b", "c", "a"]);
    let name = |name: &str| -> PlanName { name.parse().unwrap() };
    let (today, former): (PriceId, PriceId) = (id, "price_1".parse().unwrap());
    let gone: PriceId = "price_9".parse().unwrap();
    for (price, sold, made_with, expected) in [
        (&today, None, None, Some("b")),
        (&today, Some("c"), None, Some("c")),
        // It charges another price today, and b charges this one.
        (&today, Some("a"), Some(&today), Some("b")),
        (&former, Some("b"), None, Some("a")),
        (&gone, Some("b"), Some(&gone), Some("b")),
        (&gone, Some("b"), None, None),
        (&gone, None, Some(&gone), None),
    ] {
        let sold = sold.map(name);
        let found = plans.charging(price, sold.as_ref(), made_with);
        let found = found.map(|(name, _)| name.as_str());
        assert_eq!(found, expected, "{price} {sold:?}");
    }
}

#[test]
fn a_wallet_that_does_not_take_the_currency_is_not_among_those_of_the_plan() {
    let mut brazil = price("price_1");
    brazil.kind = PriceKind::Terms(Terms {
        amount: 900,
        currency: "brl".parse().unwrap(),
        interval: Interval::Month,
        interval_count: 1,
    });
    let mut catalog = PlanCatalog::default().declare(&declared(BASIC));
    let plan = catalog.plans.get_mut("basic").unwrap();
    plan.learn(Answer::Price(brazil), false);
    let plans = catalog.plans();
    assert_eq!(
        plans.get("basic").unwrap().1.payable_with(),
        [Wallet::ApplePay]
    );
}

#[test]
fn a_product_that_is_archived_takes_its_plans_along_and_brings_them_back() {
    let mut catalog = publish(&PlanCatalog::default(), BASIC, &[("basic", "price_1")]);
    let sold = catalog.clone();
    let learn = |catalog: &mut PlanCatalog, active| {
        let plan = catalog.plans.get_mut("basic").unwrap();
        plan.learn_product(active, false);
    };
    learn(&mut catalog, false);
    let refusal = catalog.plans().refusal("basic").cloned().unwrap();
    assert_eq!(refusal.code, RefusalCode::ProductArchived);
    assert!(!catalog.says_the_same(&sold));
    learn(&mut catalog, true);
    assert_eq!(catalog.plans().offered().count(), 1);
    assert!(catalog.says_the_same(&sold));
}

#[test]
fn what_is_missing_is_named_as_the_file_names_it() {
    for (text, sentence) in [
        (BASIC.to_owned(), "Stripe has no price price_1."),
        (
            BASIC.replace("\"price\"", "\"lookup_key\""),
            "Stripe has no price with the lookup key price_1.",
        ),
    ] {
        let mut catalog = PlanCatalog::default().declare(&declared(&text));
        let plan = catalog.plans.get_mut("basic").unwrap();
        assert_eq!(plan.why_missing(), sentence);
        plan.learn(Answer::Missing, false);
        let refusal = catalog.plans().refusal("basic").cloned().unwrap();
        assert_eq!(
            (refusal.code.as_str(), refusal.sentence.as_str()),
            ("price_missing", sentence)
        );
    }
}

#[test]
fn only_what_the_shop_did_not_mean_is_a_fault() {
    assert!(!RefusalCode::NotSold.is_a_fault());
    assert!(!RefusalCode::Removed.is_a_fault());
    assert!(RefusalCode::PriceMissing.is_a_fault());
    assert!(RefusalCode::AmountDiffers.is_a_fault());
}
