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
fn a_private_plan_is_offered_to_nobody_by_itself_and_lends_its_name_to_nobody() {
    let text = r#"{
        "a":{"price":"price_1","group":"main","label":"A","private":true},
        "b":{"price":"price_2","group":"main","label":"B","private":true,"former_prices":["price_1"]},
        "c":{"price":"price_1","group":"main","label":"C"},
        "d":{"price":"price_3","group":"own","label":"D","private":true},
        "e":{"price":"price_4","group":"unresolved","label":"E","private":true}
    }"#;
    let prices = [
        ("a", "price_1"),
        ("b", "price_2"),
        ("c", "price_1"),
        ("d", "price_3"),
    ];
    let plans = publish(&PlanCatalog::default(), text, &prices).plans();
    let offered: Vec<_> = plans.offered().map(|(name, _)| name.as_str()).collect();
    assert_eq!(offered, ["c"]);
    let id = "price_1".parse().unwrap();
    let of_price = plans.plans_of_price(&id);
    let of_price: Vec<_> = of_price.map(|(name, _)| name.as_str()).collect();
    assert_eq!(of_price, ["c", "a", "b"]);
    let sold: PlanName = "a".parse().unwrap();
    for (sold, expected) in [(None, "c"), (Some(&sold), "a")] {
        let (name, _) = plans.charging(&id, sold, None).unwrap();
        assert_eq!(name.as_str(), expected);
    }
    let private = |name: &str| plans.is_private(name);
    let told = ["a", "c", "e", "nothing"].map(private);
    assert_eq!(told, [Some(true), Some(false), Some(true), None]);
    let hidden = |group: &str| plans.is_private_group(&group.parse().unwrap());
    assert_eq!(
        ["main", "own", "unresolved"].map(hidden),
        [false, true, true]
    );
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

const WITH_ADDONS: &str = r#"{"basic":{"price":"price_1","group":"main","label":"Basic","addons":{
    "storage":{"price":"price_s","label":"Storage","amount":3000,"maximum":5},
    "support":{"lookup_key":"support","label":"Support"}}}}"#;

/// The same, of which Stripe has answered for the add-ons.
fn publish_addons(
    older: &PlanCatalog,
    text: &str,
    answers: &[(&str, Option<StripePrice>)],
) -> PlanCatalog {
    let mut catalog = publish(older, text, &[("basic", "price_1")]);
    let plan = catalog.plans.get_mut("basic").unwrap();
    for (name, answer) in answers {
        let answer = answer.clone().map_or(Answer::Missing, Answer::Price);
        plan.addons.get_mut(*name).unwrap().learn(answer);
    }
    catalog.judge_addons(false);
    catalog
}

fn code_of(catalog: &PlanCatalog, name: &str) -> Option<RefusalCode> {
    let addon = catalog.plans.get("basic").unwrap().addons.get(name);
    addon.unwrap().refusal.as_ref().map(|it| it.code)
}

#[test]
fn an_add_on_is_charged_as_its_plan_is() {
    let with = |change: &dyn Fn(&mut Terms)| {
        let mut price = price("price_s");
        if let PriceKind::Terms(terms) = &mut price.kind {
            change(terms);
        }
        price
    };
    let eur: Currency = "eur".parse().unwrap();
    for (answer, code) in [
        (Some(price("price_s")), None),
        (None, Some(RefusalCode::PriceMissing)),
        (
            Some(with(&|terms| terms.amount = 2000)),
            Some(RefusalCode::AmountDiffers),
        ),
        (
            Some(with(&|terms| terms.currency = eur)),
            Some(RefusalCode::CurrencyDiffers),
        ),
        (
            Some(with(&|terms| terms.interval_count = 3)),
            Some(RefusalCode::IntervalDiffers),
        ),
        (
            Some(StripePrice {
                livemode: true,
                ..price("price_s")
            }),
            Some(RefusalCode::OtherMode),
        ),
        (
            Some(StripePrice {
                active: false,
                ..price("price_s")
            }),
            Some(RefusalCode::PriceArchived),
        ),
        (Some(price("price_1")), Some(RefusalCode::PriceTaken)),
        (Some(price("price_h")), Some(RefusalCode::PriceTaken)),
    ] {
        let answers = [("storage", answer), ("support", Some(price("price_h")))];
        let catalog = publish_addons(&PlanCatalog::default(), WITH_ADDONS, &answers);
        assert_eq!(code_of(&catalog, "storage"), code);
        let plans = catalog.plans();
        let (_, plan) = plans.get("basic").unwrap();
        assert_eq!(plan.refusal, None, "the plan is sold without it");
        let offered = plan
            .offered_addons()
            .any(|(name, _)| name.as_str() == "storage");
        assert_eq!(offered, code.is_none());
    }
}

#[test]
fn an_add_on_is_known_by_the_prices_that_it_had_and_once_it_is_gone() {
    let answers = [
        ("storage", Some(price("price_s"))),
        ("support", Some(price("price_h"))),
    ];
    let first = publish_addons(&PlanCatalog::default(), WITH_ADDONS, &answers);
    let dearer = WITH_ADDONS.replace("price_s", "price_t");
    let second = publish_addons(&first, &dearer, &[("storage", Some(price("price_t")))]);
    // The whole row is read as it was written.
    let stored: CatalogPlan =
        serde_json::from_value(serde_json::to_value(second.plans.get("basic").unwrap()).unwrap())
            .unwrap();
    assert_eq!(Some(&stored), second.plans.get("basic"));
    let third = publish_addons(&second, BASIC, &[]);
    assert_eq!(code_of(&third, "storage"), Some(RefusalCode::Removed));
    let fourth = publish_addons(&third, &dearer, &[("storage", Some(price("price_t")))]);
    assert_eq!(code_of(&fourth, "storage"), None);
    for catalog in [&second, &third, &fourth] {
        let plans = catalog.plans();
        let (_, plan) = plans.get("basic").unwrap();
        for id in ["price_s", "price_t"] {
            let found = plan.addon_of_price(&id.parse().unwrap());
            assert_eq!(
                found.map(|(name, _)| name.as_str()),
                Some("storage"),
                "{id}"
            );
            assert!(plans.is_addon(&id.parse().unwrap()));
            assert_eq!(name_of(catalog, id), None, "it makes no plan");
        }
    }
}

#[test]
fn the_add_ons_of_a_plan_that_was_renamed_are_known() {
    let answers = [
        ("storage", Some(price("price_s"))),
        ("support", Some(price("price_h"))),
    ];
    let first = publish_addons(&PlanCatalog::default(), WITH_ADDONS, &answers);
    let renamed = WITH_ADDONS
        .replace("\"basic\"", "\"plain\"")
        .replace("price_s", "price_t");
    let mut next = first.declare(&declared(&renamed));
    let plan = next.plans.get_mut("plain").unwrap();
    plan.learn(Answer::Price(price("price_1")), false);
    for (name, id) in [("storage", "price_t"), ("support", "price_h")] {
        let addon = plan.addons.get_mut(name).unwrap();
        addon.learn(Answer::Price(price(id)));
    }
    next.keep_removed(&first);
    next.judge_addons(false);
    let plans = next.plans();
    let (_, plan) = plans.get("plain").unwrap();
    assert!(plan.addon_of_price(&"price_s".parse().unwrap()).is_some());
    assert_eq!(plan.offered_addons().count(), 2);
}
