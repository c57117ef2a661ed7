//! Real folders; the clock is one that jumps to the next look as soon as nobody is busy.

use std::fs::{File, OpenOptions, create_dir, read_dir, remove_dir_all, remove_file, rename, write};
use std::io::Write as _;

use tempfile::TempDir;
use tokio::time::{advance, timeout};

use super::ChangeKind::{Appeared, Replaced, Vanished};
use super::*;

/// Far more looks than anything here takes; of the clock that jumps.
const PATIENCE: Duration = Duration::from_secs(60);

fn is_csv(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ext| ext == "csv" || name.contains(".csv."))
}

/// A folder with these files, and its watch.
fn folder(files: &[&str]) -> (TempDir, Watch) {
    let dir = tempfile::tempdir().expect("a folder");
    for name in files {
        write(dir.path().join(name), "1").expect("written");
    }
    let watch = Watch::new(dir.path().to_owned(), is_csv);
    (dir, watch)
}

/// The next change within a time of the clock that jumps. No look is under way afterwards, so that none sees half of
/// what a test does next.
async fn within(time: Duration, watch: &mut Watch) -> Option<Change> {
    let change = timeout(time, watch.next()).await.ok();
    while watch.look.as_ref().is_some_and(|look| !look.is_finished()) {
        tokio::task::yield_now().await;
    }
    change
}

/// The next changes by name, until there are none for a long time.
async fn changes(watch: &mut Watch) -> Vec<(String, ChangeKind)> {
    let mut changes = Vec::new();
    while let Some(Change { path, kind }) = within(PATIENCE, watch).await {
        let dir = watch.folder.lock().expect("nobody has panicked").dir.clone();
        let name = path.strip_prefix(dir).expect("below the folder").to_str().expect("a text").to_owned();
        changes.push((name, kind));
    }
    changes
}

