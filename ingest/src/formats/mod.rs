//! One file per format. Each takes bytes that nobody has vouched for and gives normalised Markdown,
//! or a reason; each may panic, loop or allocate, which is why they run in the worker alone.

pub(crate) mod docx;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod pdf;
mod pdf_mend;
pub(crate) mod text;
mod wraps;
