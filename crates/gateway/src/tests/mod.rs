//! The gateway over its real router and store, and over real TLS channels to nodes that a test plays.

mod api;
mod auth;
mod by_file;
mod disputes;
mod durable;
mod flow;
mod nodes;
mod orders;
mod planning;
mod replan;
mod server;
mod sessions;
mod support;
