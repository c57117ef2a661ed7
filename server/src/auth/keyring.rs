//! The keys that there are now: the secret of the settings, and a key set that is read again when it has changed.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::redirect;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::keys::{Key, read_key_set};
use super::secret::Secret;

/// Least time between two attempts to read the key set.
const RELOAD_EVERY: Duration = Duration::from_secs(60);
/// Age from which a key set is read again, so that a key that was taken out of it is forgotten.
const STALE_AFTER: Duration = Duration::from_secs(600);
/// Longest time for a key set to arrive.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest key set, in bytes.
const KEY_SET_LEN_MAX: usize = 256 * 1024;

/// Where a key set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetPlace {
    /// A file.
    File(PathBuf),
    /// An `http` or `https` address.
    Url(reqwest::Url),
}

/// Finds the key that a token names.
pub struct Keyring {
    secret: Option<Key>,
    place: Option<KeySetPlace>,
    set: RwLock<Arc<Vec<Key>>>,
    reload: Mutex<Reload>,
}

#[derive(Debug, Default)]
struct Reload {
    tried: Option<Instant>,
    read: Option<Instant>,
}

impl Keyring {
    /// Keys of the settings. A file is read at once, an address when the first token asks for a key of it.
    ///
    /// # Errors
    /// When the file is no key set.
    pub fn open(secret: Option<&Secret>, place: Option<KeySetPlace>) -> anyhow::Result<Self> {
        let mut set = Vec::new();
        let mut reload = Reload::default();
        if let Some(KeySetPlace::File(path)) = &place {
            set = read_file(path)?;
            reload = Reload { tried: None, read: Some(Instant::now()) };
        }
        Ok(Self {
            secret: secret.map(Key::from_secret),
            place,
            set: RwLock::new(Arc::new(set)),
            reload: Mutex::new(reload),
        })
    }

    /// The key of a name. Without one it is the secret of the settings, or else the only key of the set. A name
    /// that is not known has the set read again, at most once a minute.
    pub async fn find(&self, id: Option<&str>) -> Option<Key> {
        if let (None, Some(secret)) = (id, &self.secret) {
            return Some(secret.clone());
        }
        let found = self.held(id);
        self.place.as_ref()?;
        if found.is_some() && !self.is_stale() {
            return found;
        }
        self.reload(id).await;
        self.held(id)
    }

    fn held(&self, id: Option<&str>) -> Option<Key> {
        let set = Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner));
        match id {
            Some(id) => set.iter().find(|key| key.id() == Some(id)).cloned(),
            None => set.first().filter(|_| set.len() == 1).cloned(),
        }
    }

    /// Whether the set is old; not while somebody reads it already.
    fn is_stale(&self) -> bool {
        self.reload.try_lock().is_ok_and(|reload| {
            reload.read.is_none_or(|at| at.elapsed() >= STALE_AFTER) && is_due(reload.tried)
        })
    }

    async fn reload(&self, id: Option<&str>) {
        let Some(place) = &self.place else { return };
        let mut reload = self.reload.lock().await;
        let is_fresh = reload.read.is_some_and(|at| at.elapsed() < STALE_AFTER);
        if !is_due(reload.tried) || (is_fresh && self.held(id).is_some()) {
            return;
        }
        reload.tried = Some(Instant::now());
        match read(place).await {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "key set read");
                reload.read = Some(Instant::now());
                *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
            }
            // What was read before goes on to hold.
            Err(error) => tracing::error!("key set not read: {error:#}"),
        }
    }
}

fn is_due(tried: Option<Instant>) -> bool {
    tried.is_none_or(|at| at.elapsed() >= RELOAD_EVERY)
}

async fn read(place: &KeySetPlace) -> anyhow::Result<Vec<Key>> {
    match place {
        KeySetPlace::File(path) => {
            let path = path.clone();
            tokio::task::spawn_blocking(move || read_file(&path)).await.context("read the key set")?
        }
        KeySetPlace::Url(url) => fetch(url).await.with_context(|| format!("the key set at {url}")),
    }
}

