//! How well the check tells what a passage says from what it does not: sentences of the public texts in
//! `../shared/data` (or `VOUCH_DATA`) are taken as they are, reworded by rules that keep their meaning,
//! and falsified by rules that don't; then each is checked against its passage.
//!
//! Everything is drawn with a fixed seed. Documents are halved by a hash of their text: rules and word
//! lists were looked at on one half (`VOUCH_BENCH_HALF=tune`), the figures are those of the other. The
//! rewordings have word lists of their own, so that the check is not measured with its own list.
//! `VOUCH_BENCH_SHOW=1` prints what was judged wrongly.

#[path = "check/change.rs"]
mod change;
#[path = "check/texts.rs"]
mod texts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use change::{Change, Random, changes};
use texts::Passage;
use vouch::check::support;
use vouch::generate::Evidence;
use vouch_index::embed::Embedder;

/// Sentences that are taken from each set of texts.
const SENTENCES: usize = 220;
/// Of one kind of change, at most so many sentences of each set.
const OF_A_KIND: usize = 60;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var("VOUCH_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|_| root.join("../shared/data"));
    if !data.is_dir() {
        println!("the check is not measured: {} is not there", data.display());
        return Ok(());
    }
    let tuning = std::env::var("VOUCH_BENCH_HALF").is_ok_and(|half| half == "tune");
    let show = std::env::var("VOUCH_BENCH_SHOW").is_ok();
    let models = root.join("models");
    let embedder =
        Embedder::load(&models.join("all-minilm-l6-v2"), &models.join("libonnxruntime.so"), 1).ok();
    let with = if embedder.is_some() { "with" } else { "without" };
    println!("half: {}, {with} the model", if tuning { "tuning" } else { "reported" });
    let mut table = Table::default();
    for (name, passages) in texts::sets(&data)? {
        let half: Vec<Passage> =
            passages.into_iter().filter(|passage| passage.for_tuning() == tuning).collect();
        let made = make(name, &half);
        for one in &made {
            table.judge(one, &half, embedder.as_ref(), show);
        }
    }
    table.print();
    Ok(())
}

/// A sentence to be checked.
struct Made {
    kind: &'static str,
    holds: bool,
    text: String,
    original: String,
    /// The passages that it cites.
    cited: Vec<usize>,
}

/// Draws sentences and changes them, a bounded number of each kind.
fn make(name: &str, passages: &[Passage]) -> Vec<Made> {
    let mut random = Random::new(name);
    let mut sentences: Vec<(usize, String)> = passages
        .iter()
        .enumerate()
        .flat_map(|(place, passage)| passage.sentences().into_iter().map(move |text| (place, text)))
        .collect();
    random.shuffle(&mut sentences);
    let pool = change::Pool::new(&sentences);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let mut made = Vec::new();
    for (n, (place, original)) in sentences.iter().enumerate() {
        let other = sentences[(n + 1) % sentences.len()].0;
        if n < SENTENCES && !passages[other].text.contains(original.as_str()) {
            let wrong = Change { kind: "wrong passage", holds: false, text: original.clone() };
            made.push(wrong.of(original, vec![other]));
            let same = Change { kind: "as it is", holds: true, text: original.clone() };
            made.push(same.of(original, vec![*place]));
        }
        let neighbour = sentences.iter().find(|(at, text)| at == place && text != original);
        let neighbour = neighbour.map(|(_, text)| text.as_str());
        for change in changes(original, neighbour, passages[*place].language, &pool, &mut random) {
            let of_kind = count.entry(change.kind).or_default();
            if *of_kind < OF_A_KIND {
                *of_kind += 1;
                // A model often cites a second passage that has nothing to do with it.
                let cited =
                    if n % 2 == 0 || change.holds { vec![*place] } else { vec![*place, other] };
                made.push(change.of(original, cited));
            }
        }
    }
    made
}

impl Change {
    fn of(self, original: &str, cited: Vec<usize>) -> Made {
        let Change { kind, holds, text } = self;
        Made { kind, holds, text, original: original.to_owned(), cited }
    }
}

/// What was made and what passed, by kind.
#[derive(Default)]
struct Table {
    kinds: BTreeMap<(bool, &'static str), (usize, usize)>,
    by_language: BTreeMap<(&'static str, bool), (usize, usize)>,
    micros: Vec<u128>,
}

impl Table {
    fn judge(
        &mut self,
        made: &Made,
        passages: &[Passage],
        embedder: Option<&Embedder>,
        show: bool,
    ) {
        let cited: Vec<(usize, Evidence<'_>)> =
            made.cited.iter().map(|&place| (place, passages[place].evidence())).collect();
        let language = passages[made.cited[0]].language;
        let meaning = |texts: &[&str]| {
            let embedder = embedder?;
            texts.iter().map(|text| embedder.sentence(text).ok()).collect()
        };
        let reads = embedder.is_some_and(|embedder| embedder.reads(language));
        let begun = Instant::now();
        let found = support(&made.text, &cited, if reads { Some(&meaning) } else { None });
        self.micros.push(begun.elapsed().as_micros());
        if show && found.is_ok() != made.holds {
            let doubt = found.as_ref().err().map(|doubt| format!("{doubt:?}")).unwrap_or_default();
            println!("{} {doubt}\n  < {}\n  > {}", made.kind, made.original, made.text);
        }
        let passed = usize::from(found.is_ok());
        for (all, through) in [
            self.kinds.entry((!made.holds, made.kind)).or_default(),
            self.by_language.entry((language, made.holds)).or_default(),
        ] {
            *all += 1;
            *through += passed;
        }
    }

    fn print(&mut self) {
        println!("{:<28} {:>6} {:>7} {:>7}", "kind", "made", "passed", "share");
        let mut sums = [(0, 0); 2];
        for ((wrong, kind), (made, passed)) in &self.kinds {
            let share = *passed as f64 / *made as f64;
            let mark = if *wrong { "false" } else { "true" };
            println!("{:<28} {made:>6} {passed:>7} {share:>7.3}", format!("{mark}: {kind}"));
            sums[usize::from(*wrong)].0 += made;
            sums[usize::from(*wrong)].1 += passed;
        }
        for ((language, holds), (made, passed)) in &self.by_language {
            let wrong = if *holds { made - passed } else { *passed };
            let what = if *holds { "true, dropped" } else { "false, passed" };
            println!("{language}: {what}: {wrong} of {made}, {:.2} %", percent(wrong, *made));
        }
        let [(held, let_out), (wrong, slipped)] = sums;
        println!("true sentences dropped: {:.2} % of {held}", percent(held - let_out, held));
        println!("false sentences passed: {:.2} % of {wrong}", percent(slipped, wrong));
        self.micros.sort_unstable();
        let at =
            |share: usize| self.micros.get(self.micros.len() * share / 100).copied().unwrap_or(0);
        println!("time of one check: median {} µs, 95th percentile {} µs", at(50), at(95));
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
