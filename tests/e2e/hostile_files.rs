//! Promise 9: no file can hurt the server. A bad one fails by itself, with a reason.

use std::fs::File;

use serde_json::Value;

use crate::world::Company;

/// A PDF of one page that draws a form, which draws itself: a stack overflow in a careless reader.
fn endless_pdf() -> Vec<u8> {
    pdf(&[
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>",
        "<< /Length 5 >>\nstream\n/F Do\nendstream",
        "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 5 /Resources << /XObject << /F 5 0 R >> >> >>\nstream\n/F Do\nendstream",
    ])
}

/// A PDF of one page without a word, as a scanner makes it.
fn empty_pdf() -> Vec<u8> {
    pdf(&[
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>",
    ])
}

/// A PDF with these objects, numbered from 1.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut text = "%PDF-1.7\n".to_owned();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(text.len());
        text.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }
    let table = text.len();
    text.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        text.push_str(&format!("{place:010} 00000 n \n"));
    }
    let size = objects.len() + 1;
    text.push_str(&format!("trailer << /Root 1 0 R /Size {size} >>\nstartxref\n{table}\n%%EOF\n"));
    text.into_bytes()
}

fn reason<'a>(source: &'a Value, path: &str) -> &'a str {
    let problems = source["problems"].as_array().expect("problems");
    let found = problems.iter().find(|problem| problem["path"] == path);
    found.and_then(|problem| problem["reason"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn promise_9_bad_files_fail_by_themselves_with_a_reason_and_the_others_are_found() {
    let company = Company::holding(&[("wiki/good.md", "# Good\n\nThe heliotrope is fine.\n")]);
    company.write("wiki/endless.pdf", &endless_pdf());
    company.write("wiki/scan.pdf", &empty_pdf());
    company.write("wiki/nothing.pdf", b"");
    company.write("wiki/lie.docx", b"not a zip at all");
    company
        .write("wiki/deep.html", format!("<body>{}heliotrope", "<div>".repeat(50_000)).as_bytes());
    company.write("wiki/binary.txt", &[7, 31, 139, 8, 2, 250, 17, 5].repeat(999));
    company.write("wiki/latin.txt", b"Gr\xfc\xdfe an die heliotrope Stra\xdfe");
    company.write("wiki/unknown.xyz", b"heliotrope");
    let sparse = File::create(company.documents().join("wiki/huge.txt")).unwrap();
    sparse.set_len(200_000_000).unwrap();
    let world = company.open().await;
    let found = world.bob().finds("heliotrope").await;
    assert!(found.contains(&"wiki/good.md".to_owned()), "{found:?}");
    assert!(found.contains(&"wiki/latin.txt".to_owned()), "{found:?}");
    let text = world.bob().get("/v1/documents/wiki/latin.txt").await.json();
    assert_eq!(text["text"], "Grüße an die heliotrope Straße");

    let source = world.alice().get("/v1/admin/sources/wiki").await.json();
    let expected = [
        ("endless.pdf", ""),
        ("scan.pdf", "no text"),
        ("nothing.pdf", ""),
        ("lie.docx", ""),
        ("binary.txt", "binary"),
        ("huge.txt", "limit is"),
    ];
    for (path, words) in expected {
        let reason = reason(&source, path);
        assert!(!reason.is_empty() && reason.contains(words), "{path}: `{reason}`");
    }
    let deep_is_read = found.contains(&"wiki/deep.html".to_owned());
    assert!(deep_is_read || !reason(&source, "deep.html").is_empty(), "{source}");
    assert_eq!(source["jobs"][0]["state"], "done", "{source}");
    let detail = source["jobs"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("1 of other formats"), "{detail}");

    let listed = world.alice().get("/v1/admin/sources/wiki/documents").await.json();
    let failed = listed["documents"].as_array().unwrap().iter();
    let failed = failed.filter(|document| document["state"] == "failed").count();
    assert_eq!(source["failed"], failed);
}

#[tokio::test]
async fn promise_9_a_document_whose_new_file_is_bad_goes_on_answering() {
    let world = Company::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is fine.\n")]).open().await;
    std::fs::write(world.documents().join("wiki/a.md"), [7, 31, 139, 8, 2].repeat(99)).unwrap();
    world.sync("wiki").await;
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);
    let source = world.alice().get("/v1/admin/sources/wiki").await.json();
    assert!(reason(&source, "a.md").contains("binary"), "{source}");
    world.write("wiki/a.md", "# A\n\nThe heliotrope is mended.\n");
    world.sync("wiki").await;
    let source = world.alice().get("/v1/admin/sources/wiki").await.json();
    assert_eq!(source["problems"].as_array().unwrap().len(), 0, "{source}");
}

#[tokio::test]
async fn promise_12_no_link_leads_out_of_a_source_and_nothing_is_written_to_it() {
    let company = Company::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is fine.\n")]);
    std::fs::write(company.folder().join("outside.md"), "# Out\n\nThe heliotrope outside.\n")
        .unwrap();
    let link = company.documents().join("wiki/link.md");
    std::os::unix::fs::symlink(company.folder().join("outside.md"), link).unwrap();
    std::os::unix::fs::symlink(company.folder(), company.documents().join("wiki/folder")).unwrap();
    let before = listing(&company.documents());
    let world = company.open().await;
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);
    world.alice().decide("wiki/a.md", "withdraw").await;
    world.sync("wiki").await;
    world.alice().delete("/v1/admin/sources/wiki").await;
    world.settled().await;
    assert_eq!(listing(&world.documents()), before);
}

/// Every entry with its size and date.
fn listing(folder: &std::path::Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let about = entry.path().symlink_metadata().expect("an entry");
        all.push(format!("{:?} {} {:?}", entry.path(), about.len(), about.modified()));
        if about.is_dir() {
            all.extend(listing(&entry.path()));
        }
    }
    all.sort();
    all
}