fn read_file(path: &std::path::Path) -> anyhow::Result<Vec<Key>> {
    let place = || format!("the key set in {}", path.display());
    let text = std::fs::read(path).with_context(place)?;
    read_key_set(&text).with_context(place)
}

async fn fetch(url: &reqwest::Url) -> anyhow::Result<Vec<Key>> {
    let client = reqwest::Client::builder()
        .timeout(FETCH_TIMEOUT)
        .redirect(redirect::Policy::none())
        .build()
        .context("set up the client")?;
    let mut response = client.get(url.clone()).send().await?.error_for_status()?;
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if text.len() + chunk.len() > KEY_SET_LEN_MAX {
            bail!("is longer than {KEY_SET_LEN_MAX} bytes");
        }
        text.extend_from_slice(&chunk);
    }
    Ok(read_key_set(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::advance;

    fn set(ids: &[&str]) -> String {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = |id: &&str| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"{x}"}}"#);
        format!("{{\"keys\":[{}]}}", ids.iter().map(key).collect::<Vec<_>>().join(","))
    }

    async fn finds(keyring: &Keyring, id: &str) -> bool {
        keyring.find(Some(id)).await.is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_name_has_the_set_read_again_once_a_minute() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("keys.json");
        std::fs::write(&file, set(&["a"])).expect("written");
        let keyring = Keyring::open(None, Some(KeySetPlace::File(file.clone()))).expect("a key set");
        assert!(finds(&keyring, "a").await);
        std::fs::write(&file, set(&["b"])).expect("written");
        assert!(finds(&keyring, "b").await && !finds(&keyring, "a").await);
        std::fs::write(&file, set(&["b", "c"])).expect("written");
        assert!(!finds(&keyring, "c").await, "not again within the minute");
        advance(RELOAD_EVERY).await;
        assert!(finds(&keyring, "c").await);
        std::fs::write(&file, "{}").expect("written");
        advance(RELOAD_EVERY).await;
        assert!(!finds(&keyring, "d").await && finds(&keyring, "b").await, "a broken set replaces nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_taken_out_is_forgotten_in_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("keys.json");
        std::fs::write(&file, set(&["a", "b"])).expect("written");
        let keyring = Keyring::open(None, Some(KeySetPlace::File(file.clone()))).expect("a key set");
        std::fs::write(&file, set(&["b"])).expect("written");
        assert!(finds(&keyring, "a").await);
        advance(STALE_AFTER).await;
        assert!(!finds(&keyring, "a").await && finds(&keyring, "b").await);
    }

    #[tokio::test]
    async fn a_token_without_a_name_is_for_the_secret_or_the_only_key() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("keys.json");
        let secret = Secret::new(vec![7; 32]);
        let name = async |ids: &[&str], secret: Option<&Secret>| {
            std::fs::write(&file, set(ids)).expect("written");
            let keyring = Keyring::open(secret, Some(KeySetPlace::File(file.clone()))).expect("a key set");
            keyring.find(None).await.map(|key| key.algorithm_name())
        };
        assert_eq!(name(&["a"], None).await, Some("EdDSA"));
        assert_eq!(name(&["a", "b"], None).await, None);
        assert_eq!(name(&["a", "b"], Some(&secret)).await, Some("HS256"));
        let keyring = Keyring::open(Some(&secret), None).expect("no file to read");
        assert!(!finds(&keyring, "a").await);
        assert!(Keyring::open(None, Some(KeySetPlace::File(dir.path().join("none")))).is_err());
    }

    #[tokio::test]
    async fn a_set_is_had_from_an_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut asked = [0; 1024];
            let len = stream.read(&mut asked).await.expect("a request");
            let body = set(&["a"]);
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.expect("an answer");
            String::from_utf8_lossy(&asked[..len]).into_owned()
        });
        let keyring =
            Keyring::open(None, Some(KeySetPlace::Url(url.parse().expect("an address")))).expect("keys");
        assert!(finds(&keyring, "a").await);
        assert!(server.await.expect("served").starts_with("GET /keys HTTP/1.1"));
        assert!(!finds(&keyring, "b").await, "and is not asked for again at once");
    }
}
