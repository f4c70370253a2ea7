//! A machine that pulls the plug everywhere, and checks that nothing is lost and nobody is charged
//! twice.
//!
//! It knows the functions by what goes in and out of them alone: between them and both services
//! stands its own [`wire`], where each outside call can go wrong. `docs/TRIAL.md` says how to run it
//! and how to read what it prints.

// Journeys are futures of futures of futures.
#![recursion_limit = "512"]
#![allow(
    clippy::indexing_slicing,
    reason = "a member of JSON that is not there reads as null, which is what the trial compares"
)]

pub mod asked;
pub mod books;
pub mod broken;
pub mod case;
pub mod history;
pub mod hooks;
pub mod invariants;
pub mod journeys;
pub mod lane;
pub mod leaving;
pub mod life;
pub mod orders;
pub mod plan;
pub mod planted;
pub mod priced;
pub mod race;
pub mod random;
pub mod report;
pub mod request;
pub mod rng;
pub mod run;
pub mod scale;
pub mod servers;
pub mod sheet;
pub mod shop;
pub mod shopper;
pub mod stage;
pub mod subscriber;
pub mod table;
pub mod time;
pub mod try_case;
pub mod wire;
