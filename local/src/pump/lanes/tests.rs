use super::*;
use serde_json::json;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    most: Duration::from_secs(1),
};

const RULES: Rules = Rules {
    batch_size: 10,
    factor: 1,
    retries: None,
    bisects: true,
    backoff: BACKOFF,
};

/// Two partition keys of one shard, and one of another.
fn neighbors(seed: Option<u64>) -> (String, String, String) {
    let names: Vec<String> = (0..100).map(|n| format!("INBOX#cus_{n}")).collect();
    let shard = |name: &str| place(seed, name, SHARDS);
    let a = &names[0];
    let same = names.iter().skip(1).find(|name| shard(name) == shard(a));
    let other = names.iter().find(|name| shard(name) != shard(a));
    (a.clone(), same.unwrap().clone(), other.unwrap().clone())
}

fn push(lanes: &mut Lanes, pk: &str, sequence: &str) {
    lanes.push(pk, "EVENT#x", sequence.into(), json!(sequence));
}

fn take(lanes: &mut Lanes, now: Instant) -> Option<(usize, Vec<String>)> {
    let batch = lanes.next_batch(now)?;
    let records = batch.records.iter();
    let records = records.map(|record| record.as_str().unwrap().to_owned());
    Some((batch.lane, records.collect()))
}

