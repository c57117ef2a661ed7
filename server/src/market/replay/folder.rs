//! The folder that a replay's files are from, while it plays.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use super::super::files::{DataFile, Loaded, is_data_file, load_dir, load_file};
use super::super::problem::{Fault, RowProblem};
use super::super::watch::{Change, ChangeKind, Watch};
use super::Played;

/// A folder that is read and watched.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    watch: Watch,
    /// Symbols by the names of the files that they are read from.
    symbols: BTreeMap<Arc<str>, Arc<str>>,
    /// What is being read; it outlives a wait that is given up.
    reading: Option<JoinHandle<Loaded>>,
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

    /// Waits for a symbol whose files have changed, with all that there is to play of it.
    ///
    /// # Cancel safety
    /// A change is either returned or still to come; dropping the future loses none.
    pub(super) async fn next(&mut self) -> Played {
        loop {
            if let Some(reading) = &mut self.reading {
                let read = reading.await;
                self.reading = None;
                let played = read.ok().and_then(|loaded| self.take(loaded));
                match played {
                    Some(played) => return played,
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
                loaded
            }));
        }
    }

    /// Tells what is wrong, and puts together what is played.
    fn take(&mut self, mut loaded: Loaded) -> Option<Played> {
        let first = loaded.files.first().map(|file| (Arc::clone(&file.file), Arc::clone(&file.symbol)));
        if let Some((name, symbol)) = first {
            let kind = |file: &DataFile| file.content.interval();
            if loaded.files[1..].iter().any(|other| kind(other) == kind(&loaded.files[0])) {
                let fault = Fault::SecondFile(symbol);
                loaded.problems.push(RowProblem { file: name, line: None, field: None, fault });
                loaded.files.clear();
            } else {
                self.symbols.insert(name, symbol);
            }
        }
        for problem in &loaded.problems {
            tracing::warn!("{problem}");
        }
        super::played(loaded.files).pop()
    }
}
