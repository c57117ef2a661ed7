//! A client of HTTP/2 with prior knowledge.

use anyhow::{Context, Result};
use h2::RecvStream;
use h2::client::SendRequest;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::http::Request;

use crate::{Gateway, PATIENCE};

/// A connection that speaks HTTP/2.
pub struct Http2 {
    requests: SendRequest<tokio_tungstenite::tungstenite::Bytes>,
    host: String,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Answering {
    /// Status of the answer.
    pub status: u16,
    body: RecvStream,
}

impl Gateway {
    /// Opens a connection that speaks HTTP/2.
    ///
    /// # Errors
    /// When the gateway does not speak it.
    pub async fn http2(&self) -> Result<Http2> {
        let stream = TcpStream::connect(self.addr()).await.context("connect")?;
        let handshake = timeout(PATIENCE, h2::client::handshake(stream));
        let (requests, connection) = handshake.await.context("no handshake in time")??;
        tokio::spawn(async move {
            // What breaks the connection is told to whoever waits for an answer.
            let _ended = connection.await;
        });
        Ok(Http2 { requests, host: self.addr().to_owned() })
    }
}

impl Http2 {
    /// Asks, as a browser does: the host stands in `:authority` and in no header.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answering> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.host));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let asked = async {
            self.requests.clone().ready().await?;
            self.requests.send_request(request.body(())?, true)?.0.await.context("no answer")
        };
        let response = timeout(PATIENCE, asked).await.context("no answer in time")??;
        Ok(Answering { status: response.status().as_u16(), body: response.into_body() })
    }
}

impl Answering {
    /// The next piece of the body as text; empty at its end.
    ///
    /// # Errors
    /// When the stream is reset, or nothing comes in time.
    pub async fn piece(&mut self) -> Result<String> {
        let piece = timeout(PATIENCE, self.body.data()).await.context("nothing came in time")?;
        let Some(piece) = piece.transpose()? else { return Ok(String::new()) };
        self.body.flow_control().release_capacity(piece.len())?;
        Ok(String::from_utf8_lossy(&piece).into_owned())
    }
}
