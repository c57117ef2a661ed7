//! Writes what is generated from the Rust types, and fails when what is checked in is another: the
//! TypeScript of the wire, and the table of error codes in `PROTOCOL.md`. The JSON Schemas are in `schemas.rs`.
//!
//! `UPDATE_TYPES=1 cargo test -p live-core generated && npx biome format --write
//! live-wasm/packages/live-core/src/wire` brings the files up to date.

use std::fmt::Write as _;
use std::path::PathBuf;

use ts_rs::{Config, TS};

use crate::channel::Mode;
use crate::copilot::{
    CopilotConfirm, CopilotConfirmed, CopilotDone, CopilotError, CopilotStart, CopilotStopped,
    CopilotToolCall, CopilotToolResult,
};
use crate::error::ErrorCode;
use crate::event::{CandleBar, CopilotDelta, PriceTick};
use crate::job::{self, JobFault, JobProgress, JobStatus};
use crate::system::{
    Ack, Auth, AuthState, BackpressureDrop, CommandAck, Drain, ErrorDetail, Heartbeat, Hello, Rate, Resync,
    Side, SnapshotEnd, name,
};

fn declared<T: TS>(config: &Config) -> String {
    let docs = T::docs().unwrap_or_default();
    format!("{docs}export {}\n\n", T::decl(config))
}

