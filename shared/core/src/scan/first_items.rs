//! Keeps the first warnings of an input in little memory. Those of a record with a repeated user
//! name are void, but which records repeat one is known only for the part read so far: when the
//! buffer is full, void items are dropped, and if too few remain, more are collected.

use crate::item::Item;

/// Maximum items kept beyond the requested number.
const MAX_SPARE_ITEMS: usize = 32_768;

/// Items in record order, with at least the first `max` of them.
#[derive(Debug)]
pub(super) struct FirstItems {
    max: usize,
    items: Vec<Item>,
    /// Number of items at which void ones are dropped.
    limit: usize,
    spare: usize,
    /// True if enough items are kept.
    enough: bool,
}

impl FirstItems {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            max,
            items: Vec::new(),
            limit: max,
            spare: 1_024,
            enough: max == 0,
        }
    }

    /// Returns the number of items of one chunk that are worth keeping.
    pub(super) fn of_one_chunk(max: usize) -> usize {
        if max == 0 {
            0
        } else {
            max.max(MAX_SPARE_ITEMS)
        }
    }

    /// Adds the items of the next chunk. `void` returns a predicate for void items among all
    /// records read so far; it is slow and rarely called.
    pub(super) fn add<V: Fn(&Item) -> bool>(&mut self, items: Vec<Item>, void: impl FnOnce() -> V) {
        if self.enough {
            return;
        }
        let cut_short = items.len() >= Self::of_one_chunk(self.max);
        self.items.extend(items);
        if self.items.len() < self.limit && !cut_short {
            return;
        }
        let void = void();
        self.items.retain(|item| !void(item));
        self.spare = (self.spare * 2).min(MAX_SPARE_ITEMS);
        self.limit = self.items.len().saturating_add(self.spare);
        self.enough = self.items.len() >= self.max || cut_short;
    }

    /// Returns the first items that are not void, including those in `cross_record`, which are
    /// known only at the end.
    pub(super) fn finish(
        self,
        cross_record: impl Iterator<Item = Item>,
        void: impl Fn(&Item) -> bool,
    ) -> Vec<Item> {
        // Items after the last kept one may be missing.
        let end = if self.enough {
            self.items.last().and_then(|last| last.record)
        } else {
            None
        };
        let mut items: Vec<Item> = self
            .items
            .into_iter()
            .filter(|item| !void(item))
            .chain(cross_record.filter(|item| end.is_none_or(|end| item.record <= Some(end))))
            .collect();
        items.sort_by_key(|item| item.record);
        items.truncate(self.max);
        items
    }
}
