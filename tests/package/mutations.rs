//! 100,000 structured mutations: parts taken apart, changed with knowledge of their form, and sealed anew
//! with right sizes, digests and checksums, as a forger without a key would do.

use isi_catalog::isi_file::{Envelope, seal};
use isi_catalog::package::Hashing;

use crate::world::{refusal, world};

const COUNT: u64 = 100_000;

/// `SplitMix64`: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// A package in its parts.
#[derive(Clone, PartialEq)]
struct Parts {
    regions: Vec<u8>,
    manifest: Vec<u8>,
    signature: Vec<u8>,
    timestamp: Vec<u8>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let envelope = Envelope::read(bytes).unwrap();
        Self {
            regions: bytes[..envelope.regions_end as usize].to_vec(),
            manifest: envelope.manifest,
            signature: envelope.signature,
            timestamp: envelope.timestamp,
        }
    }

    fn sealed(&self) -> Option<Vec<u8>> {
        let mut bytes = self.regions.clone();
        let end = bytes.len() as u64;
        bytes.extend(seal(end, &self.manifest, &self.signature, &self.timestamp).ok()?);
        Some(bytes)
    }

    fn part(&mut self, which: usize) -> &mut Vec<u8> {
        match which {
            0 => &mut self.regions,
            1 => &mut self.manifest,
            2 => &mut self.signature,
            _ => &mut self.timestamp,
        }
    }
}

/// Where the fields of a manifest begin and end.
fn manifest_fields(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut fields = Vec::new();
    let mut start = 0;
    while let Some(length) = bytes.get(start + 2..start + 6) {
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let end = start + 6 + length;
        fields.push((start, end.min(bytes.len())));
        start = end;
    }
    fields
}

/// A DER value as a tree, so that a change anywhere leaves every length right.
#[derive(Clone)]
enum Der {
    Primitive(u8, Vec<u8>),
    Constructed(u8, Vec<Self>),
}

impl Der {
    /// All values in `bytes`; octet strings are taken apart too where they hold DER.
    fn parse(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let (tag, length, header) = der_header(bytes)?;
            let content = bytes.get(header..header + length)?;
            values.push(match tag & 0x20 {
                0 => Self::Primitive(tag, content.to_vec()),
                _ => Self::Constructed(tag, Self::parse(content)?),
            });
            bytes = &bytes[header + length..];
        }
        Some(values)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let (tag, content) = match self {
            Self::Primitive(tag, content) => (*tag, content.clone()),
            Self::Constructed(tag, inner) => {
                let mut content = Vec::new();
                for value in inner {
                    value.write(&mut content);
                }
                (*tag, content)
            }
        };
        bytes.push(tag);
        match content.len() {
            short @ 0..=0x7f => bytes.push(short as u8),
            middle @ 0x80..=0xff => bytes.extend([0x81, middle as u8]),
            long => {
                bytes.push(0x82);
                bytes.extend((long as u16).to_be_bytes());
            }
        }
        bytes.extend(content);
    }

    fn count(&self) -> usize {
        match self {
            Self::Primitive(..) => 1,
            Self::Constructed(_, inner) => 1 + inner.iter().map(Self::count).sum::<usize>(),
        }
    }

    /// The value with this number, counted from the top.
    fn nth(&mut self, mut number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        number -= 1;
        let Self::Constructed(_, inner) = self else {
            unreachable!("counted")
        };
        for value in inner {
            let count = value.count();
            if number < count {
                return value.nth(number);
            }
            number -= count;
        }
        unreachable!("counted")
    }
}

/// Changes one value of a DER structure and makes all lengths right again.
fn change_der(part: &mut Vec<u8>, donor: &[u8], random: &mut Random) {
    let (Some(mut values), Some(mut other)) = (Der::parse(part), Der::parse(donor)) else {
        return;
    };
    let (value, other) = (&mut values[0], &mut other[0]);
    let place = random.below(value.count());
    let copy = value.nth(random.below(value.count())).clone();
    let foreign = other.nth(random.below(other.count())).clone();
    match (value.nth(place), random.below(6)) {
        (Der::Primitive(tag, content), 0) if content.is_empty() => *tag ^= 1,
        (Der::Primitive(_, content), 0..=2) if !content.is_empty() => {
            let bit = random.below(content.len() * 8);
            content[bit / 8] ^= 1 << (bit % 8);
        }
        (Der::Constructed(_, inner), 0) => drop(inner.pop()),
        (Der::Constructed(_, inner), 1) if !inner.is_empty() => {
            let doubled = inner[random.below(inner.len())].clone();
            inner.insert(random.below(inner.len()), doubled);
        }
        (Der::Constructed(_, inner), 2) => {
            let at = random.below(inner.len() + 1);
            inner.insert(at, foreign);
        }
        (Der::Constructed(_, inner), 3) if inner.len() > 1 => {
            let (one, two) = (random.below(inner.len()), random.below(inner.len()));
            inner.swap(one, two);
        }
        (Der::Primitive(tag, _) | Der::Constructed(tag, _), 4) => *tag ^= 1 << random.below(8),
        (value, 5) => *value = copy,
        (value, _) => *value = foreign,
    }
    part.clear();
    value.write(part);
}

