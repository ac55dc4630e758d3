//! Whether passages support what a language model says of them.

use crate::generate::{Evidence, Meaning, Support};

/// Why a sentence is not let out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It cites nothing, or nothing that it was given.
    #[error("it cites nothing that it was given")]
    Uncited,
    /// The words of the sentence are not in the passages.
    #[error("the passages do not say it")]
    Words,
}

/// The quotes that support a sentence.
///
/// # Errors
/// The passages do not support it.
pub fn support(
    claim: &str,
    cited: &[(usize, Evidence<'_>)],
    _meaning: Option<Meaning<'_>>,
) -> Result<Vec<Support>, Doubt> {
    let place = |(passage, evidence): &(usize, Evidence<'_>)| {
        let start = evidence.text.find(claim)?;
        Some(Support { passage: *passage, start, end: start + claim.len() })
    };
    if cited.is_empty() {
        return Err(Doubt::Uncited);
    }
    let quotes: Vec<_> = cited.iter().filter_map(place).collect();
    if quotes.is_empty() { Err(Doubt::Words) } else { Ok(quotes) }
}
