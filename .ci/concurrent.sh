# Sourced by the sanitizers: what both run, the tests with many threads.
# Printing a backtrace is std synchronizing within itself, which the sanitizers cannot see.
export CARGO_PROFILE_DEV_OPT_LEVEL=1 RUST_BACKTRACE=0
concurrent=(-p sessile --no-default-features --features contract,__internals --target "$host"
    --test cache_threads --test cache_threshold --test cache_listener)
