//! An exchange on this machine: it speaks the published protocol of a real one, and misbehaves when it is told to.
//!
//! One port answers the socket and the REST requests, as a relay would. Trades are kept on a tape, so that what was
//! not sent over the socket can be fetched; limits of the real one are held, and every breach is counted.

mod binance;
mod book;
mod coinbase;
mod kraken;
mod socket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::binance::Binance;
pub use self::book::{Book, Candle, Print};
pub use self::coinbase::Coinbase;
pub use self::kraken::Kraken;
use self::socket::{Command, Sockets};
use crate::PATIENCE;

/// Longest head of a request.
const HEAD_LEN_MAX: usize = 16 * 1024;

/// A stream that a socket is subscribed to: what of it, and the symbol. Bars have their interval in the first part.
pub type Stream = (String, String);

/// What a message of a client asks for.
#[derive(Debug, Default)]
pub struct Asked {
    /// Streams that it subscribes to.
    pub streams: Vec<Stream>,
    /// What is answered at once.
    pub answers: Vec<String>,
}

/// The protocol of one exchange.
pub trait Dialect: Send + Sync + 'static {
    /// Path of the socket.
    fn socket_path(&self) -> &'static str;
    /// Most messages in a second, and most streams on a socket.
    fn limits(&self) -> (usize, usize);
    /// Most REST requests at once, and how many more in a second; `None` where they are not counted.
    fn rest_limits(&self) -> Option<(f64, f64)> {
        None
    }
    /// Reads a message.
    fn hear(&self, message: &str, book: &Book) -> Asked;
    /// A trade as it goes over the socket.
    fn trade(&self, symbol: &str, print: &Print) -> String;
    /// Best offers as they go over the socket, after the newest trade.
    fn quote(&self, symbol: &str, bid: &str, ask: &str, last: Option<&Print>) -> String;
    /// A bar as it goes over the socket.
    fn bar(&self, symbol: &str, interval: &str, candle: &Candle) -> String;
    /// A sign of life of a symbol, where there is one.
    fn beat(&self, _symbol: &str, _last: &Print) -> Option<String> {
        None
    }
    /// The answer to a REST request, if there is such a path: status and body.
    fn rest(&self, path: &str, query: &[(String, String)], book: &Book, now: i64) -> Option<(u16, String)>;
}

/// What an exchange answers in place of all it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// What has been seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Sockets that were opened.
    pub opened: u64,
    /// Sockets that are open.
    pub open: u64,
    /// Messages of clients that asked for streams.
    pub subscriptions: u64,
    /// Pings of clients.
    pub pings: u64,
    /// Answers to our pings.
    pub pongs: u64,
    /// Times that a limit was broken.
    pub breaches: u64,
    /// Attempts to open a socket that were refused.
    pub turned_away: u64,
    /// REST requests, by path and query.
    pub requests: Vec<String>,
}

/// The running exchange. Dropping it ends everything.
pub struct ExchangeServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    dialect: Box<dyn Dialect>,
    book: Mutex<Book>,
    sockets: Mutex<Sockets>,
    rest_ban: Mutex<Option<Ban>>,
    /// REST requests until that is in force.
    ban_after: AtomicU64,
    /// REST requests that are allowed, and when that was so.
    rest_room: Mutex<Option<(f64, Instant)>>,
    socket_ban: Mutex<Option<Ban>>,
    clock_offset_ms: AtomicI64,
    seen: watch::Sender<Seen>,
    next_socket: AtomicU64,
}

