//! A bundle: a session's entries and their seal in one file of JSON, written as it is read from the store.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::json;

use super::chain::{Link, VERSION};
use super::seal::Sealer;
use super::store::{EvidenceStore, Session};
use crate::database::StoreError;
use crate::wire::now_ms;

/// Entries that are read at once.
const PAGE: u32 = 500;

enum Next {
    Head,
    Entries { after: u64 },
    End,
}

/// The file, piece by piece: the session's entries as they were when it was asked for.
pub fn bundle(
    store: Arc<dyn EvidenceStore>,
    sealer: Arc<Sealer>,
    session: Session,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    let whole = (store, sealer, session);
    try_unfold((whole, Next::Head), |((store, sealer, session), next)| async move {
        let (text, next) = match next {
            Next::Head => (head(&session), Next::Entries { after: 0 }),
            Next::Entries { after } if after < session.entries => {
                let left = u32::try_from(session.entries - after).unwrap_or(PAGE).min(PAGE);
                let links = store.read(&session.id, after, left).await?;
                let Some(last) = links.last() else { return Err(gone()) };
                let next = Next::Entries { after: last.n };
                (links.iter().map(entry).collect::<String>(), next)
            }
            Next::Entries { .. } => (seal(&sealer, &session), Next::End),
            Next::End => return Ok(None),
        };
        Ok(Some((Bytes::from(text), ((store, sealer, session), next))))
    })
}

fn head(Session { id, subject, .. }: &Session) -> String {
    let (id, subject) = (json!(id), json!(subject));
    format!("{{\"v\":{VERSION},\n\"sessionId\":{id},\n\"subject\":{subject},\n\"entries\":[")
}

/// One a line, behind a comma unless it is the first.
fn entry(Link { n, entry, hash }: &Link) -> String {
    let comma = if *n == 1 { "" } else { "," };
    let open = entry.strip_suffix('}').unwrap_or(entry);
    format!("{comma}\n{open},\"hash\":\"{hash}\"}}")
}

fn seal(sealer: &Sealer, session: &Session) -> String {
    format!("\n],\n\"seal\":{}}}\n", json!(sealer.seal(session, now_ms())))
}

fn gone() -> StoreError {
    StoreError { store: "evidence", reason: "entries have gone".to_owned() }
}
