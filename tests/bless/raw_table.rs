//! File tables entry by entry, without any rule: for writing what a proper writer would not.

use isi_catalog::digest::Sha256Digest;

/// An entry as it stands in a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) path: &'a str,
    pub(crate) target: &'a str,
    pub(crate) kind: u8,
    pub(crate) mode: u32,
    pub(crate) size: u64,
    pub(crate) data_offset: u64,
    pub(crate) device: [u32; 2],
    pub(crate) sha256: [u8; 32],
    pub(crate) attributes: &'a [(&'a str, &'a str)],
}

impl<'a> Entry<'a> {
    const fn new(kind: u8, path: &'a str, mode: u32) -> Self {
        Self {
            path,
            target: "",
            kind,
            mode,
            size: 0,
            data_offset: 0,
            device: [0; 2],
            sha256: [0; 32],
            attributes: &[],
        }
    }

    pub(crate) fn file(path: &'a str, contents: &[u8], data_offset: u64) -> Self {
        Self {
            size: u64::try_from(contents.len()).unwrap(),
            data_offset,
            sha256: *Sha256Digest::of(contents).as_bytes(),
            ..Self::new(1, path, 0o644)
        }
    }

    pub(crate) const fn directory(path: &'a str) -> Self {
        Self::new(2, path, 0o755)
    }

    pub(crate) const fn symlink(path: &'a str, target: &'a str) -> Self {
        Self {
            target,
            ..Self::new(3, path, 0o777)
        }
    }

    pub(crate) const fn hard_link(path: &'a str, target: &'a str) -> Self {
        Self {
            target,
            ..Self::new(4, path, 0o644)
        }
    }

    pub(crate) const fn device(path: &'a str, major: u32, minor: u32) -> Self {
        Self {
            device: [major, minor],
            ..Self::new(6, path, 0o644)
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let short = |length: usize| u16::try_from(length).unwrap().to_le_bytes();
        let mut bytes = Vec::new();
        bytes.extend(short(self.path.len()));
        bytes.extend(short(self.target.len()));
        bytes.extend(short(self.attributes.len()));
        bytes.extend([self.kind, 0]);
        bytes.extend(self.mode.to_le_bytes());
        // Owner 0:0 at the beginning of 1970.
        bytes.extend([0; 20]);
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.data_offset.to_le_bytes());
        bytes.extend(self.device.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(self.sha256);
        bytes.extend(self.path.as_bytes());
        bytes.extend(self.target.as_bytes());
        for (name, value) in self.attributes {
            bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
            bytes.extend(short(name.len()));
            bytes.extend(name.as_bytes());
            bytes.extend(value.as_bytes());
        }
        bytes
    }
}

/// A table of these entries, whose stream length is right when no entry needs a PAX header.
pub(crate) fn table(entries: &[Entry<'_>]) -> Vec<u8> {
    let contents = entries
        .iter()
        .map(|entry| 512 + entry.size.next_multiple_of(512));
    let stream_length = contents.sum::<u64>() + 1024;
    let count = u64::try_from(entries.len()).unwrap();
    let mut bytes = b"ISI-FTAB\x01\0\0\0\0\0\0\0".to_vec();
    bytes.extend(count.to_le_bytes());
    bytes.extend(stream_length.to_le_bytes());
    bytes.extend(entries.iter().flat_map(Entry::bytes));
    bytes
}

/// The tar header of a character device with mode 0644, owner 0:0 and time 0.
pub(crate) fn device_header(name: &str, major: u32, minor: u32) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put = |offset: usize, bytes: &[u8]| {
        block[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    put(0, name.as_bytes());
    put(100, b"0000644");
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, b"00000000000");
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, b"3");
    put(257, b"ustar\x0000");
    put(329, format!("{major:07o}").as_bytes());
    put(337, format!("{minor:07o}").as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    block
}
