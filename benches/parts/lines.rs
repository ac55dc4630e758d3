//! Files of one JSON value in each line.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("{} can't be read", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

pub(crate) fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value[key].as_str().with_context(|| format!("there is no `{key}`"))?.to_owned())
}