fn der_header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (tag, first) = (*bytes.first()?, *bytes.get(1)?);
    if first < 0x80 {
        return Some((tag, usize::from(first), 2));
    }
    let count = usize::from(first & 0x7f);
    let digits = bytes
        .get(2..2 + count)
        .filter(|_| (1..3).contains(&count))?;
    let length = digits
        .iter()
        .fold(0, |length, digit| length << 8 | usize::from(*digit));
    Some((tag, length, 2 + count))
}

/// Changes one element of a part: flips, drops, doubles, swaps, empties or replaces it.
fn change(part: &mut Vec<u8>, elements: &[(usize, usize)], donor: &[u8], random: &mut Random) {
    let Some(&(start, end)) = elements.get(random.below(elements.len())) else {
        return;
    };
    match random.below(8) {
        0 => part[start + random.below(end - start)] ^= 1 << random.below(8),
        1 => drop(part.drain(start..end)),
        2 => {
            let copy = part[start..end].to_vec();
            part.splice(end..end, copy);
        }
        3 => {
            let &(other, other_end) = &elements[random.below(elements.len())];
            let copy = part[other..other_end].to_vec();
            part.splice(start..end, copy);
        }
        4 => part.truncate(end),
        5 => {
            let from = random.below(donor.len());
            let length = random.below(donor.len() - from).min(64);
            part.splice(start..end, donor[from..from + length].to_vec());
        }
        6 => {
            let place = start + random.below(end - start);
            part.insert(place, random.next() as u8);
        }
        _ => {
            for byte in &mut part[start..end] {
                *byte = random.next() as u8;
            }
        }
    }
}

fn mutated(good: &Parts, other: &Parts, random: &mut Random) -> Parts {
    let mut bad = good.clone();
    let mut donor = other.clone();
    match random.below(10) {
        // C16: parts of two valid packages put together.
        0 => {
            for which in 0..4 {
                if random.below(2) == 0 {
                    bad.part(which).clone_from(donor.part(which));
                }
            }
        }
        1..=3 => {
            let fields = manifest_fields(&bad.manifest);
            change(&mut bad.manifest, &fields, &other.manifest, random);
        }
        4..=5 => {
            change_der(&mut bad.signature, &other.signature, random);
        }
        6..=7 => {
            change_der(&mut bad.timestamp, &other.timestamp, random);
        }
        8 => {
            let whole = [(0, bad.regions.len())];
            change(&mut bad.regions, &whole, &other.regions, random);
        }
        _ => {
            let which = random.below(4);
            let part = bad.part(which);
            let bit = random.below(part.len() * 8);
            part[bit / 8] ^= 1 << (bit % 8);
        }
    }
    bad
}

#[test]
fn one_hundred_thousand_structured_mutations_never_pass() {
    let good = Parts::of(&world().bytes(b"the payload of one package"));
    let other = Parts::of(&world().bytes(b"the payload of another one"));
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let refused: u64 = std::thread::scope(|scope| {
        let work = |thread: u64| {
            let (good, other) = (&good, &other);
            move || {
                let mut refused = 0;
                for seed in (thread..COUNT).step_by(threads as usize) {
                    let mut random = Random(seed);
                    let bad = std::iter::repeat_with(|| mutated(good, other, &mut random))
                        .find(|bad| bad != good && bad != other)
                        .and_then(|bad| bad.sealed());
                    if let Some(bytes) = bad {
                        let code = refusal(world(), &bytes, Hashing::Sequential);
                        assert!(code.is_some(), "the mutation with seed {seed} passed");
                    }
                    refused += 1;
                }
                refused
            }
        };
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(work(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(refused, COUNT);
}
