//! Session ids, and the keys that stores see in their place.
