# Sourced by the steps that test with every feature: the same features are built once for all of them.
whole=axum,compat,contract,filesystem,memcached,mongodb,mysql,postgres,redis,sqlite,tiered,__internals

# The names of the crate's test targets, a line each.
test_targets() {
    local file
    for file in tests/*.rs; do basename "$file" .rs; done
    for file in tests/*/main.rs; do basename "$(dirname "$file")"; done
}