fn answered(failed: &[&str]) -> Outcome {
    Outcome::Answered(failed.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn a_shard_has_one_batch_out_at_a_time_and_customers_share_it() {
    let now = Instant::now();
    let (a, same, other) = neighbors(None);
    let mut lanes = Lanes::new(RULES, None);
    for (pk, sequence) in [(&a, "1"), (&other, "2"), (&same, "3"), (&a, "4")] {
        push(&mut lanes, pk, sequence);
    }
    let mut batches = [
        take(&mut lanes, now).unwrap(),
        take(&mut lanes, now).unwrap(),
    ];
    batches.sort_by_key(|(_, records)| records.clone());
    assert_eq!(batches[0].1, ["1", "3", "4"]);
    assert_eq!(batches[1].1, ["2"]);
    push(&mut lanes, &same, "5");
    assert_eq!(take(&mut lanes, now), None);
    lanes.finish(batches[0].0, &answered(&[]), now);
    assert_eq!(take(&mut lanes, now).unwrap().1, ["5"]);
}

#[test]
fn a_failure_comes_again_with_all_that_followed_it_in_the_shard_and_not_before_its_rest_is_over() {
    let now = Instant::now();
    let (a, same, _) = neighbors(None);
    let mut lanes = Lanes::new(RULES, None);
    for (pk, sequence) in [(&a, "1"), (&a, "2"), (&same, "3")] {
        push(&mut lanes, pk, sequence);
    }
    let (lane, _) = take(&mut lanes, now).unwrap();
    lanes.finish(lane, &answered(&["3", "2"]), now);
    assert_eq!(lanes.advance(), Some("1".into()));
    assert_eq!(take(&mut lanes, now), None);
    let later = lanes.wakes_at(now).unwrap();
    assert_eq!(later, now + BACKOFF.first);
    assert_eq!(take(&mut lanes, later).unwrap().1, ["2", "3"]);
    lanes.finish(lane, &answered(&["2"]), later);
    assert_eq!(lanes.wakes_at(later), Some(later + BACKOFF.first * 2));
}

#[test]
fn a_batch_that_fails_as_a_whole_comes_again_in_halves() {
    let mut now = Instant::now();
    let (a, ..) = neighbors(None);
    let mut lanes = Lanes::new(RULES, None);
    for sequence in ["1", "2", "3", "4"] {
        push(&mut lanes, &a, sequence);
    }
    let mut sizes = Vec::new();
    while let Some((lane, records)) = take(&mut lanes, now) {
        sizes.push(records.len());
        let outcome = if sizes.len() < 4 {
            Outcome::Failed
        } else {
            answered(&[])
        };
        lanes.finish(lane, &outcome, now);
        now = lanes.wakes_at(now).unwrap_or(now);
    }
    assert_eq!(sizes, [4, 2, 1, 1, 3]);
    assert_eq!(lanes.advance(), Some("4".into()));
}

#[test]
fn what_was_tried_often_enough_is_given_up_and_what_follows_is_delivered() {
    let mut now = Instant::now();
    let (a, ..) = neighbors(None);
    let rules = Rules {
        retries: Some(2),
        ..RULES
    };
    let mut lanes = Lanes::new(rules, None);
    push(&mut lanes, &a, "1");
    for _ in 0..2 {
        let (lane, records) = take(&mut lanes, now).unwrap();
        assert_eq!(records, ["1"]);
        assert!(lanes.finish(lane, &answered(&["1"]), now).is_empty());
        now = lanes.wakes_at(now).unwrap();
    }
    push(&mut lanes, &a, "2");
    let (lane, records) = take(&mut lanes, now).unwrap();
    assert_eq!(records, ["1"], "a batch stays what it was");
    assert_eq!(lanes.finish(lane, &answered(&["1"]), now), ["1"]);
    assert_eq!(take(&mut lanes, now).unwrap().1, ["2"]);
}

#[test]
fn an_identifier_that_is_in_no_batch_fails_the_whole_batch() {
    let now = Instant::now();
    let (a, ..) = neighbors(None);
    let mut lanes = Lanes::new(RULES, None);
    push(&mut lanes, &a, "1");
    push(&mut lanes, &a, "2");
    let (lane, _) = take(&mut lanes, now).unwrap();
    lanes.finish(lane, &answered(&["2", ""]), now);
    assert_eq!(lanes.advance(), None);
    assert_eq!(lanes.unfinished(), 2);
}

#[test]
fn the_position_stops_before_the_first_record_that_is_not_done() {
    let now = Instant::now();
    let (a, _, other) = neighbors(None);
    let mut lanes = Lanes::new(RULES, None);
    push(&mut lanes, &a, "1");
    lanes.skip("2".into());
    push(&mut lanes, &other, "3");
    let first = take(&mut lanes, now).unwrap();
    let second = take(&mut lanes, now).unwrap();
    let (of_1, of_3) = if first.1 == ["1"] {
        (first, second)
    } else {
        (second, first)
    };
    lanes.finish(of_3.0, &answered(&[]), now);
    assert_eq!(lanes.advance(), None);
    lanes.finish(of_1.0, &answered(&[]), now);
    assert_eq!(lanes.advance(), Some("3".into()));
    assert_eq!(lanes.advance(), None);
}

#[test]
fn the_rest_grows_and_has_a_limit() {
    assert_eq!(BACKOFF.after(1), BACKOFF.first);
    assert_eq!(BACKOFF.after(3), BACKOFF.first * 4);
    assert_eq!(BACKOFF.after(40), BACKOFF.most);
}

/// Delivers everything, some of it in vain, and gives each customer's records in the order in
/// which they were first done, the sizes of the batches, and whether any came twice.
fn deliver(factor: usize, seed: u64) -> (Vec<Vec<String>>, Vec<usize>, bool) {
    let mut now = Instant::now();
    let rules = Rules { factor, ..RULES };
    let mut lanes = Lanes::new(rules, Some(seed));
    for number in 10..90 {
        let pk = format!("INBOX#cus_{}", number % 5);
        let sequence = number.to_string();
        lanes.push(
            &pk,
            &format!("EVENT#{number}"),
            sequence.clone(),
            json!([pk, sequence]),
        );
    }
    let mut done: Vec<(String, String)> = Vec::new();
    let (mut sizes, mut twice) = (Vec::new(), false);
    let mut failures = Chance::new(Some(seed ^ 1));
    // Several batches are out at once, and come back in any order.
    let mut out: Vec<Batch> = Vec::new();
    loop {
        while let Some(batch) = lanes.next_batch(now) {
            sizes.push(batch.records.len());
            out.push(batch);
        }
        if out.is_empty() {
            match lanes.wakes_at(now) {
                Some(later) => now = later,
                None => break,
            }
            continue;
        }
        let batch = out.swap_remove(failures.below(out.len()));
        let fails_at = failures.below(batch.records.len() + 3);
        for record in batch.records.iter().take(fails_at) {
            let record: (String, String) = serde_json::from_value(record.clone()).unwrap();
            twice |= done.contains(&record);
            if !done.contains(&record) {
                done.push(record);
            }
        }
        let failed = batch
            .records
            .get(fails_at)
            .map(|it| it[1].as_str().unwrap());
        lanes.finish(batch.lane, &answered(failed.as_slice()), now);
    }
    assert_eq!(done.len(), 80, "everything is delivered");
    assert_eq!(lanes.advance(), Some("89".to_owned()));
    let of = |customer: usize| {
        let pk = format!("INBOX#cus_{customer}");
        let records = done.iter().filter(|(key, _)| *key == pk);
        records.map(|(_, sequence)| sequence.clone()).collect()
    };
    ((0..5).map(of).collect(), sizes, twice)
}

#[test]
fn a_factor_of_one_keeps_the_order_of_a_partition_key_and_nothing_else_is_kept() {
    let (mut all_sizes, mut ever_twice) = (Vec::new(), false);
    for seed in 0..50 {
        let (customers, sizes, twice) = deliver(1, seed);
        for records in customers {
            assert!(records.is_sorted(), "seed {seed}: {records:?}");
        }
        all_sizes.extend(sizes);
        ever_twice |= twice;
    }
    for size in [1, 5, 10] {
        assert!(all_sizes.contains(&size), "batches are of every size");
    }
    assert!(ever_twice, "what is done may come again");
}

#[test]
fn a_larger_factor_keeps_the_order_of_an_item_only() {
    let overtaken = (0..50).any(|seed| {
        let (customers, ..) = deliver(4, seed);
        customers.iter().any(|records| !records.is_sorted())
    });
    assert!(
        overtaken,
        "as on AWS, one event of a customer may overtake another"
    );
}

#[test]
fn the_same_seed_decides_the_same() {
    let (customers, sizes, _) = deliver(1, 7);
    assert_eq!((customers, sizes), {
        let again = deliver(1, 7);
        (again.0, again.1)
    });
}
