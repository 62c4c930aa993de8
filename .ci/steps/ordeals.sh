#!/usr/bin/env bash
# the eviction attack of ten million sessions; SESSILE_KILLS snapshot writers killed; ids, cookies and seals by the million
source .ci/flavour.sh
export SESSILE_KILLS=${SESSILE_KILLS:-100}
# One selection of features for all, so that the crate is built once.
ordeal() { cargo test -p sessile "${flavour[@]}" --features axum --test "$@" --nocapture; }
ordeal cache_attack -- --ignored
ordeal snapshot killed --
ordeal security_counts -- --ignored
