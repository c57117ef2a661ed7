use super::*;
use crate::broker::memory::MemoryBroker;
use live_core::channel::Namespaces;
use tokio::time::sleep;

/// Keeps the status as it is told, and can be deaf to the canary.
#[derive(Default)]
struct Told {
    changes: Mutex<Vec<String>>,
}

impl Deliver for Told {
    fn deliver(&self, publication: &Arc<Publication>) {
        let data = String::from_utf8(publication.data().to_vec()).expect("text");
        self.changes.lock().expect("no panic").push(format!("{} {data}", publication.channel()));
    }
    fn reset(&self, _: &ChannelName, _: &Arc<str>, _: &str) {}
    fn has_subscribers(&self, _: &ChannelName) -> bool {
        true
    }
}

/// Hands on to the aviary only while it is open.
struct Window {
    aviary: Aviary,
    is_open: AtomicBool,
}

impl Deliver for Window {
    fn deliver(&self, publication: &Arc<Publication>) {
        if self.is_open.load(Ordering::Relaxed) || publication.channel().as_str() != CANARY {
            self.aviary.deliver(publication);
        }
    }
    fn reset(&self, channel: &ChannelName, epoch: &Arc<str>, reason: &str) {
        self.aviary.reset(channel, epoch, reason);
    }
    fn has_subscribers(&self, channel: &ChannelName) -> bool {
        self.aviary.has_subscribers(channel)
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_is_what_the_canary_proves_and_every_change_is_told() {
    let told = Arc::<Told>::default();
    let status = Arc::<Status>::default();
    let aviary = Aviary::new(Arc::clone(&status), Arc::clone(&told) as _);
    let window = Arc::new(Window { aviary, is_open: AtomicBool::new(true) });
    let broker = Arc::new(MemoryBroker::new(Namespaces::builtin(), 1, Arc::clone(&window) as _));
    assert!(!status.checks().broker.ok, "nothing is proven before the first canary");
    let lifecycle = Lifecycle::default();
    let watch = Watch::new(Arc::clone(&status), broker, "replay");
    let running = tokio::spawn(watch.run(lifecycle.clone()));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(status.checks().broker, BrokerCheck { ok: true, canary_ms: Some(0) });

    window.is_open.store(false, Ordering::Relaxed);
    sleep(CANARY_EVERY + CANARY_LIMIT + Duration::from_millis(1)).await;
    assert_eq!(status.checks().broker, BrokerCheck { ok: false, canary_ms: None });
    window.is_open.store(true, Ordering::Relaxed);
    sleep(CANARY_EVERY * 2).await;
    assert!(status.checks().broker.ok);

    status.source_failed();
    sleep(CANARY_EVERY * 2).await;
    lifecycle.stopping.cancel();
    running.await.expect("it ends");
    assert!(lifecycle.draining.is_cancelled());
    let expected = [
        r#"{"status":"ok","source":"replay","broker":"ok"}"#,
        r#"{"status":"degraded","source":"replay","broker":"unavailable"}"#,
        r#"{"status":"ok","source":"replay","broker":"ok"}"#,
        r#"{"status":"degraded","source":"failed","broker":"ok"}"#,
        r#"{"status":"draining","source":"failed","broker":"ok"}"#,
    ]
    .map(|data| format!("{CHANNEL} {data}"));
    assert_eq!(*told.changes.lock().expect("no panic"), expected);
}
