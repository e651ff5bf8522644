//! Pages: one item more than asked for is read, to see whether there is more.

use super::value::Value;
use crate::{PAGE_MAX, Page};

/// How many rows to read for a page of at most `limit`.
pub(super) fn rows_for(limit: usize) -> Value<'static> {
    let limit = limit.clamp(1, PAGE_MAX) + 1;
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// Makes a page of what was read. `items` counts as many as there were rows: one that could not be read is `None`.
pub(super) fn page<T, C>(mut items: Vec<Option<T>>, limit: usize, cursor: impl Fn(&T) -> C) -> Page<T, C> {
    let limit = limit.clamp(1, PAGE_MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let items: Vec<T> = items.into_iter().flatten().collect();
    let next = if has_more { items.last().map(cursor) } else { None };
    Page { items, next }
}
