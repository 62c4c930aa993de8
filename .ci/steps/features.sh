#!/usr/bin/env bash
# the crate compiles without a warning with no feature, with each alone and with all
export CARGO_TARGET_DIR=$SESSILE_TARGET
# The features of the root package as Cargo.toml lists them, but for those that only gather what others share:
# a new one is checked from its first day.
features=$(sed -n '/^\[features\]/,/^\[/s/^\([A-Za-z_][A-Za-z0-9_-]*\) *=.*/\1/p' Cargo.toml |
    grep -vxE 'default|__sql|__outside|__remote')
# Flags for this package alone: `-D warnings` in RUSTFLAGS would be part of every dependency's name, and all
# that the other steps have built would be built again.
check() { cargo rustc --profile check -p sessile --lib "$@" -- -D warnings; }
check --no-default-features
for feature in $features; do
    echo "feature $feature"
    check --no-default-features --features "$feature"
done
check --all-features
