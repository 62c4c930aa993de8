# Sourced by the steps that look at every package with every store. They all select the same packages with
# the same features, and what tests depend on: whatever else is selected, cargo checks every dependency anew.
workspace=(--workspace --features
    sessile/axum,sessile/compat,sessile/contract,sessile/__internals,sessile-cli/stores,sessile-benches/stores)
