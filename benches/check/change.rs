//! Rules that change a sentence: some keep what it says, the others make it false.
//!
//! A rule that finds nothing to change gives nothing. The word lists are this file's own.

use super::texts::hash;

/// A changed sentence.
pub(crate) struct Change {
    pub(crate) kind: &'static str,
    /// Whether the passage still says it.
    pub(crate) holds: bool,
    pub(crate) text: String,
}

/// A small generator of numbers with a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: &str) -> Self {
        Self(hash(seed))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// Names and nouns of the same texts, to put in the place of others.
pub(crate) struct Pool {
    names: Vec<String>,
    nouns: Vec<String>,
}

impl Pool {
    pub(crate) fn new(sentences: &[(usize, String)]) -> Self {
        let (mut names, mut nouns) = (Vec::new(), Vec::new());
        for (_, sentence) in sentences {
            let words: Vec<&str> = sentence.split(' ').collect();
            for pair in words.windows(2) {
                let word = bare(pair[1]);
                let starts = pair[0].ends_with(['.', '?', '!', ')']);
                let small = SMALL.split_whitespace().any(|small| small == word.to_lowercase());
                if is_name(word) && !starts && !small {
                    names.push(word.to_owned());
                }
                if matches!(pair[0], "the" | "a" | "die" | "der" | "das" | "eine") && is_noun(word)
                {
                    nouns.push(word.to_owned());
                }
            }
        }
        Self { names, nouns }
    }
}

/// Words that are no names, even with a capital.
const SMALL: &str = "this that they there where which what when your their people team these those \
    with from have here then also each both such some many more most only over under into about";
const SYNONYMS: &str = "use/employ uses/employs used/employed begin/start begins/starts began/started \
    end/finish ended/finished buy/purchase bought/purchased help/assist helps/assists show/demonstrate \
    shows/demonstrates showed/demonstrated make/create made/created need/require needs/requires \
    needed/required get/obtain gets/obtains received/got provide/supply provides/supplies \
    provided/supplied large/big small/little important/significant quickly/rapidly often/frequently \
    approximately/roughly many/numerous build/construct built/constructed choose/select \
    chose/selected chosen/selected ask/request asked/requested tell/inform keep/retain change/modify \
    changes/modifies changed/modified check/verify remove/delete removed/deleted allow/permit \
    allows/permits allowed/permitted entire/whole main/primary famous/renowned usually/normally \
    however/though people/individuals company/firm city/town nation/country area/region \
    children/kids employee/staff employees/staff car/automobile error/mistake errors/mistakes purpose/aim \
    goal/objective method/approach result/outcome results/outcomes discuss/debate occur/happen \
    occurs/happens occurred/happened located/situated said/stated complete/finish completed/finished \
    ensure/guarantee ensures/guarantees explain/describe explains/describes contains/includes \
    vacation/holiday annual/yearly sufficient/enough additional/extra several/various also/additionally \
    mainly/primarily because/since while/whereas although/though submit/send contact/reach document/file \
    current/present currently/presently must/has-to purchase/buy assistance/help vital/essential \
    developed/created established/founded known/recognised support/back supports/backs various/different \
    almost/nearly rapidly/quickly regularly/frequently";
const GERMAN_SYNONYMS: &str = "beginnen/starten begann/startete wichtig/bedeutend wichtige/bedeutende \
    wichtigsten/bedeutendsten oft/häufig benutzt/verwendet verwendet/genutzt genutzt/verwendet \
    zeigt/demonstriert Stadt/Ortschaft Gebiet/Region Region/Gegend berühmt/bekannt schnell/rasch \
    großen/riesigen ungefähr/etwa etwa/ungefähr entfernt/gelöscht gebaut/errichtet errichtet/gebaut \
    verschiedene/unterschiedliche verschiedenen/unterschiedlichen enthält/umfasst enthalten/umfassen \
    Ziel/Zweck Ergebnis/Resultat Grund/Ursache Krieg/Konflikt jedoch/allerdings hauptsächlich/vorwiegend \
    normalerweise/üblicherweise später/danach gesamte/ganze gesamten/ganzen notwendig/erforderlich \
    benötigt/braucht erhielt/bekam erhalten/bekommen kaufte/erwarb gegründet/etabliert beschrieben/dargestellt";
