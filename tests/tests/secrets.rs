//! Nothing of a token or a secret is in what the gateway says of itself, at whatever level, in what it answers to a
//! mistake, or in what it keeps.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use spark_live_tests::access::{now_seconds, token, token_of, token_signed};
use spark_live_tests::{Answer, Gateway};

/// A secret that is nobody's.
const OTHER_SECRET: &str = "of somebody else: 9876543210zyxwvutsrqponmlkjihg";
/// What `GatewayOptions::closed` gives the gateway begins so.
const OWN_SECRET: &str = "of the tests: 0123456789";

/// Tokens that are sent, and what is answered.
#[derive(Default)]
struct Sent {
    tokens: Vec<String>,
    refusals: Vec<String>,
}

impl Sent {
    /// Notes what came of it; what is not a refusal may carry a new token.
    fn answered(&mut self, answer: Answer) {
        if answer.status >= 400 {
            self.refusals.push(answer.body);
        }
    }

    /// What must not be anywhere: each token and its signature, and these as a dump of bytes would show them.
    fn needles(&self) -> Vec<String> {
        let tokens = self.tokens.iter().map(String::as_str);
        let signatures = tokens.clone().filter_map(|token| token.rsplit('.').next());
        let parts = tokens.chain(signatures).chain([OTHER_SECRET, OWN_SECRET]);
        let parts = parts.filter(|part| part.len() >= 16);
        parts
            .flat_map(|part| [part.to_owned(), part.bytes().map(|byte| format!("{byte:02x}")).collect()])
            .collect()
    }
}

/// Every way in that takes a token, one after the other, with the same one.
async fn knock(gateway: &Gateway, token: &str, sent: &mut Sent) -> Result<()> {
    sent.tokens.push(token.to_owned());
    let publication = json!({"channel": "job:1", "event": "job.state", "data": {}, "owner": "ada"});
    let asks = [
        ("GET", "/api/live/poll?channels=price:AAPL&wait=0", None),
        ("GET", "/api/live/sse?channels=price:NOPE", None),
        ("GET", "/api/market/symbols", None),
        ("POST", "/api/live/session/nobody/auth", None),
        ("POST", "/api/session", None),
        ("POST", "/api/live/publish", Some(publication)),
        ("POST", "/api/live/publish", Some(json!({"token": token}))),
        ("POST", "/api/auth/revoke", Some(json!({"jti": "nobody's"}))),
        ("POST", "/api/auth/revoke", Some(json!({"token": token}))),
    ];
    for (method, path, body) in asks {
        sent.answered(gateway.ask(method, path, Some(token), body).await?);
    }
    for name in ["token", "access_token", "jwt", "authorization", "other"] {
        for path in ["sse", "poll", "ws"] {
            let path = format!("/api/live/{path}?channels=price:AAPL&{name}={token}");
            sent.answered(gateway.ask("GET", &path, None, None).await?);
        }
    }
    let header = format!("Bearer {token}");
    for (name, value) in [("Authorization", header.as_str()), ("Authorization", token), ("Cookie", token)] {
        match gateway.websocket_with("/api/live/ws", name, value).await? {
            Ok(mut socket) => drop(socket.next().await?),
            Err(answer) => sent.answered(answer),
        }
    }
    // Twice: the second one renews, or is refused on a socket that goes on.
    let mut socket = gateway.websocket().await?;
    for command in [json!({"cmd": "auth", "token": token}), json!({"cmd": "auth", "token": token, "x": 1})] {
        // After a bad one the socket is closed.
        let _sent = socket.send(command).await;
    }
    while let Ok(envelope) = socket.next().await {
        if !envelope.ok {
            sent.refusals.push(envelope.text);
            break;
        }
    }
    // Headers are compressed there, by code that has a log of its own.
    let mut http2 = gateway.http2().await?;
    let mut answer = http2.ask("GET", "/api/market/symbols", &[("authorization", &header)]).await?;
    let body = answer.piece().await?;
    sent.answered(Answer { status: answer.status, content_type: String::new(), body });
    Ok(())
}

