//! Checking a signature branches on nothing but the verdict: memcheck watches while the key counts as
//! undefined memory, and a comparison planted to leak is caught by the same count.
//!
//! The test runs itself again under valgrind. Without valgrind, or on another processor, it says so
//! and passes.
#![cfg(all(feature = "cookie", target_os = "linux", target_arch = "x86_64"))]

use std::hint::black_box;
use std::process::Command;

use sessile::cookie::Keyring;

/// Decisions that one comparison may take. The count is the same wherever the difference lies; in debug
/// builds each of the 32 bytes adds an assertion of `subtle` that its result is 0 or 1.
const DECISIONS_MAX: u64 = if cfg!(debug_assertions) { 40 } else { 2 };
const KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// The requests of `valgrind.h` and `memcheck.h` that are used here.
mod request {
    pub(crate) const RUNNING_ON_VALGRIND: u64 = 0x1001;
    pub(crate) const COUNT_ERRORS: u64 = 0x1201;
    pub(crate) const MAKE_MEM_UNDEFINED: u64 = 0x4D43_0001;
    pub(crate) const MAKE_MEM_DEFINED: u64 = 0x4D43_0002;
}

/// Asks valgrind; outside of it the instructions do nothing and the answer is 0.
#[expect(unsafe_code, reason = "a client request is an instruction sequence")]
fn ask(code: u64, address: u64, bytes: u64) -> u64 {
    let request = [code, address, bytes, 0, 0, 0];
    let answer: u64;
    // SAFETY: four rotations by 128 bits together and an exchange of a register with itself change
    // nothing; valgrind reads six words behind rax and answers in rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") 0_u64 => answer,
            out("rdi") _,
            options(nostack),
        );
    }
    answer
}

fn mark<T: ?Sized>(request: u64, memory: &T) {
    let address = std::ptr::from_ref(memory).cast::<u8>().addr() as u64;
    ask(request, address, size_of_val(memory) as u64);
}

/// The decisions on undefined memory that `work` made.
fn decisions(work: impl FnOnce()) -> u64 {
    let before = ask(request::COUNT_ERRORS, 0, 0);
    work();
    ask(request::COUNT_ERRORS, 0, 0) - before
}

/// `text` with another character at `at`, still in the alphabet.
fn altered(text: &str, at: usize) -> String {
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

fn watch() {
    let honest = Keyring::new(KEY).expect("a long key");
    let signed = honest.sign("p", "n", b"a payload");
    let sealed = honest.seal("p", "n", b"a payload").expect("randomness");

    let key = Box::new(*KEY);
    mark(request::MAKE_MEM_UNDEFINED, &*key);
    let ring = Keyring::new(*key).expect("a long key");
    let first = altered(&signed, signed.len() - 43);
    let last = altered(&signed, signed.len() - 2);
    let verify = |text: &str| decisions(|| drop(black_box(ring.verify("p", "n", text))));
    let verdicts = [verify(&signed), verify(&first), verify(&last)];
    println!("signed: {verdicts:?} decisions: genuine, first byte wrong, last byte wrong");
    assert!(verdicts[0] > 0, "the key does count as undefined");
    assert_eq!(verdicts, [verdicts[0]; 3], "the verdict, and nothing else");
    assert!(verdicts[0] <= DECISIONS_MAX, "{verdicts:?}");

    let open = |text: &str| decisions(|| drop(black_box(ring.open("p", "n", text))));
    let first = altered(&sealed, sealed.len() - 22);
    let last = altered(&sealed, sealed.len() - 3);
    let verdicts = [open(&first), open(&last)];
    println!("sealed: {verdicts:?} decisions: first byte wrong, last byte wrong");
    assert_eq!(verdicts[0], verdicts[1], "the verdict, and nothing else");
    assert!((1..=DECISIONS_MAX).contains(&verdicts[0]), "{verdicts:?}");

    // The planted twin: it stops at the first difference, and the count tells.
    let leaky = |mut other: [u8; 32], at: usize| {
        other[at] ^= 1;
        decisions(|| {
            black_box((0..32).all(|index| black_box(key[index]) == other[index]));
        })
    };
    let verdicts = [leaky(*KEY, 0), leaky(*KEY, 31)];
    println!("planted: {verdicts:?} decisions: first byte wrong, last byte wrong");
    assert!(
        verdicts[1] > verdicts[0] + 16,
        "the watch sees a leak: {verdicts:?}"
    );
    mark(request::MAKE_MEM_DEFINED, &*key);
}

#[test]
fn sec10_verification_decides_on_nothing_but_the_verdict() {
    if ask(request::RUNNING_ON_VALGRIND, 0, 0) > 0 {
        return watch();
    }
    let own = std::env::current_exe().expect("a test runs from a file");
    let watched = Command::new("valgrind")
        .args(["-q", "--error-limit=no", "--log-file=/dev/null"])
        .arg(own)
        .args([
            "--exact",
            "sec10_verification_decides_on_nothing_but_the_verdict",
        ])
        .arg("--nocapture")
        .output();
    let Ok(watched) = watched else {
        println!("skipped: there is no valgrind to watch");
        return;
    };
    let told = String::from_utf8_lossy(&watched.stdout);
    println!("{told}");
    assert!(
        watched.status.success(),
        "{}",
        String::from_utf8_lossy(&watched.stderr)
    );
    assert!(told.contains("planted:"), "the watch did run");
}
