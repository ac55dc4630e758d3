//! The word lists of English and German, separated by single spaces.

/// Words that only ask, beyond the stop words.
pub(super) const ASKING: &str = "many much long kind type sort name called lange art heißt nennt";

/// Numbers that people write out. "One" and "ein" are left out: they are mostly articles.
pub(super) const ENGLISH_NUMBERS: &str = "two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 \
    ten=10 eleven=11 twelve=12 fourteen=14 fifteen=15 sixteen=16 twenty=20 thirty=30 forty=40 \
    fifty=50 sixty=60 ninety=90 hundred=100 thousand=1000 million=1000000 billion=1000000000";
/// The same in German.
pub(super) const GERMAN_NUMBERS: &str = "zwei=2 drei=3 vier=4 fünf=5 sechs=6 sieben=7 acht=8 neun=9 \
    zehn=10 elf=11 zwölf=12 vierzehn=14 fünfzehn=15 sechzehn=16 zwanzig=20 dreißig=30 vierzig=40 \
    fünfzig=50 sechzig=60 neunzig=90 hundert=100 tausend=1000 millionen=1000000 \
    milliarden=1000000000";

/// After these comes what is asked for: "which country", "how many ships".
pub(super) const WHICH: &str =
    "what which many much welche welchem welchen welcher welches viele viel";
/// After "how" these ask for a number.
pub(super) const MEASURES: &str = "many much long old far large big high tall often fast deep wide \
    heavy viele viel lange hoch groß weit oft alt schnell";
/// After "which" these ask for a time.
pub(super) const TIMES: &str =
    "year day date month time century decade jahr tag datum monat jahrhundert jahres";
/// Words that ask for something to type.
pub(super) const COMMANDS: &str =
    "command commands snippet syntax script shell terminal befehl befehle kommando konsole";

/// Words that turn a sentence around.
pub(super) const NEGATIONS: &str = "not never non no without neither nor cannot none nobody unable \
    nicht nie niemals kein keine keinen keiner keinem keinerlei ohne weder";
/// Words that nothing else can stand for, besides names and numbers.
pub(super) const SHARP: &str = "second third fourth fifth north south east west northern southern \
    eastern western only no never all every non male female women men both neither zweite zweiten \
    dritte dritten norden süden osten westen nur einzige nie frauen männer beide";

/// What can be part of an answer to "who", besides names.
pub(super) const PEOPLE: &str = "people person manager team lead officer director department desk \
    leute leitung abteilung personen vorgesetzte vorgesetzten betriebsrat";
/// To "when", besides numbers.
pub(super) const DATES: &str = "january february march april may june july august september october \
    november december monday tuesday wednesday thursday friday saturday sunday today daily weekly \
    monthly quarterly annually yearly after before during until januar februar märz mai juni juli \
    oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag montags dienstags \
    mittwochs donnerstags freitags heute täglich wöchentlich monatlich jährlich nach vor während bis";
/// To "how many", besides numbers.
pub(super) const AMOUNTS: &str = "one once twice half several few dozen hundreds thousands millions \
    unlimited no none daily weekly monthly ein eine einen einmal zweimal halb halben mehrere unbegrenzt kein keine keinen \
    täglich wöchentlich monatlich jährlich";
/// Before a place.
pub(super) const PLACES: &str =
    "in at on from near to into under im am auf bei aus nach zum zur beim unter";
/// Before or in a reason.
pub(super) const REASONS: &str = "because since due order so therefore reason reasons cause caused \
    causes result as to for weil da damit denn deshalb wegen aufgrund um grund";

/// A sentence that starts with one of these needs the sentence before it.
pub(super) const PRONOUNS: &str = "it they this these those that he she its their his her both such \
    er dies diese dieser dieses seine sein ihre dabei dafür dazu davon damit";

/// A question that starts with one of these is answered by yes or no.
pub(super) const WHETHER: &str = "is are was were do does did may can could must should will has have \
    ist sind war waren darf dürfen kann können muss müssen soll sollen wird werden hat haben gilt gibt";
