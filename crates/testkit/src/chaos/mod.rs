//! The delivery checker under faults: real nodes, real Redis, clients that come back, everything hurt by a plan that a
//! seed decides, and a judge who has seen all that was published and all that was heard.
//!
//! - [`plan`]: what a seed means: who is there, and which [`Fault`] begins when.
//! - [`store`], [`node`], [`world`]: the servers, and what is done to them.
//! - [`publish`], [`ledger`]: who publishes, and what became of it. [`listen`]: who hears, and what.
//! - [`judge`]: each number once and in order, each payload the right one, or a gap that was told.
//! - [`mod@run`]: all of it once. [`report`]: what is said of it.
//!
//! What must stay true: nothing but the seed decides about the plan; a run ends when everyone has heard the last
//! marker, not when time has passed; and the judge trusts nobody's counts but its own.

mod judge;
mod ledger;
mod listen;
mod node;
mod plan;
mod publish;
mod report;
mod run;
mod store;
mod world;

pub use judge::{Finding, Judgement};
pub use plan::{Fault, Plan, Setup};
pub use report::{Counts, Report};
pub use run::{Options, run};
