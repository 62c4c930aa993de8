//! What is answered to each command.

use std::time::SystemTime;

use mongodb::bson::{Bson, DateTime, Document, doc};

use super::{State, lock};

/// A failure of the whole command.
pub(super) fn failure(code: i32) -> Document {
    let name = match code {
        10107 => "NotWritablePrimary",
        11600 => "InterruptedAtShutdown",
        13 => "Unauthorized",
        18 => "AuthenticationFailed",
        50 => "MaxTimeMSExpired",
        59 => "CommandNotFound",
        85 => "IndexOptionsConflict",
        14031 => "OutOfDiskSpace",
        _ => "Location",
    };
    let mut failure =
        doc! { "ok": 0.0, "code": code, "codeName": name, "errmsg": "refused: canary-key" };
    // https://www.mongodb.com/docs/manual/core/retryable-writes/: servers label what may be repeated.
    if [10107, 11600].contains(&code) {
        failure.insert("errorLabels", vec!["RetryableWriteError"]);
    }
    failure
}

pub(super) fn to(name: &str, command: &Document, state: &State) -> Document {
    let ok = doc! { "ok": 1.0 };
    match name {
        "hello" | "isMaster" | "ismaster" => hello(state.port),
        "ping" | "endSessions" | "killCursors" => ok,
        "buildInfo" => doc! { "version": "7.0.0", "versionArray": [7, 0, 0, 0], "ok": 1.0 },
        // Nobody's password is right.
        "saslStart" | "authenticate" => failure(18),
        "find" => with_namespace(name, command, |namespace| {
            let documents = lock(&state.data).find(namespace, command);
            doc! {
                "cursor": { "firstBatch": documents, "id": 0_i64, "ns": namespace },
                "ok": 1.0,
            }
        }),
        "update" | "delete" | "insert" => with_namespace(name, command, |namespace| {
            let mut data = lock(&state.data);
            // The same number in the same session is the same write, sent again: its first answer is
            // the answer.
            let number = command.get("txnNumber").map(|number| {
                let session = command.get_document("lsid").unwrap().get("id").unwrap();
                format!("{session:?} {number:?}")
            });
            if let Some(answer) = number.as_ref().and_then(|number| data.answered.get(number)) {
                return answer.clone();
            }
            let answer = data.write(name, namespace, command);
            if let Some(number) = number {
                data.answered.insert(number, answer.clone());
            }
            answer
        }),
        "createIndexes" => with_namespace(name, command, |namespace| {
            match lock(&state.data).create_indexes(namespace, command) {
                Ok(()) => ok,
                Err(code) => failure(code),
            }
        }),
        _ => failure(59),
    }
}

fn with_namespace(
    name: &str,
    command: &Document,
    answer: impl FnOnce(&str) -> Document,
) -> Document {
    let (database, collection) = (command.get_str("$db"), command.get_str(name));
    answer(&format!("{}.{}", database.unwrap(), collection.unwrap()))
}

/// https://www.mongodb.com/docs/manual/reference/command/hello/
fn hello(port: u16) -> Document {
    let me = format!("127.0.0.1:{port}");
    doc! {
        "helloOk": true,
        "isWritablePrimary": true,
        "ismaster": true,
        "secondary": false,
        "setName": "rs0",
        "setVersion": 1,
        "hosts": [me.clone()],
        "primary": me.clone(),
        "me": me,
        "maxBsonObjectSize": 16_777_216,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "localTime": Bson::DateTime(DateTime::from_system_time(SystemTime::now())),
        "logicalSessionTimeoutMinutes": 30,
        "connectionId": 1,
        "minWireVersion": 0,
        "maxWireVersion": 21,
        "readOnly": false,
        "ok": 1.0,
    }
}
