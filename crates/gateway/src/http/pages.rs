//! Pages that are part of the binary: files by path, answered with a policy under which nothing else runs.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response};
use http_body_util::Full;

/// A file of a page, as text.
pub(super) struct File {
    /// Where it is asked for.
    pub(super) path: &'static str,
    /// What is answered.
    pub(super) text: &'static str,
}

/// Finds a file, and makes the answer that carries it.
pub(super) fn find(files: &[File], path: &str) -> Option<Response<Full<Bytes>>> {
    files.iter().find(|file| file.path == path).map(answer)
}

fn answer(file: &File) -> Response<Full<Bytes>> {
    let kind = match file.path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    };
    let mut answer = Response::new(Full::from(file.text));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // The next version of the binary has other files under the same names.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(super::security::OWN_PAGE),
    );
    answer
}
