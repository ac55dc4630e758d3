//! What one file may cost. Past a limit the file fails by itself, with the limit in its reason.

use serde::{Deserialize, Serialize};

/// The limits of the extraction of one file; the part `[limits]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest file that is read, in bytes.
    pub file_bytes: u64,
    /// The longest text that a file may yield, in bytes.
    pub text_bytes: u64,
    /// What the worker may allocate, in bytes, besides its own program and stack.
    pub memory_bytes: u64,
    /// How long one file may take, in seconds, by the clock and by the processor.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 100 * 1024 * 1024,
            text_bytes: 20 * 1024 * 1024,
            memory_bytes: 1024 * 1024 * 1024,
            seconds: 60,
        }
    }
}

/// A number of bytes as people write it, for reasons: `100 MiB`, rounded up.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let mut unit = 0;
    let mut rest = count;
    while rest >= 10 * 1024 && unit + 1 < UNITS.len() {
        rest = rest.div_ceil(1024);
        unit += 1;
    }
    format!("{rest} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(Limits::default().file_bytes), "100 MiB");
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(200 * 1000 * 1000), "191 MiB");
    }
}
