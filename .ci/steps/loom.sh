#!/usr/bin/env bash
# small interleavings, explored exhaustively within the preemption bound that each model states
export RUSTFLAGS='--cfg sessile_loom' CARGO_TARGET_DIR=$SESSILE_TARGET/loom
# A panic inside a model prints its own story; frames of the checker only hide it.
export RUST_BACKTRACE=0
cargo test -p sessile-loom-tests --release --test loom -- --nocapture --test-threads=2
