#!/usr/bin/env bash
# clippy on the models of loom and of shuttle, which exist under their own cfg only
source .ci/flavour.sh
for checker in loom shuttle; do
    RUSTFLAGS="--cfg sessile_$checker" \
        cargo clippy -p sessile-loom-tests --all-targets "${flavour[@]}" -- -D warnings
done
