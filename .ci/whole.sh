# Sourced by the steps that test with every feature. They all select the same packages with the same
# features, whatever targets they run: whatever else is selected, cargo builds every dependency anew.
whole=(-p sessile -p sessile-cli -p sessile-proptests --features
    "sessile-cli/stores,sessile/__internals,$(printf 'sessile/%s,' axum compat contract filesystem memcached mongodb mysql postgres redis sqlite tiered)")

# The names of the crate's test targets, a line each.
test_targets() {
    local file
    for file in tests/*.rs; do basename "$file" .rs; done
    for file in tests/*/main.rs; do basename "$(dirname "$file")"; done
}
