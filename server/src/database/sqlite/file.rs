//! The file: opened, kept from others, brought up to date.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::super::StoreError;
use super::failed;

/// What brings a file from the version of its place in this list to the next one. Only ever added to.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_tokens_jobs_evidence.sql"),
    include_str!("../../../migrations/sqlite/0002_queue_results.sql"),
    include_str!("../../../migrations/sqlite/0003_ends_crashes.sql"),
];
/// How long others who open the file at the same moment are waited for.
const OPEN_WITHIN: Duration = Duration::from_millis(1_000);

/// Closing a file that this process has open elsewhere too would give up the locks that it has there.
static OPENING: Mutex<()> = Mutex::new(());

/// Which file it is; another one of the same name is not the same.
pub(super) type Identity = Option<(u64, u64)>;

/// Opens it, made if it is not there; nobody else may read it.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let named = |error: &dyn std::fmt::Display| failed(&format!("{}: {error}", path.display()));
    protect(path).map_err(|error| named(&error))?;
    let until = Instant::now() + OPEN_WITHIN;
    loop {
        match connect(path) {
            Ok(Ready::Yes(connection)) => return Ok(connection),
            Ok(Ready::Newer(version)) => {
                let known = MIGRATIONS.len();
                return Err(named(&format!(
                    "it was written by a newer version of this program (its tables are of version {version}, known are \
                     those up to {known})"
                )));
            }
            // Not all that opening does waits for a lock.
            Err(error) if is_busy(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(named(&error)),
        }
    }
}

/// Opens one in memory.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let opened = Connection::open_in_memory().and_then(|mut connection| {
        migrate(&mut connection)?;
        Ok(connection)
    });
    opened.map_err(|error| failed(&error))
}

/// Which file has that name now.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|it| (it.dev(), it.ino()))
}

/// Which file has that name now; here an open file cannot be replaced.
#[cfg(not(unix))]
pub(super) fn identity(_: &Path) -> Identity {
    None
}

/// Whether somebody else holds the lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

enum Ready {
    Yes(Connection),
    Newer(u32),
}

fn connect(path: &Path) -> rusqlite::Result<Ready> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(OPEN_WITHIN / 4)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;",
    )?;
    Ok(match migrate(&mut connection)? {
        Some(version) => Ready::Newer(version),
        None => Ready::Yes(connection),
    })
}

/// Brings the tables up to date. The version of those that are of a newer program.
fn migrate(connection: &mut Connection) -> rusqlite::Result<Option<u32>> {
    let migration = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = migration.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = MIGRATIONS.get(version as usize..) else { return Ok(Some(version)) };
    for sql in missing {
        migration.execute_batch(sql)?;
    }
    migration.pragma_update(None, "user_version", MIGRATIONS.len() as u32)?;
    migration.commit().map(|()| None)
}

/// Makes the file, or takes it from all others. Its companions get the same rights.
fn protect(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            #[cfg(unix)]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(())
        }
        made => made.map(drop),
    }
}
