//! Packages whose container is wrong: forged with true checksums, so that only the one rule is broken.

use isi_catalog::isi_file::layout::{FOOTER, FOOTER_CRC_COVERS, FOOTER_SIZE};

use crate::good::tiny;
use crate::keys::Keys;
use crate::vector::Vector;
use crate::vectors::Stage;

pub(crate) fn vectors(_keys: &Keys) -> Vec<Vector> {
    let mut flags = tiny();
    set(&mut flags, "flags", &1_u32.to_le_bytes());
    vec![Vector::bad(
        "E_FORMAT_FLAGS",
        "",
        "bit 0 of the flags is set",
        Stage::Open,
        flags,
    )]
}

/// Writes a field of the footer and the CRC-32C that goes with it.
fn set(package: &mut [u8], field: &str, value: &[u8]) {
    let start = package.len() - FOOTER_SIZE;
    let footer = &mut package[start..];
    let place = |name: &str| {
        let field = FOOTER.iter().find(|field| field.name == name).unwrap();
        field.offset..field.offset + field.size
    };
    footer[place(field)].copy_from_slice(value);
    if field != "crc32c" && field != "end_magic" {
        let castagnoli = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
        let crc = castagnoli.checksum(&footer[..FOOTER_CRC_COVERS]);
        footer[place("crc32c")].copy_from_slice(&crc.to_le_bytes());
    }
}
