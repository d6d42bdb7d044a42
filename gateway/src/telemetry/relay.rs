//! Metrics for the workers' port: workers ask, control renders.
//!
//! Rendering ten thousand tools takes milliseconds, which a worker does not have. So it asks, and looks
//! again and again whether there is an answer, while it serves others: nobody waits for a lock, and no
//! thread wakes another. Who asks while a text is being rendered shares the next one with all who do, so
//! the work is bounded however many ask; each gets a text that was begun after it asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

/// Between workers that ask and control that answers.
#[derive(Debug, Default)]
pub struct Relay {
    /// Counts those who asked.
    asked: AtomicU64,
    answered: ArcSwapOption<Rendered>,
}

#[derive(Debug)]
struct Rendered {
    /// The last that had asked when it was begun.
    ticket: u64,
    text: Arc<Vec<u8>>,
}

/// Who asked, among all who did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Relay {
    /// Asks for a text.
    #[must_use]
    pub fn ask(&self) -> Ticket {
        Ticket(self.asked.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// The text, once it is there.
    #[must_use]
    pub fn answer_to(&self, ticket: Ticket) -> Option<Arc<Vec<u8>>> {
        let answered = self.answered.load();
        let rendered = answered.as_ref()?;
        (rendered.ticket >= ticket.0).then(|| Arc::clone(&rendered.text))
    }

    /// Renders one text for all who have asked, if anyone has.
    pub fn answer(&self, render: impl FnOnce() -> Vec<u8>) {
        let ticket = self.asked.load(Ordering::Acquire);
        let answered = self
            .answered
            .load()
            .as_ref()
            .map_or(0, |rendered| rendered.ticket);
        if ticket == answered {
            return;
        }
        let text = Arc::new(render());
        self.answered
            .store(Some(Arc::new(Rendered { ticket, text })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn all_who_asked_share_one_text_and_later_ones_get_the_next() {
        let relay = Relay::default();
        let rendered = Cell::new(0u8);
        let render = || {
            rendered.set(rendered.get() + 1);
            vec![rendered.get()]
        };
        relay.answer(render);
        assert_eq!(rendered.get(), 0, "nobody asked");
        let (one, two) = (relay.ask(), relay.ask());
        assert_eq!(relay.answer_to(one), None);
        relay.answer(|| {
            let late = relay.ask();
            assert_eq!(relay.answer_to(late), None);
            render()
        });
        for ticket in [one, two] {
            assert_eq!(*relay.answer_to(ticket).unwrap(), [1]);
        }
        let late = Ticket(two.0 + 1);
        assert_eq!(relay.answer_to(late), None, "it may lack what late did");
        relay.answer(render);
        assert_eq!(*relay.answer_to(late).unwrap(), [2]);
        relay.answer(render);
        assert_eq!(rendered.get(), 2);
    }
}