fn events() -> String {
    let config = &Config::default();
    let mut out = String::from("// Generated from the Rust types: see live-core/src/generated.rs.\n\n");
    out.push_str(&declared::<PriceTick>(config));
    out.push_str(&declared::<CandleBar>(config));
    out.push_str(&declared::<CopilotDelta>(config));
    out.push_str(&declared::<JobStatus>(config));
    out.push_str(&declared::<JobFault<'_>>(config));
    out.push_str(&declared::<JobProgress<'_>>(config));
    out.push_str(&declared::<CopilotStart>(config));
    out.push_str(&declared::<CopilotToolCall>(config));
    out.push_str(&declared::<CopilotToolResult>(config));
    out.push_str(&declared::<CopilotConfirm>(config));
    out.push_str(&declared::<CopilotConfirmed>(config));
    out.push_str(&declared::<CopilotDone>(config));
    out.push_str(&declared::<CopilotError>(config));
    out.push_str(&declared::<CopilotStopped>(config));
    out.push_str(&declared::<Mode>(config));
    out.push_str(&declared::<Hello>(config));
    out.push_str(&declared::<Ack>(config));
    out.push_str(&declared::<CommandAck>(config));
    out.push_str(&declared::<Heartbeat>(config));
    out.push_str(&declared::<SnapshotEnd>(config));
    out.push_str(&declared::<Resync>(config));
    out.push_str(&declared::<Rate>(config));
    out.push_str(&declared::<AuthState>(config));
    out.push_str(&declared::<Auth>(config));
    out.push_str(&declared::<Drain>(config));
    out.push_str(&declared::<ErrorDetail>(config));
    out.push_str(&declared::<Side>(config));
    out.push_str(&declared::<BackpressureDrop>(config));
    out.push_str("/** The data of each event that is known by its type. */\nexport interface EventData {\n");
    for (event, data) in [
        (PriceTick::EVENT, "PriceTick"),
        (CandleBar::EVENT, "CandleBar"),
        (CopilotDelta::EVENT, "CopilotDelta"),
        (job::PROGRESS, "JobProgress"),
        (CopilotStart::EVENT, "CopilotStart"),
        (CopilotToolCall::EVENT, "CopilotToolCall"),
        (CopilotToolResult::EVENT, "CopilotToolResult"),
        (CopilotConfirm::EVENT, "CopilotConfirm"),
        (CopilotConfirmed::EVENT, "CopilotConfirmed"),
        (CopilotDone::EVENT, "CopilotDone"),
        (CopilotError::EVENT, "CopilotError"),
        (CopilotStopped::EVENT, "CopilotStopped"),
        (name::HELLO, "Hello"),
        (name::ACK, "Ack | CommandAck"),
        (name::HEARTBEAT, "Heartbeat"),
        (name::SNAPSHOT_END, "SnapshotEnd"),
        (name::RESYNC, "Resync"),
        (name::RATE, "Rate"),
        (name::AUTH, "Auth"),
        (name::DRAIN, "Drain"),
        (name::ERROR, "ErrorDetail"),
        (name::BACKPRESSURE_DROP, "BackpressureDrop"),
    ] {
        // Quoted only where it must be, as the formatter wants it.
        let quote = if event.contains('.') { "\"" } else { "" };
        let _ = writeln!(out, "  {quote}{event}{quote}: {data};");
    }
    out.push_str("}\n");
    out
}

fn errors() -> String {
    let mut out = String::from(
        "// Generated from the Rust enum: see live-core/src/generated.rs.\n\n\
         /** When to try again after an error. */\n\
         export type Retry = \"never\" | \"backoff\" | \"now\" | \"after_auth\" | \"snapshot\";\n\n\
         /** What the catalogue says of a code. */\n\
         export interface ErrorInfo {\n  /** Status of an HTTP answer; null where it never answers a request. */\n  \
         readonly httpStatus: number | null;\n  /** Close code of the WebSocket; null where only a channel or a request ends. */\n  \
         readonly closeCode: number | null;\n  readonly retry: Retry;\n}\n\n\
         /** The catalogue of error codes: what an envelope's `errorCode` can be. */\n\
         export const ERRORS = {\n",
    );
    let or_null = |code: Option<u16>| code.map_or("null".into(), |code| code.to_string());
    for code in ErrorCode::ALL {
        let _ = writeln!(
            out,
            "  /** {} */\n  {code}: {{ httpStatus: {}, closeCode: {}, retry: \"{}\" }},",
            code.meaning(),
            or_null(code.http_status()),
            or_null(code.close_code()),
            code.retry().as_str()
        );
    }
    out.push_str(
        "} as const satisfies Record<string, ErrorInfo>;\n\n\
         /** A code of the catalogue. */\nexport type ErrorCode = keyof typeof ERRORS;\n",
    );
    out
}

fn error_table() -> String {
    let mut out =
        String::from("| errorCode | HTTP | close | retry | when |\n| --- | --- | --- | --- | --- |\n");
    let or_dash = |code: Option<u16>| code.map_or("-".into(), |code| code.to_string());
    for code in ErrorCode::ALL {
        let (http, close) = (or_dash(code.http_status()), or_dash(code.close_code()));
        let (retry, meaning) = (code.retry().as_str(), code.meaning());
        let _ = writeln!(out, "| `{code}` | {http} | {close} | {retry} | {meaning} |");
    }
    out
}

/// The text without what a formatter may change.
fn without_layout(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '*')
        .map(|c| if c == ',' { ';' } else { c })
        .collect();
    kept.replace(";}", "}").replace("=|", "=").replace("};", "}").replace(";;", ";")
}

fn check(file: &str, generated: &str) {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../live-wasm/packages/live-core/src/wire").join(file);
    if std::env::var_os("UPDATE_TYPES").is_some() {
        std::fs::write(&path, generated).expect("the file can be written");
    }
    let checked_in = std::fs::read_to_string(&path).expect("the file is checked in");
    assert_eq!(
        without_layout(&checked_in),
        without_layout(generated),
        "{} is not what the Rust types say; this module's documentation says how to update it",
        path.display()
    );
}

#[test]
fn the_table_of_error_codes_is_up_to_date() {
    const BEGIN: &str = "<!-- generated: see src/generated.rs -->\n";
    const END: &str = "<!-- end -->";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("PROTOCOL.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the table's beginning is marked");
    let (table, after) = rest.split_once(END).expect("the table's end is marked");
    if std::env::var_os("UPDATE_TYPES").is_some() {
        let page = format!("{before}{BEGIN}{}{END}{after}", error_table());
        std::fs::write(&path, page).expect("the page can be written");
    } else {
        assert_eq!(table, error_table(), "this module's documentation says how to update the page");
    }
}

#[test]
fn the_payload_types_are_up_to_date() {
    check("events.ts", &events());
}

#[test]
fn the_error_codes_are_up_to_date() {
    check("errors.ts", &errors());
}
