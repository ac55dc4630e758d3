//! A generation that is opened again while somebody still reads the one that was left.

use std::sync::Barrier;

use vouch_index::text::TextIndex;

#[test]
fn an_index_that_was_left_a_moment_ago_opens_as_soon_as_its_last_reader_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let languages = ["en".to_owned()];
    let left = TextIndex::open(folder.path(), &languages).unwrap();
    let begun = Barrier::new(2);
    std::thread::scope(|scope| {
        let again = scope.spawn(|| {
            begun.wait();
            TextIndex::open(folder.path(), &languages).map(|text| text.seq())
        });
        begun.wait();
        drop(left);
        assert_eq!(again.join().unwrap().unwrap(), 0);
    });
}
