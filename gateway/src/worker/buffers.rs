//! Buffers that a worker uses again, so that a warm call allocates none.

use std::cell::RefCell;

/// Buffers kept. A worker has a few hundred calls in flight at most times; more are simply freed.
const BUFFERS_MAX: usize = 256;
/// A buffer that grew beyond this for one large call is freed rather than kept.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Capacity of a new buffer: a call's request and its answer usually fit.
const BUFFER_BYTES: usize = 4 * 1024;

/// Empty buffers of one worker.
#[derive(Debug, Default)]
pub struct Buffers {
    free: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An empty buffer.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.free
            .borrow_mut()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
    }

    /// Takes a buffer back, whatever it holds.
    pub fn give_back(&self, mut buffer: Vec<u8>) {
        let mut free = self.free.borrow_mut();
        if free.len() < BUFFERS_MAX && (1..=BUFFER_BYTES_MAX).contains(&buffer.capacity()) {
            buffer.clear();
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_small_buffers_empty_and_frees_large_ones() {
        let buffers = Buffers::default();
        buffers.give_back(b"secret of another tenant".to_vec());
        assert!(
            buffers.take().is_empty(),
            "nothing of the last call is left"
        );
        buffers.give_back(Vec::with_capacity(BUFFER_BYTES_MAX + 1));
        buffers.give_back(Vec::new());
        assert_eq!(buffers.free.borrow().len(), 0);
        for _ in 0..=BUFFERS_MAX {
            buffers.give_back(Vec::with_capacity(16));
        }
        assert_eq!(
            buffers.free.borrow().len(),
            BUFFERS_MAX,
            "one past the bound is freed"
        );
    }
}
