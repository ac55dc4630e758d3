//! The word lists of the check, in English and German.
//!
//! They are short on purpose: a word that is missing costs a true sentence, a pair that does not mean
//! the same lets a false one pass. Entries are separated by spaces, phrases by semicolons.

use super::signs::Sign;

/// Small words that say nothing of their own beside the words around them.
pub(super) const ENGLISH_SMALL: &str = "a an the this that these those there here it its itself he \
    she him her his hers they them their theirs we us our ours you your yours i me my mine one's \
    is are was were be been being am do does did done doing has have had having will would shall \
    so such also too as than then thus hence therefore however nevertheless nonetheless despite moreover furthermore additionally \
    well even just yet still already indeed namely respectively who whom whose which what how \
    where when and or but both either if because since while whereas although though whether to \
    of in on at by for from with into onto upon about within per via through over under between \
    among during against along across around behind beside besides near off out up down not no \
    please oneself yourself themselves \
    himself herself i.e e.g eg ie etc let 's";
/// The same in German.
pub(super) const GERMAN_SMALL: &str = "der die das den dem des ein eine einen einem einer eines \
    dieser diese dieses diesen diesem jener jene jenes er sie es ihn ihm ihr ihre ihren ihrem ihrer \
    ihres sein seine seinen seinem seiner seines wir uns unser unsere unseren unserem unserer unseres ich mich \
    mir mein meine du dich dir dein deine deinen man sich selbst ist sind war waren wird werden \
    wurde wurden worden geworden bin bist sei seien wäre wären hat haben hatte hatten habe hast \
    auch so wie als dann also daher deshalb somit jedoch zudem außerdem ferner dabei dazu dafür \
    davon damit daran darauf darin dort da hier wo wann was wer wem wen wessen welche welcher \
    welches welchen und oder aber sowie sowohl wenn weil dass ob während obwohl zu zum zur in im \
    ins an am auf aus bei beim mit nach von vom vor über unter durch für um gegen zwischen neben \
    per pro ab seit hinter bereits schon noch etwa gar ja bitte jeweils allerdings trotz d.h z.b zb dh bzw usw";

/// Words that may be left out or put in, as long as they replace nothing: who a rule is for when it is
/// for everybody here, the document itself, and verbs that only hold a sentence together.
pub(super) const WEAK: &str = "employee staff worker personnel workforce people person everyone everybody \
    anyone anybody someone individual team member colleague company organisation organization policy \
    document handbook guide guideline manual page section passage text rule regulation get take \
    receive make use go mitarbeiter mitarbeiterin mitarbeitende mitarbeitenden beschäftigte \
    beschäftigten arbeitnehmer arbeitnehmerin personal person personen leute firma unternehmen \
    organisation richtlinie dokument handbuch leitfaden seite abschnitt text regel regelung \
    erhalten bekommen nehmen machen gehen";

/// Words for a document, with which a sentence says where it has it from.
pub(super) const DOCUMENTS: &str = "policy policies document documents documentation docs handbook guide \
    guidelines guideline manual page section passage passages text rules source sources article \
    information excerpt above company's context richtlinie richtlinien dokument dokumente dokumentation handbuch \
    leitfaden seite abschnitt text regeln regelung quelle quellen artikel angaben passage";
/// Between such a document and what it says.
pub(super) const SAYING: &str = "says say states state stated notes note mentions explains specifies \
    describes indicates confirms that besagt sagt nennt erklärt beschreibt legt fest dass";
/// What somebody says, thinks, asks or orders to be said is not what the text says. `Note that` and
/// `remember that` are missing on purpose: what follows them holds.
pub(super) const REPORTING: &str = "say says said saying tell tells told telling claim claims claimed \
    claiming believe believes believed believing think thinks thought thinking pretend pretends pretended \
    assume assumes assumed assuming suppose supposes supposed allege alleges alleged argue argues argued \
    suggest suggests suggested imagine imagines imagined hope hopes hoped fear fears feared doubt doubts \
    doubted deny denies denied ask asks asked asking wonder wonders answer answers answered answering reply \
    replies replied respond responds responded write writes wrote rumour rumours rumor rumors myth myths \
    false wrong untrue unclear unknown \
    sag sage sagen sagt sagte sagten behaupte behaupten behauptet behauptete glaube glauben glaubt glaubte \
    meine meinen meint meinte denke denken denkt dachte vermute vermuten vermutet annehmen angenommen \
    antworte antworten antwortet antwortete schreibe schreiben schreibt schrieb frage fragen fragt fragte \
    hoffen hofft bezweifeln bezweifelt bestreiten bestreitet gerücht gerüchte falsch unklar";
