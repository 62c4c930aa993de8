//! The store `memcached`.
