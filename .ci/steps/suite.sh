#!/usr/bin/env bash
# unit, black-box, contract, snapshot and doc tests with everything switched on; the bench harness
source .ci/whole.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET
# What needs a server or Python is tested by steps of their own.
targets=()
for target in $(test_targets | grep -vxE 'compat_python|store_(contract|file|memcached|mongodb|redis|sql|survey|tiered)'); do
    targets+=(--test "$target")
done
cargo test -p sessile --features "$whole" --lib --examples "${targets[@]}"
cargo test -p sessile --features "$whole" --doc
cargo test -p sessile-benches --lib
cargo run -q -p sessile --features "$whole" --example own_store
cargo run -q -p sessile --features "$whole" --example session_counter