/// What introduces it.
pub(super) const ACCORDING: &str = "according to;based on;as per;per;as stated in;as described in;as \
    mentioned in;as noted in;as explained in;under;in;laut;gemäß;nach;zufolge;in der;im";
/// First words of an answer that say nothing of what is answered.
pub(super) const OPENERS: &str = "yes ja sure certainly correct right richtig genau additionally also \
    furthermore moreover however therefore thus zudem außerdem ferner jedoch allerdings daher";

/// Words that mean the same in the documents of a company. Each group is one meaning.
pub(super) const ENGLISH_SYNONYMS: &str = "employee staff worker personnel workforce;company \
    organisation organization firm;buy purchase acquire;begin start commence;end finish conclude;\
    terminate cancel;vacation holiday;submit file hand send;notify inform tell alert;ask request;\
    give provide supply offer grant;obtain get receive;need require;help assist support aid;show \
    display present demonstrate;keep retain maintain preserve;store save;choose select pick;change modify \
    alter amend;check verify;fix repair;remove delete;create make build produce generate;repay reimburse \
    refund;pay compensate remunerate;salary pay wage;cost price;fee charge;automobile car;phone \
    telephone;laptop notebook;buy procure;allow permit let authorise authorize;forbid prohibit ban disallow;\
    contact reach;answer reply respond;error mistake;problem issue;fast quick rapid;large big \
    huge;small little tiny;important crucial significant essential vital key;difficult hard challenging;\
    easy simple straightforward;correct right accurate;wrong incorrect;main primary principal chief major;enough \
    sufficient adequate;complete finish;whole entire full;yearly annual;monthly month;daily day;weekly week;illness \
    sickness;ill sick;child kid;physician doctor;boss supervisor;job position role post;task assignment \
    duty;assist aid;reside live dwell;occur happen;discover find;located situated based;famous well-known \
    renowned;quickly rapidly fast swiftly;approximately roughly about around;often frequently;use \
    utilise utilize employ;try attempt;explain describe;contain include comprise;ensure guarantee;continue proceed;enable \
    activate;disable deactivate;gather collect assemble;destroy demolish;construct build erect;earn gain;increase raise \
    rise grow;decrease reduce lower decline;form shape;area region zone;nation country;town \
    city;war conflict;fight battle;ruler monarch;writer author;movie film;people persons individuals;idea concept notion;goal \
    aim objective target;method approach technique;result outcome;reason cause;outcome consequence;rule \
    regulation;law statute;agreement contract;meeting conference;rest break;home house;office \
    workplace;shop store;client customer;vendor supplier;delivery shipment;deliver ship;depart \
    leave;arrive reach;return;go travel;trip journey travel;near close;additional extra further more;various several \
    different multiple;necessary required needed mandatory obligatory compulsory;optional voluntary;prior previous \
    earlier;later subsequent afterwards;initial original;final last;current present existing;annually \
    yearly;immediately instantly promptly;usually normally typically generally commonly;mostly mainly chiefly \
    primarily largely predominantly;nearly almost;solely exclusively;entirely completely fully totally wholly;guidance \
    advice;advise recommend suggest;assess evaluate appraise;review examine inspect;approve authorise sanction;decline \
    reject refuse deny;consider regard view;call name term;known called;allow enable;lead head direct;manage run \
    operate administer;establish founded set;join enter;leave exit quit;own possess;hold have;see view;watch \
    observe;look glance;speak talk;say state declare mention;write compose draft;read peruse;teach instruct \
    educate;learn study;understand comprehend grasp;know recognise recognize;think believe;decide determine;plan \
    intend;hope wish;want desire;like enjoy;meet encounter;attend;visit;open;close shut;add append;combine merge \
    unite;separate split divide;measure gauge;count tally;calculate compute;protect safeguard guard;secure safe;risk \
    danger hazard;damage harm;injury wound;death demise;birth;sign signature;document file record;list catalogue;report \
    account;message note;letter;mail email;website site page webpage;link hyperlink;folder directory;repository \
    repo;application app;programme program;execute run;configuration config setup;parameter argument;function \
    method;developer engineer programmer;launch release deploy;bug defect fault;test trial;feature \
    functionality capability;user;password passphrase;login log-in sign-in;register enrol enroll sign-up;spouse \
    partner;expense cost expenditure;money funds;reimbursement refund repayment;bonus;time-off leave;overtime;shift;training \
    education;course class;certificate certification;permission authorisation authorization approval consent;ownership;owner \
    proprietor;entitle;eligible entitled;participate partake;participant attendee;discuss debate;achieve \
    accomplish attain;perform conduct carry;appoint name nominate;elect vote choose;win;defeat beat;kill slay;attack \
    assault;invade;rule govern reign;conquer capture seize;born;approximately circa;population inhabitants \
    residents;wealthy rich;poor impoverished;powerful strong mighty;weak feeble;ancient old;modern contemporary;popular \
    well-liked;rare uncommon;common frequent widespread;huge enormous vast immense;beautiful pretty;dangerous hazardous \
    risky;happy glad;sad unhappy;quiet silent;loud noisy;allocate assign allot;distribute share;transfer \
    move relocate;accompany;cause trigger;prevent avoid stop;delay postpone defer;speed rate;amount quantity sum;number \
    figure;part portion component piece;kind type sort;group team;unit;level degree;stage phase step;period \
    duration span;deadline cutoff;beginning start outset;middle centre center;top;edge border;side;front;rear back;colour \
    color;licence license;behaviour behavior;labour labor;defence defense;analyse analyze;organise organize;programme \
    scheme;cancel annul;mobile cell;flat apartment;lorry truck;petrol gas;queue line;autumn fall;luggage \
    baggage;timetable schedule;invoice bill;budget;warranty guarantee;feedback;confidential secret;private personal;public \
    open;external outside;internal inside;identical same;similar alike comparable;distinct separate;opposite \
    contrary";
