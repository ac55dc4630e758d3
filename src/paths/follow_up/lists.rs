//! The words by which a follow-up is known, English and German, separated by single spaces.

/// Words that only tie a question to the one before it.
pub(super) const CONNECTIVES: &str =
    "and but or so ok okay also then well und aber oder ok okay also dann nun";

/// After these comes what is asked about instead. `a|b` is either, `a?` may be missing, and after `+` it
/// must begin with a preposition.
pub(super) const INSTEAD: &[&str] = &[
    "what|how about",
    "what if it is",
    "what if i am",
    "how is|are it|that|this|things +",
    "the? same question?",
    "does|do that|this|it|these|those|they|the same? rule? also? apply to?",
    "is|are|was that|this|it|they also? the? same|different|true|valid|so +",
    "was ist|wäre mit",
    "wie ist|wäre es|das denn? mit",
    "wie ist|wäre es|das denn? +",
    "wie sieht es|das denn? mit",
    "wie sieht es|das denn? +",
    "wie steht es mit|um",
    "gilt|gelten das|dies|es|dasselbe|sie|die dieselben? regeln? auch? ebenfalls? genauso? +",
];

/// Words that ask.
pub(super) const ASKING: &str = "what which who whom whose when where why how was welche welcher \
    welches welchen welchem wer wen wem wessen wann wo wohin woher warum wieso weshalb wie wieviel \
    wieviele wofür womit";
/// Words that stand with those: "how *long*", "*since* when".
pub(super) const MEASURES: &str = "many much long often far high old soon fast big large exactly \
    precisely not viele viel lange oft weit hoch alt bald schnell genau nicht since until till by from \
    for to at seit bis ab von für in";
/// Verbs that make a sentence of a question, at its beginning or after the asking word.
pub(super) const AUXILIARIES: &str = "is are was were be been do does did has have had can could may \
    might must shall should will would am isn't aren't don't doesn't can't ist sind war waren bin \
    hat habe haben hatte hatten kann können könnte darf dürfen muss müssen soll sollen sollte wird \
    werden wurde will wollen gibt gilt gelten";
/// Verbs whose object is what the question is about.
pub(super) const LIGHT: &str = "get gets getting receive receives take takes taking request need needs \
    want use claim book order submit find see apply bring happens happen count counts cover covers \
    bekomme bekommen bekommt kriege kriegt kriegen erhalte erhalten erhält nehme nehmen nimmt brauche \
    brauchen braucht beantrage beantragen beantragt passiert finde bestelle buche melde stelle";
/// What can only be done by persons: after it or before it "they" are persons.
pub(super) const PERSONAL: &str = "get have need receive take work apply request ask use pay want \
    qualify earn bekommen haben brauchen erhalten nehmen arbeiten beantragen verdienen kriegen";
/// What stands before a noun.
pub(super) const ARTICLES: &str = "a an the my our your ein eine einen einem einer der die das den dem \
    mein meine meinen unser unsere";
/// Words that carry no topic.
pub(super) const EMPTY: &str = "a an the i we you me us my our your it its they them their this that \
    these those there here to of in on at for from by with about and or not no any some also too then \
    else please exactly ich wir man du mir uns mich mein meine meinen unser unsere ein eine einen \
    einem einer der die das den dem des es er sie ihn ihm und oder auch noch dann denn bitte sich zu \
    im am vom zum zur von für mit bei an auf um über kein keine keinen nicht eigentlich genau";
