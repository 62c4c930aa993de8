//! Sessions: the object a request works with, and what becomes of it when the request ends.
