//! A list of Stripe's in parts, which are listed side by side.
//!
//! A page of a list cannot be asked for before the page ahead of it has come, so a list of ten thousand
//! pages takes as long as so many answers. By their time of creation, its objects can be parted.

use perennial_store::Span;

/// How many parts are listed at once.
pub(super) const LANES: usize = 8;
/// What was created within this time is listed in one go.
const SHORTEST_SECONDS: i64 = 60;

/// Parts what is left, the longest span first, as long as there are too few parts. Only one that has more
/// than a page is worth it, which is known once its first page has come.
pub(super) fn part(spans: &mut Vec<Span>) {
    while spans.len() < LANES {
        let known = spans.iter_mut().filter(|span| span.after.is_some());
        let lengths = known.filter_map(|span| Some((span.to?.saturating_sub(span.from), span)));
        let longest = lengths.max_by_key(|(length, _)| *length);
        let Some((length, newer)) = longest.filter(|(length, _)| *length > SHORTEST_SECONDS) else {
            return;
        };
        let middle = newer.from.saturating_add(length / 2);
        let older = Span {
            to: Some(middle),
            after: None,
            ..newer.clone()
        };
        newer.from = middle.saturating_add(1);
        spans.push(older);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: Option<i64>, after: Option<&str>) -> Span {
        Span {
            ended: false,
            from,
            to,
            after: after.map(ToOwned::to_owned),
        }
    }

    /// Sorted, so that gaps and overlaps show.
    fn bounds(spans: &[Span]) -> Vec<(i64, Option<i64>)> {
        let mut bounds: Vec<_> = spans.iter().map(|span| (span.from, span.to)).collect();
        bounds.sort_unstable();
        bounds
    }

    #[test]
    fn what_is_left_is_parted_without_gaps_and_overlaps() {
        let mut spans = vec![span(0, Some(1_000_000), Some("sub_9"))];
        part(&mut spans);
        assert_eq!(spans.len(), LANES);
        let bounds = bounds(&spans);
        assert_eq!(bounds.first().map(|it| it.0), Some(0));
        assert_eq!(bounds.last().and_then(|it| it.1), Some(1_000_000));
        for pair in bounds.windows(2) {
            assert_eq!(pair[0].1.map(|to| to + 1), Some(pair[1].0), "{bounds:?}");
        }
        // Only the newest part goes on after what was dealt with.
        let going_on: Vec<_> = spans.iter().filter(|span| span.after.is_some()).collect();
        assert_eq!(going_on.len(), 1);
        assert_eq!(going_on[0].to, Some(1_000_000));
    }

    #[test]
    fn the_longest_part_is_parted_first() {
        let mut spans = vec![
            span(900, Some(1000), Some("sub_2")),
            span(0, Some(800), Some("sub_1")),
        ];
        part(&mut spans);
        assert!(bounds(&spans).contains(&(0, Some(400))), "{spans:?}");
    }

    #[test]
    fn what_is_short_or_not_known_yet_stays_as_it_is() {
        for spans in [
            vec![],
            vec![span(0, None, None)],
            vec![span(0, Some(1000), None)],
            vec![span(0, Some(SHORTEST_SECONDS), Some("sub_1"))],
            vec![span(0, Some(1000), Some("sub_1")); LANES],
        ] {
            let mut parted = spans.clone();
            part(&mut parted);
            assert_eq!(parted, spans);
        }
    }
}
