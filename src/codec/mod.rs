//! Record formats: how a session becomes bytes and bytes become a session.
