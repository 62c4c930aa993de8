#!/usr/bin/env bash
# attacks, floods, a million ends in one tick, killed writers, ids, cookies and seals, in numbers for optimized tests
source .ci/flavour.sh
export SESSILE_KILLS=${SESSILE_KILLS:-100}
# One selection of features for all, so that the crate is built once.
ordeal() { cargo test -p sessile "${flavour[@]}" --features axum --test "$@" --nocapture; }
ordeal cache_attack -- --ignored
# Without debug assertions their numbers are the large ones.
ordeal cache_expiry --
ordeal cache_flood --
ordeal cache_threads --
ordeal snapshot killed --
ordeal security_counts -- --ignored
