#!/usr/bin/env bash
# clippy has nothing to say about any target, and warnings are errors
export CARGO_TARGET_DIR=$SESSILE_TARGET
cargo clippy --workspace --all-targets --features sessile/axum,sessile/compat,sessile/contract,sessile/__internals,sessile-cli/stores,sessile-benches/stores -- -D warnings
