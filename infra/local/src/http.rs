//! A server on the loopback address: of the HTTP functions, the routers that they hand to their
//! runtime, merged; and of the emulated services that are routers, too.

use std::future::IntoFuture;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long requests in progress may take once the server is told to stop: what a function has.
const GRACE: Duration = Duration::from_secs(28);

/// A running server. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub(crate) struct HttpServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl HttpServer {
    pub(crate) fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // A small answer must not wait for the acknowledgement of the one before.
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY is not set");
            }
        });
        let (stop, stopped) = oneshot::channel::<()>();
        // The throttle of sign-ins counts by the address of the other end.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async {
            // Told to stop, or forgotten: both end it.
            drop(stopped.await);
        });
        Ok(Self {
            address,
            stop,
            task: tokio::spawn(server.into_future()),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting and lets requests in progress finish.
    pub(crate) async fn stop(self) -> io::Result<()> {
        let Self { stop, task, .. } = self;
        drop(stop);
        let abort = task.abort_handle();
        match tokio::time::timeout(GRACE, task).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(broken)) => Err(io::Error::other(broken)),
            Err(_) => {
                abort.abort();
                tracing::warn!("requests that took longer than {GRACE:?} were cut off");
                Ok(())
            }
        }
    }
}
