//! The store itself: a folder behind the protocol of S3, with faults in front of it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::digest::mismatch;
use super::{ACCESS_KEY, BUCKET, Faults, SECRET_KEY};

/// A store that listens and is not served yet.
#[derive(Debug)]
pub struct S3Server {
    listener: TcpListener,
    service: S3Service,
    faults: Arc<Faults>,
}

impl S3Server {
    /// Opens a folder, in which the bucket is made if it is not there, and listens on a port; 0 is any that is free.
    ///
    /// # Errors
    /// When the folder cannot be used or the port is taken.
    pub async fn open(dir: &Path, port: u16) -> Result<Self> {
        std::fs::create_dir_all(dir.join(BUCKET)).with_context(|| dir.display().to_string())?;
        let files = FileSystem::new(dir).map_err(|error| anyhow!("{}: {error:?}", dir.display()))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let listener = TcpListener::bind(("127.0.0.1", port)).await.context("a port for the store")?;
        Ok(Self { listener, service: builder.build(), faults: Arc::default() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addr(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// What it does wrong, to be switched while it serves.
    #[must_use]
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn serve(self) -> Result<()> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            tokio::spawn(connection(stream, self.service.clone(), self.faults()));
        }
    }
}

async fn connection(stream: TcpStream, service: S3Service, faults: Arc<Faults>) {
    let answering = service_fn(|request| {
        let (service, faults) = (service.clone(), Arc::clone(&faults));
        async move { Ok::<_, Infallible>(answer(request, &service, &faults).await) }
    });
    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answering).await;
}

async fn answer(request: Request<Incoming>, service: &S3Service, faults: &Faults) -> Response<Body> {
    let answer = match faults.refusal() {
        Some(status) => refuse(request, status).await,
        None => handle(request, service, faults).await,
    };
    sleep(faults.delay()).await;
    answer
}

async fn handle(request: Request<Incoming>, service: &S3Service, faults: &Faults) -> Response<Body> {
    let request = if request.method() == Method::PUT {
        match judged(request, faults.is_corrupt()).await {
            Ok(request) => request,
            Err(code) => return refusal(StatusCode::BAD_REQUEST, code),
        }
    } else {
        request.map(Body::from)
    };
    service
        .call(request)
        .await
        .unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"))
}

/// An upload whose body is what its headers say; else the code of the refusal. The service by itself would answer a
/// wrong hash with 500, which asks to try again, would look at a wrong checksum after it has put the object into its
/// place, and at none of a part.
async fn judged(request: Request<Incoming>, is_corrupt: bool) -> Result<Request<Body>, &'static str> {
    let (head, body) = request.into_parts();
    let mut body = Vec::from(body.collect().await.map_err(|_| "IncompleteBody")?.to_bytes());
    let middle = body.len() / 2;
    if let (Some(byte), true) = (body.get_mut(middle), is_corrupt) {
        *byte ^= 1;
    }
    match mismatch(&head.headers, &body) {
        Some(code) => Err(code),
        None => Ok(Request::from_parts(head, Body::from(body))),
    }
}

/// Refuses a request. Its body is read, so that the client sees the answer and not a connection that broke.
async fn refuse(request: Request<Incoming>, status: StatusCode) -> Response<Body> {
    let _read = request.into_body().collect().await;
    let code = match status {
        StatusCode::FORBIDDEN => "AccessDenied",
        StatusCode::NOT_FOUND => "NoSuchKey",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "SlowDown",
        _ if status.is_server_error() => "InternalError",
        _ => "InvalidRequest",
    };
    refusal(status, code)
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let text = format!(r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>"#);
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
