//! How long it takes to know what one reader may see: 1,000 groups, 10,000 distinct rules, 100,000
//! versions. Warm is the clearance of a reader who asked before; cold is the first one after anything
//! changed for anybody. Beside them, in the same run, what the machine needs for the bare work: a read of
//! one row, and a read of every row with every rule parsed and nothing decided.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::Connection;
use vouch_index::ledger::{ApprovalPolicy, Seen, SourceKind, SourceSpec};
use vouch_index::{Actor, Extracted, Layer, Ledger, Principal, Rule};

const GROUPS: usize = 1_000;
const ALL_GROUPS: usize = 4_000;
const RULES: usize = 10_000;
const VERSIONS: usize = 100_000;
const ROUNDS: usize = 15;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = Ledger::open(folder.path(), &folder.path().join("head"))?;
    let olga: Principal = "user:olga".parse()?;
    let actor = Actor {
        name: olga.to_string(),
        principals: BTreeSet::from([olga.clone()]),
        administrator: true,
    };
    fill(&ledger, &actor, olga)?;
    let file = Connection::open(folder.path().join("ledger.sqlite"))?;
    multiply(&file)?;

    let reader = ledger.reader("ann", &[])?;
    let (mut cold, mut warm, mut scan, mut row) = (vec![], vec![], vec![], vec![]);
    let mut sees = 0;
    for round in 0..ROUNDS {
        // Any change: it is not about this reader, and there is nothing to be kept all the same.
        let member = [format!("user:{round}").parse()?];
        ledger.change_group("elsewhere", &member, &[], &actor)?;
        sees = timed(&mut cold, || Ok(ledger.clearance(&reader)?))?.len();
        timed(&mut scan, || bare_scan(&file))?;
        for _ in 0..20 {
            black_box(timed(&mut warm, || Ok(ledger.clearance(&reader)?))?);
            timed(&mut row, || bare_row(&file))?;
        }
    }
    println!(
        "{GROUPS} groups of {ALL_GROUPS}, {RULES} rules, {VERSIONS} versions; the reader sees {sees}"
    );
    let (cold, warm, scan, row) = (median(cold), median(warm), median(scan), median(row));
    println!("cold  {:>9.3} ms   bare scan {:>9.3} ms", ms(cold), ms(scan));
    println!("warm  {:>9.3} ms   bare row  {:>9.3} ms", ms(warm), ms(row));
    Ok(())
}

/// A source, the groups, and one document that the others are made like.
fn fill(ledger: &Ledger, actor: &Actor, olga: Principal) -> Result<()> {
    let everyone = Layer { allow: Some(BTreeSet::from([Principal::Everyone])), ..Layer::default() };
    let source = SourceSpec {
        id: "s".to_owned(),
        kind: SourceKind::Push,
        path: None,
        owner: Some(olga.clone()),
        purpose: "a benchmark".to_owned(),
        approvers: vec![olga],
        approval: ApprovalPolicy::Source,
        self_approval: true,
        review_every: None,
        expire_after: Some("36500d".to_owned()),
        authority: 0,
        access: everyone,
    };
    ledger.add_source(&source, actor)?;
    let members = |at: usize| if at < GROUPS { vec!["user:ann"] } else { vec!["user:bob"] };
    let groups: Result<BTreeMap<String, Vec<Principal>>> = (0..ALL_GROUPS)
        .map(|at| {
            let members = members(at).into_iter().map(str::parse).collect::<Result<_, _>>()?;
            Ok((format!("g{at}"), members))
        })
        .collect();
    ledger.load_groups(&groups?, actor)?;
    let extracted =
        Extracted { title: "T".to_owned(), text: "x".to_owned(), ..Extracted::default() };
    let seen = Seen {
        path: "first.md",
        hash: "sha256:0",
        extractor: 1,
        extracted: &extracted,
        place: &Rule::default(),
        uri: None,
        modified_at: 1_760_000_000,
        push: None,
    };
    ledger.bring("s", &seen)?;
    Ok(())
}

/// Rows like the first document's, written at once: a hundred thousand durable writes would measure the
/// disk, and take an hour.
fn multiply(file: &Connection) -> Result<()> {
    file.execute_batch("PRAGMA foreign_keys = off; BEGIN")?;
    let mut rule = file.prepare("INSERT INTO rule (no, source, layers) VALUES (?1, 's', ?2)")?;
    for no in 0..RULES {
        let group = |step: usize| format!("group:g{}", (no * 7 + step * 1_327) % ALL_GROUPS);
        // A folder's layer, and a document's with a few groups and somebody who is out.
        let layers = serde_json::json!([
            {"allow": ["everyone"]},
            {"allow": [group(0), group(1), format!("user:u{no}")], "deny": [format!("user:x{no}")]},
        ]);
        rule.execute((no + 10, layers.to_string()))?;
    }
    file.execute_batch(&format!(
        "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {VERSIONS})
         INSERT INTO version (no, document, hash, title, language, extractor, pages, modified_at,
           seen_at, state, approved_by, approved_at)
         SELECT n, n, 'sha256:' || n, 'T', '', 1, '[]', 1760000000, 1, 'approved', 'x', 1 FROM n;
         WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {VERSIONS})
         INSERT INTO document (no, source, path, place_layers, rule, newest, live, live_modified)
         SELECT n, 's', 'a/longer/path/of/a/document/' || n || '.md', '[{{\"allow\":[\"everyone\"]}}]',
           10 + n % {RULES}, n, n, 1760000000 FROM n;
         COMMIT; ANALYZE"
    ))?;
    Ok(())
}

fn bare_row(file: &Connection) -> Result<()> {
    let mut statement =
        file.prepare_cached("SELECT value FROM setting WHERE key = 'access_epoch'")?;
    black_box(statement.query_row([], |row| row.get::<_, String>(0))?);
    Ok(())
}

fn bare_scan(file: &Connection) -> Result<()> {
    let mut statement = file.prepare_cached("SELECT layers FROM rule")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        black_box(serde_json::from_str::<serde_json::Value>(row.get_ref(0)?.as_str()?)?);
    }
    let mut statement = file.prepare_cached("SELECT rule, live, live_modified FROM document")?;
    let mut rows = statement.query([])?;
    let mut sum = 0;
    while let Some(row) = rows.next()? {
        sum += row.get::<_, i64>(0)? ^ row.get::<_, i64>(1)? ^ row.get::<_, i64>(2)?;
    }
    black_box(sum);
    Ok(())
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    let made = work().context("what is measured failed")?;
    times.push(begun.elapsed());
    Ok(made)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
