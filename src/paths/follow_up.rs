//! What a follow-up asks.

/// The question as it stands by itself, after these of the same reader; `None` where it is left alone.
pub(super) fn complete(_earlier: &[&str], _question: &str) -> Option<String> {
    None
}
