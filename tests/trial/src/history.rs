//! What was asked in which order, and what may have come of it in the end.

/// A moment of a case; each is later than the one before it.
pub type Moment = u64;

/// What came of something that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// There was no answer, or none that says it.
    Unknown,
    /// It was answered that it is done.
    Done,
    /// It was answered that nothing comes of it.
    Nothing,
}

impl Came {
    /// By the status of the answer, if there was one.
    pub fn of(status: Option<u16>) -> Self {
        match status {
            None => Self::Unknown,
            Some(200..300) => Self::Done,
            Some(_) => Self::Nothing,
        }
    }
}

#[derive(Debug, Clone)]
struct Asked<T> {
    what: T,
    from: Moment,
    /// When there was an answer, or its caller was gone.
    to: Option<Moment>,
    came: Came,
}

/// All that was asked about one thing, of which each takes the place of what was asked before it.
#[derive(Debug, Clone)]
pub struct History<T>(Vec<Asked<T>>);

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> History<T> {
    /// Notes that something is asked now; gives its place.
    pub fn begin(&mut self, what: T, now: Moment) -> usize {
        self.0.push(Asked {
            what,
            from: now,
            to: None,
            came: Came::Unknown,
        });
        self.0.len() - 1
    }

    /// Notes what came of it.
    pub fn end(&mut self, place: usize, came: Came, now: Moment) {
        if let Some(asked) = self.0.get_mut(place) {
            asked.to = Some(now);
            asked.came = came;
        }
    }

    /// The part that is about this.
    #[must_use]
    pub fn about(&self, wanted: impl Fn(&T) -> bool) -> Self {
        let all = self.0.iter().filter(|it| wanted(&it.what));
        Self(all.cloned().collect())
    }

    /// What may have counted at some time between two moments: none is how it was before anything was asked. Of two that
    /// were asked at once, either may have been the last.
    pub fn between(&self, from: Moment, to: Moment) -> Vec<Option<&T>> {
        let done = || {
            let all = self.0.iter().filter(|it| it.came == Came::Done);
            all.filter_map(|it| it.to.map(|end| (it.from, end)))
        };
        let is_over = |end: Option<Moment>| {
            let replaced = |(began, ended)| end.is_none_or(|end| began > end) && ended <= from;
            done().any(replaced)
        };
        let counted = self.0.iter().filter(|it| {
            it.came != Came::Nothing && it.from <= to && !(it.to.is_some() && is_over(it.to))
        });
        let mut may: Vec<Option<&T>> = counted.map(|it| Some(&it.what)).collect();
        if !is_over(None) {
            may.push(None);
        }
        may
    }

    /// What may count in the end.
    pub fn last(&self) -> Vec<Option<&T>> {
        self.between(Moment::MAX, Moment::MAX)
    }

    /// How many were answered to be done, and how many may be.
    pub fn counts(&self) -> (usize, usize) {
        let of = |wanted: &[Came]| self.0.iter().filter(|it| wanted.contains(&it.came)).count();
        (of(&[Came::Done]), of(&[Came::Done, Came::Unknown]))
    }

    /// All that was asked and not refused.
    pub fn all(&self) -> impl Iterator<Item = (&T, Came)> {
        let all = self.0.iter().filter(|it| it.came != Came::Nothing);
        all.map(|it| (&it.what, it.came))
    }

    /// Where this was asked before.
    pub fn place_of(&self, wanted: impl Fn(&T) -> bool) -> Option<usize> {
        self.0.iter().position(|it| wanted(&it.what))
    }
}

#[cfg(test)]
mod tests {
    use super::{Came, History};

    #[test]
    fn one_that_is_done_takes_the_place_of_those_before_it() {
        let mut of = History::default();
        assert_eq!(of.last(), [None]);
        let first = of.begin("first", 1);
        of.end(first, Came::Done, 2);
        let lost = of.begin("lost", 3);
        of.end(lost, Came::Unknown, 4);
        let refused = of.begin("refused", 5);
        of.end(refused, Came::Nothing, 6);
        assert_eq!(of.last(), [Some(&"first"), Some(&"lost")]);
        assert_eq!(of.between(0, 0), [None], "it had not been asked yet");
        let one = of.begin("one", 7);
        let other = of.begin("other", 8);
        of.end(one, Came::Done, 9);
        of.end(other, Came::Done, 10);
        assert_eq!(of.last(), [Some(&"one"), Some(&"other")]);
        assert_eq!(of.counts(), (3, 4));
    }
}
