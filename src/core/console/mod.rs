//! The console without its terminal: the model, the messages that change it, and the effects that it asks for. Pure, as all of the core;
//! what lies beside this folder knows nothing of it.

pub mod act;
pub mod action;
pub mod add;
pub mod answers;
pub mod ask;
pub mod cases;
pub mod choose;
pub mod chooser;
pub mod columns;
pub mod confirm;
pub mod copy;
pub mod decide;
pub mod detail;
pub mod dispose;
pub mod edit;
pub mod effect;
pub mod explore;
pub mod explorer;
pub mod fit;
pub mod form;
pub mod guide;
pub mod help;
pub mod jump;
pub mod keys;
pub mod layer;
pub mod line;
pub mod mark;
pub mod message;
pub mod meter;
pub mod model;
pub mod notice;
pub mod opening;
pub mod play;
pub mod post;
pub mod press;
pub mod queue;
pub mod quick;
pub mod reading;
pub mod recording;
pub mod resume;
pub mod run;
pub mod scroll;
pub mod task;
pub mod update;
pub mod views;
pub mod work;

#[cfg(test)]
pub(crate) mod session;
#[cfg(test)]
pub(crate) mod stories;