const WORDING: &str = " in order to / to ;; to / in order to ; may / can ; can / is able to ; must / has to ; do \
    not / don't ; does not / doesn't ; is not / isn't ; are not / aren't ; was not / wasn't ; cannot / can't ; \
    can't / cannot ; such as / like ; as well as / and ; and / as well as ; prior to / before ; more than / over ; \
    at least / no less than ; per cent / percent ; due to / because of ; it is / it's ; allows / enables ; \
    for example / for instance ; up to / at most ; is able to / can ; should / ought to ; shall / must ; within \
    the / in the ; nicht mehr als / höchstens ; mindestens / wenigstens ; kann / darf ; sowie / und ; und / sowie ; \
    jedoch / aber ; mehr als / über ";
const NUMBERS: &str = "two/2 three/3 four/4 five/5 six/6 seven/7 eight/8 nine/9 ten/10 eleven/11 twelve/12 \
    thirteen/13 fifteen/15 twenty/20 thirty/30 forty/40 fifty/50 zwei/2 drei/3 vier/4 fünf/5 sechs/6 sieben/7 \
    acht/8 neun/9 zehn/10 elf/11 zwölf/12 zwanzig/20 dreißig/30";
const UNITS: &str = "days/weeks weeks/months months/years years/months hours/minutes minutes/hours \
    seconds/minutes day/week week/month month/year year/month hour/day percent/dollars kilometers/miles \
    miles/kilometers meters/feet feet/meters metres/miles dollars/euros euros/dollars %/€ GB/MB MB/GB \
    million/billion billion/million Jahre/Monate Jahren/Monaten Tage/Wochen Tagen/Wochen Monate/Jahre \
    Stunden/Minuten Prozent/Euro Kilometer/Meter Meter/Kilometer Millionen/Milliarden Milliarden/Millionen";
const MONTHS: &str = "January February March April June July August September October November December \
    Januar Februar März Juni Juli Oktober Dezember";
const WEEKDAYS: &str = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Montag Dienstag Mittwoch \
    Donnerstag Freitag Samstag Sonntag";
const QUANTITIES: &str = "all/some every/no some/all many/few most/all only/also always/sometimes \
    usually/always often/always sometimes/always never/often at_least/at_most at_most/at_least up_to/at_least \
    more_than/less_than less_than/more_than before/after after/before until/from first/second \
    maximum/minimum minimum/maximum increase/decrease increased/decreased increases/decreases \
    reduce/increase reduces/increases higher/lower lower/higher largest/smallest more/less less/more \
    both/neither any/only each/one largest/second-largest alle/einige viele/wenige nur/auch immer/manchmal \
    mindestens/höchstens höchstens/mindestens mehr/weniger weniger/mehr vor/nach erste/zweite größte/kleinste \
    erhöht/gesenkt meisten/wenigsten";
const MODALS: &str = "may/must can/must must/may should/must must/should might/will could/did can/should \
    will/may kann/muss können/müssen muss/kann müssen/können sollte/muss";
const AUXILIARIES: &str = "is are was were can may must should will would could has have does did ist sind war \
    waren wird wurde wurden kann können muss hat haben";
const ADDED: [(&str, &str); 8] = [
    (", and everybody also gets a company car", "en"),
    (", which is free of charge for visitors", "en"),
    (" and was confirmed by the board of directors", "en"),
    (" because it saves a lot of money", "en"),
    (", unless the manager disagrees", "en"),
    (", und alle erhalten zusätzlich einen Dienstwagen", "de"),
    (", weil das viel Geld spart", "de"),
    (" und wurde vom Vorstand bestätigt", "de"),
];

