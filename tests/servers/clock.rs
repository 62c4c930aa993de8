//! Servers whose clock is wrong.

use super::need;

/// The variables under which a program's clock is off by so much, such as `+1h`; `None`, loudly, if
/// libfaketime is not installed.
///
/// Not by the program `faketime`: it would stand between the test and the server that is to be killed.
pub fn shifted(what: &str, shift: &str) -> Option<Vec<(&'static str, String)>> {
    need(what, ["faketime"])?;
    let library = ["/usr/lib", "/usr/local/lib"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .flat_map(|folder| {
            [
                folder.join("faketime/libfaketimeMT.so.1"),
                folder.join("libfaketimeMT.so.1"),
            ]
        })
        .find(|file| file.is_file())
        .expect("it came with the program");
    // The C library after it takes the memory away from jemalloc, which Redis has: that one asks for the
    // time before libfaketime is ready, and both then turn in a circle.
    let preload = format!("{} libc.so.6", library.display());
    Some(vec![
        ("LD_PRELOAD", preload),
        ("FAKETIME", shift.to_owned()),
    ])
}
