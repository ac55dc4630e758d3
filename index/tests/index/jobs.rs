//! The queue: what may run beside what.

use serde_json::json;
use vouch_index::ledger::JobKind;

use crate::company::Company;

/// Queues the extraction of a push and returns the job's number.
fn push(company: &Company, path: &str) -> i64 {
    let payload = json!({ "path": path });
    company.ledger.queue_job(JobKind::Extract, Some("handbook"), &payload, "key:wiki").unwrap()
}

fn take(company: &Company) -> Option<i64> {
    company.ledger.take_job(&[JobKind::Extract]).unwrap().map(|job| job.id)
}

#[test]
fn pushes_run_side_by_side_but_those_of_one_document_in_their_order() {
    let company = Company::new();
    let (first, second) = (push(&company, "leave.md"), push(&company, "leave.md"));
    let other = push(&company, "travel.md");

    assert_eq!(take(&company), Some(first));
    assert_eq!(take(&company), Some(other), "another document does not wait");
    assert_eq!(take(&company), None, "the second push of a document waits for the first");

    company.ledger.finish_job(first, &Ok("done".to_owned())).unwrap();
    assert_eq!(take(&company), Some(second));
}

#[test]
fn a_source_is_synced_once_at_a_time() {
    let company = Company::new();
    let sync = |again: bool| {
        let payload = json!({ "extract_again": again });
        company.ledger.queue_job(JobKind::Sync, Some("handbook"), &payload, "user:olga").unwrap()
    };
    let (first, second) = (sync(false), sync(true));
    assert_eq!(sync(false), first, "a queued sync is not queued twice");

    let taken = || company.ledger.take_job(&[JobKind::Sync]).unwrap().map(|job| job.id);
    assert_eq!(taken(), Some(first));
    assert_eq!(taken(), None);
    company.ledger.finish_job(first, &Ok("done".to_owned())).unwrap();
    assert_eq!(taken(), Some(second));
}
