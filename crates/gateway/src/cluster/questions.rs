//! Questions of this node that are under way: who has yet to answer, and what came.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot;

/// Questions under way at once.
const QUESTIONS: usize = 1024;

/// What came of a question to several nodes.
#[derive(Debug)]
pub struct Gathered<T> {
    /// The answers, with the nodes that gave them.
    pub answers: Vec<(String, T)>,
    /// Live nodes that did not answer in time, or could not.
    pub silent: Vec<String>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Questions {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Question>>,
}

struct Question {
    expected: BTreeSet<String>,
    answers: Vec<(String, Value)>,
    failed: Vec<String>,
    done: Option<oneshot::Sender<()>>,
}

/// One of them, in the hands of who asks. Dropped, it is no longer under way.
pub(super) struct Asked<'q> {
    questions: &'q Questions,
    done: oneshot::Receiver<()>,
    pub(super) number: u64,
}

impl Questions {
    /// Opens one that these nodes are to answer. `None`: too many are under way.
    pub(super) fn open(&self, expected: BTreeSet<String>) -> Option<Asked<'_>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (done, receiver) = oneshot::channel();
        let mut open = self.open.lock();
        if open.len() >= QUESTIONS {
            return None;
        }
        let question = Question {
            expected,
            answers: Vec::new(),
            failed: Vec::new(),
            done: Some(done),
        };
        open.insert(number, question);
        Some(Asked {
            questions: self,
            done: receiver,
            number,
        })
    }

    /// Takes in an answer; one that nobody waits for is passed over.
    pub(super) fn answered(&self, number: u64, from: &str, answer: Result<Value, String>) {
        let mut open = self.open.lock();
        let Some(question) = open.get_mut(&number) else { return };
        if !question.expected.remove(from) {
            return;
        }
        match answer {
            Ok(answer) => question.answers.push((from.to_owned(), answer)),
            Err(why) => {
                tracing::warn!(node = from, why, "a node could not answer");
                question.failed.push(from.to_owned());
            }
        }
        if question.expected.is_empty()
            && let Some(done) = question.done.take()
        {
            // Who asked may have stopped waiting.
            let _ = done.send(());
        }
    }
}

impl Asked<'_> {
    /// Waits until every node has answered. Cancel safe.
    pub(super) async fn all(&mut self) {
        // The sender is kept until then.
        let _ = (&mut self.done).await;
    }

    /// What has come so far, and the end of the question.
    pub(super) fn finish(self) -> Gathered<Value> {
        let question = self.questions.open.lock().remove(&self.number);
        let Some(question) = question else {
            return Gathered {
                answers: Vec::new(),
                silent: Vec::new(),
            };
        };
        let mut silent = question.failed;
        silent.extend(question.expected);
        silent.sort_unstable();
        Gathered {
            answers: question.answers,
            silent,
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.questions.open.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nodes(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[tokio::test]
    async fn each_node_answers_once_and_the_last_ends_the_wait() {
        let questions = Questions::default();
        let mut asked = questions.open(nodes(&["a", "b"])).unwrap();
        questions.answered(asked.number, "a", Ok(json!(1)));
        questions.answered(asked.number, "a", Ok(json!(2)));
        questions.answered(asked.number, "stranger", Err("what?".into()));
        questions.answered(asked.number, "b", Err("no such request".into()));
        asked.all().await;
        let gathered = asked.finish();
        assert_eq!(gathered.answers, [("a".to_owned(), json!(1))]);
        assert_eq!(gathered.silent, ["b"]);
    }

    #[test]
    fn who_has_not_answered_is_named_and_who_stops_waiting_leaves_nothing() {
        let questions = Questions::default();
        let asked = questions.open(nodes(&["a", "b"])).unwrap();
        questions.answered(asked.number, "b", Ok(json!({})));
        assert_eq!(asked.finish().silent, ["a"]);
        drop(questions.open(nodes(&["a"])));
        assert!(questions.open.lock().is_empty());
        let kept: Vec<_> = (0..QUESTIONS).map(|_| questions.open(nodes(&["a"])).unwrap()).collect();
        assert!(questions.open(nodes(&["a"])).is_none());
        drop(kept);
    }
}