/// Words of which the side of a number is made: "more than 5", "at most 5".
pub(super) const BOUNDING: &str = "more less fewer most least up above below over under exceeding \
    exceeds maximum minimum between mehr weniger bis höchstens mindestens maximal über unter zwischen ab";
/// Groups of people for whom other rules hold than for employees, each with its names. What is said
/// without any of them is not said of that group.
pub(super) const GROUPS: &[&str] = &[
    "contractor contractors freelancer freelancers externe externen externer freiberufler",
    "temp temps leiharbeiter leiharbeitnehmer zeitarbeiter zeitarbeitnehmer",
    "intern interns praktikant praktikanten praktikantin praktikantinnen",
    "trainee trainees apprentice apprentices azubi azubis auszubildende auszubildender auszubildenden",
    "werkstudent werkstudenten werkstudentin werkstudentinnen",
    "consultant consultants berater",
    "volunteer volunteers",
    "pensioner pensioners retiree retirees rentner",
];
/// Words about children and their parents: what a section about them says does not hold for everybody.
pub(super) const CHILDREN: &str = "child children kid kids baby birth daughter son parent parents \
    parental mother father maternity paternity family adoption kind kinder baby geburt tochter sohn \
    eltern elternzeit mutterschutz mutter vater familie adoption";
/// Of everybody is said what is said with one of these.
pub(super) const EVERYBODY: &str = "everybody everyone anybody anyone whoever jeder jede alle";
/// Syllables that turn a word into its opposite.
pub(super) const DENYING: &str = "un non dis in im";

/// Words of which one in the question and the other in the passage mean a near miss.
pub(crate) const OPPOSITES: &str = "increase/decrease rise/decline rise/fall rose/fell grow/shrink \
    expand/shrink expand/reduce increase/reduce raise/lower gain/lose win/lose won/lost more/less \
    more/fewer most/least many/few maximum/minimum high/low higher/lower highest/lowest \
    upper/lower large/small largest/smallest long/short longer/shorter before/after early/late \
    first/last former/current old/new old/young older/younger ancient/modern north/south east/west \
    northern/southern eastern/western left/right front/back front/behind inside/outside \
    internal/external domestic/foreign native/foreign above/below allow/prohibit allowed/forbidden \
    permit/forbid permitted/banned accept/reject approve/reject approve/deny include/exclude \
    agree/disagree support/oppose encourage/discourage defend/attack begin/end began/ended \
    start/stop start/end open/close create/destroy build/destroy built/destroyed enable/disable \
    connect/disconnect add/remove appoint/remove join/leave arrive/leave arrive/depart enter/exit \
    send/receive sent/received give/take gave/took push/pull buy/sell bought/sold lend/borrow \
    import/export teach/learn teacher/student employer/employee succeed/fail success/failure \
    victory/defeat strong/weak rich/poor wealthy/poor good/bad hot/cold wet/dry fast/slow \
    simple/complex easy/difficult common/rare often/rarely popular/unpopular known/unknown \
    complete/incomplete active/inactive direct/indirect formal/informal legal/illegal public/private \
    positive/negative true/false able/unable required/optional mandatory/optional paid/unpaid \
    permanent/temporary full/part entire/part whole/part present/absent majority/minority \
    major/minor male/female father/son mother/daughter husband/wife king/queen friend/enemy \
    ally/enemy love/hate born/died live/die day/night summer/winter urban/rural peace/war \
    always/never mehr/weniger meisten/wenigsten maximal/minimal maximum/minimum hoch/niedrig \
    größte/kleinste länger/kürzer lang/kurz vor/nach früher/später erste/letzte ersten/letzten \
    alt/neu nördlich/südlich östlich/westlich intern/extern erlaubt/verboten annehmen/ablehnen \
    beginn/ende anfang/ende öffnen/schließen kaufen/verkaufen gewinnen/verlieren bezahlt/unbezahlt \
    befristet/unbefristet öffentlich/privat immer/nie sommer/winter tag/nacht";
