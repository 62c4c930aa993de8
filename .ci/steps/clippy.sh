#!/usr/bin/env bash
# clippy has nothing to say about any target, and warnings are errors
export CARGO_TARGET_DIR=$SESSILE_TARGET
cargo clippy --workspace --all-targets --features sessile/axum,sessile/compat,sessile/contract,sessile/__internals,sessile-cli/stores,sessile-benches/stores -- -D warnings
# The models exist under their own cfg only.
RUSTFLAGS='--cfg sessile_loom' CARGO_TARGET_DIR=$SESSILE_TARGET/loom \
    cargo clippy -p sessile-loom-tests --all-targets --release -- -D warnings
RUSTFLAGS='--cfg sessile_shuttle' CARGO_TARGET_DIR=$SESSILE_TARGET/shuttle \
    cargo clippy -p sessile-loom-tests --all-targets --release -- -D warnings