/// The same in German.
pub(super) const GERMAN_SYNONYMS: &str = "mitarbeiter mitarbeitende mitarbeitenden mitarbeiterin \
    mitarbeiterinnen beschäftigte beschäftigten arbeitnehmer angestellte personal belegschaft;firma \
    unternehmen betrieb;kaufen erwerben beschaffen;beginnen anfangen starten;enden aufhören;beenden \
    abschließen;senden schicken übermitteln;einreichen abgeben;informieren benachrichtigen \
    mitteilen;erhalten bekommen kriegen;benötigen brauchen;helfen unterstützen;zeigen darstellen;behalten \
    aufbewahren;speichern sichern;wählen auswählen;ändern verändern anpassen;prüfen \
    überprüfen kontrollieren;löschen entfernen;erstellen anlegen erzeugen;erstatten zurückzahlen;bezahlen \
    zahlen vergüten;gehalt lohn vergütung entgelt;kosten ausgaben;gebühr entgelt;auto wagen pkw;telefon \
    fernsprecher;handy mobiltelefon;rechner computer;erlauben gestatten zulassen;verbieten untersagen;antworten \
    erwidern;fehler irrtum;schnell rasch zügig;groß gewaltig;klein winzig;wichtig bedeutend \
    wesentlich;schwierig schwer;einfach leicht;richtig korrekt;falsch unrichtig;jährlich;monatlich;täglich;wöchentlich;krankheit \
    erkrankung;arzt mediziner;vorgesetzte chef;aufgabe pflicht;wohnen leben;geschehen passieren \
    ereignen;entdecken finden;oft häufig;beschreiben darstellen;nutzen benutzen verwenden gebrauchen;versuchen probieren;erklären \
    erläutern beschreiben;enthalten beinhalten umfassen;verschieden unterschiedlich;gründen etablieren;groß riesig;fortsetzen weiterführen;sammeln;zerstören \
    vernichten;bauen errichten erbauen;verdienen;steigen zunehmen wachsen;sinken abnehmen;erhöhen steigern;senken \
    verringern reduzieren;gebiet region gegend;staat land;stadt ort ortschaft;krieg konflikt;schlacht kampf;autor \
    verfasser;film;ziel zweck;ergebnis resultat;grund ursache;regel vorschrift regelung;vertrag vereinbarung;sitzung \
    besprechung;pause unterbrechung;haus gebäude;büro arbeitsplatz;kunde auftraggeber;lieferant \
    zulieferer;abreisen abfahren;ankommen eintreffen;reise fahrt;zusätzlich weitere extra;verschiedene \
    mehrere;notwendig erforderlich nötig;freiwillig;vorher zuvor früher;später danach nachher;ursprünglich \
    anfänglich;sofort unverzüglich umgehend;normalerweise üblicherweise gewöhnlich;hauptsächlich \
    vorwiegend überwiegend;vollständig komplett ganz;empfehlen raten;beurteilen bewerten;genehmigen \
    bewilligen;ablehnen verweigern;gründen;leiten führen;verlassen;besitzen;sprechen reden;sagen äußern;lernen;lehren \
    unterrichten;verstehen begreifen;entscheiden bestimmen;planen;öffnen aufmachen;schließen \
    zumachen;hinzufügen ergänzen;schützen;gefahr risiko;schaden;tod;urlaub ferien;antrag gesuch;frist \
    termin;berühmt bekannt;ungefähr circa etwa;gesamt ganz;bereich gebiet;teil abschnitt;nachricht \
    mitteilung;treffen zusammenkunft";

