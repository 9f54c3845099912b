//! Every bound of this module, with its reason.

use jiff::Timestamp;

/// Longest signature section, in bytes: eight signers with full chains need less than 64 KiB.
pub const MAX_SIGNATURE_LENGTH: usize = 256 << 10;
/// Longest timestamp section, in bytes: tokens of public authorities have 2 to 10 KiB.
pub const MAX_TOKEN_LENGTH: usize = 64 << 10;
/// Most certificates carried in one CMS: four for each of eight signers.
pub const MAX_CERTIFICATES: usize = 32;
/// Longest certificate, in bytes: one of RSA-8192 with many extensions stays below 8 KiB.
pub const MAX_CERTIFICATE_LENGTH: usize = 16 << 10;
/// Most signers of one package.
pub const MAX_SIGNERS: usize = 8;
/// Most certificates of a chain, the signer's and the anchor included.
pub const MAX_CHAIN: usize = 5;
/// Longest RSA modulus, in bits: beyond it a check takes noticeable time and adds no strength.
pub const MAX_RSA_BITS: usize = 8192;
/// Shortest RSA modulus of a package signer and its issuers, in bits.
pub const MIN_RSA_BITS: usize = 3072;
/// Shortest RSA modulus of a timestamp authority and its issuers, in bits: public ones still use 2048.
pub const MIN_TSA_RSA_BITS: usize = 2048;
/// Longest serial number of a certificate, in bytes (RFC 5280, section 4.1.2.2).
pub const MAX_SERIAL_LENGTH: usize = 20;
/// How far ahead of our clock a timestamp may be, in seconds: clocks of two machines differ.
pub const MAX_CLOCK_SKEW: i64 = 300;
/// Earliest time a timestamp can have: the format did not exist before.
pub const EARLIEST_TIMESTAMP: Timestamp = Timestamp::constant(1_577_836_800, 0);

/// Most names in one trust directory.
pub const MAX_TRUST_FILES: usize = 1024;
/// Longest file of certificates, in bytes.
pub const MAX_CERTIFICATE_FILE: u64 = 1 << 20;
/// Longest file of revocation lists, in bytes: lists of large authorities reach several megabytes.
pub const MAX_CRL_FILE: u64 = 16 << 20;
/// Longest identities file, in bytes.
pub const MAX_IDENTITIES_FILE: u64 = 1 << 20;
/// Most rules of an identities file.
pub const MAX_IDENTITIES: usize = 1024;
/// Longest subject of a rule, in bytes.
pub const MAX_SUBJECT_LENGTH: usize = 1024;
/// Most certificates remembered as read: those of the few signers and authorities of a catalog.
pub(super) const MAX_KNOWN_CERTIFICATES: usize = 64;
/// Most facts remembered as proven, of 32 bytes each: a few for each signer.
pub(super) const MAX_KNOWN_FACTS: usize = 256;
/// Longest private key file, in bytes.
pub const MAX_KEY_FILE: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    #[test]
    fn the_earliest_timestamp_is_the_first_second_of_2020() {
        assert_eq!(
            super::EARLIEST_TIMESTAMP.to_string(),
            "2020-01-01T00:00:00Z"
        );
    }
}
