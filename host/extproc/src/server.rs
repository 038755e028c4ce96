//! The gRPC server: the service, its health, its limits and its end.

use crate::{
    admission::Admission,
    conversation::Conversation,
    decide::Live,
    limits::{Limits, MESSAGE_LIMIT},
    linger::Lingering,
    observe::Observer,
    proto::{
        ProcessingRequest, ProcessingResponse,
        external_processor_server::{ExternalProcessor, ExternalProcessorServer, SERVICE_NAME},
    },
};
use futures_util::{FutureExt, Stream, StreamExt, stream, stream::BoxStream};
use std::{error::Error, future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{oneshot, watch},
    time::timeout,
};
use tonic::{Request, Response, Status, Streaming, transport::server::Connected};
use tonic_health::ServingStatus;

/// How many streams that the gateway reset may wait unseen before the connection is given up. Every client that leaves
/// early makes one, so the small default would let a crowd of them take the others' streams along.
const RESET_BACKLOG: usize = 1024;

/// How often a silent connection is checked, so that streams of a vanished gateway do not stay open.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// How long streams may take to notice that the server waits no longer.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the health service answers for, besides the server as a whole: the service, and the names that endpoint pickers
/// are probed by.
const HEALTH: [&str; 4] = ["", SERVICE_NAME, "liveness", "readiness"];

/// The server could not go on.
#[derive(Debug, thiserror::Error)]
#[error("the ExtProc server failed")]
pub struct ServeError(#[from] tonic::transport::Error);

/// The ExtProc service of a process. Several threads may serve it, each on connections of its own: its limits bound what
/// all of them hold.
#[derive(Debug)]
pub struct Server<L, O> {
    live: Arc<L>,
    observer: Arc<O>,
    limits: Arc<Limits>,
    admission: Arc<Admission>,
}

impl<L: Live, O: Observer> Server<L, O> {
    /// A service that leaves decisions to what is live, and tells an observer what happens.
    #[must_use]
    pub fn new(live: Arc<L>, observer: Arc<O>, limits: Limits) -> Self {
        Self { live, observer, admission: Admission::new(&limits), limits: Arc::new(limits) }
    }

    /// Serves ExtProc and `grpc.health.v1` on the connections that come in, until some time after `shutdown` is ready, as
    /// [`Limits`] tell.
    ///
    /// # Errors
    /// The transport fails as a whole; errors of single connections and streams do not come here.
    pub async fn serve<C, E>(
        self: Arc<Self>,
        incoming: impl Stream<Item = Result<C, E>>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError>
    where
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let (health, health_service) = tonic_health::server::health_reporter();
        for name in HEALTH {
            health.set_service_status(name, ServingStatus::Serving).await;
        }
        let (close, closing) = watch::channel(false);
        let (stop, stopped) = oneshot::channel::<()>();
        let Limits { notice, drain, .. } = *self.limits;
        let service = ExternalProcessorServer::new(Service { server: self, closing });
        let mut server = pin!(
            tonic::transport::Server::builder()
                .http2_keepalive_interval(Some(KEEPALIVE))
                .http2_max_pending_accept_reset_streams(Some(RESET_BACKLOG))
                .add_service(health_service)
                .add_service(service.max_decoding_message_size(MESSAGE_LIMIT))
                .serve_with_incoming_shutdown(
                    incoming.map(|connection| connection.map(Lingering::new)),
                    stopped.map(drop)
                )
        );

        tokio::select! {
            result = &mut server => return Ok(result?),
            () = shutdown => {}
        }
        for name in HEALTH {
            health.set_service_status(name, ServingStatus::NotServing).await;
        }
        if let Ok(result) = timeout(notice, &mut server).await {
            return Ok(result?);
        }
        drop(stop);
        if let Ok(result) = timeout(drain, &mut server).await {
            return Ok(result?);
        }
        close.send_replace(true);
        timeout(FAREWELL, &mut server).await.unwrap_or(Ok(()))?;
        Ok(())
    }
}

#[derive(Debug)]
struct Service<L, O> {
    server: Arc<Server<L, O>>,
    closing: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl<L: Live, O: Observer> ExternalProcessor for Service<L, O> {
    type ProcessStream = BoxStream<'static, Result<ProcessingResponse, Status>>;

    async fn process(
        &self,
        request: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Self::ProcessStream>, Status> {
        let Server { live, observer, limits, admission } = &*self.server;
        let (live, observer) = (Arc::clone(live), Arc::clone(observer));
        let bounds = (Arc::clone(limits), admission);
        let mut conversation = Conversation::new(request, live, observer, bounds, self.closing.clone());
        // The response's own headers go out with the first answer: some gateways have no other time limit than for those.
        let first = conversation.next().await.transpose()?;
        let rest = stream::unfold(conversation, async |mut conversation| {
            let answer = conversation.next().await?;
            Some((answer, conversation))
        });
        Ok(Response::new(stream::iter(first.map(Ok)).chain(rest).boxed()))
    }
}
