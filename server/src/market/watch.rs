//! The folder of data files while the gateway runs: which files have come, been replaced, or gone.
//!
//! The folder is listed every few seconds, everywhere. What the system tells of changes by itself would save two
//! seconds at most: it is silent on network file systems and when its limits are reached, so that looking is
//! needed all the same, and whether a file is complete can only be seen by looking twice.

use std::collections::{BTreeMap, VecDeque};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

/// Most files that are watched; a folder with more is told in the log, and those that came last are passed over.
pub const FILES_MAX: usize = 10_000;
/// Pause between two looks at a folder in which nothing happens.
const CALM: Duration = Duration::from_secs(2);
/// Pause while a file is on its way in or out: this long it must have stood still.
const BUSY: Duration = Duration::from_secs(1);
/// How names end that writers give to what they have not finished.
const UNFINISHED: [&str; 4] = [".tmp", ".part", ".crdownload", "~"];

/// What has happened to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file, in the folder as it was given.
    pub path: PathBuf,
    /// What has happened.
    pub kind: ChangeKind,
}

/// The ways in which a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there before, and is complete.
    Appeared,
    /// It has another length, time of change or place on the disk than before, and is complete.
    Replaced,
    /// It is no longer there.
    Vanished,
}

/// Watches one folder; see [`Watch::new`].
#[derive(Debug)]
pub struct Watch {
    folder: Arc<Mutex<Folder>>,
    /// Told next, in this order.
    changes: VecDeque<Change>,
    /// The look that is being taken; it outlives a `next` that is given up.
    look: Option<JoinHandle<Look>>,
    due: Instant,
}

impl Watch {
    /// Takes note of the files that are there now; from then on every difference is told. Whoever reads the files
    /// therefore makes the watch first and reads then: what changes in between is told as replaced.
    ///
    /// Watched are regular files, also through links, whose name `is_wanted` takes. Names of files that are not
    /// finished are passed over: those that begin with a dot or a tilde, or end in `.tmp`, `.part`, `.crdownload`
    /// or `~`. A folder that cannot be listed is told in the log, once, and looked for again; its files count as
    /// they were for as long. Below the folder nothing is looked at.
    pub fn new(dir: PathBuf, is_wanted: fn(&str) -> bool) -> Self {
        let mut folder = Folder { dir, is_wanted, files: BTreeMap::new(), is_lost: false, is_over: false };
        folder.list();
        for file in folder.files.values_mut() {
            file.told = Some(file.seen);
        }
        let due = Instant::now() + CALM;
        Self { folder: Arc::new(Mutex::new(folder)), changes: VecDeque::new(), look: None, due }
    }

    /// Waits for the next change. A file counts as complete when its length and time have been the same at two
    /// looks, a second apart; a writer that pauses for longer has its file told once more, as replaced. A file is
    /// gone when it was not there at two looks. Of a look, what vanished is told first, each by name.
    ///
    /// # Cancel safety
    /// A change is either returned or still to come; dropping the future loses none.
    pub async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return change;
            }
            sleep_until(self.due).await;
            let folder = &self.folder;
            let look = self.look.get_or_insert_with(|| {
                let folder = Arc::clone(folder);
                spawn_blocking(move || folder.lock().unwrap_or_else(PoisonError::into_inner).look())
            });
            let looked = look.await;
            self.look = None;
            let Look { changes, is_calm } = looked.unwrap_or_else(|error| {
                tracing::error!(%error, "a look at the folder of data files has failed");
                Look::default()
            });
            self.changes = changes;
            self.due = Instant::now() + if is_calm { CALM } else { BUSY };
        }
    }
}

/// What one look has shown.
#[derive(Debug, Default)]
struct Look {
    changes: VecDeque<Change>,
    /// Whether nothing is on its way in or out.
    is_calm: bool,
}

#[derive(Debug)]
struct Folder {
    dir: PathBuf,
    is_wanted: fn(&str) -> bool,
    /// By name, at most [`FILES_MAX`].
    files: BTreeMap<String, FileState>,
    /// Whether the last look could not list the folder.
    is_lost: bool,
    /// Whether the last look found more files than are watched.
    is_over: bool,
}

