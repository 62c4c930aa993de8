#!/usr/bin/env bash
# linearizability of every verb: a million random schedules, each history checked
# Two tests, each of SESSILE_HISTORIES: about 7,000 a second on each core.
source .ci/flavour.sh
export RUSTFLAGS='--cfg sessile_shuttle'
export SESSILE_HISTORIES=${SESSILE_HISTORIES:-500000} RUST_BACKTRACE=0
echo "2 x $SESSILE_HISTORIES histories"
# The planted bugs print the histories that gave them away: long, and expected.
cargo test -p sessile-loom-tests "${flavour[@]}" --test histories -- --show-output
