//! What the gate gives out: exact slices of stored texts, and narrower clearances that stay right.

use crate::company::{Company, Piece, piece};

const ALL: &[&str] = &["everyone"];

/// Texts of many pages of the database, with characters of one to four bytes across their borders.
#[test]
fn a_passage_is_exactly_its_slice_of_a_long_text() {
    let company = Company::new();
    let texts = |seed: usize| -> Vec<Piece> {
        let line = |no: usize| "aé東𝄞 ".repeat(40 + (no * 7 + seed) % 150) + &format!("no {no}");
        (0..40).map(|no| piece(&line(no), &[1.0 + no as f32])).collect()
    };
    let written: Vec<Vec<Piece>> = (0..3).map(texts).collect();
    let versions: Vec<_> =
        (0..3).map(|no| company.document(&format!("handbook/{no}"), ALL, &written[no])).collect();
    let clearance = company.clearance("ann");
    // From text to text and back, and one place that no chunk has.
    let place =
        |at: usize| vouch_index::Place { version: versions[at % 3], chunk: at as u32 * 7 % 41 };
    let hits: Vec<_> = (0..123).map(|at| (place(at), at as f32)).collect();
    let passages = company.ledger.passages(&clearance, company.generation, &hits).unwrap();
    assert_eq!(passages.len(), 120);
    for passage in &passages {
        let at = passage.score as usize;
        assert_eq!(passage.text, written[at % 3][passage.place.chunk as usize].text);
        let reader = clearance.reader();
        let whole = company.ledger.document_text(reader, &passage.document, None).unwrap().unwrap();
        assert_eq!(passage.text, whole.text[passage.start as usize..passage.end as usize]);
        assert_eq!((&passage.title, &passage.facts), (&whole.title, &whole.facts));
    }
}

#[test]
fn promise_4_a_narrowed_clearance_follows_every_change() {
    let company = Company::new();
    company.source("archive");
    let old = company.document("archive/old", ALL, &[piece("old", &[1.0])]);
    let plan = company.document("handbook/plan", ALL, &[piece("plan", &[2.0])]);
    let seen = |sources: Option<&[&str]>, after| {
        let names = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let sources = sources.map(names);
        let clearance = company.clearance("ann");
        let narrow = company.ledger.narrow(&clearance, sources.as_deref(), after).unwrap();
        ([old, plan].map(|version| narrow.holds(version)), narrow.len(), narrow.sources())
    };
    for _ in 0..2 {
        assert_eq!(seen(Some(&["archive", "unknown"]), None), ([true, false], 1, 1));
        assert_eq!(seen(Some(&["archive"]), None), ([true, false], 1, 1));
        assert_eq!(seen(Some(&["unknown"]), None), ([false, false], 0, 0));
        assert_eq!(seen(Some(&[]), None), ([false, false], 0, 0));
        assert_eq!(seen(None, Some(1_700_000_000)), ([true, true], 2, 2));
        assert_eq!(seen(None, Some(1_700_000_001)), ([false, false], 0, 0));
    }
    company.allow("archive/old", &["group:hr"]);
    assert_eq!(seen(Some(&["archive"]), None), ([false, false], 0, 0));
    company.join("hr", "user:ann");
    assert_eq!(seen(Some(&["archive"]), None), ([true, false], 1, 1));
    let held = company.clearance("ann");
    company.withdraw("archive/old");
    assert_eq!(seen(Some(&["archive"]), None), ([false, false], 0, 0));
    // Narrowed from a clearance of before the change.
    let narrow = company.ledger.narrow(&held, Some(&["archive".to_owned()]), None).unwrap();
    let hit = (vouch_index::Place { version: old, chunk: 0 }, 1.0);
    assert!(company.ledger.passages(&narrow, company.generation, &[hit]).unwrap().is_empty());
}