/// What is known of one file.
#[derive(Debug)]
struct FileState {
    /// As it was when it was told last; `None` before it was.
    told: Option<Stamp>,
    /// As it was at the last look that found it.
    seen: Stamp,
    /// Looks in a row that did not find it.
    missed: u8,
    /// Looks in a row that found it as it is now.
    still: u8,
}

impl FileState {
    fn new(seen: Stamp) -> Self {
        Self { told: None, seen, missed: 0, still: 1 }
    }

    fn found(&mut self, stamp: Stamp) {
        self.missed = 0;
        self.still = if self.seen == stamp { self.still.saturating_add(1) } else { 1 };
        self.seen = stamp;
    }

    fn is_new(&self) -> bool {
        self.missed == 0 && self.told != Some(self.seen)
    }
}

/// By what a file is told from another one. Where a file stands on the disk is part of it, since a replacement may
/// have the same length and bring its time along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    place: Option<(u64, u64)>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { len: metadata.len(), modified: metadata.modified().ok(), place: place(metadata) }
    }
}

#[cfg(unix)]
fn place(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn place(_: &Metadata) -> Option<(u64, u64)> {
    None
}

impl Folder {
    fn look(&mut self) -> Look {
        if !self.list() {
            return Look { changes: VecDeque::new(), is_calm: true };
        }
        let mut changes = VecDeque::new();
        let dir = &self.dir;
        let mut tell = |name: &String, kind| changes.push_back(Change { path: dir.join(name), kind });
        self.files.retain(|name, file| {
            let is_gone = file.missed >= 2 || (file.missed == 1 && file.told.is_none());
            if is_gone && file.told.is_some() {
                tell(name, ChangeKind::Vanished);
            }
            !is_gone
        });
        for (name, file) in &mut self.files {
            if file.is_new() && file.still >= 2 {
                let kind = file.told.map_or(ChangeKind::Appeared, |_| ChangeKind::Replaced);
                file.told = Some(file.seen);
                tell(name, kind);
            }
        }
        Look { changes, is_calm: !self.files.values().any(|file| file.missed > 0 || file.is_new()) }
    }

    /// Brings every file's state up to date, and tells in the log what is wrong with the folder when that is new.
    /// Returns whether it could be listed.
    fn list(&mut self) -> bool {
        for file in self.files.values_mut() {
            file.missed = file.missed.saturating_add(1);
        }
        let listed = self.find();
        let dir = self.dir.display();
        match &listed {
            Ok(_) if self.is_lost => tracing::info!(%dir, "the folder of data files is there again"),
            Err(error) if !self.is_lost => {
                tracing::warn!(%dir, %error, "the folder of data files cannot be listed; it is looked for again");
            }
            Ok(_) | Err(_) => {}
        }
        self.is_lost = listed.is_err();
        let Ok(over) = listed else {
            for file in self.files.values_mut() {
                file.missed = 0;
            }
            return false;
        };
        if over > 0 && !self.is_over {
            tracing::warn!(%dir, over, "more than {FILES_MAX} data files; the rest are passed over");
        }
        self.is_over = over > 0;
        true
    }

    /// Finds the files that are there now, and returns how many are too many.
    fn find(&mut self) -> io::Result<u64> {
        let mut over = 0;
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if is_unfinished(&name) || !(self.is_wanted)(&name) {
                continue;
            }
            let stamp = stamp(&entry.path());
            let is_full = self.files.len() >= FILES_MAX;
            match (self.files.get_mut(&name), stamp) {
                (_, Ok(None)) | (None, Err(_)) => {}
                (Some(file), Ok(Some(stamp))) => file.found(stamp),
                // It is there, though nobody knows how.
                (Some(file), Err(_)) => file.missed = 0,
                (None, Ok(Some(_))) if is_full => over += 1,
                (None, Ok(Some(stamp))) => _ = self.files.insert(name, FileState::new(stamp)),
            }
        }
        Ok(over)
    }
}

/// What a file looks like; `None` when there is none, or what is there is none.
fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then(|| Stamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_unfinished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with(['.', '~']) || UNFINISHED.iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests;
