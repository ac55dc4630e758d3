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
        (LEAVE, "en", "The budget for laptops is 1 500 EUR."),
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
