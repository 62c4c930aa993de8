//! The span that each verb of a store outside the process runs in.

use crate::error::Result;

/// Runs a verb in a span that names the store, as `SESSION_TYPE` does, and the verb.
///
/// Nothing else is said of the call: keys and values are secrets, addresses may hold one. Where nobody
/// listens at this level it is one load of an atomic, and nothing is allocated.
pub(super) fn verb<T>(
    store: &'static str,
    verb: &'static str,
    work: impl Future<Output = Result<T>>,
) -> impl Future<Output = Result<T>> {
    let span = tracing::debug_span!("session_store", store, verb);
    tracing::Instrument::instrument(work, span)
}
