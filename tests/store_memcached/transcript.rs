//! Answers that no memcached gives: what is out of step is closed, and everything stays bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sessile::ErrorKind;
use sessile::store::{MemcachedStore, SessionStore};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::kit;

/// Answers the n-th request of each connection with the n-th text, `@` standing for the number that
/// has to be given back, and counts the connections.
async fn speaking(answers: Vec<Vec<u8>>, is_bare: bool) -> (MemcachedStore, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let answers = answers.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                for answer in answers {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap_or(0);
                    if line.starts_with("ms ") {
                        stream.read_line(&mut String::new()).await.unwrap_or(0);
                    }
                    let number = line
                        .trim_end()
                        .rsplit_once(" O")
                        .map_or("", |(_, number)| number);
                    let mut bytes = Vec::new();
                    for byte in answer {
                        match byte {
                            b'@' => bytes.extend_from_slice(number.as_bytes()),
                            _ => bytes.push(byte),
                        }
                    }
                    let _ = stream.write_all(&bytes).await;
                }
                // Long enough for the client to read what it wants, and then the end.
                tokio::time::sleep(Duration::from_millis(20)).await;
            });
        }
    });
    let patience = kit::patience().attempts(2);
    let settings = MemcachedStore::builder()
        .servers(address)
        .patience(patience);
    let settings = if is_bare { settings.bare() } else { settings };
    let store = settings.connections_max(1).build().unwrap();
    (store, connections)
}

#[tokio::test]
async fn nonsense_is_unavailable_and_its_connection_is_not_used_again() {
    let endless = vec![b'V'; 1 << 20];
    for answer in [
        &b""[..],
        b"\r\n",
        b"E",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"VALUE k 0 1\r\nv\r\nEND\r\n",
        b"VA 5 c1 f0 O@\r\nabc",
        b"VA 5 c1 f0 O@\r\nabcdefgh\r\n",
        b"VA 5 c1 f0\r\nabcde\r\n",
        b"VA 5 f0 O@\r\nabcde\r\n",
        b"VA 5 c1 f0 O4294967295\r\nabcde\r\n",
        b"VA -5 c1 f0 O@\r\n",
        b"EN O4294967295\r\n",
        b"HD O@\r\n",
        b"MN\r\n",
        b"STORED\r\n",
        b"EN\n",
        b"SERVER_ERROR something\r\n",
        b"CLIENT_ERROR something\r\n",
        &endless,
    ] {
        let (store, connections) = speaking(vec![answer.to_vec()], false).await;
        let error = store.load(b"k").await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Unavailable,
            "{:?}",
            String::from_utf8_lossy(answer)
        );
        let tried = connections.load(Ordering::Relaxed);
        let is_final = answer.starts_with(b"CLIENT_ERROR");
        assert_eq!(
            tried,
            if is_final { 1 } else { 2 },
            "{:?}",
            String::from_utf8_lossy(answer)
        );
    }
}

#[tokio::test]
async fn a_length_is_not_believed_before_bytes_arrive() {
    // 4 GiB are announced: refused at once, with nothing reserved for them.
    for length in ["4294967296", "1048576000", "18446744073709551615"] {
        let answer = format!("VA {length} c1 f0 O@\r\nabc");
        let (store, _) = speaking(vec![answer.into_bytes()], false).await;
        let error = store.load(b"k").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

#[tokio::test]
async fn an_old_server_is_named_as_the_cause() {
    let (store, _) = speaking(vec![b"ERROR\r\n".to_vec()], false).await;
    let error = store.load(b"k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("1.6"), "{error}");
}

#[tokio::test]
async fn what_comes_unasked_between_two_requests_closes_the_connection() {
    // The answer to the first request has a second one behind it, which the next call must not take.
    let twice = b"EN\r\nVA 5 c1 f0 O2\r\nabcde\r\n".to_vec();
    let (store, connections) = speaking(vec![twice.clone(), twice], false).await;
    for expected in 1..=5 {
        assert!(store.load(b"k").await.unwrap().is_none());
        assert_eq!(connections.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn who_loses_every_round_gives_up_and_says_so() {
    let found = b"VA 1 c1 f0 O@\r\nv\r\n".to_vec();
    let mut answers = vec![found.clone()];
    for _ in 0..100 {
        answers.extend([found.clone(), b"EX O@\r\n".to_vec()]);
    }
    let (store, connections) = speaking(answers, true).await;
    let seen = store.load(b"k").await.unwrap().unwrap();
    let replace = store.replace(b"k", "w".into(), kit::terms(), Some(seen.version));
    assert_eq!(replace.await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
