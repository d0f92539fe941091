//! The reference module in a real httpd: what a WebSocket needs of a proxy, and what can go wrong with it.

mod ends;
mod flow;
mod handshake;
mod messages;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod tls;
mod tunnel;
mod wss;
