//! Clients of AWS services: their account settings, the certificate authorities they trust, and the
//! log of their calls.

pub(crate) mod call_log;
pub mod config;
mod config_error;
mod send;
mod tls_roots;

pub(crate) use send::SendBoxed;
