//! Follow-ups as a table: what was asked before, what is asked now, what is searched then.

use super::complete;

/// Each line: the questions before, `|` between them; the follow-up; what is searched, or `=` where it
/// is left alone.
const TABLE: &[(&str, &str, &str)] = &[
    // Somebody else.
    (
        "How many days of paid vacation do employees get?",
        "And for contractors?",
        "How many days of paid vacation do contractors get?",
    ),
    (
        "How many days of paid vacation do I get?",
        "And contractors?",
        "How many days of paid vacation do contractors get?",
    ),
    (
        "How many days of paid vacation do I get?",
        "What about part-time employees?",
        "How many days of paid vacation do part-time employees get?",
    ),
    (
        "What is the notice period for managers?",
        "and for interns?",
        "What is the notice period for interns?",
    ),
    ("What is the notice period?", "And for interns?", "What is the notice period for interns?"),
    (
        "Are laptops provided?",
        "Does that also apply to contractors?",
        "Are laptops provided contractors?",
    ),
    ("Do employees get a phone?", "Does the same apply to interns?", "Do interns get a phone?"),
    (
        "Wie viele Urlaubstage haben Mitarbeiter?",
        "Und Werkstudenten?",
        "Wie viele Urlaubstage haben Werkstudenten?",
    ),
    (
        "Wie viele Urlaubstage habe ich?",
        "Wie ist es bei Azubis?",
        "Wie viele Urlaubstage habe Azubis?",
    ),
    (
        "Wie lang ist die Kündigungsfrist?",
        "Gilt das auch für Führungskräfte?",
        "Wie lang ist die Kündigungsfrist für Führungskräfte?",
    ),
    (
        "Wie lang ist die Kündigungsfrist?",
        "Was ist mit Praktikanten?",
        "Wie lang ist die Kündigungsfrist Praktikanten?",
    ),
    // Somewhere else, another time, another condition.
    (
        "How many public holidays are there in France?",
        "What about Germany?",
        "How many public holidays are there in Germany?",
    ),
    (
        "How many public holidays are there in France?",
        "And in Germany?",
        "How many public holidays are there in Germany?",
    ),
    (
        "How many public holidays are there in France?",
        "And in 2025?",
        "How many public holidays are there in France in 2025?",
    ),
    ("What was the budget in 2024?", "And in 2025?", "What was the budget in 2025?"),
    (
        "How many days of vacation do employees in Germany get?",
        "And in France?",
        "How many days of vacation do employees in France get?",
    ),
    ("Can I work from home on Fridays?", "And on Mondays?", "Can I work from home on Mondays?"),
    ("Can I work from home on Fridays?", "And from abroad?", "Can I work from abroad on Fridays?"),
    ("When is the office open?", "What about weekends?", "When is the office open weekends?"),
    (
        "Wie viele Urlaubstage gibt es?",
        "Und in Teilzeit?",
        "Wie viele Urlaubstage gibt es in Teilzeit?",
    ),
    (
        "Wie viele Urlaubstage gibt es in Deutschland?",
        "Und in Teilzeit?",
        "Wie viele Urlaubstage gibt es in Deutschland in Teilzeit?",
    ),
    (
        "Wie viele Urlaubstage gibt es in Vollzeit?",
        "Und in Teilzeit?",
        "Wie viele Urlaubstage gibt es in Teilzeit?",
    ),
    (
        "Wie viele Feiertage gibt es in Bayern?",
        "Wie sieht es in Hessen aus?",
        "Wie viele Feiertage gibt es in Hessen?",
    ),
    (
        "Wie viel zahlt die Firma bei Krankheit?",
        "Und bei Unfall?",
        "Wie viel zahlt die Firma bei Unfall?",
    ),
    // Something else.
    (
        "How many weeks of parental leave are there?",
        "What about sick leave?",
        "How many weeks of sick leave are there?",
    ),
    ("Who approves travel expenses?", "And training expenses?", "Who approves training expenses?"),
    ("Is the gym free?", "Without a badge?", "Is the gym free Without a badge?"),
    ("Who approves parental leave?", "And a sabbatical?", "Who approves a sabbatical?"),
    (
        "How many weeks of parental leave are there?",
        "What about vacation?",
        "How many weeks of vacation are there?",
    ),
    ("Can I bring my dog to the office?", "And my cat?", "Can I bring my cat to the office?"),
    ("When is the office open?", "And the canteen?", "When is the canteen open?"),
    (
        "How many public holidays are there?",
        "What about Germany?",
        "How many public holidays are there Germany?",
    ),
    ("Wie lange dauert Elternzeit?", "Und ein Sabbatical?", "Wie lange dauert ein Sabbatical?"),
    ("Is smoking allowed?", "And dogs?", "Is dogs allowed?"),
    // Pointing back.
    ("Who gets parental leave?", "How long is it?", "How long is parental leave?"),
    (
        "Do fathers get parental leave?",
        "How long is it?",
        "How long is parental leave for fathers?",
    ),
    ("How do I request parental leave?", "Who approves it?", "Who approves parental leave?"),
    ("How many vacation days do I get?", "Do they expire?", "Do vacation days expire?"),
    (
        "How many vacation days do contractors get?",
        "Do they get parental leave?",
        "Do contractors get parental leave?",
    ),
    (
        "What is the notice period for contractors?",
        "What is their daily rate?",
        "What is daily rate of contractors?",
    ),
    ("Where is the travel policy?", "Who is its owner?", "Who is owner of travel policy?"),
    (
        "What is the home office allowance?",
        "Is that paid monthly?",
        "Is home office allowance paid monthly?",
    ),
    (
        "What is the home office allowance?",
        "Who decides on that?",
        "Who decides on home office allowance?",
    ),
    ("Can I bring my dog to the office?", "Is it allowed?", "Is dog to the office allowed?"),
    (
        "What does the Berlin office offer?",
        "Who works there?",
        "Who works there Berlin office offer?",
    ),
    ("Do I get a company phone?", "How do I order one?", "How do I order company phone?"),
    ("Wer bekommt Elternzeit?", "Wie lange dauert sie?", "Wie lange dauert Elternzeit?"),
    ("Wie beantrage ich Elternzeit?", "Wer genehmigt das?", "Wer genehmigt Elternzeit?"),
    ("Wer bekommt Elternzeit?", "Ist sie bezahlt?", "Ist Elternzeit bezahlt?"),
    (
        "Wie hoch ist das Homeoffice-Budget?",
        "Was kann ich davon kaufen?",
        "Was kann ich davon kaufen Homeoffice-Budget?",
    ),
    (
        "Wie hoch ist das Homeoffice-Budget?",
        "Wann wird es ausgezahlt?",
        "Wann wird Homeoffice-Budget ausgezahlt?",
    ),
    ("Who gets parental leave?", "How is it calculated?", "How is parental leave calculated?"),
    ("Wer bekommt Elternzeit?", "Wie ist das geregelt?", "Wie ist Elternzeit geregelt?"),
    (
        "How long is the probation period?",
        "Is it the same for managers?",
        "How long is the probation period for managers?",
    ),
    // An asking word alone.
    ("Are private laptops allowed?", "Why?", "Why are private laptops allowed?"),
    ("Are private laptops allowed?", "Why not?", "Why are private laptops allowed?"),
    ("Do I get a bonus?", "When?", "When do I get a bonus?"),
    ("Who approves overtime?", "Since when?", "Since when approves overtime?"),
    ("What is the parking fee?", "Why?", "Why parking fee?"),
    ("Sind private Laptops erlaubt?", "Warum nicht?", "Warum sind private Laptops erlaubt?"),
    ("Bekomme ich ein Diensthandy?", "Ab wann?", "Ab wann Diensthandy?"),
    // What lacks its object.
    ("How do I get a sabbatical?", "Who decides?", "Who decides sabbatical?"),
    ("How do I get a sabbatical?", "Is there a deadline?", "Is there a deadline sabbatical?"),
    (
        "How many weeks of sabbatical are there?",
        "How do I apply?",
        "How do I apply weeks of sabbatical?",
    ),
    ("Wie bekomme ich ein Sabbatical?", "Gibt es eine Frist?", "Gibt es eine Frist Sabbatical?"),
    // More of the same.
    (
        "How many weeks of parental leave are there?",
        "Tell me more",
        "How many weeks of parental leave are there?",
    ),
    ("Wie viele Urlaubstage gibt es?", "Mehr dazu?", "Wie viele Urlaubstage gibt es?"),
    // One after another.
    (
        "How many days of vacation do employees in Germany get?|And in France?",
        "And for contractors?",
        "How many days of vacation do contractors in France get?",
    ),
    (
        "Who gets parental leave?|How long is it?",
        "Who approves it?",
        "Who approves parental leave?",
    ),
    (
        "What is the dress code?|How many weeks of parental leave are there?",
        "What about sick leave?",
        "How many weeks of sick leave are there?",
    ),
    // What stands by itself.
    ("Who gets parental leave?", "What is the dress code?", "="),
    ("Who gets parental leave?", "How long does it take to get a laptop?", "="),
    ("Who gets parental leave?", "Is it possible to work from abroad?", "="),
    ("Who gets parental leave?", "How many vacation days are there?", "="),
    ("Who gets parental leave?", "How do I reach IT support?", "="),
    ("Who gets parental leave?", "And what is the notice period for managers?", "="),
    ("Who gets parental leave?", "Do contractors need their own laptop?", "="),
    ("Who gets parental leave?", "Is parking free?", "="),
    ("Who gets parental leave?", "When is the office open this year?", "="),
    ("Who gets parental leave?", "travel expenses", "="),
    ("Who gets parental leave?", "Is there a rule that forbids dogs in the office?", "="),
    ("Wer bekommt Elternzeit?", "Wie viele Urlaubstage gibt es?", "="),
    ("Wer bekommt Elternzeit?", "Ist es erlaubt, im Ausland zu arbeiten?", "="),
    ("Wer bekommt Elternzeit?", "Wie hoch ist das Budget für Bücher?", "="),
    ("Wer bekommt Elternzeit?", "Bekommen Werkstudenten Urlaub?", "="),
    ("Wer bekommt Elternzeit?", "Und wie lang ist die Kündigungsfrist?", "="),
    ("Wer bekommt Elternzeit?", "Was können Sie mir zum Parken sagen?", "="),
];

#[test]
fn a_follow_up_is_searched_as_what_it_asks() {
    let mut wrong = Vec::new();
    for (before, asked, expected) in TABLE {
        let before: Vec<_> = before.split('|').collect();
        let searched = complete(&before, asked).unwrap_or_else(|| "=".to_owned());
        if searched != *expected {
            wrong.push(format!(
                "{before:?}, {asked}\n  searched: {searched}\n  expected: {expected}"
            ));
        }
    }
    assert!(TABLE.len() >= 40 && wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn whatever_is_asked_nothing_breaks() {
    let strange =
        ["", "?", "it", "And", "???", "İ", "’s", "and and and?", "in", "für?", "i̇t is 1,000 %"];
    for before in strange {
        for asked in strange {
            let _either = complete(&[before], asked);
        }
    }
    assert_eq!(complete(&[], "And for contractors?"), None, "nothing was asked before");
    let long = "word ".repeat(4000);
    assert_eq!(complete(&["Who gets leave?"], &long), None);
}
