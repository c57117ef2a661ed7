//! A line that can be cut, stalled, sliced and throttled: a TCP proxy between a client and the server.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;
/// Time between two pieces of a throttled line.
const THROTTLE_STEP: Duration = Duration::from_millis(20);

/// What the line does with what is sent over it, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Pass,
    /// Reads nothing, so that the sender's buffers fill: a client that has stopped reading, and a half-open line.
    Stall,
    /// Passes on one byte at a time, each in a packet of its own.
    Slice,
    /// Passes on so many bytes a second.
    Throttle(u32),
}

/// A running proxy. Dropping it cuts its lines.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of `upstream`. With `narrow`, its receive buffer towards the server has about so many
    /// bytes, so that a stall is felt at once.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(upstream: SocketAddr, narrow: Option<u32>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the proxy")?;
        let addr = listener.local_addr()?;
        let (mode, modes) = watch::channel(Mode::Pass);
        let (cuts, cut) = watch::channel(0);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, upstream, narrow, modes.clone(), cut.clone()));
            }
        });
        Ok(Self { addr, mode, cuts, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What its lines do from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Cuts every line that there is. New ones can be had at once.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(
    client: TcpStream,
    upstream: SocketAddr,
    narrow: Option<u32>,
    modes: watch::Receiver<Mode>,
    mut cut: watch::Receiver<u64>,
) {
    cut.mark_unchanged();
    let Ok(server) = reach(upstream, narrow).await else { return };
    let _lasting = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        tokio::join!(pump(from_client, to_server, modes.clone()), pump(from_server, to_client, modes.clone()))
    };
    tokio::select! {
        _ = both => {}
        // Also when the proxy itself is gone.
        _ = cut.changed() => {}
    }
}

async fn reach(upstream: SocketAddr, narrow: Option<u32>) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = narrow {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(socket.connect(upstream).await?)
}

/// Carries one direction until either end is closed.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut modes: watch::Receiver<Mode>) {
    let mut piece = vec![0; PIECE];
    loop {
        let mode = *modes.borrow_and_update();
        let limit = match mode {
            Mode::Stall => match modes.changed().await {
                Ok(()) => continue,
                Err(_) => return,
            },
            Mode::Throttle(rate) => (rate as usize / 50).clamp(1, PIECE),
            Mode::Pass | Mode::Slice => PIECE,
        };
        let read = tokio::select! {
            read = from.read(&mut piece[..limit]) => read,
            changed = modes.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let Ok(len @ 1..) = read else { break };
        let passed = match mode {
            Mode::Slice => slice(&mut to, &piece[..len]).await,
            _ => to.write_all(&piece[..len]).await,
        };
        if passed.is_err() {
            return;
        }
        if matches!(mode, Mode::Throttle(_)) {
            tokio::time::sleep(THROTTLE_STEP).await;
        }
    }
    let _ended = to.shutdown().await;
}

async fn slice(to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        to.write_all(std::slice::from_ref(byte)).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    /// A server that repeats what it is told.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        addr
    }

    #[tokio::test]
    async fn it_passes_slices_stalls_and_cuts() {
        let proxy = Proxy::start(echo().await, None).await.unwrap();
        let mut line = Line::connect(proxy.addr()).await.unwrap();
        for mode in [Mode::Pass, Mode::Slice, Mode::Throttle(100_000)] {
            proxy.set(mode);
            line.send(b"some bytes").await.unwrap();
            assert_eq!(line.take(10).await.unwrap(), b"some bytes", "{mode:?}");
        }
        proxy.set(Mode::Stall);
        line.send(b"later").await.unwrap();
        let nothing = tokio::time::timeout(Duration::from_millis(100), line.take(5)).await;
        assert!(nothing.is_err(), "{nothing:?}");
        proxy.set(Mode::Pass);
        assert_eq!(line.take(5).await.unwrap(), b"later");
        proxy.cut();
        assert!(line.take(1).await.is_err());
        let mut again = Line::connect(proxy.addr()).await.unwrap();
        again.send(b"x").await.unwrap();
        assert_eq!(again.take(1).await.unwrap(), b"x");
    }
}