/// Good tokens of every role, and bad ones of every kind.
fn tokens() -> Result<Vec<String>> {
    let now = now_seconds();
    let claims = json!({"sub": "mallory", "roles": ["admin"], "exp": now + 600, "jti": "m"});
    let mut tokens = vec![
        token_signed(&claims, OTHER_SECRET)?,
        token_of(&json!({"sub": "eve", "roles": ["trader"], "exp": now - 3_600}))?,
        token_of(&json!({"sub": "eve", "roles": ["trader"], "exp": now + 900_000}))?,
        token_of(&json!({"sub": "eve", "roles": "trader", "exp": now + 600}))?,
        token_of(&json!({"sub": 7, "pad": "x".repeat(10_000)}))?,
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.".to_owned(),
        "no-token-but-perhaps-a-password".to_owned(),
    ];
    for role in ["trader", "publisher", "admin"] {
        tokens.push(token(&format!("a {role}"), role, 600)?);
    }
    Ok(tokens)
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files(&path, found)?,
            false => found.push((path.display().to_string(), std::fs::read(&path)?)),
        }
    }
    Ok(())
}

fn holds(text: &[u8], needle: &str) -> bool {
    text.windows(needle.len()).any(|part| part == needle.as_bytes())
}

#[tokio::test]
async fn no_token_and_no_secret_is_in_a_log_an_error_or_a_file() -> Result<()> {
    let options = Gateway::options().closed().env("SPARK_LOG", "trace");
    let gateway = options.env("SPARK_LIMITS_BAD_AUTHS_PER_MINUTE", 1_000).start().await?;
    let mut sent = Sent::default();
    for token in tokens()? {
        knock(&gateway, &token, &mut sent).await?;
    }
    for (guest, renewed) in [(None, false), (sent.tokens.last().cloned(), false), (None, true)] {
        let answer = gateway.ask("POST", "/api/session", guest.as_deref(), None).await?;
        if answer.status == 200 {
            let token: String = answer.envelope()?.field("token")?;
            if renewed {
                let answer = gateway.ask("POST", "/api/session", Some(&token), None).await?;
                sent.tokens.push(answer.envelope()?.field("token")?);
            }
            knock(&gateway, &token, &mut sent).await?;
        } else {
            sent.answered(answer);
        }
    }
    let admin = token("root", "admin", 600)?;
    let taken =
        gateway.ask("POST", "/api/auth/revoke", Some(&admin), Some(json!({"jti": "a trader-1"}))).await?;
    ensure!(taken.status == 200, "{}", taken.body);
    let revoked = sent.tokens.iter().find(|known| known.contains('.')).cloned().context("a token")?;
    knock(&gateway, &revoked, &mut sent).await?;
    knock(&gateway, &token("a trader", "trader", 600)?, &mut sent).await?;

    let log = gateway.stderr();
    let is_traced = |of: &str| log.iter().any(|line| line.contains("TRACE") && line.contains(of));
    ensure!(is_traced("hyper") || is_traced("h2"), "the log is not at trace level: {} lines", log.len());
    ensure!(sent.refusals.len() > 100, "only {} refusals", sent.refusals.len());
    let mut kept = Vec::new();
    files(gateway.folder(), &mut kept)?;
    let mut found = Vec::new();
    for needle in &sent.needles() {
        let shown: String = needle.chars().take(24).collect();
        found.extend(
            log.iter()
                .filter(|line| line.contains(needle.as_str()))
                .map(|line| format!("{shown}: log: {line:.300}")),
        );
        found.extend(
            sent.refusals
                .iter()
                .filter(|body| body.contains(needle.as_str()))
                .map(|body| format!("{shown}: answer: {body:.300}")),
        );
        found.extend(
            kept.iter().filter(|(_, text)| holds(text, needle)).map(|(file, _)| format!("{shown}: {file}")),
        );
    }
    found.dedup();
    println!("{} lines of log, {} refusals, {} files", log.len(), sent.refusals.len(), kept.len());
    ensure!(found.is_empty(), "{} places:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    let _: Value = serde_json::from_str(sent.refusals.first().context("a refusal")?)?;
    Ok(())
}
