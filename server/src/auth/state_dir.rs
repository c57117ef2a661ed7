//! The folder in which the gateway keeps what must outlive it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, ensure};

use super::keys::SECRET_LEN_MIN;
use super::secret::Secret;
use crate::random;

/// Name of the file with the secret that tokens are signed with.
pub const JWT_SECRET: &str = "jwt-secret";

/// Makes the folder if it is not there; nobody else may look into it.
///
/// # Errors
/// When it cannot be made.
pub fn prepare(dir: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).with_context(|| format!("make the state folder {}", dir.display()))
}

/// The secret that is kept in the folder under a name, made now if there is none yet.
///
/// # Errors
/// When it cannot be read or written.
pub fn secret(dir: &Path, name: &str) -> anyhow::Result<Secret> {
    let file = dir.join(name);
    let place = || format!("the secret in {}", file.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&file) {
        Ok(mut made) => {
            let secret = new_secret();
            made.write_all(secret.expose()).and_then(|()| made.sync_all()).with_context(place)?;
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let secret = Secret::new(fs::read(&file).with_context(place)?);
            ensure!(
                secret.expose().len() >= SECRET_LEN_MIN,
                "{} is not whole; remove it for a new one",
                place()
            );
            Ok(secret)
        }
        Err(error) => Err(error).with_context(place),
    }
}

/// A secret that nobody else has.
pub fn new_secret() -> Secret {
    Secret::new(random::bytes(SECRET_LEN_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_nobody_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let dir = parent.path().join("a/b");
        prepare(&dir).expect("made");
        prepare(&dir).expect("is there already");
        let made = secret(&dir, JWT_SECRET).expect("made");
        assert_eq!(secret(&dir, JWT_SECRET).expect("read").expose(), made.expose());
        assert_eq!(made.expose().len(), SECRET_LEN_MIN);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
            assert_eq!((mode(&dir), mode(&dir.join(JWT_SECRET))), (0o700, 0o600));
        }
        fs::write(dir.join(JWT_SECRET), "short").expect("written");
        assert!(secret(&dir, JWT_SECRET).is_err());
        fs::write(parent.path().join("file"), "").expect("written");
        assert!(prepare(&parent.path().join("file/x")).is_err());
    }
}
