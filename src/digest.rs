//! SHA-256 digests, package IDs and the prefixes people type for them.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest (FIPS 180-4), 32 bytes; printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; Self::LENGTH]);

impl Sha256Digest {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Wraps the 32 bytes of a digest.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Hashes `bytes` in one go.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 2 * Self::LENGTH];
        HEXLOWER.encode_mut(&self.0, &mut digits);
        f.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

impl FromStr for Sha256Digest {
    type Err = DigestError;

    /// Accepts exactly 64 lower-case hex digits: no spaces, no upper case, no prefix.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| DigestError::NotADigest)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| DigestError::NotADigest)
    }
}

impl serde::Serialize for Sha256Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sha256Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The ID of a package: the SHA-256 of the whole `.isi` file.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct PackageId(Sha256Digest);

impl PackageId {
    /// Names the file whose SHA-256 is `digest`.
    pub const fn new(digest: Sha256Digest) -> Self {
        Self(digest)
    }

    /// The digest behind the ID.
    pub const fn digest(&self) -> Sha256Digest {
        self.0
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PackageId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse().map(Self)
    }
}

/// The first 3 to 64 hex digits of a [`PackageId`], as a person types them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdPrefix(String);

impl IdPrefix {
    /// Fewest digits accepted: fewer would name too much by accident.
    pub const MIN_DIGITS: usize = 3;

    /// The digits, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<PackageId> for IdPrefix {
    /// All digits of the ID.
    fn from(id: PackageId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IdPrefix {
    type Err = DigestError;

    /// Accepts 3 to 64 hex digits; upper case is folded, because people paste it.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let in_range = (Self::MIN_DIGITS..=2 * Sha256Digest::LENGTH).contains(&text.len());
        if in_range && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(DigestError::NotAnIdPrefix)
        }
    }
}

/// Text that is not the digest or ID it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Not 64 lower-case hex digits.
    #[error("not a SHA-256 digest: expected exactly 64 lower-case hex digits")]
    NotADigest,
    /// Not 3 to 64 hex digits.
    #[error("not a package ID: expected 3 to 64 hex digits")]
    NotAnIdPrefix,
}

/// A running SHA-256; cloning it keeps the digest of what was read so far.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Starts with nothing hashed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Ends the hash.
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Hashes and counts what is read through it.
#[derive(Debug)]
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
    length: u64,
}

impl<R: Read> HashingReader<R> {
    /// Wraps `inner`.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Hasher::new(),
            length: 0,
        }
    }

    /// The digest and the number of bytes read so far.
    pub fn finish(self) -> (Sha256Digest, u64) {
        (self.hasher.finish(), self.length)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.length += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 example: SHA-256("abc").
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn prints_and_parses_64_lower_case_digits() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(ABC.parse(), Ok(digest));
    }

    #[test]
    fn c05_a_digest_with_anything_else_around_it_is_no_digest() {
        let bad = [
            String::new(),
            format!(" {ABC}"),
            format!("{ABC}\n"),
            ABC.to_uppercase(),
            ABC[..63].to_owned(),
            format!("{ABC}0"),
            format!("0x{}", &ABC[2..]),
        ];
        for text in bad {
            assert_eq!(
                text.parse::<Sha256Digest>(),
                Err(DigestError::NotADigest),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_prefix_takes_3_to_64_digits() {
        for (text, digits) in [("ba7", "ba7"), ("BA78", "ba78"), (ABC, ABC)] {
            assert_eq!(text.parse::<IdPrefix>().unwrap().as_str(), digits);
        }
        for text in ["", "ba", "bag", "ba 7", &format!("{ABC}0")] {
            assert_eq!(
                text.parse::<IdPrefix>(),
                Err(DigestError::NotAnIdPrefix),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_reader_hashes_and_counts_what_goes_through() {
        let mut reader = HashingReader::new(&b"abc"[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(reader.finish(), (Sha256Digest::of(b"abc"), 3));
    }
}
