//! A WebSocket without a library: frames are written and read byte by byte, so that wrong ones can be sent.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

use crate::Line;
use crate::live::Ended;

/// What kind of frame it is, RFC 6455 section 5.2.
pub mod opcode {
    /// Goes on with a message.
    pub const CONTINUATION: u8 = 0x0;
    /// A text message, or its beginning.
    pub const TEXT: u8 = 0x1;
    /// A binary message, or its beginning.
    pub const BINARY: u8 = 0x2;
    /// Goodbye, with a code and a reason.
    pub const CLOSE: u8 = 0x8;
    /// Asks for a sign of life.
    pub const PING: u8 = 0x9;
    /// A sign of life.
    pub const PONG: u8 = 0xA;
}

/// The bit that says that a frame is the last of its message.
pub const FIN: u8 = 0x80;

/// A frame as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    /// The last of its message.
    pub is_last: bool,
    /// The three reserved bits.
    pub reserved: u8,
    /// One of [`opcode`], if the peer follows the standard.
    pub opcode: u8,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

impl RawFrame {
    /// The code of a close frame.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        match (self.opcode, &self.payload[..]) {
            (opcode::CLOSE, [high, low, ..]) => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }
}

/// A frame's bytes: `first` is the byte of FIN, reserved bits and opcode; a client's frame has a mask.
#[must_use]
pub fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(masked | len as u8),
        len @ 126..0x1_0000 => {
            bytes.push(masked | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(masked | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let Some(mask) = mask else {
        bytes.extend_from_slice(payload);
        return bytes;
    };
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A whole message in one frame, masked as a client's must be.
#[must_use]
pub fn message(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(FIN | opcode, payload, Some([0x1d, 0x2c, 0x3b, 0x4a]))
}

/// An open WebSocket whose frames are the caller's.
#[derive(Debug)]
pub struct RawSocket {
    line: Line,
}

impl RawSocket {
    /// Upgrades a connection.
    ///
    /// # Errors
    /// When the upgrade is refused, with the status and the body.
    pub async fn open(addr: SocketAddr, path: &str, token: Option<&str>) -> Result<Self> {
        Self::over(Line::connect(addr).await?, path, token).await
    }

    /// Upgrades this connection.
    ///
    /// # Errors
    /// As [`RawSocket::open`].
    pub async fn over(mut line: Line, path: &str, token: Option<&str>) -> Result<Self> {
        let authorization =
            token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{authorization}\r\n"
        );
        line.send(request.as_bytes()).await?;
        let head = line.head().await?;
        if head.status != 101 {
            let mut body = head.body()?;
            let mut text = Vec::new();
            while let Some(piece) = line.piece(&mut body).await? {
                text.extend_from_slice(&piece);
            }
            bail!("upgrade refused with {}: {}", head.status, String::from_utf8_lossy(&text));
        }
        let accept = head.header("sec-websocket-accept");
        ensure!(accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Accept is {accept}");
        Ok(Self { line })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.line.send(bytes).await
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_text(&mut self, text: &str) -> Result<()> {
        self.send(&message(opcode::TEXT, text.as_bytes())).await
    }

    /// Says that nothing more will be sent, without a close frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn finish(&mut self) -> Result<()> {
        self.line.finish().await
    }

    /// The next frame. A peer's own frames carry no mask.
    ///
    /// # Errors
    /// [`Ended`] when the connection ends; another when the frame is masked.
    ///
    /// # Cancel safety
    /// Takes a whole frame or nothing.
    pub async fn next(&mut self) -> Result<RawFrame> {
        let head = self.look(2).await?;
        ensure!(head[1] & 0x80 == 0, "a server's frame is masked");
        let head_len = match head[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let head = self.look(head_len).await?;
        let (first, len) = (head[0], &head[2..head_len]);
        let len = match len.len() {
            0 => usize::from(head[1]),
            _ => len.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte)),
        };
        self.look(head_len + len).await?;
        let payload = self.line.take(head_len + len).await?.split_off(head_len);
        Ok(RawFrame { is_last: first & FIN != 0, reserved: (first >> 4) & 0x7, opcode: first & 0xf, payload })
    }

    async fn look(&mut self, len: usize) -> Result<&[u8]> {
        self.line.look(len).await.context(Ended { code: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_as_the_standard_shows_it() {
        // RFC 6455, section 5.7.
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(frame(FIN | opcode::TEXT, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d])), hello);
        assert_eq!(frame(FIN | opcode::BINARY, &[7; 256], None)[..4], [0x82, 0x7e, 0x01, 0x00]);
        assert_eq!(
            frame(FIN | opcode::BINARY, &[7; 65_536], None)[..10],
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]
        );
    }
}