/// Forms that the stemmer does not bring together.
pub(super) const FORMS: &str = "took=take taken=take gave=give given=give got=get gotten=get went=go \
    gone=go came=come made=make paid=pay sent=send told=tell said=say kept=keep held=hold left=leave \
    met=meet found=find bought=buy brought=bring sold=sell built=build began=begin begun=begin \
    wrote=write written=write chose=choose chosen=choose grew=grow grown=grow rose=rise risen=rise \
    fell=fall fallen=fall won=win lost=lose led=lead ran=run spoke=speak spoken=speak saw=see seen=see \
    knew=know known=know thought=think taught=teach caught=catch became=become shown=show drew=draw \
    drawn=draw wore=wear worn=wear broke=break broken=break drove=drive driven=drive ate=eat \
    eaten=eat spent=spend lent=lend dealt=deal felt=feel meant=mean understood=understand \
    children=child men=man women=woman feet=foot teeth=tooth mice=mouse people=people persons=people \
    analyses=analysis criteria=criterion indices=index leaves=leave days=day submission=submit \
    approval=approve reimbursement=reimburse payment=pay requirement=require cancellation=cancel \
    notification=notify removal=remove arrival=arrive departure=depart decision=decide \
    nimmt=nehmen nahm=nehmen nahmen=nehmen genommen=nehmen gibt=geben gab=geben gaben=geben \
    gegeben=geben ging=gehen gingen=gehen gegangen=gehen kam=kommen kamen=kommen gekommen=kommen \
    hielt=halten gehalten=halten hält=halten erhielt=erhalten erhielten=erhalten erhält=erhalten \
    fand=finden fanden=finden gefunden=finden begann=beginnen begannen=beginnen begonnen=beginnen \
    schrieb=schreiben geschrieben=schreiben sprach=sprechen gesprochen=sprechen spricht=sprechen \
    trägt=tragen trug=tragen getragen=tragen lag=liegen lagen=liegen gelegen=liegen stand=stehen \
    standen=stehen gestanden=stehen blieb=bleiben geblieben=bleiben verlor=verlieren \
    verloren=verlieren gewann=gewinnen gewonnen=gewinnen zog=ziehen gezogen=ziehen wuchs=wachsen \
    gewachsen=wachsen stieg=steigen gestiegen=steigen fiel=fallen gefallen=fallen lief=laufen \
    gelaufen=laufen sah=sehen gesehen=sehen sieht=sehen traf=treffen getroffen=treffen \
    bezahlt=bezahlen gezahlt=zahlen geschickt=schicken gesendet=senden gesandt=senden gekauft=kaufen \
    gebaut=bauen gezeigt=zeigen gemacht=machen genutzt=nutzen geprüft=prüfen gelöscht=löschen \
    gewählt=wählen geändert=ändern gestattet=gestatten eingereicht=einreichen enthält=enthalten umfasst=umfassen bekam=bekommen bekamen=bekommen erwarb=erwerben \
    erworben=erwerben gegründet=gründen dargestellt=darstellen beschrieben=beschreiben benötigt=benötigen braucht=brauchen \
    verwendet=verwenden benutzt=benutzen";

/// Numbers that people write out. "One" and "ein" are left out: they are mostly articles.
pub(super) const ENGLISH_NUMBERS: &str = "zero=0 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 \
    nine=9 ten=10 eleven=11 twelve=12 thirteen=13 fourteen=14 fifteen=15 sixteen=16 seventeen=17 \
    eighteen=18 nineteen=19 twenty=20 thirty=30 forty=40 fourty=40 fifty=50 sixty=60 seventy=70 \
    eighty=80 ninety=90 hundred=100 thousand=1000 million=1000000 billion=1000000000 dozen=12";