/// Every change that a sentence allows.
pub(crate) fn changes(
    sentence: &str,
    neighbour: Option<&str>,
    language: &str,
    pool: &Pool,
    random: &mut Random,
) -> Vec<Change> {
    let synonyms = if language == "de" { GERMAN_SYNONYMS } else { SYNONYMS };
    let mut kept: Vec<(&'static str, Option<String>)> = vec![
        ("synonym", exchange(sentence, synonyms, random)),
        ("wording", reword(sentence, language, random)),
        ("number written otherwise", other_number_writing(sentence, random)),
        ("date written otherwise", other_date_writing(sentence)),
        ("clauses in another order", other_order(sentence)),
        ("active for passive", active(sentence)),
        ("opening", Some(opening(sentence, language))),
        ("part left out", shorter(sentence)),
    ];
    let two = exchange(sentence, synonyms, random)
        .and_then(|text| reword(&text, language, random))
        .map(|text| opening(&text, language));
    kept.push(("several of these", two));
    let broken: Vec<(&'static str, Option<String>)> = vec![
        ("number", other_number(sentence, random)),
        (
            "numbers swapped",
            swapped(sentence, |word| word.starts_with(|c: char| c.is_ascii_digit())),
        ),
        ("unit", exchange(sentence, UNITS, random)),
        ("date", other_date(sentence, random)),
        ("name", other_word(sentence, &pool.names, is_name, random)),
        ("names swapped", swapped(sentence, is_name)),
        ("subject or object", other_noun(sentence, &pool.nouns, random)),
        ("negation", negate(sentence)),
        ("quantity or order", exchange(sentence, QUANTITIES, random)),
        ("modality", exchange(sentence, MODALS, random)),
        ("clause added", add(sentence, language, random)),
        ("adjective added", adjective(sentence, language, random)),
        ("two sentences mixed", neighbour.and_then(|other| mix(sentence, other))),
    ];
    let change = |holds: bool| {
        move |(kind, text): (&'static str, Option<String>)| {
            let text = text.filter(|text| text != sentence)?;
            Some(Change { kind, holds, text })
        }
    };
    kept.into_iter()
        .filter_map(change(true))
        .chain(broken.into_iter().filter_map(change(false)))
        .collect()
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '%' && c != '€' && c != '$')
}

fn is_name(word: &str) -> bool {
    word.chars().count() > 3
        && word.starts_with(char::is_uppercase)
        && word.chars().all(char::is_alphabetic)
}

fn is_noun(word: &str) -> bool {
    word.chars().count() > 4 && word.chars().all(char::is_alphabetic)
}

/// The sentence with the word at one place replaced; marks around it stay.
fn put(words: &[&str], at: usize, new: &str) -> String {
    let mut out: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    out[at] = words[at].replacen(bare(words[at]), new, 1);
    out.join(" ")
}

/// Replaces one word that the list has: `old/new`; `_` stands for a space.
fn exchange(sentence: &str, list: &str, random: &mut Random) -> Option<String> {
    let mut found = Vec::new();
    for pair in list.split_whitespace() {
        let (old, new) = pair.split_once('/')?;
        let (old, new) = (old.replace('_', " "), new.replace(['_', '-'], " "));
        if old.contains(' ') {
            let marked = format!(" {old} ");
            if sentence.contains(&marked) {
                found.push(sentence.replacen(&marked, &format!(" {new} "), 1));
            }
            continue;
        }
        let words: Vec<&str> = sentence.split(' ').collect();
        if let Some(at) = words.iter().position(|word| bare(word) == old) {
            found.push(put(&words, at, &new));
        }
    }
    random.pick(&found).cloned()
}

fn reword(sentence: &str, language: &str, random: &mut Random) -> Option<String> {
    let german = |pair: &str| {
        pair.contains(['ö', 'ä'])
            || ["kann", "sowie", "und", "jedoch", "mehr als / über", "wenigstens"]
                .iter()
                .any(|word| pair.contains(word))
    };
    let mut found = Vec::new();
    for pair in WORDING.split(';').filter(|pair| german(pair) == (language == "de")) {
        let Some((old, new)) = pair.split_once('/') else { continue };
        let (old, new) = (format!(" {} ", old.trim()), format!(" {} ", new.trim()));
        // "To" before anything but a verb is a direction, and "and" may join two numbers.
        if sentence.contains(&old) && old.trim() != "to" {
            found.push(sentence.replacen(&old, &new, 1));
        }
    }
    random.pick(&found).cloned()
}

