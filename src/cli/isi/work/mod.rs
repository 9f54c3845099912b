//! `isi upgrade start` and what goes with it: begin an upgrade, watch it, go on with it.

pub(super) mod archive;
pub(super) mod assess;
pub(super) mod commit;
pub(super) mod history;
mod image;
pub(super) mod pause;
pub(super) mod resume;
pub(super) mod retry;
pub(super) mod rollback;
mod shown;
pub(super) mod start;
mod steps;
pub(super) mod view;
