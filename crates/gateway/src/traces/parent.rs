//! The trace that a caller is in: the `traceparent` header of W3C Trace Context, level 1.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// A caller's span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    trace: TraceId,
    span: SpanId,
    is_recorded: bool,
}

impl Parent {
    /// Reads `00-<trace>-<span>-<flags>`; nothing if it is none, as the standard has it. Of later versions what this one
    /// knows is read.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let has_more = parts.next().is_some();
        let lengths = (version.len(), trace.len(), span.len(), flags.len());
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if lengths != (2, 32, 16, 2)
            || ![version, trace, span, flags].into_iter().all(is_hex)
            || version == "ff"
            || (version == "00" && has_more)
        {
            return None;
        }
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        (trace != TraceId::INVALID && span != SpanId::INVALID).then_some(Self {
            trace,
            span,
            is_recorded: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        })
    }

    /// Whether the caller records it.
    #[must_use]
    pub fn is_recorded(self) -> bool {
        self.is_recorded
    }

    pub(super) fn span_context(self) -> SpanContext {
        SpanContext::new(self.trace, self.span, TraceFlags::SAMPLED, true, TraceState::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn what_the_standard_has_is_read() {
        let parent = Parent::parse(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert!(parent.is_recorded());
        assert_eq!(parent.span_context().trace_id().to_string(), TRACE);
        assert_eq!(parent.span_context().span_id().to_string(), SPAN);
        assert!(!Parent::parse(&format!("00-{TRACE}-{SPAN}-00")).unwrap().is_recorded());
        let later = Parent::parse(&format!("cc-{TRACE}-{SPAN}-09-what-comes"));
        assert!(later.is_some_and(Parent::is_recorded));
    }

    #[test]
    fn anything_else_is_no_parent() {
        for header in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}x-{SPAN}-01"),
        ] {
            assert_eq!(Parent::parse(&header), None, "{header}");
        }
    }
}