/// The same in German.
pub(super) const GERMAN_NUMBERS: &str = "null=0 zwei=2 drei=3 vier=4 fünf=5 sechs=6 sieben=7 acht=8 \
    neun=9 zehn=10 elf=11 zwölf=12 dreizehn=13 vierzehn=14 fünfzehn=15 sechzehn=16 siebzehn=17 \
    achtzehn=18 neunzehn=19 zwanzig=20 dreißig=30 vierzig=40 fünfzig=50 sechzig=60 siebzig=70 \
    achtzig=80 neunzig=90 hundert=100 einhundert=100 zweihundert=200 tausend=1000 eintausend=1000 \
    million=1000000 millionen=1000000 milliarde=1000000000 milliarden=1000000000 dutzend=12 mio=1000000 \
    mrd=1000000000";
/// How numbers are shortened behind their digits.
pub(super) const MULTIPLES: &str = "k=1000 thousand=1000 mio=1000000 million=1000000 mrd=1000000000 \
    bn=1000000000 billion=1000000000";
/// Places in an order.
pub(super) const ORDINALS: &str = "first/1st/erste/ersten/erster/erstes/erstem \
    second/2nd/zweite/zweiten/zweiter/zweites third/3rd/dritte/dritten/dritter/drittes \
    fourth/4th/vierte/vierten fifth/5th/fünfte/fünften sixth/6th/sechste/sechsten \
    seventh/7th/siebte/siebten eighth/8th/achte/achten ninth/9th/neunte/neunten \
    tenth/10th/zehnte/zehnten eleventh/11th twelfth/12th thirteenth/13th fourteenth/14th \
    fifteenth/15th sixteenth/16th seventeenth/17th eighteenth/18th nineteenth/19th twentieth/20th";
/// The months in order, each with its names.
pub(super) const MONTHS: &str = "january/jan/januar/jänner february/feb/februar march/mar/märz \
    april/apr may/mai june/jun/juni july/jul/juli august/aug september/sep/sept october/oct/oktober/okt \
    november/nov december/dec/dezember/dez";
/// Days of the week and other names of times that nothing else can stand for.
pub(super) const DAYS: &str = "monday/mon/mondays/montag/montags tuesday/tue/tuesdays/dienstag/dienstags \
    wednesday/wed/wednesdays/mittwoch/mittwochs thursday/thu/thursdays/donnerstag/donnerstags \
    friday/fri/fridays/freitag/freitags saturday/sat/saturdays/samstag/samstags/sonnabend \
    sunday/sun/sundays/sonntag/sonntags spring/frühling summer/sommer autumn/herbst winter \
    today/heute tomorrow/morgen yesterday/gestern weekend/weekends/wochenende weekday/weekdays/werktag/werktags morning/mornings \
    evening/evenings/abend night/nights/nacht noon/mittag midnight/mitternacht";
/// What is written right before or behind an amount of money.
pub(super) const CURRENCIES: &str = "€ $ £ ¥ eur usd gbp chf us$";
/// Units, each with its names.
pub(super) const UNITS: &str = "€/eur/euro/euros $/usd/us$/dollar/dollars £/gbp/pound/pounds/pfund \
    ¥/jpy/yen chf/franken/franc/francs cent/cents %/percent/pct/prozent seconds/sec/secs/sekunde/sekunden \
    minute/minutes/min/mins/minuten hour/hours/hr/hrs/h/stunde/stunden/std day/days/tag/tage/tagen \
    week/weeks/woche/wochen month/months/monat/monate/monaten year/years/yr/yrs/jahr/jahre/jahren \
    decade/decades/jahrzehnt/jahrzehnte/jahrzehnten century/centuries/jahrhundert/jahrhunderte/jahrhunderts quarter/quarters/quartal/quartale \
    km/kilometre/kilometres/kilometer/kilometers m/metre/metres/meter/meters/metern cm/centimetre/centimetres/centimeter/zentimeter \
    mm/millimetre/millimetres/millimeter mile/miles/meile/meilen inch/inches/zoll foot/feet/ft yard/yards kg/kilogram/kilograms/kilo/kilos/kilogramm \
    g/gram/grams/gramm tonne/tonnes/ton/tons/tonnen l/litre/litres/liter/liters litern/ml kb/kilobyte/kilobytes \
    mb/megabyte/megabytes gb/gigabyte/gigabytes tb/terabyte/terabytes ms/millisecond/milliseconds/millisekunden \
    kw/kilowatt mw/megawatt w/watt v/volt/volts hz/hertz ghz mhz °c/celsius/degrees/degree/grad hectare/hectares/ha/hektar acre/acres times/mal";

