//! What Stripe documents of amounts, reckoned apart from all that the shop and the sandbox reckon with.
//!
//! A line is what is charged for a span of time less its discounts, which count one after the other; its taxes are those
//! of what is left. What is not used of it goes back by the second, from what was charged
//! (<https://docs.stripe.com/billing/subscriptions/prorations>). Shares of a cent are rounded, halves away from zero.

/// Cents, or shares of them before they are rounded.
pub(super) type Cents = i128;

/// What is taken off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Off {
    /// In tenths of a percent.
    pub(super) permille: Cents,
    pub(super) amount: Cents,
    /// Whether it counts for one invoice.
    pub(super) once: bool,
    /// From when on it does not count.
    pub(super) until: Option<i64>,
}

/// The taxes, in hundredths of a percent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tax {
    None,
    OnTop(Cents),
    Within(Cents),
}

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sold {
    pub(super) plan: &'static str,
    pub(super) price: Cents,
    pub(super) yearly: bool,
    pub(super) quantity: u64,
}

/// A customer with one subscription.
#[derive(Debug, Clone)]
pub(super) struct ByHand {
    pub(super) sold: Sold,
    pub(super) tax: Tax,
    pub(super) offs: Vec<Off>,
    /// Below 0 for what is left, and above for what is owed.
    pub(super) balance: Cents,
    pub(super) period: (i64, i64),
    /// What was charged for a span of time, without taxes on top.
    charged: (Cents, i64, i64),
}

/// What an invoice comes to, and what is paid of it.
pub(super) type Bill = (Cents, Cents);

/// Stripe charges no less.
const LEAST: Cents = 50;

fn rounded(share: Cents, of: Cents) -> Cents {
    let nearest = (2 * share.abs() + of) / (2 * of);
    nearest * share.signum()
}

fn between(from: i64, to: i64) -> Cents {
    Cents::from(to - from)
}

impl ByHand {
    pub(super) fn begun(sold: Sold, tax: Tax, period: (i64, i64)) -> (Self, Bill) {
        let charged = (0, 0, 0);
        let mut it = Self {
            sold,
            tax,
            offs: Vec::new(),
            balance: 0,
            period,
            charged,
        };
        let bill = it.renews(period);
        (it, bill)
    }

    fn price_at(&self, at: i64) -> Cents {
        let whole = self.sold.price * Cents::from(self.sold.quantity);
        let counting = self
            .offs
            .iter()
            .filter(|off| off.until.is_none_or(|until| at < until));
        counting.fold(whole, |left, off| {
            left - rounded(left * off.permille, 1000) - off.amount.min(left)
        })
    }

    fn taxed(&self, line: Cents) -> Cents {
        match self.tax {
            Tax::OnTop(rate) => line + rounded(line * rate, 10_000),
            Tax::None | Tax::Within(_) => line,
        }
    }

    /// The taxes in what each period costs without discounts.
    pub(super) fn regular(&self) -> Bill {
        let whole = self.sold.price * Cents::from(self.sold.quantity);
        let within = match self.tax {
            Tax::None => 0,
            Tax::OnTop(rate) => rounded(whole * rate, 10_000),
            Tax::Within(rate) => rounded(whole * rate, 10_000 + rate),
        };
        (self.taxed(whole), within)
    }

    fn settle(&mut self, total: Cents) -> Bill {
        let due = total + self.balance;
        let paid = if total > 0 && due >= LEAST { due } else { 0 };
        self.balance = due - paid;
        (total, paid)
    }

    /// A whole period is charged.
    pub(super) fn renews(&mut self, period: (i64, i64)) -> Bill {
        let total = self.begins(period);
        self.settle(total)
    }

    fn begins(&mut self, period: (i64, i64)) -> Cents {
        let price = self.price_at(period.0);
        self.offs.retain(|off| !off.once);
        self.period = period;
        self.charged = (price, period.0, period.1);
        self.taxed(price)
    }

    /// The period that began with a change begins when that is made, some moments after it was shown.
    pub(super) fn moved_to(&mut self, period: (i64, i64)) {
        if self.charged.1 == self.period.0 {
            (self.charged.1, self.charged.2) = period;
        }
        self.period = period;
    }

    /// What the next period costs, if it begins then.
    pub(super) fn next(&self, at: i64) -> Cents {
        self.clone().renews((at, at + 1)).1
    }

    /// What is not used goes back.
    fn unused(&self, at: i64) -> Cents {
        let (charged, from, to) = self.charged;
        self.taxed(-rounded(charged * between(at, to), between(from, to)))
    }

    pub(super) fn credited(&mut self, at: i64) -> Bill {
        let total = self.unused(at);
        self.settle(total)
    }

    /// Something else is sold from a moment on, in a new period if its interval is another.
    pub(super) fn changes(&mut self, sold: Sold, at: i64, next: i64) -> Bill {
        let credit = self.unused(at);
        let anew = sold.yearly != self.sold.yearly;
        self.sold = sold;
        let total = if anew {
            credit + self.begins((at, next))
        } else {
            let (from, to) = self.period;
            let rest = rounded(self.price_at(at) * between(at, to), between(from, to));
            self.charged = (rest, at, to);
            credit + self.taxed(rest)
        };
        self.settle(total)
    }
}