async fn expect(watch: &mut Watch, expected: &[(&str, ChangeKind)]) {
    let found = changes(watch).await;
    assert_eq!(found.iter().map(|(name, kind)| (name.as_str(), *kind)).collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_at_first_is_known_and_what_comes_is_told_once() {
    let (dir, mut watch) = folder(&["A.csv"]);
    expect(&mut watch, &[]).await;
    write(dir.path().join("B.csv"), "1").expect("written");
    expect(&mut watch, &[("B.csv", Appeared)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_grows_waits_until_it_stands_still() {
    let (dir, mut watch) = folder(&[]);
    let mut file = File::create(dir.path().join("A.csv")).expect("created");
    for _ in 0..20 {
        file.write_all(b"a row\n").expect("written");
        // Not enough for two looks.
        let told = within(BUSY * 9 / 10, &mut watch).await;
        assert_eq!(told, None);
    }
    expect(&mut watch, &[("A.csv", Appeared)]).await;
    file.write_all(b"a row that was late\n").expect("written");
    expect(&mut watch, &[("A.csv", Replaced)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_another_one_takes_the_place_of_is_replaced() {
    let (dir, mut watch) = folder(&["A.csv"]);
    let modified = dir.path().join("A.csv").metadata().expect("there").modified().expect("a time");
    write(dir.path().join(".A.csv"), "2").expect("written");
    let newer = File::options().write(true).open(dir.path().join(".A.csv")).expect("opened");
    newer.set_modified(modified).expect("the same length and time as the first");
    rename(dir.path().join(".A.csv"), dir.path().join("A.csv")).expect("renamed");
    expect(&mut watch, &[("A.csv", Replaced)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_written_anew_with_the_same_length_is_replaced() {
    let (dir, mut watch) = folder(&["A.csv"]);
    let mut file = OpenOptions::new().write(true).open(dir.path().join("A.csv")).expect("opened");
    file.write_all(b"2").expect("written");
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).expect("another time");
    expect(&mut watch, &[("A.csv", Replaced)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_goes_is_told_and_before_what_comes_in_its_place() {
    let (dir, mut watch) = folder(&["A.csv.gz", "B.csv"]);
    rename(dir.path().join("A.csv.gz"), dir.path().join("A.csv")).expect("renamed");
    expect(&mut watch, &[("A.csv.gz", Vanished), ("A.csv", Appeared)]).await;
    remove_file(dir.path().join("A.csv")).expect("removed");
    expect(&mut watch, &[("A.csv", Vanished)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_away_for_one_look_is_replaced() {
    let (dir, mut watch) = folder(&["A.csv"]);
    remove_file(dir.path().join("A.csv")).expect("removed");
    assert_eq!(within(CALM + BUSY / 2, &mut watch).await, None);
    write(dir.path().join("A.csv"), "12").expect("written");
    expect(&mut watch, &[("A.csv", Replaced)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_never_complete_is_never_told() {
    let (dir, mut watch) = folder(&[]);
    write(dir.path().join("A.csv"), "1").expect("written");
    assert_eq!(within(CALM + BUSY / 2, &mut watch).await, None);
    remove_file(dir.path().join("A.csv")).expect("removed");
    expect(&mut watch, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn names_of_unfinished_files_and_what_is_no_file_are_passed_over() {
    let (dir, mut watch) = folder(&[]);
    for name in
        [".A.csv", "~A.csv", "A.csv.tmp", "A.csv.PART", "A.csv.crdownload", "A.csv~", "~$A.csv", "notes.txt"]
    {
        write(dir.path().join(name), "1").expect("written");
    }
    create_dir(dir.path().join("D.csv")).expect("made");
    expect(&mut watch, &[]).await;
    rename(dir.path().join("A.csv.tmp"), dir.path().join("A.csv")).expect("renamed");
    expect(&mut watch, &[("A.csv", Appeared)]).await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn links_are_followed_and_one_that_leads_nowhere_waits() {
    use std::os::unix::fs::symlink;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let target = elsewhere.path().join("content");
    let (dir, mut watch) = folder(&[]);
    symlink(&target, dir.path().join("A.csv")).expect("linked");
    symlink("L.csv", dir.path().join("L.csv")).expect("a link to itself");
    expect(&mut watch, &[]).await;
    write(&target, "1").expect("written");
    expect(&mut watch, &[("A.csv", Appeared)]).await;
    write(&target, "12").expect("written");
    expect(&mut watch, &[("A.csv", Replaced)]).await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_name_that_is_no_text_is_passed_over() {
    use std::os::unix::ffi::OsStringExt;
    let (dir, mut watch) = folder(&[]);
    write(dir.path().join(std::ffi::OsString::from_vec(b"\xff.csv".to_vec())), "1").expect("written");
    expect(&mut watch, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_goes_takes_nothing_along_and_is_found_again() {
    let (dir, mut watch) = folder(&["A.csv", "B.csv", "C.csv"]);
    let away = dir.path().with_extension("away");
    rename(dir.path(), &away).expect("renamed");
    expect(&mut watch, &[]).await;
    assert!(watch.folder.lock().expect("nobody has panicked").is_lost);
    write(away.join("A.csv"), "12").expect("written");
    remove_file(away.join("B.csv")).expect("removed");
    write(away.join("D.csv"), "1").expect("written");
    rename(&away, dir.path()).expect("renamed");
    // All are seen at the same looks, and told in one go.
    expect(&mut watch, &[("B.csv", Vanished), ("A.csv", Replaced), ("D.csv", Appeared)]).await;
    assert!(!watch.folder.lock().expect("nobody has panicked").is_lost);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_not_there_yet_is_waited_for() {
    let parent = tempfile::tempdir().expect("a folder");
    let dir = parent.path().join("data");
    write(&dir, "a file where the folder should be").expect("written");
    let mut watch = Watch::new(dir.clone(), is_csv);
    expect(&mut watch, &[]).await;
    remove_file(&dir).expect("removed");
    create_dir(&dir).expect("made");
    write(dir.join("A.csv"), "1").expect("written");
    expect(&mut watch, &[("A.csv", Appeared)]).await;
    remove_dir_all(&dir).expect("removed");
    expect(&mut watch, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_files_come_change_and_go() {
    let (dir, mut watch) = folder(&[]);
    let names: Vec<String> = (0..1_000).map(|number| format!("S{number:04}.csv")).collect();
    let all = |kind| names.iter().map(|name| (name.clone(), kind)).collect::<Vec<_>>();
    for (content, kind) in [("1", Appeared), ("12", Replaced)] {
        for name in &names {
            write(dir.path().join(name), content).expect("written");
        }
        assert!(changes(&mut watch).await == all(kind), "{kind:?}");
    }
    for name in &names {
        remove_file(dir.path().join(name)).expect("removed");
    }
    assert!(changes(&mut watch).await == all(Vanished));
    assert!(watch.folder.lock().expect("nobody has panicked").files.is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_files_than_are_watched_wait_until_there_is_room() {
    let (dir, _) = folder(&[]);
    for number in 0..FILES_MAX + 3 {
        File::create(dir.path().join(format!("{number}.csv"))).expect("created");
    }
    let mut watch = Watch::new(dir.path().to_owned(), is_csv);
    expect(&mut watch, &[]).await;
    let is_watched = |watch: &Watch, name: &str| {
        let folder = watch.folder.lock().expect("nobody has panicked");
        assert_eq!((folder.files.len(), folder.is_over), (FILES_MAX, true));
        folder.files.contains_key(name)
    };
    let names = read_dir(dir.path()).expect("listed").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("a text")).collect();
    names.sort_by_key(|name| is_watched(&watch, name));
    let (left_out, watched) = names.split_at(3);
    remove_file(dir.path().join(&watched[0])).expect("removed");
    let found = changes(&mut watch).await;
    assert_eq!(found[0], (watched[0].clone(), Vanished));
    assert!(found.len() == 2 && left_out.contains(&found[1].0) && found[1].1 == Appeared, "{found:?}");
    for name in &watched[1..=2] {
        remove_file(dir.path().join(name)).expect("removed");
    }
    assert_eq!(changes(&mut watch).await.len(), 4);
    let folder = watch.folder.lock().expect("nobody has panicked");
    assert_eq!((folder.files.len(), folder.is_over), (FILES_MAX, false));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_at_any_time_loses_nothing() {
    let (dir, mut watch) = folder(&[]);
    for name in ["A.csv", "B.csv", "C.csv"] {
        write(dir.path().join(name), "1").expect("written");
    }
    let mut found = Vec::new();
    let begun = std::time::Instant::now();
    while found.len() < 3 && begun.elapsed() < PATIENCE {
        // Polled once and dropped: while it sleeps, while a look is taken, and when there is something.
        if let Ok(change) = timeout(Duration::ZERO, watch.next()).await {
            found.push(change.path.file_name().expect("a name").to_owned());
        }
        advance(Duration::from_millis(50)).await;
    }
    assert_eq!(found, ["A.csv", "B.csv", "C.csv"]);
    expect(&mut watch, &[]).await;
}

/// With the clock of every day, on which nothing jumps.
#[tokio::test]
async fn a_file_joins_in_real_time() {
    let (dir, mut watch) = folder(&["A.csv"]);
    write(dir.path().join("B.csv"), "1").expect("written");
    let change = timeout(PATIENCE, watch.next()).await.expect("within a minute");
    assert_eq!(change, Change { path: dir.path().join("B.csv"), kind: Appeared });
}