fn other_number_writing(sentence: &str, random: &mut Random) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let mut found: Vec<String> = exchange(sentence, NUMBERS, random).into_iter().collect();
    for (at, word) in words.iter().enumerate() {
        let number = bare(word);
        let pair = NUMBERS.split_whitespace().filter_map(|pair| pair.split_once('/'));
        let spelled =
            pair.clone().find(|(_, digits)| *digits == number).map(|(spelled, _)| spelled);
        let german = [" der ", " die ", " und ", " am ", " mit ", " in den "]
            .iter()
            .any(|word| sentence.contains(word));
        let spelled = spelled.filter(|_| !german);
        found.extend(spelled.map(|spelled| put(&words, at, spelled)));
        if let Some((whole, rest)) = number.split_once(',').filter(|(_, rest)| rest.len() == 3)
            && whole.bytes().all(|byte| byte.is_ascii_digit())
            && !german
        {
            found.push(put(&words, at, &format!("{whole}{rest}")));
            found.push(put(&words, at, &format!("{whole} {rest}")));
        }
        if let Some(share) = number.strip_suffix('%') {
            found.push(put(&words, at, &format!("{share} percent")));
        }
        if let Some(amount) = number
            .strip_prefix('$')
            .filter(|amount| amount.bytes().all(|byte| byte.is_ascii_digit()))
        {
            found.push(put(&words, at, &format!("{amount} dollars")));
        }
    }
    random.pick(&found).cloned()
}

/// `1 March 2026` and `March 1, 2026` one for the other.
fn other_date_writing(sentence: &str) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let month = |word: &str| MONTHS.split_whitespace().take(11).any(|month| month == word);
    let day = |word: &str| bare(word).parse::<u32>().is_ok_and(|day| (1..=31).contains(&day));
    for at in 1..words.len().saturating_sub(1) {
        let (before, name, after) = (words[at - 1], words[at], words[at + 1]);
        if !month(name) {
            continue;
        }
        let mut out: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if day(before) && bare(before) == before {
            (out[at - 1], out[at]) = (name.to_owned(), before.to_owned());
            return Some(out.join(" "));
        }
        if day(after) {
            let end = &after[bare(after).len()..];
            (out[at], out[at + 1]) =
                (bare(after).to_owned(), format!("{name}{}", if end == "," { "" } else { end }));
            return Some(out.join(" "));
        }
    }
    None
}

/// A clause from the end to the front, or back.
fn other_order(sentence: &str) -> Option<String> {
    let body = sentence.strip_suffix('.')?;
    let starts = [
        "because ",
        "when ",
        "if ",
        "after ",
        "before ",
        "although ",
        "while ",
        "weil ",
        "wenn ",
        "obwohl ",
    ];
    for start in starts {
        if let Some((head, tail)) = body.split_once(&format!(" {start}")).filter(|(head, tail)| {
            !head.contains(',')
                && !tail.contains(',')
                && head.split(' ').count() > 3
                && tail.split(' ').count() > 2
        }) {
            let german = ["weil ", "wenn ", "obwohl "].contains(&start);
            let head = head.trim_end_matches(',');
            return (!german).then(|| format!("{}{tail}, {}.", capital(start), small(head)));
        }
    }
    let (first, rest) = body.split_once(", ").filter(|(_, rest)| !rest.contains(','))?;
    let fronted = ["In ", "On ", "At ", "During ", "After ", "By "]
        .iter()
        .any(|start| first.starts_with(start));
    let short = (2..=5).contains(&first.split(' ').count());
    (fronted && short).then(|| format!("{} {}.", capital(rest), small(first)))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn small(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let known = [
        "The", "A", "An", "In", "On", "At", "During", "After", "By", "It", "They", "This", "These",
        "You", "We", "If", "When", "All",
    ];
    if !known.contains(&first) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// `S was built by N.` as `N built S.`
fn active(sentence: &str) -> Option<String> {
    let body = sentence.strip_suffix('.')?;
    let (left, agent) = body
        .split_once(" by ")
        .filter(|(_, agent)| !agent.contains([',', ' ']) || agent.split(' ').count() <= 4)?;
    if agent.contains(',')
        || agent.contains(" by ")
        || agent.contains(|c: char| c.is_ascii_digit())
        || agent.ends_with("ing")
    {
        return None;
    }
    let (object, verb) = left.split_once(" was ").or_else(|| left.split_once(" were "))?;
    let plain = !verb.contains(' ')
        && verb.ends_with("ed")
        && object.split(' ').count() <= 8
        && !object.contains(',');
    plain.then(|| format!("{} {verb} {}.", capital(agent), small(object)))
}

fn opening(sentence: &str, language: &str) -> String {
    match (language, sentence.len() % 3) {
        ("de", 0) => format!("Laut dem Dokument: {sentence}").replace("Dokument: ", "Dokument, "),
        ("de", _) => format!("Ja, {sentence}"),
        (_, 0) => format!("According to the document, {}", small(sentence)),
        (_, 1) => format!("Yes, {}", small(sentence)),
        (_, _) => format!("The document states that {}", small(sentence)),
    }
}

/// Without a part in brackets, or without a clause that only adds something.
fn shorter(sentence: &str) -> Option<String> {
    if let (Some(open), Some(close)) = (sentence.find(" ("), sentence.find(')'))
        && open < close
    {
        return Some(format!("{}{}", &sentence[..open], &sentence[close + 1..]));
    }
    let (head, tail) = sentence.split_once(", which ")?;
    (!tail.contains(',') && head.split(' ').count() > 4).then(|| format!("{head}."))
}

fn other_number(sentence: &str, random: &mut Random) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let number = bare(word);
        if number.bytes().any(|byte| byte.is_ascii_digit()) {
            let digits: Vec<usize> = number
                .char_indices()
                .filter(|(_, c)| c.is_ascii_digit())
                .map(|(at, _)| at)
                .collect();
            let place = digits[random.below(digits.len())];
            let digit = number.as_bytes()[place] - b'0';
            let new = (digit + 1 + random.below(8) as u8) % 10;
            let mut changed = number.to_owned();
            changed.replace_range(place..=place, &new.max(1).to_string());
            found.push(put(&words, at, &changed));
        } else if let Some((spelled, _)) = NUMBERS
            .split_whitespace()
            .filter_map(|pair| pair.split_once('/'))
            .find(|(spelled, _)| *spelled == number)
        {
            let german = [
                "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf",
                "zwölf",
            ]
            .contains(&spelled);
            found.push(put(&words, at, if german { "dreizehn" } else { "fourteen" }));
        }
    }
    found.retain(|text| text != sentence);
    random.pick(&found).cloned()
}

