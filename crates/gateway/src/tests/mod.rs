//! The gateway over its real router and store, and over real TLS channels to nodes that a test plays.

mod addresses;
mod api;
mod auth;
mod by_file;
mod chain;
mod disputes;
mod durable;
mod flow;
mod nodes;
mod orders;
mod payments;
mod planning;
mod raising;
mod replan;
mod server;
mod sessions;
mod support;
mod sweeps;
mod watch;
mod webhooks;
