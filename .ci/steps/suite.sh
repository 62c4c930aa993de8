#!/usr/bin/env bash
# unit, black-box, contract, snapshot and doc tests with everything switched on; the bench harness
source .ci/whole.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET
# What needs a server or Python is tested by steps of their own.
targets=()
for target in $(test_targets | grep -vxE 'compat_python|store_(contract|file|memcached|mongodb|redis|sql|survey|tiered)'); do
    targets+=(--test "$target")
done
cargo test "${whole[@]}" --lib --examples "${targets[@]}"
cargo test "${whole[@]}" --doc
"$SESSILE_TARGET/debug/examples/own_store"
"$SESSILE_TARGET/debug/examples/session_counter"
# What the bench harness computes; the peers themselves have nothing to test.
cargo test -p sessile-benches --no-default-features --features traces --lib