impl ExchangeServer {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(dialect: impl Dialect) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the exchange")?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            dialect: Box::new(dialect),
            book: Mutex::default(),
            sockets: Mutex::default(),
            rest_ban: Mutex::default(),
            ban_after: AtomicU64::new(0),
            rest_room: Mutex::default(),
            socket_ban: Mutex::default(),
            clock_offset_ms: AtomicI64::new(0),
            seen: watch::Sender::new(Seen::default()),
            next_socket: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Ok(Self { addr, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address, for `SPARK_EXCHANGE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// A trade is made, put on the tape, and sent to whoever is subscribed. Returns its number.
    pub fn trade(&self, symbol: &str, price: &str, quantity: &str) -> u64 {
        let print = self.unsent_trade(symbol, price, quantity);
        self.resend(symbol, print.id);
        print.id
    }

    /// A trade that is on the tape and not sent: clients miss it.
    pub fn unsent_trade(&self, symbol: &str, price: &str, quantity: &str) -> Print {
        locked(&self.shared.book).print(symbol, self.shared.now(), price, quantity)
    }

    /// Sends a trade of the tape (again).
    pub fn resend(&self, symbol: &str, id: u64) {
        let frame = {
            let book = locked(&self.shared.book);
            book.tape(symbol)
                .iter()
                .find(|print| print.id == id)
                .map(|print| self.shared.dialect.trade(symbol, print))
        };
        if let Some(frame) = frame {
            self.send(&("trade".to_owned(), symbol.to_owned()), frame);
        }
    }

    /// From now on the numbers of a symbol's trades go on from here.
    pub fn number_from(&self, symbol: &str, id: u64) {
        locked(&self.shared.book).number_from(symbol, id);
    }

    /// Best offers change.
    pub fn quote(&self, symbol: &str, bid: &str, ask: &str) {
        let last = locked(&self.shared.book).tape(symbol).last().cloned();
        let frame = self.shared.dialect.quote(symbol, bid, ask, last.as_ref());
        self.send(&("quote".to_owned(), symbol.to_owned()), frame);
    }

    /// A bar changes: sent, and part of the history.
    pub fn bar(&self, symbol: &str, interval: &str, candle: &Candle) {
        let frame = self.shared.dialect.bar(symbol, interval, candle);
        self.past_bar(symbol, interval, candle);
        self.send(&(format!("bar {interval}"), symbol.to_owned()), frame);
    }

    /// A bar of the history.
    pub fn past_bar(&self, symbol: &str, interval: &str, candle: &Candle) {
        locked(&self.shared.book).candle(symbol, interval, candle);
    }

    /// Sends the sign of life of a symbol that has been traded to every socket.
    pub fn beat(&self, symbol: &str) {
        let last = locked(&self.shared.book).tape(symbol).last().cloned();
        if let Some(beat) = last.and_then(|last| self.shared.dialect.beat(symbol, &last)) {
            self.say(&beat);
        }
    }

    /// Sends any text to every socket.
    pub fn say(&self, text: &str) {
        self.command(|| Command::Text(text.to_owned()));
    }

    /// Sends bytes to every socket.
    pub fn say_bytes(&self, bytes: &[u8]) {
        self.command(|| Command::Bytes(bytes.to_vec()));
    }

    /// Pings every socket.
    pub fn ping(&self) {
        self.command(|| Command::Ping);
    }

    /// Closes every socket, with a code and a reason.
    pub fn close(&self, code: u16, reason: &str) {
        self.command(|| Command::Close(code, reason.to_owned()));
    }

    /// Cuts every socket without a word.
    pub fn cut(&self) {
        self.command(|| Command::Cut);
    }

    /// What REST requests are answered with from now on; `None` as they should be.
    pub fn ban(&self, ban: Option<Ban>) {
        self.ban_after(0, ban);
    }

    /// The same after so many more requests.
    pub fn ban_after(&self, requests: u64, ban: Option<Ban>) {
        self.shared.ban_after.store(requests, Ordering::Relaxed);
        *locked(&self.shared.rest_ban) = ban;
    }

    /// What attempts to open a socket are answered with from now on.
    pub fn turn_away(&self, ban: Option<Ban>) {
        *locked(&self.shared.socket_ban) = ban;
    }

    /// How far the exchange's clock is ahead of this machine's.
    pub fn set_clock(&self, ahead_ms: i64) {
        self.shared.clock_offset_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// The exchange's time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.shared.now()
    }

    /// Streams that open sockets are subscribed to, counted once for each socket.
    #[must_use]
    pub fn streams(&self) -> usize {
        locked(&self.shared.sockets).streams()
    }

    /// What has been seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.shared.seen.borrow().clone()
    }

    /// Waits until something has been seen.
    ///
    /// # Errors
    /// When that takes too long; with what has been seen instead.
    pub async fn until(&self, is_it: impl Fn(&Seen) -> bool) -> Result<Seen> {
        let mut seen = self.shared.seen.subscribe();
        let waited = timeout(PATIENCE, seen.wait_for(|seen| is_it(seen))).await;
        let found = waited.ok().and_then(Result::ok).map(|seen| seen.clone());
        found.with_context(|| format!("not seen in time: {:?}", self.seen()))
    }

    fn send(&self, stream: &Stream, frame: String) {
        locked(&self.shared.sockets).send(stream, &frame);
    }

    fn command(&self, command: impl Fn() -> Command) {
        locked(&self.shared.sockets).all(command);
    }
}

impl Drop for ExchangeServer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Shared {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.clock_offset_ms.load(Ordering::Relaxed)
    }

    /// Whether one more REST request is within the limits.
    fn allows_request(&self) -> bool {
        let Some((burst, per_second)) = self.dialect.rest_limits() else { return true };
        let now = Instant::now();
        let mut room = locked(&self.rest_room);
        let (left, at) = room.unwrap_or((burst, now));
        let left = (left + (now - at).as_secs_f64() * per_second).min(burst);
        *room = Some(((left - 1.0).max(0.0), now));
        left >= 1.0
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        self.seen.send_modify(note);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection: a socket by its path, else one REST request.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(path) = peeked_path(&stream).await else { return };
    let is_socket = path.split('?').next() == Some(shared.dialect.socket_path());
    if !is_socket {
        let Some(target) = read_target(&mut stream).await else { return };
        let answer = answer(&shared, &target);
        let _gone = stream.write_all(&answer).await;
        let _gone = stream.shutdown().await;
        return;
    }
    let ban = *locked(&shared.socket_ban);
    if let Some(ban) = ban {
        shared.note(|seen| seen.turned_away += 1);
        let _read = read_target(&mut stream).await;
        let _gone = stream.write_all(&response(ban.status, ban.retry_after, "{}")).await;
        let _gone = stream.shutdown().await;
        return;
    }
    socket::serve(stream, shared).await;
}

/// The target of a request that is not read yet.
async fn peeked_path(stream: &TcpStream) -> Option<String> {
    let mut head = [0; 1024];
    loop {
        let len = stream.peek(&mut head).await.ok().filter(|len| *len > 0)?;
        let text = String::from_utf8_lossy(&head[..len]).into_owned();
        if let Some((line, _)) = text.split_once("\r\n") {
            return line.split(' ').nth(1).map(str::to_owned);
        }
        tokio::task::yield_now().await;
    }
}

async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let len = stream.read_buf(&mut head).await.ok()?;
        if len == 0 || head.len() > HEAD_LEN_MAX {
            return None;
        }
    }
    String::from_utf8_lossy(&head).split(' ').nth(1).map(str::to_owned)
}

fn answer(shared: &Shared, target: &str) -> Vec<u8> {
    let one_less = |left: u64| left.checked_sub(1);
    let is_before = shared.ban_after.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
    let mut ban = locked(&shared.rest_ban).filter(|_| !is_before);
    if ban.is_none() && !shared.allows_request() {
        shared.note(|seen| seen.breaches += 1);
        ban = Some(Ban { status: 429, retry_after: None });
    }
    let answer = match ban {
        Some(ban) => response(ban.status, ban.retry_after, r#"{"code":-1003,"msg":"Too many requests."}"#),
        None => {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let pair = |pair: &str| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.replace("%2F", "/"))
            };
            let query: Vec<(String, String)> = query.split('&').map(pair).collect();
            let answer = shared.dialect.rest(path, &query, &locked(&shared.book), shared.now());
            let (status, body) = answer.unwrap_or((404, "{}".to_owned()));
            response(status, None, &body)
        }
    };
    shared.note(|seen| seen.requests.push(target.to_owned()));
    answer
}

fn response(status: u16, retry_after: Option<u64>, body: &str) -> Vec<u8> {
    let retry_after = retry_after.map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
    let len = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nConnection: close\r\n{retry_after}Content-Length: {len}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The value of a query's parameter.
fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A time as RFC 3339 has it, to the millisecond.
fn rfc3339(unix_ms: i64) -> String {
    let (day, in_day) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    let (year, month, date) = civil(day);
    let (hour, minute, second, ms) =
        (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day since the Unix epoch, which counts from 0.
fn civil(mut day: i64) -> (i64, i64, i64) {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_days_of_the_calendar() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_790_689_558_116, "2026-09-29T13:45:58.116Z"),
            (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(unix_ms), text);
        }
    }
}