/// What turns, widens or narrows a sentence: the sign, and how English and German say it. Longer
/// phrases are found before shorter ones; an empty sign is a phrase that only joins words.
pub(super) const SIGNS: &[(Sign, &str, &str)] = &[
    (
        Sign::Not,
        "not;no;never;none;nobody;nothing;nowhere;without;neither;nor;non;no longer;not any;\
            no one",
        "nicht;kein;keine;keinen;keinem;keiner;keines;keinerlei;nie;niemals;niemand;nichts;\
            ohne;weder;noch nicht;nicht mehr;nirgends",
    ),
    (
        Sign::Only,
        "only;solely;exclusively;nothing but;no one but",
        "nur;lediglich;ausschließlich;allein;bloß",
    ),
    (
        Sign::All,
        "all;every;each;any;all of",
        "alle;allen;aller;jeder;jede;jedes;jeden;jedem;sämtliche;sämtlichen",
    ),
    (
        Sign::Some,
        "some;certain;some of",
        "einige;einigen;einiger;manche;manchen;bestimmte;bestimmten;gewisse",
    ),
    (
        Sign::Most,
        "most;most of;the majority of;a majority of;majority",
        "die meisten;den meisten;meisten;mehrheit;die mehrheit",
    ),
    (
        Sign::Many,
        "many;much;numerous;a lot of;lots of",
        "viele;vielen;vieler;viel;zahlreiche;zahlreichen",
    ),
    (Sign::Few, "few;a few;hardly;barely;scarcely", "wenige;wenigen;wenig;kaum"),
    (
        Sign::AtLeast,
        "at least;no less than;not less than;no fewer than;a minimum of;minimum of;minimum;\
            or more;or longer;or above",
        "mindestens;wenigstens;minimal;mindest;oder mehr",
    ),
    (
        Sign::AtMost,
        "at most;no more than;not more than;up to;a maximum of;maximum of;maximum;or less;\
            or fewer;as much as;as many as",
        "höchstens;maximal;bis zu;nicht mehr als;oder weniger;max",
    ),
    (
        Sign::More,
        "more than;over;exceeding;greater than;in excess of;above;longer than;larger than;\
            higher than;more",
        "mehr als;über;länger als;mehr",
    ),
    (
        Sign::Less,
        "less than;fewer than;under;below;shorter than;smaller than;lower than;less;fewer",
        "weniger als;unter;weniger",
    ),
    (
        Sign::About,
        "about;approximately;around;roughly;nearly;almost;approx;circa;some of about",
        "ungefähr;etwa;rund;ca;knapp;fast;zirka",
    ),
    (Sign::Exactly, "exactly;precisely", "genau;exakt"),
    (
        Sign::Must,
        "must;shall;have to;has to;had to;need to;needs to;required to;is required to;\
            are required to;obliged to;obligated to;mandatory;compulsory;obligatory",
        "muss;müssen;musste;mussten;verpflichtet;zwingend;haben zu;verpflichtend",
    ),
    (
        Sign::May,
        "may;can;could;might;allowed to;permitted to;able to;entitled to;eligible to;\
            eligible for;is allowed to;are allowed to;are permitted to;is permitted to;\
            are able to;is able to;are entitled to;is entitled to;allowed;permitted",
        "kann;können;konnte;konnten;darf;dürfen;durfte;könnte;könnten;erlaubt;gestattet;\
            berechtigt",
    ),
    (Sign::Should, "should;ought to", "sollte;sollten;soll;sollen"),
    (
        Sign::Perhaps,
        "perhaps;maybe;possibly;probably;likely;potentially;apparently;presumably;unlikely;\
            allegedly",
        "vielleicht;möglicherweise;wahrscheinlich;vermutlich;eventuell;angeblich",
    ),
    (Sign::Always, "always;at all times", "immer;stets;jederzeit"),
    (
        Sign::Often,
        "often;frequently;usually;normally;typically;generally;commonly;mostly;regularly",
        "oft;häufig;meist;meistens;normalerweise;üblicherweise;in der regel;gewöhnlich;\
            regelmäßig",
    ),
    (Sign::Sometimes, "sometimes;occasionally;at times", "manchmal;gelegentlich;zuweilen"),
    (Sign::Seldom, "rarely;seldom", "selten"),
    (
        Sign::Except,
        "except;except for;excluding;apart from;aside from;other than;with the exception of;\
            but not",
        "außer;ausgenommen;mit ausnahme von;abgesehen von;bis auf",
    ),
    (
        Sign::Unless,
        "unless;only if;provided that;as long as;on condition that",
        "es sei denn;sofern nicht;nur wenn;sofern;vorausgesetzt;solange",
    ),
    (Sign::If, "if;whether;in case;in the event;in case of", "falls;wenn;ob"),
    (Sign::Before, "before;prior to;ahead of;earlier than", "vor;bevor;ehe"),
    (Sign::After, "after;later than;once;afterwards", "nach;nachdem"),
    (
        Sign::Until,
        "until;till;by the end of;no later than;not later than;at the latest;up until",
        "bis;bis zum;bis spätestens;spätestens",
    ),
    (Sign::Since, "since;as of;as from;starting from", "seit;ab"),
    (Sign::Within, "within", "innerhalb;binnen"),
    (Sign::During, "during;throughout", "während"),
    (Sign::Instead, "instead of;rather than;instead", "anstatt;statt;anstelle"),
];

