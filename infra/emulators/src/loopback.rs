//! Sockets and HTTP servers on the loopback address. Nothing here is reachable from other machines.

use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Time for requests in progress to finish after `stop`: the timeout of an HTTP function.
const SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_secs(28);

/// An error from listening on a port.
#[derive(Debug, Error)]
pub enum PortError {
    /// Another program listens on the port.
    #[error("port {0} is in use by another program: stop it, or choose another port with --port")]
    InUse(u16),
    /// The operating system refused the port.
    #[error("cannot listen on port {port} ({cause}): choose another port with --port")]
    Refused {
        /// The port, 0 for any free one.
        port: u16,
        /// The system's error.
        cause: io::Error,
    },
}

/// Listens on 127.0.0.1; port 0 selects any free port.
///
/// # Errors
/// Returns an error if the port is in use or refused.
pub fn listen(port: u16) -> Result<TcpListener, PortError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => PortError::InUse(port),
        _ => PortError::Refused { port, cause },
    })
}

/// A running HTTP server. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl HttpServer {
    /// Serves `router` on `listener`.
    ///
    /// # Errors
    /// Returns an error if the listener cannot be used.
    pub fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // A small response must not wait for the acknowledgement of the previous one.
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "failed to set TCP_NODELAY");
            }
        });
        let (stop, stopped) = oneshot::channel::<()>();
        // The sign-in throttle counts by peer address.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async {
            // Ends when the sender is used or dropped.
            drop(stopped.await);
        });
        Ok(Self {
            address,
            stop,
            task: tokio::spawn(server.into_future()),
        })
    }

    /// Returns the base URL, such as `http://127.0.0.1:9000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting connections and waits for requests in progress.
    ///
    /// # Errors
    /// Returns an error if the server failed or panicked.
    pub async fn stop(self) -> io::Result<()> {
        let Self { stop, task, .. } = self;
        drop(stop);
        let abort = task.abort_handle();
        match tokio::time::timeout(SHUTDOWN_GRACE_PERIOD, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(io::Error::other(panicked)),
            Err(_) => {
                abort.abort();
                tracing::warn!("cut off requests that took longer than {SHUTDOWN_GRACE_PERIOD:?}");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_an_error_that_names_the_port_and_the_remedy() {
        let first = listen(0).unwrap();
        assert!(first.local_addr().unwrap().ip().is_loopback());
        let port = first.local_addr().unwrap().port();
        assert_eq!(
            listen(port).unwrap_err().to_string(),
            format!(
                "port {port} is in use by another program: stop it, or choose another port with --port"
            )
        );
    }
}
