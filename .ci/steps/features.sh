#!/usr/bin/env bash
# the crate compiles with no feature, with each alone and with all
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTFLAGS='-D warnings'
# The features of the root package as Cargo.toml lists them, but for those that only gather what others share:
# a new one is checked from its first day.
features=$(sed -n '/^\[features\]/,/^\[/s/^\([A-Za-z_][A-Za-z0-9_-]*\) *=.*/\1/p' Cargo.toml |
    grep -vxE 'default|__sql|__outside|__remote')
cargo check -p sessile --no-default-features
for feature in $features; do
    echo "feature $feature"
    cargo check -p sessile --no-default-features --features "$feature"
done
cargo check -p sessile --all-features
