//! Where prices come from.

use std::path::PathBuf;

use super::reader::Reader;

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// History played as live prices and bars.
    Replay,
}

impl SourceKind {
    /// Every kind, by the name that the setting has for it.
    pub const ALL: [(&'static str, Self); 1] = [("replay", Self::Replay)];
}

/// The section `market`.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// Which source runs.
    pub source: SourceKind,
    /// A folder of files of one's own; `None` is the shipped data.
    pub data_dir: Option<PathBuf>,
    /// Bars a second of the replay.
    pub replay_speed: f64,
}

impl MarketConfig {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let source = reader.choice("market.source", &SourceKind::ALL);
        let data_dir =
            reader.text("market.data_dir").map(|text| (!text.is_empty()).then(|| PathBuf::from(text)));
        let replay_speed = reader.number("market.replay_speed", 0.01..=1_000.0);
        if let Some(Some(dir)) = &data_dir
            && !dir.is_dir()
        {
            reader.complain("market.data_dir", &format!("{} is not a folder", dir.display()));
        }
        Some(Self { source: source?, data_dir: data_dir?, replay_speed: replay_speed? })
    }
}
