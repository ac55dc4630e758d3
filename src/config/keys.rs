//! Keys that nobody knows, and the known one that was probably meant.

/// One line for each key of `given` that `known` doesn't hold. Keys are dotted: `server.listen`.
///
/// A whole section that is unknown is named once, and so is a section that holds nothing.
pub(crate) fn unknown_keys(given: &[String], known: &[String], file: &str) -> Vec<String> {
    let sections: Vec<String> = known.iter().flat_map(|key| sections_of(key)).collect();
    let mut lines: Vec<String> = Vec::new();
    for key in given {
        // A value where a section belongs, or the reverse, is a wrong type and not a wrong name.
        let misused = sections.contains(key) || sections_of(key).any(|part| known.contains(&part));
        if known.contains(key) || misused {
            continue;
        }
        let stranger = sections_of(key).find(|part| !sections.contains(part));
        let (named, candidates) = match stranger {
            Some(section) => (section, sections.as_slice()),
            None => (key.clone(), known),
        };
        let line = format!("unknown key `{named}` in {file}{}", did_you_mean(&named, candidates));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// `; did you mean …?` with the nearest of the known names, or nothing where none is near.
///
/// Names are compared without the sections that both begin with, or everything in one section would
/// look alike; a name that stands in the wrong section is found as well.
pub(crate) fn did_you_mean<S: AsRef<str>>(given: &str, known: &[S]) -> String {
    let nearness = |candidate: &str| {
        let whole = strsim::normalized_damerau_levenshtein(given, candidate);
        let last = strsim::normalized_damerau_levenshtein(last_part(given), last_part(candidate));
        (last * 3.0 + whole) / 4.0
    };
    known
        .iter()
        .map(|candidate| (nearness(candidate.as_ref()), candidate.as_ref()))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(near, _)| *near > 0.55)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// `auth.demo.people` lies in the sections `auth` and `auth.demo`.
fn sections_of(key: &str) -> impl Iterator<Item = String> {
    key.match_indices('.').map(|(dot, _)| key[..dot].to_owned())
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
