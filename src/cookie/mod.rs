//! Cookies: parsed, built, signed, encrypted, and kept together per request.
