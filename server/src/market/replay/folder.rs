//! The folder that a replay's files are from, while it plays.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::super::Opening;
use super::super::files::{DataFile, Loaded, is_data_file, load_dir, load_file};
use super::super::problem::{Fault, RowProblem};
use super::super::splits::Splits;
use super::super::watch::{Change, ChangeKind, Watch};
use super::{Played, Track, played};

/// A folder that is read and watched.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    watch: Watch,
    /// Symbols by the names of the files that they are read from.
    symbols: BTreeMap<Arc<str>, Arc<str>>,
    /// What is being read; it outlives a wait that is given up.
    reading: Option<JoinHandle<Read>>,
}

/// A symbol that is about to join: its track, and what there is before it.
#[derive(Debug)]
pub(super) struct Joining {
    pub track: Track,
    pub opening: Box<Opening>,
}

/// What a folder's files have brought.
#[derive(Debug)]
pub(super) enum News {
    /// A symbol.
    Joining(Joining),
    /// Other splits than before.
    Splits(Splits),
}

/// What was read because a file has come or changed.
#[derive(Debug)]
struct Read {
    problems: Vec<RowProblem>,
    /// The file and its symbol, when it can be used.
    file: Option<(Arc<str>, Arc<str>)>,
    joining: Option<Joining>,
    /// What the file of splits holds, when it is that one.
    splits: Option<Splits>,
}

impl Folder {
    /// Reads a folder, and notes what changes there from now on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: PathBuf) -> std::io::Result<(Self, Loaded)> {
        // The watch first: what changes while it is read is read again.
        let watch = Watch::new(dir.clone(), is_data_file);
        let loaded = load_dir(&dir)?;
        let symbols = loaded.files.iter().map(|file| (Arc::clone(&file.file), Arc::clone(&file.symbol)));
        Ok((Self { symbols: symbols.collect(), dir, watch, reading: None }, loaded))
    }

    /// Waits for a symbol whose files have changed, with all that there is to play of it at a speed, or for other splits.
    ///
    /// # Cancel safety
    /// A change is either returned or still to come; dropping the future loses none.
    pub(super) async fn next(&mut self, speed: f64) -> News {
        loop {
            if let Some(reading) = &mut self.reading {
                let read = reading.await;
                self.reading = None;
                match read.ok().and_then(|read| self.take(read)) {
                    Some(news) => return news,
                    None => continue,
                }
            }
            let Change { path, kind } = self.watch.next().await;
            let file = path.display().to_string();
            if kind == ChangeKind::Vanished {
                tracing::info!(file, "data file has gone; what was read of it plays on");
                continue;
            }
            tracing::info!(file, "data file has come or changed");
            let (dir, known) = (self.dir.clone(), self.symbols.clone());
            self.reading = Some(spawn_blocking(move || {
                let mut loaded = load_file(&path);
                let symbol = loaded.files.first().map(|file| Arc::clone(&file.symbol));
                // Beside it, the other files of the same symbol; what is wrong with those was told before.
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let others =
                    known.iter().filter(|(other, of)| ***other != *name && Some(*of) == symbol.as_ref());
                let others = others.flat_map(|(other, _)| load_file(&dir.join(&**other)).files);
                loaded.files.extend(others.collect::<Vec<_>>());
                Read::of(loaded, speed)
            }));
        }
    }

    /// Tells what is wrong, and notes what was read.
    fn take(&mut self, read: Read) -> Option<News> {
        self.symbols.extend(read.file);
        for problem in &read.problems {
            tracing::warn!("{problem}");
        }
        read.splits.map(News::Splits).or(read.joining.map(News::Joining))
    }
}

impl Read {
    /// Puts together what is played of the first file and those beside it.
    fn of(Loaded { files, splits, mut problems }: Loaded, speed: f64) -> Self {
        let Some(first) = files.first() else {
            return Self { problems, file: None, joining: None, splits };
        };
        let (name, symbol) = (Arc::clone(&first.file), Arc::clone(&first.symbol));
        let kind = |file: &DataFile| file.content.interval();
        if files[1..].iter().any(|other| kind(other) == kind(first)) {
            let fault = Fault::SecondFile(symbol);
            problems.push(RowProblem { file: name, line: None, field: None, fault });
            return Self { problems, file: None, joining: None, splits };
        }
        let joining = played(files).pop().and_then(|played| Joining::new(played, speed));
        Self { problems, file: Some((name, symbol)), joining, splits }
    }
}

impl Joining {
    /// Makes all that takes its time, of what has something to play.
    fn new(played: Played, speed: f64) -> Option<Self> {
        if played.tape.len() == 0 {
            return None;
        }
        let track = Track::new(played, speed, Instant::now());
        let opening = Box::new(Opening::of(&track.instrument()));
        Some(Self { track, opening })
    }
}
