//! The first warnings of an input, in little memory. Those of a record whose user name came before
//! are void, but which records that are is only known for what was read so far: when the room is
//! used up, void ones are dropped, and if too few are left, it goes on.

use crate::item::Item;

/// Items that are kept at once beyond those that were asked for.
const ROOM: usize = 32_768;

/// Items of records in order, the first `most` of them for certain.
#[derive(Debug)]
pub(super) struct FirstItems {
    most: usize,
    items: Vec<Item>,
    /// How many may be kept before void ones are dropped.
    limit: usize,
    room: usize,
    /// Whether enough are kept.
    enough: bool,
}

impl FirstItems {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            most,
            items: Vec::new(),
            limit: most,
            room: 1_024,
            enough: most == 0,
        }
    }

    /// How many items of one chunk are worth keeping.
    pub(super) fn of_one_chunk(most: usize) -> usize {
        if most == 0 { 0 } else { most.max(ROOM) }
    }

    /// Adds the items of the next chunk. `void` finds the records whose items are void, of all
    /// that were read so far; it takes long, and is seldom asked.
    pub(super) fn add<V: Fn(&Item) -> bool>(&mut self, items: Vec<Item>, void: impl FnOnce() -> V) {
        if self.enough {
            return;
        }
        let cut_short = items.len() >= Self::of_one_chunk(self.most);
        self.items.extend(items);
        if self.items.len() < self.limit && !cut_short {
            return;
        }
        let void = void();
        self.items.retain(|item| !void(item));
        self.room = (self.room * 2).min(ROOM);
        self.limit = self.items.len().saturating_add(self.room);
        self.enough = self.items.len() >= self.most || cut_short;
    }

    /// The first of these items that are not void, and of those that are only known now.
    pub(super) fn finish(
        self,
        late: impl Iterator<Item = Item>,
        void: impl Fn(&Item) -> bool,
    ) -> Vec<Item> {
        // Behind the last one that was kept, items may be missing.
        let end = if self.enough {
            self.items.last().and_then(|last| last.record)
        } else {
            None
        };
        let mut items: Vec<Item> = self
            .items
            .into_iter()
            .filter(|item| !void(item))
            .chain(late.filter(|item| end.is_none_or(|end| item.record <= Some(end))))
            .collect();
        items.sort_by_key(|item| item.record);
        items.truncate(self.most);
        items
    }
}
