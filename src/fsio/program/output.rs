/// What a program printed, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: u64,
    limit: usize,
}

impl Output {
    /// Nothing so far; at most `limit` bytes are kept.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// As text; what was left out is said in its place.
    pub fn text(&self) -> String {
        let (head, tail) = (&self.head, &self.tail);
        if self.left_out == 0 {
            let whole: Vec<u8> = head.iter().chain(tail).copied().collect();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let text = String::from_utf8_lossy;
        let left_out = self.left_out;
        format!(
            "{}\n[{left_out} bytes left out]\n{}",
            text(head),
            text(tail)
        )
    }

    /// How many bytes are not kept.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Keeps what there is room for.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let half = self.limit / 2;
        let room = half.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.head.extend(head);
        self.tail.extend(rest);
        let over = self
            .tail
            .len()
            .saturating_sub(self.limit.saturating_sub(half));
        self.tail.drain(..over);
        let over = u64::try_from(over).unwrap_or(u64::MAX);
        self.left_out = self.left_out.saturating_add(over);
    }
}
