//! Sockets of this machine only. Nothing of the local stack can be reached from outside.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use thiserror::Error;

/// A port that cannot be listened on.
#[derive(Debug, Error)]
pub enum PortError {
    /// Another program listens there.
    #[error("port {0} is taken by another program: stop it, or choose another with --port")]
    Taken(u16),
    /// The system refuses it.
    #[error("port {port} cannot be listened on ({cause}): choose another with --port")]
    Refused {
        /// The port, 0 for any free one.
        port: u16,
        /// What the system said.
        cause: io::Error,
    },
}

/// Listens on 127.0.0.1; port 0 takes any free one.
pub fn listen(port: u16) -> Result<TcpListener, PortError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => PortError::Taken(port),
        _ => PortError::Refused { port, cause },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_what_to_do() {
        let first = listen(0).unwrap();
        assert!(first.local_addr().unwrap().ip().is_loopback());
        let port = first.local_addr().unwrap().port();
        assert_eq!(
            listen(port).unwrap_err().to_string(),
            format!(
                "port {port} is taken by another program: stop it, or choose another with --port"
            )
        );
    }
}
