//! The roots that the servers of AWS and of Stripe have, as `roots.json` lists them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use perennial_types::{Clock, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Half a year in which another root has to be found and deployed.
const NOTICE_SECONDS: i64 = 180 * 24 * 3600;

#[derive(Deserialize)]
struct Root {
    subject: String,
    spki_sha256: String,
    not_after: String,
}

fn roots() -> Vec<Root> {
    serde_json::from_str(include_str!("../roots.json")).unwrap()
}

/// Which of them end within the notice, each with its day.
fn ending(now: Timestamp) -> Vec<String> {
    let ends = |root: &Root| {
        let end = OffsetDateTime::parse(&root.not_after, &Rfc3339).unwrap();
        end.unix_timestamp() - now.unix() < NOTICE_SECONDS
    };
    let roots = roots().into_iter().filter(ends);
    roots
        .map(|root| format!("{} ends at {}", root.subject, root.not_after))
        .collect()
}

#[test]
fn none_ends_within_half_a_year() {
    let ending = ending(Clock::system().now());
    assert!(
        ending.is_empty(),
        "update webpki-roots and roots.json: {ending:?}"
    );
}

#[test]
fn the_notice_names_the_root_and_its_day() {
    let half_a_year_before = |day: &str| {
        let day = OffsetDateTime::parse(day, &Rfc3339).unwrap();
        Timestamp::from_unix(day.unix_timestamp() - NOTICE_SECONDS)
    };
    assert!(ending(half_a_year_before("2037-12-31T23:59:59Z")).is_empty());
    assert_eq!(
        ending(half_a_year_before("2038-01-01T00:00:00Z")),
        ["Starfield Services Root Certificate Authority - G2 ends at 2037-12-31T23:59:59Z"]
    );
}

/// The whole field of a certificate, of which a trust anchor has the content.
fn spki_sha256(content: &[u8]) -> String {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short] if short < 0x80 => vec![0x30, short],
        [0, long] => vec![0x30, 0x81, long],
        [high, low] => vec![0x30, 0x82, high, low],
    };
    hex::encode(
        Sha256::new()
            .chain_update(header)
            .chain_update(content)
            .finalize(),
    )
}

#[test]
fn each_of_them_is_linked() {
    let linked: BTreeSet<_> = webpki_roots::TLS_SERVER_ROOTS
        .iter()
        .map(|anchor| spki_sha256(&anchor.subject_public_key_info))
        .collect();
    let roots = roots();
    assert_eq!(roots.len(), 7);
    for root in roots {
        assert!(
            linked.contains(&root.spki_sha256),
            "{} is not linked",
            root.subject
        );
    }
}
