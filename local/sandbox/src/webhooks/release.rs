//! Letting webhooks go that were held: in another order, and more than once.

use super::deliver;
use crate::http::shared::Shared;
use crate::state::Kind;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The order in which held events go.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// As they happened.
    #[default]
    Fifo,
    /// The last one first.
    Reverse,
    /// At random, and the same for the same seed.
    Shuffle,
}

/// What the control API asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    #[serde(default)]
    order: Order,
    #[serde(default)]
    seed: u64,
    /// How many times each event is sent, all copies at once.
    #[serde(default = "once")]
    copies: usize,
}

fn once() -> usize {
    1
}

/// Sends everything that waits and answers what was sent once all of it has been attempted. Then webhooks flow again.
pub(crate) async fn release(shared: &Arc<Shared>, wanted: &Release) -> Vec<Value> {
    let mut waiting = shared.world().store.waiting();
    match wanted.order {
        Order::Fifo => {}
        Order::Reverse => waiting.reverse(),
        Order::Shuffle => shuffle(&mut waiting, wanted.seed),
    }
    for id in &waiting {
        let mut copies = JoinSet::new();
        for _ in 0..wanted.copies.max(1) {
            let (shared, id) = (Arc::clone(shared), id.clone());
            copies.spawn(async move { deliver::attempt(&shared, &id).await });
        }
        while copies.join_next().await.is_some() {}
    }
    shared.note(|world| world.set_account("hold", false));
    shared.deliveries.notify_one();
    let world = shared.world();
    waiting
        .iter()
        .filter_map(|id| world.store.get(Kind::Delivery, id).cloned())
        .collect()
}

/// Fisher and Yates's shuffle with a small generator, so that a seed gives the same order on every machine.
fn shuffle(items: &mut [String], seed: u64) {
    let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    for last in (1..items.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bound = u64::try_from(last).unwrap_or(0) + 1;
        items.swap(last, usize::try_from((state >> 33) % bound).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::shuffle;

    #[test]
    fn a_seed_gives_the_same_order_again_and_keeps_every_item() {
        let items: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let shuffled = |seed| {
            let mut copy = items.clone();
            shuffle(&mut copy, seed);
            copy
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        assert_ne!(shuffled(1), items);
        let mut sorted = shuffled(3);
        sorted.sort();
        assert_eq!(sorted, items);
    }
}
