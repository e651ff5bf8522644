//! Out of the API's answers. A node of another version may leave something out: it is shown as `-`.

use serde_json::Value;

/// The objects of a list.
pub(crate) fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}

/// A text, as a cell.
pub(crate) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or("-").to_owned()
}

/// A number, as a cell.
pub(crate) fn count(object: &Value, name: &str) -> String {
    match &object[name] {
        Value::Number(number) => number.to_string(),
        _ => "-".to_owned(),
    }
}

/// Live nodes that did not answer, in words; nothing if all did.
pub(crate) fn silence(answer: &Value) -> Option<String> {
    let silent: Vec<&str> = list(answer, "silent").filter_map(Value::as_str).collect();
    (!silent.is_empty()).then(|| {
        format!(
            "no answer from {}: what they hold is not in here (a node that died is counted as alive for up to 15 s)",
            silent.join(", ")
        )
    })
}
