#!/usr/bin/env bash
# what takes an optimized build: the eviction attack of ten million sessions
export CARGO_TARGET_DIR=$SESSILE_TARGET
cargo test -p sessile --release --test cache_attack -- --ignored --nocapture
