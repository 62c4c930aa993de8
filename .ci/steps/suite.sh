#!/usr/bin/env bash
# unit, black-box, contract, snapshot and doc tests with everything switched on; the bench harness
export CARGO_TARGET_DIR=$SESSILE_TARGET
cargo test -p sessile --features axum,compat,contract,__internals
cargo test -p sessile-benches --lib
cargo run -q -p sessile --example own_store --features contract
cargo run -q -p sessile --example session_counter
