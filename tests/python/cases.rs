//! Random sessions, and values as trees that depend on no code under test.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Tree, json};
use sessile::cookie::compat::{DateTime, Map, Uuid, Value};

use super::formats::Kinds;

/// One line that the two sides exchange.
#[derive(Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) format: String,
    tree: Tree,
    text: String,
}

impl Case {
    pub(crate) fn new(format: &str, value: &Value, text: &[u8]) -> Self {
        Self {
            format: format.to_owned(),
            tree: tree(value),
            text: text.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    pub(crate) fn value(&self) -> Value {
        plant(&self.tree).expect("a tree of a known form")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        bytes(&self.text).expect("hexadecimal digits")
    }
}

pub(crate) fn lines(cases: &[Case]) -> String {
    let line = |case| serde_json::to_string(case).expect("a case is JSON") + "\n";
    cases.iter().map(line).collect()
}

pub(crate) fn parse(lines: &str) -> Vec<Case> {
    let case = |line| serde_json::from_str(line).expect("peer.py writes cases");
    lines.lines().map(case).collect()
}

/// The tree with the names of maps sorted: to compare by, and to show, which a `Value` does not.
pub(crate) fn sorted(value: &Value) -> String {
    fn sort(value: &Value) -> Value {
        match value {
            Value::Tuple(items) => Value::Tuple(items.iter().map(sort).collect()),
            Value::List(items) => Value::List(items.iter().map(sort).collect()),
            Value::Map(map) => {
                let mut entries: Vec<_> = map
                    .iter()
                    .map(|(name, value)| (name.to_owned(), sort(value)))
                    .collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                Value::Map(entries.into_iter().collect())
            }
            other => other.clone(),
        }
    }
    tree(&sort(value)).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn tree(value: &Value) -> Tree {
    let trees = |items: &[Value]| items.iter().map(tree).collect::<Tree>();
    match value {
        Value::Null => json!(["null"]),
        Value::Bool(truth) => json!(["bool", truth]),
        Value::Int(int) => json!(["int", int.to_string()]),
        Value::Float(float) if float.is_nan() => json!(["float", "nan"]),
        Value::Float(float) => json!(["float", hex(&float.to_be_bytes())]),
        Value::Text(text) => json!(["text", text]),
        Value::Bytes(bytes) => json!(["bytes", hex(bytes)]),
        Value::Tuple(items) => json!(["tuple", trees(items)]),
        Value::List(items) => json!(["list", trees(items)]),
        Value::Map(map) => {
            let entries = map.iter().map(|(name, value)| json!([name, tree(value)]));
            json!(["map", entries.collect::<Tree>()])
        }
        Value::Markup(text) => json!(["markup", text]),
        Value::Uuid(uuid) => json!(["uuid", uuid.hex()]),
        Value::DateTime(time) => {
            json!(["datetime", time.unix_seconds().to_string(), time.nanos()])
        }
        other => panic!("no tree for {other:?}"),
    }
}

fn plant(tree: &Tree) -> Option<Value> {
    let text = || tree.get(1)?.as_str();
    let items = || -> Option<Vec<Value>> { tree.get(1)?.as_array()?.iter().map(plant).collect() };
    Some(match tree.get(0)?.as_str()? {
        "null" => Value::Null,
        "bool" => Value::Bool(tree.get(1)?.as_bool()?),
        "int" => Value::Int(text()?.parse().ok()?),
        "float" if text()? == "nan" => Value::Float(f64::NAN),
        "float" => Value::Float(f64::from_be_bytes(bytes(text()?)?.try_into().ok()?)),
        "text" => Value::Text(text()?.to_owned()),
        "markup" => Value::Markup(text()?.to_owned()),
        "bytes" => Value::Bytes(bytes(text()?)?),
        "tuple" => Value::Tuple(items()?),
        "list" => Value::List(items()?),
        "uuid" => Value::Uuid(Uuid::parse(text()?)?),
        "datetime" => {
            let nanos = u32::try_from(tree.get(2)?.as_u64()?).ok()?;
            Value::DateTime(DateTime::from_unix(text()?.parse().ok()?, nanos)?)
        }
        "map" => {
            let entries = tree.get(1)?.as_array()?.iter();
            let map: Option<Map> = entries
                .map(|entry| Some((entry.get(0)?.as_str()?.to_owned(), plant(entry.get(1)?)?)))
                .collect();
            Value::Map(map?)
        }
        _ => return None,
    })
}

/// Xorshift: the same cases in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: &str) -> Self {
        let seed = seed.bytes().fold(0xcbf2_9ce4_8422_2325, |seed: u64, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).expect("small");
        usize::try_from(self.next() % count).expect("below a usize")
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn bytes(&mut self) -> Vec<u8> {
        let count = self.one(&[0, 1, 2, 3, 20, 300]);
        (0..count).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    fn text(&mut self) -> String {
        let letters: Vec<char> =
            "aB\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}\u{80}é\u{2028}\u{ffff}😀<&. :"
                .chars()
                .collect();
        let count = self.one(&[0, 1, 2, 5, 30, 400]);
        (0..count).map(|_| self.one(&letters)).collect()
    }
}

const NAMES: [&str; 14] = [
    " t",
    " b",
    " di",
    " d",
    " u__",
    "_permanent",
    "user",
    "é",
    "😀",
    "\u{2028}",
    "",
    "a.b",
    "\u{e000}",
    "𐀀",
];

/// A session, or an id, for a format that carries `kinds`.
pub(crate) fn session(random: &mut Random, kinds: Kinds) -> Value {
    if kinds == Kinds::Id {
        let letters: Vec<char> = "ab.:-_é".chars().collect();
        return Value::Text(
            (0..random.below(50))
                .map(|_| random.one(&letters))
                .collect(),
        );
    }
    let count = random.below(5) + 1;
    let entries = (0..count).map(|_| (random.one(&NAMES).to_owned(), grow(random, kinds, 4)));
    Value::Map(entries.collect())
}

fn grow(random: &mut Random, kinds: Kinds, depth: usize) -> Value {
    let (plain, all) = match kinds {
        Kinds::Json | Kinds::Finite | Kinds::Id => (5, 7),
        Kinds::Packed => (7, 9),
        Kinds::Tagged => (9, 12),
    };
    // Kinds of containers come after those without.
    let kind = random.below(if depth == 0 { plain } else { all });
    let kind = if kind >= plain {
        kind - plain + 9
    } else {
        kind
    };
    let some = random.one(&[0, 1, 1, 2, 3, 5]);
    match kind {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 => {
            let edges = [
                0,
                i64::MIN.into(),
                u64::MAX.into(),
                1 << 63,
                127,
                128,
                -33,
                65_536,
                -1,
            ];
            let drawn = random.next() >> random.below(64);
            let drawn = random.one(&[random_edge(&edges, drawn), i128::from(drawn)]);
            Value::Int(drawn)
        }
        3 => Value::Float(float(random, kinds)),
        4 => Value::Text(random.text()),
        5 => Value::Bytes(random.bytes()),
        6 => {
            // From the year 1000, before which Python reads years of two digits.
            let seconds = random.next() % 280_000_000_000;
            let seconds = i64::try_from(seconds).expect("small") - 30_000_000_000;
            let micros = u32::try_from(random.next() % 1_000_000).expect("small");
            let nanos = if kinds == Kinds::Packed {
                micros * 1000
            } else {
                0
            };
            Value::DateTime(DateTime::from_unix(seconds, nanos).expect("before the year 9999"))
        }
        7 => Value::Markup(random.text()),
        8 => {
            let halves = [random.next().to_be_bytes(), random.next().to_be_bytes()].concat();
            Value::Uuid(Uuid(halves.try_into().expect("twice eight bytes")))
        }
        9 => Value::List((0..some).map(|_| grow(random, kinds, depth - 1)).collect()),
        10 => {
            let entries = (0..some).map(|_| {
                (
                    random.one(&NAMES).to_owned(),
                    grow(random, kinds, depth - 1),
                )
            });
            Value::Map(entries.collect())
        }
        _ => Value::Tuple((0..some).map(|_| grow(random, kinds, depth - 1)).collect()),
    }
}

fn random_edge(edges: &[i128], drawn: u64) -> i128 {
    let count = u64::try_from(edges.len()).expect("small");
    edges[usize::try_from(drawn % count).expect("small")]
}

fn float(random: &mut Random, kinds: Kinds) -> f64 {
    let drawn = f64::from_bits(random.next());
    let short = f64::from(u16::from_be_bytes([random.next().to_be_bytes()[0], 7])) / 1000.0;
    let plain = [
        drawn,
        short,
        0.1,
        -0.0,
        1e16,
        1e15,
        1e-5,
        1e-4,
        5e-324,
        1e22,
        f64::MAX,
    ];
    let float = random.one(&plain);
    if float.is_finite() {
        return float;
    }
    match kinds {
        Kinds::Finite => 1.5,
        _ => random.one(&[f64::INFINITY, f64::NEG_INFINITY, f64::NAN]),
    }
}
