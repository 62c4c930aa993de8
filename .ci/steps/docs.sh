#!/usr/bin/env bash
# the documentation of the crate and of the command builds without a warning
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTDOCFLAGS=-Dwarnings
cargo doc --no-deps -p sessile --all-features
cargo doc --no-deps -p sessile-cli
