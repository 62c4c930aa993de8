# Sourced by the sanitizers: what they run, tests with many threads and those that free most.
export CARGO_PROFILE_DEV_OPT_LEVEL=1
concurrent=(-p sessile --features contract,__internals --target "$host"
    --test cache_threads --test cache_threshold --test cache_listener --test cache_closures)
