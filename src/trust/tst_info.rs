use jiff::Timestamp;

use super::der::{DerError, DerFault, Reader, oid, tag, time};

/// The signed content of a timestamp (RFC 3161, section 2.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TstInfo<'a> {
    /// OID of the policy it was issued under, dotted.
    pub policy: String,
    /// OID of the digest algorithm, content bytes.
    pub(super) algorithm: &'a [u8],
    /// Digest of what was seen.
    pub imprint: &'a [u8],
    /// Serial number, content bytes of the INTEGER.
    pub serial: &'a [u8],
    /// When it was seen.
    pub time: Timestamp,
    /// The number the request was marked with, content bytes of the INTEGER.
    pub nonce: Option<&'a [u8]>,
}

impl<'a> TstInfo<'a> {
    /// Reads a `TSTInfo`: strict DER, version 1, no critical extension.
    pub fn from_der(der: &'a [u8]) -> Result<Self, DerError> {
        super::der::check_strict(der, "TSTInfo")?;
        let mut reader = Reader::new(der);
        let mut info = reader.sequence("TSTInfo")?;
        reader.finish("TSTInfo")?;
        let at = info;
        if info.small("version")? != 1 {
            return Err(at.error(DerFault::BadValue, "version"));
        }
        let policy = oid::dotted(info.oid("policy")?);
        let mut imprint = info.sequence("messageImprint")?;
        let mut algorithm = imprint.sequence("hashAlgorithm")?;
        let digest = algorithm.oid("hashAlgorithm")?;
        algorithm.optional(tag::NULL, "parameters")?;
        algorithm.finish("hashAlgorithm")?;
        let hashed = imprint.octets("hashedMessage")?;
        imprint.finish("messageImprint")?;
        let serial = info.integer("serialNumber")?;
        let time = time::generalized(&mut info, "genTime")?;
        if let Some(value) = info.optional(tag::SEQUENCE, "accuracy")? {
            check_accuracy(info.inside(value))?;
        }
        if info.peek() == Some(tag::BOOLEAN) && !info.boolean("ordering")? {
            return Err(info.error(DerFault::NotCanonical, "ordering"));
        }
        let nonce = match info.peek() {
            Some(tag::INTEGER) => Some(info.integer("nonce")?),
            _ => None,
        };
        info.optional(tag::context(0), "tsa")?;
        if let Some(value) = info.optional(tag::context(1), "extensions")? {
            check_extensions(info.inside(value))?;
        }
        info.finish("TSTInfo")?;
        Ok(Self {
            policy,
            algorithm: digest,
            imprint: hashed,
            serial,
            time,
            nonce,
        })
    }
}

fn check_accuracy(mut accuracy: Reader<'_>) -> Result<(), DerError> {
    if accuracy.peek() == Some(tag::INTEGER) {
        accuracy.integer("seconds")?;
    }
    accuracy.optional(tag::context_primitive(0), "millis")?;
    accuracy.optional(tag::context_primitive(1), "micros")?;
    accuracy.finish("accuracy")
}

/// No extension is known here, so none may be critical.
fn check_extensions(mut list: Reader<'_>) -> Result<(), DerError> {
    while !list.is_empty() {
        let at = list;
        let mut extension = list.sequence("extension")?;
        extension.oid("extnID")?;
        if extension.peek() == Some(tag::BOOLEAN) && extension.boolean("critical")? {
            return Err(at.error(DerFault::BadValue, "critical extension"));
        }
        extension.octets("extnValue")?;
        extension.finish("extension")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::der::write;
    use super::*;

    fn info(after_time: &[&[u8]]) -> Vec<u8> {
        let imprint = write::sequence(&[
            &write::sequence(&[&write::oid(oid::SHA256), &write::null()]),
            &write::octets(&[7; 32]),
        ]);
        let fixed = [
            write::unsigned(&[1]),
            write::oid(&[0x2a, 3, 4]),
            imprint,
            write::unsigned(&[9]),
            write::tlv(tag::GENERALIZED_TIME, &[b"20260102030405.5Z"]),
        ]
        .concat();
        write::sequence(&[&fixed, &after_time.concat()])
    }

    #[test]
    fn reads_every_optional_field_and_nothing_else() {
        let accuracy = write::sequence(&[
            &write::unsigned(&[1]),
            &write::tlv(tag::context_primitive(0), &[&[5]]),
        ]);
        let full = info(&[
            &accuracy,
            &write::tlv(tag::BOOLEAN, &[&[0xff]]),
            &write::unsigned(&[0x12, 0x34]),
            &write::tlv(tag::context(0), &[&write::null()]),
            &write::tlv(tag::context(1), &[]),
        ]);
        let read = TstInfo::from_der(&full).unwrap();
        assert_eq!(read.policy, "1.2.3.4");
        assert_eq!(read.time.to_string(), "2026-01-02T03:04:05.5Z");
        assert_eq!(read.nonce, Some(&[0x12, 0x34][..]));
        assert_eq!(TstInfo::from_der(&info(&[])).unwrap().nonce, None);
        let field = |der: &[u8]| TstInfo::from_der(der).unwrap_err().field;
        assert_eq!(field(&info(&[&write::null()])), "TSTInfo");
        assert_eq!(
            field(&info(&[&write::tlv(tag::BOOLEAN, &[&[0]])])),
            "ordering"
        );
        let critical = write::sequence(&[
            &write::oid(&[0x2a, 3]),
            &write::tlv(tag::BOOLEAN, &[&[0xff]]),
            &write::octets(&[]),
        ]);
        let extended = info(&[&write::tlv(tag::context(1), &[&critical])]);
        assert_eq!(field(&extended), "critical extension");
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(TstInfo::from_der(&bytes));
        }

        #[test]
        fn any_change_is_an_error_or_another_value(index in 0_usize..80, value in any::<u8>()) {
            let good = info(&[&write::unsigned(&[0x12, 0x34])]);
            let mut bad = good.clone();
            let index = index % bad.len();
            if bad[index] != value {
                bad[index] = value;
                if let Ok(read) = TstInfo::from_der(&bad) {
                    prop_assert!(read != TstInfo::from_der(&good).unwrap());
                }
            }
        }
    }
}
