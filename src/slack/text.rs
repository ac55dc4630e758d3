//! A message's text as people read it.

/// Words of greeting, which say nothing of what is asked.
const GREETINGS: [&str; 8] = ["hi", "hey", "hello", "dear", "hallo", "hej", "moin", "servus"];

/// What is asked: the text as people read it, without a greeting in front of it.
pub(super) fn question(text: &str) -> String {
    let plain = without_marks(&plain(text));
    let text = after_a_name(&plain);
    let (first, rest) = text.split_once([' ', ',', '!']).unwrap_or((text, ""));
    let greets = GREETINGS.contains(&first.to_lowercase().as_str());
    if greets { after_a_name(rest).to_owned() } else { text.to_owned() }
}

/// Without the signs that stand after somebody's name, which was taken out.
fn after_a_name(text: &str) -> &str {
    text.trim_start_matches([' ', ',', ':', ';', '!'])
}

/// Without the marks around words that are bold, slanted, struck or code.
fn without_marks(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let in_a_word = |at: Option<&char>| at.is_some_and(|c| c.is_alphanumeric());
    let mark = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let inside = in_a_word(before) && in_a_word(chars.get(at + 1));
        matches!(chars[at], '*' | '_' | '~' | '`') && !inside
    };
    (0..chars.len()).filter(|at| !mark(*at)).map(|at| chars[at]).collect()
}

/// A message's text without Slack's own signs: mentions go, links and channels become what people read.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else { break };
        plain.push_str(&rest[..start]);
        let sign = &rest[start + 1..start + end];
        let (what, label) = match sign.split_once('|') {
            Some((what, label)) => (what, Some(label)),
            None => (sign, None),
        };
        match what.chars().next() {
            Some('@') => {}
            Some('#' | '!') => plain.push_str(label.unwrap_or_default()),
            _ => plain.push_str(label.unwrap_or(what)),
        }
        rest = &rest[start + end + 1..];
    }
    plain.push_str(rest);
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_signs_become_what_people_read() {
        for (text, read) in [
            (
                "<@U1> see <https://a.example/x?a=1&amp;b=2|the page> in <#C1|general>",
                "see the page in general",
            ),
            ("<!here> <!subteam^S1|@team> a &amp;lt; b", "@team a &lt; b"),
            ("<https://a.example>", "https://a.example"),
            ("a < b", "a < b"),
            ("  \n ", ""),
            ("Hi <@UBOT>, how long?", "how long?"),
            ("<@UBOT>: Hallo! Wie lange?", "Wie lange?"),
            ("Hello <@UBOT>!", ""),
            ("Hidden fees?", "Hidden fees?"),
            ("*How _many_* ~days~ has `leave_2`*?", "How many days has leave_2?"),
            ("-3 or 4?", "-3 or 4?"),
        ] {
            assert_eq!(question(text), read, "{text}");
        }
    }
}
