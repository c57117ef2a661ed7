use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);
const WRITE: Duration = Duration::from_secs(10);
const TIMES: Times = Times {
    head: Duration::from_secs(10),
    idle: Duration::from_secs(75),
    body: SECOND,
    body_idle: SECOND,
    write: WRITE,
};

fn guarded(capacity: usize) -> (Guarded<DuplexStream>, DuplexStream) {
    let (near, far) = tokio::io::duplex(capacity);
    (Guarded::new(near, TIMES, Arc::default()), far)
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("ends in order");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test(start_paused = true)]
async fn a_write_that_blocks_too_long_fails() {
    let (mut near, _far) = guarded(4);
    let began = Instant::now();
    let error = near.write_all(b"12345").await.expect_err("nobody reads");
    assert_eq!((error.kind(), began.elapsed().as_secs()), (io::ErrorKind::TimedOut, 10));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_but_reads_is_waited_for() {
    let (mut near, mut far) = guarded(4);
    let read = async {
        for _ in 0..5 {
            sleep(WRITE - SECOND).await;
            far.read_exact(&mut [0; 4]).await.expect("there is more");
        }
    };
    let (written, ()) =
        timeout(WRITE * 10, async { tokio::join!(near.write_all(&[0; 20]), read) }).await.expect("in time");
    written.expect("everything is written");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_dribbles_in_is_told_and_ends() {
    let (mut near, mut far) = guarded(4096);
    let dribble = async {
        for byte in b"GET / HTTP/1.1\r\n" {
            far.write_all(&[*byte]).await.expect("open");
            sleep(SECOND).await;
        }
        read_all(&mut far).await
    };
    let began = Instant::now();
    let read = async {
        let read = read_all(&mut near).await;
        (read, began.elapsed().as_secs())
    };
    let (answer, (read, after_s)) = tokio::join!(dribble, read);
    assert_eq!((read.as_str(), after_s), ("GET / HTTP", 10));
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(answer.contains("\"errorCode\":\"HEADER_TIMEOUT\""), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_left_without_a_word() {
    let (mut near, mut far) = guarded(4096);
    let began = Instant::now();
    assert_eq!(near.begins_as_http2().await.expect_err("nothing").kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(began.elapsed().as_secs(), 10);
    drop(near);
    assert_eq!(read_all(&mut far).await, "");
}

#[tokio::test]
async fn the_version_is_known_and_nothing_of_it_is_lost() {
    for (sent, is_http2) in [
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n and frames", true),
        ("PRI * HTTP/1.1\r\n\r\n", false),
        ("GET / HTTP/1.1\r\n\r\n", false),
        ("P", false),
    ] {
        let (mut near, mut far) = guarded(4096);
        far.write_all(sent.as_bytes()).await.expect("open");
        far.shutdown().await.expect("open");
        assert_eq!(near.begins_as_http2().await.expect("something"), is_http2, "{sent:?}");
        assert_eq!(read_all(&mut near).await, sent);
    }
}

#[tokio::test]
async fn the_parser_cannot_take_an_ambiguous_head_and_the_peer_is_told_why() {
    let (mut near, mut far) = guarded(4096);
    far.write_all(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\nHost: a\r\n\r\nGET /").await.expect("open");
    assert_eq!(read_all(&mut near).await, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\0\r\n\r\n");
    near.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.expect("written");
    drop(near);
    let answer = read_all(&mut far).await;
    assert!(answer.contains("ends without a carriage return"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_read_to_its_end() {
    let (mut near, far) = guarded(64);
    let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
    let refuse = async {
        near.write_all(bare).await.expect("written");
        near.shutdown().await.expect("shut");
    };
    let peer = async {
        let (mut from, mut to) = tokio::io::split(far);
        let sent = async {
            to.write_all(&[b'x'; 1000]).await.expect("passed over");
            to.shutdown().await.expect("open");
        };
        tokio::join!(read_all(&mut from), sent).0
    };
    let (answer, ()) = tokio::join!(peer, refuse);
    assert!(answer.contains("are more than 100"), "{answer}");
}
