use std::io::Write;

use flate2::read::GzDecoder;

use super::super::document::Document;
use super::*;

fn folder() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(&ResultsPlace::Folder(dir.path().to_owned()), Some(dir.path())).expect("opened");
    (dir, blobs)
}

const ONE: Name<'static> = Name { job_id: "job_1", attempt: 1 };
const TWO: Name<'static> = Name { job_id: "job_1", attempt: 2 };

fn written(blobs: &Blobs, rows: &str) -> Written {
    let mut document = Document::create(blobs.spool()).expect("made");
    document.equity(rows).expect("taken");
    document.finish("{}").expect("whole")
}

async fn content(blobs: &Blobs, name: Name<'_>, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let mut stored = blobs.read(name, range).await.expect("there");
    let mut content = Vec::new();
    while let Some(piece) = stored.bytes.next().await {
        content.extend(piece.expect("read"));
    }
    content
}

#[tokio::test]
async fn files_are_kept_read_in_parts_listed_and_removed() {
    let (dir, folder) = folder();
    let memory = Blobs::open(&ResultsPlace::Memory, Some(dir.path())).expect("opened");
    for blobs in [&folder, &memory] {
        assert!(matches!(blobs.read(ONE, None).await, Err(BlobError::Missing)));
        let file = written(blobs, "1,2,3");
        let (sha, len) = (file.blob_sha256.clone(), file.blob_bytes);
        blobs.put(ONE, file, 5).await.expect("kept");
        let whole = content(blobs, ONE, None).await;
        assert_eq!((whole.len() as u64, blobs.len(ONE).await.expect("there")), (len, len));
        assert_eq!(blobs.sha256(ONE).await.expect("read"), sha);
        assert_eq!(content(blobs, ONE, Some(2..9)).await, whole[2..9]);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut GzDecoder::new(&whole[..]), &mut text).expect("packed");
        assert_eq!(text, r#"{"equity":[1,2,3],"metrics":{},"trades":[]}"#);
        blobs.put(ONE, written(blobs, "4"), 5).await.expect("in its place");
        assert_ne!(blobs.sha256(ONE).await.expect("read"), sha);
        blobs.put(TWO, written(blobs, "5"), 5).await.expect("beside it");
        let listed =
            blobs.list().map(|found| found.expect("listed")).map(|found| (found.job_id, found.attempt));
        let mut listed: Vec<_> = listed.collect().await;
        listed.sort_unstable();
        assert_eq!(listed, [("job_1".to_owned(), 1), ("job_1".to_owned(), 2)]);
        blobs.remove(TWO).await.expect("gone");
        assert_eq!(blobs.presigned(ONE, "a", Duration::from_secs(9)).await.expect("asked"), None);
        for _ in 0..2 {
            blobs.remove(ONE).await.expect("gone, and gone already");
        }
        assert!(matches!(blobs.len(ONE).await, Err(BlobError::Missing)));
    }
}

#[tokio::test]
async fn a_long_file_is_sent_in_parts() {
    let (_dir, blobs) = folder();
    let mut file = tempfile::tempfile_in(blobs.spool()).expect("made");
    // Not the same in any two parts.
    let content: Vec<u8> = (0..PART_LEN * 2 + 12_345).map(|at| (at / 7 % 251) as u8).collect();
    file.write_all(&content).expect("written");
    std::io::Seek::rewind(&mut file).expect("at its beginning");
    blobs.send(&path(ONE), file, Attributes::new()).await.expect("kept");
    assert!(self::content(&blobs, ONE, None).await == content);
    let mut exact = tempfile::tempfile_in(blobs.spool()).expect("made");
    exact.write_all(&content[..PART_LEN]).expect("written");
    std::io::Seek::rewind(&mut exact).expect("at its beginning");
    blobs.send(&path(ONE), exact, Attributes::new()).await.expect("kept");
    assert_eq!(blobs.len(ONE).await.expect("there"), PART_LEN as u64);
}
