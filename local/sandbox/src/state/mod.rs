//! What the sandbox knows, and how it is kept.

pub(crate) mod clock;
pub(crate) mod deliveries;
pub(crate) mod fields;
pub(crate) mod ids;
pub(crate) mod index;
mod journal;
mod kept;
pub(crate) mod kind;
pub(crate) mod render;
pub(crate) mod store;
pub(crate) mod timers;
pub(crate) mod world;

pub(crate) use fields::Fields;
pub(crate) use kind::Kind;
pub(crate) use world::World;