/// Phrases that are read as other words: `phrase=words`.
pub(super) const PHRASES: &str = "in order to=to;as well as=and;so that=so;such as=like;due to=because;\
    because of=because;owing to=because;per year=a year;each year=a year;every year=a year;yearly=a year;annually=a year;annual=a year;once a year=a year;\
    per month=a month;each month=a month;every month=a month;monthly=a month;once a month=a month;per week=a \
    week;each week=a week;every week=a week;weekly=a week;once a week=a week;per day=a day;each day=a day;every \
    day=a day;daily=a day;once a day=a day;pro jahr=im jahr;jährlich=im jahr;pro monat=im monat;monatlich=im \
    monat;pro woche=in woche;in der woche=in woche;wöchentlich=in woche;pro tag=am tag;täglich=am tag;prohibited from=not \
    allowed;forbidden to=not allowed;not permitted=not allowed;prohibited=not allowed;forbidden=not allowed;cannot=can \
    not;unable to=not able to;lacks=has not;lack=have not;verboten=nicht erlaubt;untersagt=nicht erlaubt;carry \
    out=perform;carried out=performed;set up=establish;find out=discover;fill in=complete;fill out=complete;make \
    sure=ensure;get in touch with=contact;in addition to=and;in addition=also;for example=eg;for instance=eg;zum \
    beispiel=zb;as soon as=when;at the moment=currently;right away=immediately;straight away=immediately;more than \
    one=several;a number of=several;take place=happen;takes place=happens;took place=happened;findet statt=passiert;e \
    mail=email;e mails=emails;per cent=%;o'clock=uhr;time off=leave;sick note=certificate;on time=punctually;such \
    that=so;not only=also;is called=is;are called=are;in the case of=for;with regard to=about;with respect \
    to=about;in terms of=for;as a result of=because;as a result=so;in charge of=responsible for;responsible for=responsible \
    for;consists of=contains;consist of=contain;made up of=contain;composed of=contain;a lot=many;log in=login;sign \
    in=login;logged in=login;sich befindet=liegt;befindet sich=liegt;befinden sich=liegen;zur verfügung=verfügbar;in \
    höhe von=von;auf grund=wegen;aufgrund=wegen;at the beginning=initially;the day after=day after";

/// Words that may stand between clauses: what they join is a piece of its own.
pub(super) const JOINING: &str = "and or but while whereas although though because since if when who \
    which that whom whose where so unless until before after than as nor und oder aber sowie sondern \
    während obwohl weil da wenn falls dass der die das welche welcher welches wobei bevor nachdem als \
    damit indem";

/// Words of place and rank that nothing else can stand for.
pub(super) const SHARP: &str = "north south east west northern southern eastern western left right \
    upper lower male female men women man woman boy girl mother father son daughter king queen \
    husband wife norden süden osten westen nördlich südlich östlich westlich links rechts männer \
    frauen mutter vater sohn tochter king könig königin";