/// Prepositions. Those in one line stand for each other.
pub(super) const PREPOSITIONS: &[&str] = &[
    "for für",
    "in im within inside innerhalb",
    "at bei beim",
    "on am",
    "from von vom ab aus",
    "to zu zum zur",
    "after before nach vor",
    "during während",
    "with without mit ohne",
    "until till bis",
    "under over above below unter über",
    "between zwischen",
    "per pro",
    "outside außerhalb",
    "as als",
    "of",
];
/// Words for groups of people. The first line is everybody.
pub(super) const PEOPLE: [&str; 2] = [
    "employee employees staff people worker workers everybody everyone somebody someone colleagues \
     mitarbeiter mitarbeitende mitarbeitenden mitarbeitern angestellte angestellten beschäftigte \
     beschäftigten leute jeder alle",
    "contractor contractors manager managers intern interns trainee trainees freelancer freelancers \
     apprentice apprentices parent parents father fathers mother mothers student students partner \
     partners visitor visitors guest guests lead leads executive executives director directors \
     part-timer part-timers consultant consultants temp temps supervisor supervisors engineer \
     engineers customer customers supplier suppliers dependants spouse spouses children newcomers \
     starters joiners leavers auszubildende auszubildenden azubi azubis praktikant praktikanten \
     praktikantinnen werkstudent werkstudenten werkstudentinnen führungskraft führungskräfte \
     führungskräften externe externen freiberufler freiberuflern teilzeitkräfte teilzeitkräften \
     eltern väter mütter vätern müttern leiharbeiter leiharbeitern besucher besuchern gäste gästen \
     kunden lieferanten vorgesetzte vorgesetzten leitende studenten partnern kinder schwerbehinderte \
     schwerbehinderten",
];
/// Words before a group that are part of it.
pub(super) const OF_PEOPLE: &str = "new part-time full-time permanent temporary external internal \
    senior junior remote neue neuen externe externen befristete befristeten freie freien";
/// Times, besides numbers.
pub(super) const TIMES: &str = "january february march april june july august september october \
    november december monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday \
    fridays saturday saturdays sunday sundays weekend weekends summer winter spring autumn year month \
    januar februar märz mai juni juli oktober dezember montag montags dienstag dienstags mittwoch \
    mittwochs donnerstag donnerstags freitag freitags samstag samstags sonntag sonntags wochenende \
    wochenenden feiertagen sommer winter jahr monat";
/// States that somebody can be in, at any place and time.
pub(super) const STATES: &str = "part-time full-time probation writing advance teilzeit vollzeit \
    probezeit elternzeit altersteilzeit kurzarbeit homeoffice schriftform ausbildung";
/// What is nothing without something else: who *decides*? is there a *limit*?
pub(super) const NEEDS: &str = "approve approves approved approval decide decides decided sign signs pay \
    pays paid apply applies request cancel register submit contact ask start starts begin begins end \
    ends expire expires renew extend change changes return qualify qualifies responsible eligible \
    deadline limit limits maximum minimum form exceptions exception contact process procedure \
    requirements requirement conditions cost costs price penalty consequences steps step reason \
    example examples details rule rules happens happen allowed required possible \
    genehmigt genehmigen entscheidet entscheiden bezahlt zahlt beantragt beantrage beantragen kündigen \
    anmelden zuständig verantwortlich gilt frist grenze höchstgrenze obergrenze formular ausnahmen \
    ausnahme ansprechpartner ansprechpartnerin ablauf voraussetzungen bedingungen kosten kostet folgen \
    schritte grund beispiel beispiele einzelheiten regel regeln passiert erlaubt nötig möglich \
    open closed free available valid due last lasts offen geöffnet geschlossen kostenlos gültig fällig \
    dauert dauern \
    verfällt verfallen beginnt endet";
/// What asks for more of the same.
pub(super) const MORE: &[&str] = &[
    "tell me more",
    "more",
    "more details",
    "more information",
    "go on",
    "explain",
    "explain more",
    "can you explain",
    "can you elaborate",
    "anything else",
    "what else",
    "is that all",
    "mehr",
    "mehr dazu",
    "mehr details",
    "sag mir mehr",
    "erzähl mir mehr",
    "weiter",
    "noch etwas",
    "sonst noch etwas",
    "was noch",
    "ist das alles",
];
/// After "is it" these begin a question of their own: "is it *possible* to …".
pub(super) const JUDGES: &str = "possible allowed ok okay necessary required permitted mandatory fine \
    forbidden legal enough better best hard easy take cost need true möglich erlaubt nötig notwendig \
    verboten gestattet zulässig pflicht besser okay ok";
/// German words that point back and can't be replaced where they stand.
pub(super) const POINTING: &str = "davon dafür damit darüber dabei daran dazu danach davor darauf \
    daraus darum dort dessen deren denen dazwischen darin darunter ihr ihre ihren ihrem ihrer";
