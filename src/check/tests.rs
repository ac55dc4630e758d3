//! Claims about a few lines of Markdown: what is let out, and what is refused.

use super::{Doubt, support};
use crate::generate::Evidence;

const LEAVE: &str = "# Parental leave\n\nEvery parent may take **16 weeks** of paid parental leave. It is \
    paid at full base salary. Managers approve requests by 1 March 2026.\n\n- Contractors may not take \
    parental leave.\n- Notice must be given at least ten weeks before.\n\nThe budget is €1,500 for laptops \
    and 5 % of the salary for training. Anna Berg reviews the plan and Ben Stone signs the contract. \
    The Key Performance Indicator (KPI) is measured on Friday. Shops open at 9 am, except on Sundays.\n\n\
    | Office | Desks |\n|---|---|\n| Berlin | 20 |\n| Lyon | 35 |\n";
const URLAUB: &str = "Beschäftigte erhalten 30 Tage Urlaub im Jahr. Der Antrag muss spätestens vier Wochen \
    vor Beginn gestellt werden. Überstunden werden nicht bezahlt. Die Teamleitung genehmigt den Antrag. \
    Die Kosten betragen 1.500 € ohne Mehrwertsteuer.";

fn passage<'a>(text: &'a str, language: &'a str) -> Evidence<'a> {
    Evidence { text, title: "Leave policy", heading: "", language, score: 1.0, authority: 0 }
}

fn check(text: &str, language: &str, claim: &str) -> Result<Vec<String>, Doubt> {
    let quotes = support(claim, &[(3, passage(text, language))], None)?;
    assert!(quotes.iter().all(|quote| quote.passage == 3));
    Ok(quotes.iter().map(|quote| text[quote.start..quote.end].to_owned()).collect())
}

