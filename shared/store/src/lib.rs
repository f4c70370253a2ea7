//! The table: who is which customer, where each checkout stands, what each user has.
//!
//! One table, `pk` and `sk`. Every write that decides something is conditional, and each method
//! says by its return type who won. The layout is in `docs/ARCHITECTURE.md`.

mod actions;
mod archive;
mod attempt;
mod attempt_row;
mod batch;
mod catalog;
mod code_tries;
mod confirming;
mod cursor;
mod customer;
mod due;
mod erasure;
mod error;
mod grants;
mod history;
mod inbox;
mod key;
mod method_setup;
mod mode;
mod offers;
mod outbox;
mod pause;
mod payable;
mod payment_issues;
mod payment_request;
mod portal;
mod slot;
mod step;
mod subscription;
mod subscription_row;
mod table;
mod tax_turn;
mod trial;
mod user;

pub use actions::{ActionLog, ActionOutcome, ActiveAction, EndedAction, Steps};
pub use attempt::Opened;
pub use batch::{Asked, Known};
pub use catalog::{Catalog, CatalogError, CatalogWrite, LARGEST_CATALOG};
pub use cursor::{Cursor, Span};
pub use customer::{CustomerItem, Erasure};
pub use due::{Due, DueAction};
pub use erasure::{FoundBy, Kept};
pub use error::StoreError;
pub use history::{History, ToldEvent};
pub use inbox::{InboxItem, InboxStatus, Received};
pub use offers::{MOST_OFFERS, OfferWritten, Offers};
pub use outbox::ShopEvent;
pub use pause::AskedPause;
pub use payment_issues::{PaymentIssue, PaymentIssues};
pub use payment_request::{
    Claimed, MOST_INCREMENTS, NewPayment, PaymentRequest, RequestKind, RequestState, Sending,
};
pub use portal::PortalItem;
pub use slot::{Completed, Slot, TakeSlot};
pub use step::ClaimedStep;
pub use subscription::{FIRST_FENCE, Fenced, Look, SubscriptionItem, Written};
pub use table::Table;
pub use trial::Trial;
pub use user::{OpenCheckout, UserItems};
