//! One processing stream, below what its messages mean.

use crate::gateway::Broken;
use bytes::Bytes;
use std::{future::Future, pin::Pin, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Response as Opened, Status, Streaming, transport::Channel};
use trackside_extproc::proto::{
    ProcessingMode, ProcessingRequest, ProcessingResponse, external_processor_client::ExternalProcessorClient,
    processing_request::Request, processing_response::Response,
};

/// How long an answer may take before it is taken for one that never comes.
const PATIENCE: Duration = Duration::from_secs(20);

type Opening = Pin<Box<dyn Future<Output = Result<Opened<Streaming<ProcessingResponse>>, Status>> + Send>>;

pub struct Stream {
    sender: Option<mpsc::UnboundedSender<ProcessingRequest>>,
    opening: Option<Opening>,
    answers: Option<Streaming<ProcessingResponse>>,
    pub log: Vec<String>,
    /// The override that came with an answer.
    pub asked: Option<ProcessingMode>,
    /// Answers that said nothing about the exchange.
    pub ignored: usize,
}

impl Stream {
    pub fn open(mut client: ExternalProcessorClient<Channel>, metadata: &[(&'static str, &'static str)]) -> Stream {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut request = tonic::Request::new(UnboundedReceiverStream::new(receiver));
        for (name, value) in metadata {
            request.metadata_mut().insert(*name, value.parse().expect("metadata is ASCII"));
        }
        let opening: Opening = Box::pin(async move { client.process(request).await });
        Stream { sender: Some(sender), opening: Some(opening), answers: None, log: Vec::new(), asked: None, ignored: 0 }
    }

    pub fn send(&mut self, message: ProcessingRequest) {
        self.log.push(name(message.request.as_ref().expect("a message says something")).to_owned());
        // A processor that has left shows when its answer is waited for.
        let _ = self.sender.as_ref().expect("nothing is sent behind the end").send(message);
    }

    /// The next answer that says something; others are ignored and the wait goes on. A stream that ends before is an
    /// error, however well it ends.
    pub async fn next(&mut self, what: &'static str) -> Result<Response, Broken> {
        loop {
            let answer = match timeout(PATIENCE, self.receive()).await {
                Err(_) => return Err(Broken::Hangs(what)),
                Ok(Ok(Some(answer))) => answer,
                Ok(Ok(None)) => return Err(Broken::Fails(format!("the stream was closed instead of {what}"))),
                Ok(Err(status)) => return Err(Broken::Fails(format!("{:?} instead of {what}", status.code()))),
            };
            let Some(response) = answer.response else {
                self.ignored += 1;
                continue;
            };
            self.log.push(kind(&response).to_owned());
            self.asked = answer.mode_override.or(self.asked.take());
            return Ok(response);
        }
    }

    /// Closes the sending side; the processor then has to close the other, without another word.
    pub async fn half_close(&mut self) -> Result<(), Broken> {
        self.sender = None;
        match timeout(PATIENCE, self.receive()).await {
            Err(_) => Err(Broken::Hangs("the end of the stream")),
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(answer))) => Err(Broken::Fails(format!("{answer:?} behind the end"))),
            Ok(Err(status)) => Err(Broken::Fails(format!("{status:?} at the end"))),
        }
    }

    /// Closes the sending side before everything was answered, as the gateway does when its user has gone.
    pub async fn abandon(mut self) -> Result<Option<ProcessingResponse>, Status> {
        self.sender = None;
        timeout(PATIENCE, self.receive()).await.expect("the processor leaves too")
    }

    async fn receive(&mut self) -> Result<Option<ProcessingResponse>, Status> {
        if let Some(opening) = self.opening.take() {
            self.answers = Some(opening.await?.into_inner());
        }
        self.answers.as_mut().expect("the stream is open").message().await
    }
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::RequestHeaders(headers) => {
            if headers.end_of_stream {
                ">RH*"
            } else {
                ">RH"
            }
        }
        Request::RequestBody(body) => {
            if body.end_of_stream {
                ">RB*"
            } else {
                ">RB"
            }
        }
        Request::RequestTrailers(_) => ">RT",
        Request::ResponseHeaders(headers) => {
            if headers.end_of_stream {
                ">SH*"
            } else {
                ">SH"
            }
        }
        Request::ResponseBody(body) => {
            if body.end_of_stream {
                ">SB*"
            } else {
                ">SB"
            }
        }
        Request::ResponseTrailers(_) => ">ST",
    }
}

pub fn kind(response: &Response) -> &'static str {
    match response {
        Response::RequestHeaders(_) => "<RH",
        Response::RequestBody(_) => "<RB",
        Response::RequestTrailers(_) => "<RT",
        Response::ResponseHeaders(_) => "<SH",
        Response::ResponseBody(_) => "<SB",
        Response::ResponseTrailers(_) => "<ST",
        Response::ImmediateResponse(_) => "<immediate",
    }
}

/// An upload with a length is read in pieces that grow from 16 KiB to some 418 KB.
pub fn chunks(mut bytes: Bytes) -> Vec<Bytes> {
    let (mut size, mut pieces) = (16 << 10, Vec::new());
    while !bytes.is_empty() {
        pieces.push(bytes.split_to(bytes.len().min(size)));
        size = (size * 2).min(418_000);
    }
    pieces
}
