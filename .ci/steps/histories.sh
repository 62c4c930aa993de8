#!/usr/bin/env bash
# linearizability of every verb: SESSILE_HISTORIES random schedules, each history checked
export RUSTFLAGS='--cfg sessile_shuttle' CARGO_TARGET_DIR=$SESSILE_TARGET/shuttle
export SESSILE_HISTORIES=${SESSILE_HISTORIES:-1000000} RUST_BACKTRACE=0
cargo test -p sessile-loom-tests --release --test histories -- --nocapture
