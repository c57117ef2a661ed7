//! A link to an exchange on this machine, and what it has said.

use std::sync::Arc;
use std::time::Duration;

use live_core::event::Interval;
use rust_decimal::Decimal;
use spark_live::market::exchange::{
    Binance, Exchange, ExchangeEvent, ExchangeStats, Handle, Link, LinkOptions, Timing, Urls,
};
use spark_live_tests::PATIENCE;
use spark_live_tests::exchange::{self as local, ExchangeServer};
use tokio::time::timeout;

/// Waits that suit a test, and a machine that is busy: a dead link is noticed in seconds, and come back to at once.
pub const QUICK: Timing = Timing {
    connect: Duration::from_secs(10),
    quiet: Duration::from_millis(400),
    answer: Duration::from_secs(2),
    backoff_base: Duration::from_millis(5),
    backoff_cap: Duration::from_millis(50),
    lifetime: None,
    fill_patience: Duration::from_secs(10),
    clock_every: Duration::from_secs(600),
};

pub struct Rig {
    pub server: ExchangeServer,
    pub link: Link,
    pub handle: Handle,
    /// Everything that was said and not yet looked at.
    pub events: Vec<ExchangeEvent>,
}

pub fn interval(name: &str) -> Interval {
    Interval::parse(name).unwrap()
}

pub fn options(url: &str, symbols: &[&str]) -> LinkOptions {
    LinkOptions {
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        bars: Vec::new(),
        urls: Some(Urls::parse(url).unwrap()),
        timing: QUICK,
    }
}

impl Rig {
    /// A link to Binance that is up.
    pub async fn start(symbols: &[&str]) -> Self {
        Self::start_with(symbols, |_| {}).await
    }

    /// The same with other options.
    pub async fn start_with(symbols: &[&str], change: impl FnOnce(&mut LinkOptions)) -> Self {
        let server = ExchangeServer::start(local::Binance).await.unwrap();
        let mut options = options(&server.url(), symbols);
        change(&mut options);
        let mut rig = Self::open(server, Arc::new(Binance), options);
        rig.up().await;
        rig
    }

    /// A link that may not come up.
    pub fn open(server: ExchangeServer, exchange: Arc<dyn Exchange>, options: LinkOptions) -> Self {
        let link = Link::open(exchange, options).unwrap();
        let handle = link.handle();
        Self { server, link, handle, events: Vec::new() }
    }

    pub fn stats(&self) -> ExchangeStats {
        self.handle.stats()
    }

    /// Takes in events until one is found; those up to it are gone, and it comes back.
    pub async fn find<T>(&mut self, what: &str, find: impl Fn(&ExchangeEvent) -> Option<T>) -> T {
        let (link, events) = (&mut self.link, &mut self.events);
        let found = timeout(PATIENCE, async {
            loop {
                if let Some((place, found)) =
                    events.iter().enumerate().find_map(|(place, event)| Some((place, find(event)?)))
                {
                    events.drain(..=place);
                    return found;
                }
                events.clear();
                link.next(events).await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("{what} did not come; {:?}", self.handle.stats()))
    }

    /// The link comes up.
    pub async fn up(&mut self) {
        let reason = self.link_event(true).await;
        assert_eq!(reason, "connected");
    }

    /// The link goes down; for what reason.
    pub async fn down(&mut self) -> String {
        self.link_event(false).await
    }

    async fn link_event(&mut self, wanted: bool) -> String {
        self.find(if wanted { "up" } else { "down" }, |event| match event {
            ExchangeEvent::Link { is_up, reason } => {
                assert_eq!(*is_up, wanted, "{reason}");
                Some(reason.to_string())
            }
            _ => None,
        })
        .await
    }

    /// The next so many trades: place, number, price and amount. That the link went down or up in between fails.
    pub async fn trades(&mut self, count: usize) -> Vec<(usize, u64, String, String)> {
        let mut trades = Vec::new();
        while trades.len() < count {
            trades.push(
                self.find("a trade", |event| match event {
                    ExchangeEvent::Trade { symbol, trade } => Some((
                        *symbol,
                        trade.id.unwrap(),
                        trade.price.to_string(),
                        trade.quantity.to_string(),
                    )),
                    ExchangeEvent::Link { reason, .. } => panic!("the link has changed: {reason}"),
                    _ => None,
                })
                .await,
            );
        }
        trades
    }

    /// The numbers of the next so many trades.
    pub async fn ids(&mut self, count: usize) -> Vec<u64> {
        self.trades(count).await.into_iter().map(|(_, id, ..)| id).collect()
    }

    /// Best offers, as bid and ask, with their time.
    pub async fn quote(&mut self) -> (Decimal, Decimal, i64) {
        self.find("a quote", |event| match event {
            ExchangeEvent::Quote { quote, .. } => Some((quote.bid, quote.ask, quote.time)),
            _ => None,
        })
        .await
    }

    /// Waits until the counts are as they should be, taking in events meanwhile.
    pub async fn until(&mut self, what: &str, is_it: impl Fn(&ExchangeStats) -> bool) -> ExchangeStats {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let stats = self.stats();
            if is_it(&stats) {
                return stats;
            }
            assert!(tokio::time::Instant::now() < deadline, "{what}: {stats:?}");
            // Counts are looked at again when something has come, or after a moment.
            let _nothing = timeout(Duration::from_millis(20), self.link.next(&mut self.events)).await;
        }
    }
}
