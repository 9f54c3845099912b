//! Manifests field by field, without any rule: for writing what a proper writer would not.

use isi_catalog::manifest::tags::{self, Tag};

/// The fields of a block: stored tag and value, in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(u16, Vec<u8>)>);

impl Fields {
    /// Takes a valid block apart.
    pub(crate) fn of(block: &[u8]) -> Self {
        let mut fields = Vec::new();
        let mut rest = block;
        while let [t0, t1, l0, l1, l2, l3, after @ ..] = rest {
            let length = usize::try_from(u32::from_le_bytes([*l0, *l1, *l2, *l3])).unwrap();
            let (value, next) = after.split_at(length);
            fields.push((u16::from_le_bytes([*t0, *t1]), value.to_vec()));
            rest = next;
        }
        Self(fields)
    }

    /// The block.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let field = |(tag, value): &(u16, Vec<u8>)| {
            [&tag.to_le_bytes()[..], &length(value), value].concat()
        };
        self.0.iter().flat_map(field).collect()
    }

    /// The value of a field that is there.
    pub(crate) fn value(&mut self, tag: Tag) -> &mut Vec<u8> {
        let found = self
            .0
            .iter_mut()
            .find(|(stored, _)| *stored == tag.stored());
        &mut found.unwrap().1
    }

    /// Puts a field where its number belongs, in place of one of that number.
    pub(crate) fn put(&mut self, stored: u16, value: &[u8]) {
        let number = |tag: u16| tag & !tags::CRITICAL;
        self.0.retain(|(tag, _)| number(*tag) != number(stored));
        let place = self
            .0
            .partition_point(|(tag, _)| number(*tag) < number(stored));
        self.0.insert(place, (stored, value.to_vec()));
    }

    /// Takes a field out.
    pub(crate) fn remove(&mut self, tag: Tag) {
        self.0.retain(|(stored, _)| *stored != tag.stored());
    }
}

/// A list: each item behind its length.
pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let item = |item: &Vec<u8>| [&length(item)[..], item].concat();
    items.iter().flat_map(item).collect()
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap().to_le_bytes()
}
