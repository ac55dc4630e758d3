//! Mends in an opened PDF what its reader stumbles over, before it reads.
//!
//! Nothing here changes what a page says: it spells out what other readers take for granted.

use pdf_extract::{Dictionary, Document, Object};

/// More glyphs than a font can hold.
const GLYPHS: i64 = 65_536;

/// Mends a document.
pub(crate) fn mend(doc: &mut Document) {
    add_page_defaults(doc);
    spell_out_widths(doc);
}

/// The reader panics where no page size is given, and never ends where it looks for one in a tree
/// of pages that is its own parent. Given at the root, both are found there.
fn add_page_defaults(doc: &mut Document) {
    let root = doc.catalog().and_then(|catalog| catalog.get(b"Pages"));
    let Ok(root) = root.and_then(Object::as_reference) else { return };
    let Ok(Object::Dictionary(pages)) = doc.get_object_mut(root) else { return };
    if !pages.has(b"MediaBox") {
        let letter = [0, 0, 612, 792].map(Object::Integer).to_vec();
        pages.set("MediaBox", Object::Array(letter));
    }
    if !pages.has(b"Resources") {
        pages.set("Resources", Object::Dictionary(Dictionary::new()));
    }
}

/// Fonts give the widths of their glyphs one by one or as ranges. The reader passes over ranges,
/// takes those glyphs to have no width, and sees a gap after each: "lea ve p o licy". Browsers and
/// office suites on the web write ranges.
fn spell_out_widths(doc: &mut Document) {
    let shared: Vec<_> = doc
        .objects
        .values()
        .filter_map(|object| object.as_dict().ok()?.get(b"W").ok()?.as_reference().ok())
        .collect();
    for id in shared {
        if let Ok(Object::Array(widths)) = doc.get_object_mut(id)
            && let Some(spelt) = spelt_out(widths)
        {
            *widths = spelt;
        }
    }
    for object in doc.objects.values_mut() {
        if let Object::Dictionary(font) = object
            && let Ok(Object::Array(widths)) = font.get_mut(b"W")
            && let Some(spelt) = spelt_out(widths)
        {
            *widths = spelt;
        }
    }
}

/// `[3 5 600]` as `[3 [600 600 600]]`. `None`: it is not an array of widths.
fn spelt_out(widths: &[Object]) -> Option<Vec<Object>> {
    let mut spelt = Vec::new();
    let mut glyphs = 0;
    let mut rest = widths;
    while let [first, second, after @ ..] = rest {
        let from = first.as_i64().ok()?;
        if second.as_array().is_ok() {
            spelt.extend([first.clone(), second.clone()]);
            rest = after;
            continue;
        }
        let (width, after) = after.split_first()?;
        let count = second.as_i64().ok()?.checked_sub(from)?.checked_add(1)?;
        glyphs += count;
        if count < 0 || glyphs > GLYPHS {
            return None;
        }
        let same = vec![width.clone(); usize::try_from(count).ok()?];
        spelt.extend([first.clone(), Object::Array(same)]);
        rest = after;
    }
    rest.is_empty().then_some(spelt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_widths_are_spelt_out() {
        let list =
            |numbers: &[i64]| numbers.iter().copied().map(Object::Integer).collect::<Vec<_>>();
        let mut mixed = list(&[3, 5, 600, 9]);
        mixed.push(Object::Array(list(&[250, 300])));
        let spelt = spelt_out(&mixed).unwrap();
        assert_eq!(spelt.len(), 4);
        assert_eq!(spelt[1].as_array().unwrap().len(), 3);
        assert_eq!(spelt[3].as_array().unwrap().len(), 2);
        for bad in [&[1_i64, 2][..], &[0, i64::MAX, 5], &[i64::MIN, i64::MAX, 5], &[5, 3, 1], &[1]]
        {
            assert!(spelt_out(&list(bad)).is_none(), "{bad:?}");
        }
    }
}
