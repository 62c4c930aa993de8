#!/usr/bin/env bash
# formatting is rustfmt's
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