fn other_date(sentence: &str, random: &mut Random) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for list in [MONTHS, WEEKDAYS] {
            let names: Vec<&str> = list.split_whitespace().collect();
            if names.contains(&bare(word)) {
                let german = names.iter().position(|name| *name == bare(word)).unwrap_or(0)
                    >= if list == MONTHS { 11 } else { 7 };
                let same: Vec<&&str> = names
                    .iter()
                    .enumerate()
                    .filter(|(place, name)| {
                        (*place >= if list == MONTHS { 11 } else { 7 }) == german
                            && **name != bare(word)
                    })
                    .map(|(_, name)| name)
                    .collect();
                found.extend(random.pick(&same).map(|new| put(&words, at, new)));
            }
        }
        if let Ok(year) = bare(word).parse::<usize>()
            && (1100..2100).contains(&year)
        {
            found.push(put(&words, at, &(year + 1 + random.below(9)).to_string()));
        }
    }
    random.pick(&found).cloned()
}

fn other_word(
    sentence: &str,
    pool: &[String],
    fits: fn(&str) -> bool,
    random: &mut Random,
) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let places: Vec<usize> = (1..words.len()).filter(|&at| fits(bare(words[at]))).collect();
    let at = *random.pick(&places)?;
    let new =
        random.pick(pool).filter(|new| !sentence.to_lowercase().contains(&new.to_lowercase()))?;
    let alike = new.chars().take(4).eq(bare(words[at]).chars().take(4));
    (!alike).then(|| put(&words, at, new))
}

/// Another noun after an article.
fn other_noun(sentence: &str, pool: &[String], random: &mut Random) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let article = |word: &str| {
        matches!(word, "the" | "The" | "a" | "A" | "die" | "Die" | "der" | "Der" | "das" | "Das")
    };
    let places: Vec<usize> =
        (1..words.len()).filter(|&at| article(words[at - 1]) && is_noun(bare(words[at]))).collect();
    let at = *random.pick(&places)?;
    let new =
        random.pick(pool).filter(|new| !sentence.to_lowercase().contains(&new.to_lowercase()))?;
    let alike = new.chars().take(4).eq(bare(words[at]).chars().take(4));
    (!alike).then(|| put(&words, at, new))
}