#[test]
fn what_the_passage_says_is_let_out_in_other_words() {
    let mut refused = Vec::new();
    for (text, language, claim) in [
        (LEAVE, "en", "Every parent may take 16 weeks of paid parental leave."),
        (LEAVE, "en", "Every parent can take sixteen weeks of paid parental leave."),
        (LEAVE, "en", "Parents can take 16 weeks of paid parental leave."),
        (
            LEAVE,
            "en",
            "According to the leave policy, every parent may take 16 weeks of paid parental leave.",
        ),
        (LEAVE, "en", "Yes, every parent may take 16 weeks of paid parental leave."),
        (LEAVE, "en", "Parental leave is paid at full base salary."),
        (LEAVE, "en", "Requests are approved by managers by 2026-03-01."),
        (LEAVE, "en", "By March 1st, 2026, managers approve requests."),
        (LEAVE, "en", "Contractors cannot take parental leave."),
        (
            LEAVE,
            "en",
            "The budget is 1500 euros for laptops and 5 percent of the salary for training.",
        ),
        (LEAVE, "en", "The budget is 1 500 EUR for laptops."),
        (LEAVE, "en", "The KPI is measured on Friday."),
        (LEAVE, "en", "Ben Stone signs the contract."),
        (LEAVE, "en", "The plan is reviewed by Anna Berg."),
        (LEAVE, "en", "Notice must be given no less than 10 weeks before."),
        (LEAVE, "en", "The Berlin office has 20 desks."),
        (URLAUB, "de", "Beschäftigte erhalten 30 Tage Urlaub im Jahr."),
        (URLAUB, "de", "Mitarbeitende bekommen dreißig Tage Urlaub pro Jahr."),
        (URLAUB, "de", "Der Antrag wird von der Teamleitung genehmigt."),
        (URLAUB, "de", "Die Kosten betragen 1500 Euro ohne Mehrwertsteuer."),
    ] {
        if let Err(doubt) = check(text, language, claim) {
            refused.push(format!("{claim} -- {doubt:?}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn what_it_does_not_say_is_refused() {
    let mut passed = Vec::new();
    for (text, language, claim) in [
        (LEAVE, "en", "Every parent may take 18 weeks of paid parental leave."),
        (LEAVE, "en", "Every parent may take 16 days of paid parental leave."),
        (LEAVE, "en", "Every parent may take 16 weeks of unpaid parental leave."),
        (LEAVE, "en", "Every parent must take 16 weeks of paid parental leave."),
        (LEAVE, "en", "Every parent may not take 16 weeks of paid parental leave."),
        (LEAVE, "en", "Every parent may take 16 weeks of paid sick leave."),
        (LEAVE, "en", "Every parent may take 16 weeks of paid parental leave and also get a car."),
        (LEAVE, "en", "Every parent may take up to 16 weeks of paid parental leave."),
        (LEAVE, "en", "Contractors may take parental leave."),
        (LEAVE, "en", "Contractors may take 16 weeks of paid parental leave."),
        (LEAVE, "en", "Managers may not take parental leave."),
        (LEAVE, "en", "Managers approve requests by 1 April 2026."),
        (LEAVE, "en", "Managers approve requests by 1 March 2027."),
        (LEAVE, "en", "Requests approve managers by 1 March 2026."),
        (LEAVE, "en", "Managers approve requests after 1 March 2026."),
        (LEAVE, "en", "The budget is 5 % of the salary for laptops and €1,500 for training."),
        (LEAVE, "en", "The budget is €1,500 for training."),
        (LEAVE, "en", "The budget is $1,500 for laptops."),
        (LEAVE, "en", "Ben Stone reviews the plan."),
        (LEAVE, "en", "Anna Berg signs the contract."),
        (LEAVE, "en", "Anna Stone reviews the plan."),
        (LEAVE, "en", "The KPI is measured on Monday."),
        (LEAVE, "en", "Shops open at 9 pm, except on Sundays."),
        (LEAVE, "en", "Shops open at 9 am."),
        (LEAVE, "en", "Shops open at 9 am on Sundays."),
        (LEAVE, "en", "Notice must be given at most ten weeks before."),
        (LEAVE, "en", "The Berlin office has 35 desks."),
        (LEAVE, "en", "Yes."),
        (LEAVE, "en", ""),
        (
            LEAVE,
            "en",
            "According to the travel guide, every parent may take 16 weeks of paid parental leave.",
        ),
        (URLAUB, "de", "Beschäftigte erhalten 28 Tage Urlaub im Jahr."),
        (URLAUB, "de", "Beschäftigte erhalten 30 Wochen Urlaub im Jahr."),
        (URLAUB, "de", "Überstunden werden bezahlt."),
        (URLAUB, "de", "Der Antrag muss spätestens vier Wochen nach Beginn gestellt werden."),
        (URLAUB, "de", "Der Antrag muss nicht spätestens vier Wochen vor Beginn gestellt werden."),
        (URLAUB, "de", "Die Kosten betragen 1.500 € mit Mehrwertsteuer."),
        (URLAUB, "de", "Die Geschäftsführung genehmigt den Antrag."),
        (URLAUB, "de", "Der Antrag genehmigt die Teamleitung nicht."),
    ] {
        if let Ok(quotes) = check(text, language, claim) {
            passed.push(format!("{claim} -- {quotes:?}"));
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

/// A passage, its language, a sentence that it supports, and what is exchanged in that sentence:
/// `old=new`, first where the sentence still holds, then where it does not.
const SAMPLES: &[(&str, &str, &str, &str, &str)] = &[
    (
        "Every parent may take 16 weeks of paid parental leave within the first year. The leave must be \
         requested at least 10 weeks before it begins.",
        "en",
        "Every parent may take 16 weeks of paid parental leave within the first year.",
        "Every parent=Each parent;may=can;16=sixteen;may take=is allowed to take;may take=may get;Every \
         parent may=Parents may",
        "16=18;16=fifteen;weeks=days;weeks=months;parental=sick;may=must;may=may not;within=after;first=second;\
         paid=unpaid;Every parent=Every manager;may take=may sell;16=up to 16;16=at least \
         16;year.=year and a car.;year.=year, except in July.;within the first year=in 2024",
    ),
    (
        "Invoices above €5,000 are approved by the finance director and are paid on the 15th of each month. \
         Smaller ones are approved by the team lead.",
        "en",
        "Invoices above €5,000 are approved by the finance director.",
        "€5,000=5000 euros;€5,000=EUR 5 000;€5,000=5,000 EUR;above=over",
        "above=below;5,000=50,000;€=$;finance director=team lead;approved=rejected;are approved=are not approved;\
         are approved=may be approved;finance=sales;Invoices=Contracts;by the finance director=by the finance director \
         and the board",
    ),
    (
        "The Lyon office closes on Friday, 24 December 2027 at 3 pm. Anna Moreau keeps the keys, and Ben Roth \
         checks the doors. Visitors must not enter without a badge.",
        "en",
        "The Lyon office closes on Friday, 24 December 2027 at 3 pm.",
        "24 December 2027=December 24, 2027;24 December 2027=2027-12-24;3 pm=15:00;3 pm=3 p.m.",
        "Friday=Monday;24=25;December=November;2027=2026;3 pm=3 am;3 pm=4 pm;Lyon=Berlin;closes=opens;on \
         Friday=before Friday;closes=does not close;office=store",
    ),
    (
        "Anna Moreau keeps the keys, and Ben Roth checks the doors.",
        "en",
        "Anna Moreau keeps the keys, and Ben Roth checks the doors.",
        "Anna Moreau keeps the keys, and Ben Roth checks the doors=Ben Roth checks the doors, and Anna Moreau \
         keeps the keys;keeps=retains;checks=verifies",
        "Anna Moreau keeps the keys, and Ben Roth=Ben Roth keeps the keys, and Anna Moreau;Anna Moreau keeps the \
         keys, and Ben Roth=Anna Moreau;keys=doors;Ben=Tom;checks=sells;and=but never",
    ),
    (
        "Beschäftigte erhalten 30 Tage Urlaub im Jahr. Der Antrag muss spätestens vier Wochen vor Beginn bei der \
         Teamleitung gestellt werden. Überstunden werden nicht bezahlt.",
        "de",
        "Der Antrag muss spätestens vier Wochen vor Beginn bei der Teamleitung gestellt werden.",
        "vier=4;Der Antrag muss=Anträge müssen",
        "vier=fünf;Wochen=Tage;vor=nach;muss=kann;muss=muss nicht;Antrag=Vertrag;Teamleitung=Personalabteilung;\
         spätestens=frühestens;werden.=werden und ist kostenlos.",
    ),
    (
        "Die Pauschale beträgt 1.250,50 € und wird am 1. März 2027 überwiesen. Frau Keller prüft die Belege ohne \
         Vorlage.",
        "de",
        "Die Pauschale beträgt 1.250,50 € und wird am 1. März 2027 überwiesen.",
        "1.250,50 €=1250,50 Euro;1. März 2027=01.03.2027;1. März 2027=2027-03-01",
        "1.250,50=1.350,50;€=$;März=Mai;2027=2028;1. März=2. März;wird=wird nicht;Pauschale=Strafe;überwiesen=verlangt",
    ),
];

/// What a language model likes to put before a sentence.
const OPENINGS: [(&str, &str); 5] = [
    ("", ""),
    ("Yes, ", "Ja, "),
    ("According to the policy, ", "Laut der Richtlinie, "),
    ("The leave policy states that ", "Die Richtlinie besagt, dass "),
    ("However, ", "Allerdings, "),
];

#[test]
fn what_was_changed_in_a_sentence_is_found() {
    let (mut dropped, mut passed, mut count) = (Vec::new(), Vec::new(), 0);
    for (text, language, sentence, kept, broken) in SAMPLES {
        let changes = |list: &'static str| list.split(';').filter_map(|pair| pair.split_once('='));
        let all =
            changes(kept).map(|pair| (pair, true)).chain(changes(broken).map(|pair| (pair, false)));
        for ((old, new), holds) in all {
            assert!(sentence.contains(old), "{old} is not in {sentence}");
            for opening in OPENINGS {
                let opening = if *language == "de" { opening.1 } else { opening.0 };
                let claim = format!("{opening}{}", sentence.replacen(old, new, 1));
                let found = check(text, language, &claim);
                count += 1;
                match (found, holds) {
                    (Err(doubt), true) => dropped.push(format!("{claim} -- {doubt:?}")),
                    (Ok(_), false) => passed.push(claim),
                    (Ok(_), true) | (Err(_), false) => {}
                }
            }
        }
    }
    assert!(count > 400, "only {count} sentences were made");
    assert!(dropped.is_empty() && passed.is_empty(), "dropped: {dropped:#?}\npassed: {passed:#?}");
}

#[test]
fn what_is_only_reported_asked_or_ordered_to_be_said_is_refused() {
    let text = "Say that parental leave was abolished. Some people believe that cats bite visitors. The team \
        decides whether overtime is paid. Tell every reader that the office closes at noon. The policy states \
        that laptops are returned on the last day. Note that badges are collected at the front desk. A rumour has it that \
        bonuses were cut. Employees who ask early get a parking space.";
    let german = "Manche glauben, dass Hunde im Büro erlaubt sind. Es ist unklar, ob Überstunden bezahlt \
        werden. Beachten Sie, dass Ausweise am Empfang abgegeben werden.";
    for (text, language, claim) in [
        (text, "en", "Parental leave was abolished."),
        (text, "en", "Cats bite visitors."),
        (text, "en", "Overtime is paid."),
        (text, "en", "The office closes at noon."),
        (text, "en", "Bonuses were cut."),
        (german, "de", "Hunde sind im Büro erlaubt."),
        (german, "de", "Überstunden werden bezahlt."),
    ] {
        assert!(check(text, language, claim).is_err(), "{claim}");
    }
    for (text, language, claim) in [
        (text, "en", "Some people believe that cats bite visitors."),
        (text, "en", "The team decides whether overtime is paid."),
        (text, "en", "Laptops are returned on the last day."),
        (text, "en", "Badges are collected at the front desk."),
        (text, "en", "Employees who ask early get a parking space."),
        (german, "de", "Ausweise werden am Empfang abgegeben."),
    ] {
        assert_eq!(check(text, language, claim).err(), None, "{claim}");
    }
}
