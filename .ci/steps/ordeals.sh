#!/usr/bin/env bash
# the eviction attack of ten million sessions; SESSILE_KILLS snapshot writers killed; ids, cookies and seals by the million
export CARGO_TARGET_DIR=$SESSILE_TARGET SESSILE_KILLS=${SESSILE_KILLS:-100}
cargo test -p sessile --release --test cache_attack -- --ignored --nocapture
cargo test -p sessile --release --test snapshot killed -- --nocapture
cargo test -p sessile --release --features axum --test security_counts -- --ignored --nocapture