/// Exchanges the first two different words of a kind.
fn swapped(sentence: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let mut places = (1..words.len()).filter(|&at| fits(bare(words[at])));
    let one = places.next()?;
    let other = places.find(|&at| bare(words[at]) != bare(words[one]) && at > one + 1)?;
    // "Paris and London" says the same the other way round.
    let between = &words[one + 1..other];
    if between.iter().all(|word| {
        matches!(*word, "and" | "&" | "or" | "und" | "oder" | "the" | ",")
            || is_name(bare(word))
            || word.parse::<f64>().is_ok()
    }) {
        return None;
    }
    if between.len() < 6
        && (words[one].ends_with(',')
            || between.iter().any(|word| matches!(*word, "and" | "&" | "or" | "und" | "oder")))
    {
        return None;
    }
    let first = put(&words, one, bare(words[other]));
    let changed: Vec<&str> = first.split(' ').collect();
    (changed.len() == words.len()).then(|| put(&changed, other, bare(words[one])))
}

fn negate(sentence: &str) -> Option<String> {
    for (with, without) in [
        (" not ", " "),
        (" no ", " "),
        (" never ", " "),
        (" nicht ", " "),
        (" keine ", " "),
        (" without ", " with "),
        (" ohne ", " mit "),
        ("cannot ", "can "),
        ("n't ", " "),
    ] {
        if sentence.contains(with) {
            return Some(sentence.replacen(with, without, 1));
        }
    }
    let words: Vec<&str> = sentence.split(' ').collect();
    let at = words
        .iter()
        .position(|word| AUXILIARIES.split_whitespace().any(|auxiliary| auxiliary == *word))?;
    let german = [
        "ist", "sind", "war", "waren", "wird", "wurde", "wurden", "kann", "können", "muss", "hat",
        "haben",
    ]
    .contains(&words[at]);
    Some(put(&words, at, &format!("{} {}", words[at], if german { "nicht" } else { "not" })))
}

fn add(sentence: &str, language: &str, random: &mut Random) -> Option<String> {
    let fitting: Vec<&str> =
        ADDED.iter().filter(|(_, of)| *of == language).map(|(text, _)| *text).collect();
    let body = sentence.strip_suffix('.')?;
    random.pick(&fitting).map(|added| format!("{body}{added}."))
}

fn adjective(sentence: &str, language: &str, random: &mut Random) -> Option<String> {
    let added = if language == "de" {
        ["kostenlosen", "besten", "gefährlichen", "geheimen"]
    } else {
        ["fully paid", "mandatory", "secret", "illegal"]
    };
    let words: Vec<&str> = sentence.split(' ').collect();
    let places: Vec<usize> = (1..words.len())
        .filter(|&at| {
            matches!(words[at - 1], "the" | "a" | "den" | "der" | "die") && is_noun(bare(words[at]))
        })
        .collect();
    let at = *random.pick(&places)?;
    random.pick(&added).map(|added| put(&words, at, &format!("{added} {}", bare(words[at]))))
}

/// The first part of one sentence with the last part of another of the same passage.
fn mix(sentence: &str, other: &str) -> Option<String> {
    let cut = |text: &str| {
        let words: Vec<&str> = text.split(' ').collect();
        let verbs = "is are was were can may must should will has have ist sind war waren wird wurde wurden hat haben kann";
        let at = words.iter().position(|word| verbs.split(' ').any(|verb| verb == *word))?;
        (at >= 2 && words.len() > at + 3).then(|| (words[..at].join(" "), words[at..].join(" ")))
    };
    let ((head, _), (_, tail)) = (cut(sentence)?, cut(other)?);
    let pronoun = ["It ", "They ", "He ", "She ", "This ", "These ", "Er ", "Sie ", "Es ", "Dies"];
    let known = |word: &str| word.chars().count() > 3 && other.contains(bare(word));
    let shared = head.split(' ').any(known);
    let leaning =
        other.split(' ').any(|word| matches!(bare(word), "it" | "its" | "they" | "their" | "them"));
    (!shared
        && !leaning
        && !pronoun.iter().any(|start| other.starts_with(start) || head.starts_with(start.trim())))
    .then(|| format!("{head} {tail}"))
}
