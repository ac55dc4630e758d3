// Vouch's chat widget: the element <vouch-chat>, in one module. docs/widget.md says how to embed it.
//
// What it promises:
// - It calls its own server, and the two addresses of the host page that the page names (`data-token-url`,
//   `data-texts`). It loads nothing else.
// - Text from documents, people and models is only ever set as text, without control and bidi characters.
// - What is on the screen belongs to one person. Every call names the person for whom it is made, and the
//   server refuses it for anybody else. When somebody else is signed in, or nobody, all of it is dropped.
// - A token stays in this module's memory. There is no place for a key.

const BASE = new URL(".", import.meta.url);
/** The script's own tag: its `data-…` hold for every widget on the page. */
const TAG = [...document.querySelectorAll("script[src]")].find((tag) => tag.src === import.meta.url);

// ---------------------------------------------------------------- words

/** Everything that is said. `{name}` is filled in; `one` and `other` depend on `{n}`. */
const ENGLISH = {
  heading: "Ask our documents",
  intro: "Answers come from approved documents that you may read. Every sentence names its source.",
  open: "Ask our documents",
  close: "Close",
  back: "Back",
  question: "Your question",
  placeholder: "Ask a question…",
  another: "Ask a follow-up…",
  send: "Send",
  stop: "Stop",
  suggestions: "For example",
  conversation: "Questions and answers",
  fresh: "New conversation",
  earlier: "Earlier conversations",
  earlierNone: "There are no earlier conversations.",
  earlierFailed: "Your earlier conversations can't be loaded right now.",
  remove: "Delete",
  removeNamed: "Delete “{title}”",
  removeSure: "Delete this conversation?",
  keep: "Keep",
  questions: { one: "{n} question", other: "{n} questions" },
  you: "You asked:",
  searching: "Searching what you may read…",
  reading: "Reading the passages…",
  writing: "Writing the answer…",
  checking: "Checking the citations…",
  working: "Working…",
  loading: "One moment…",
  source: "Source {n}",
  quote: "Quote",
  sourceTitled: "Source {n}: {title}",
  sources: "Sources",
  page: "page {n}",
  document: "Document",
  changed: "Changed",
  approved: "Approved",
  approvedBy: "{date}, by {name}",
  review: "Next review",
  original: "Original",
  view: "Open the document at this place",
  newTab: "(in a new tab)",
  stale: "may be out of date",
  staleLong: "This document should have been reviewed by {date}. It may be out of date.",
  staleUndated: "This document is past its review. It may be out of date.",
  superseded: "There is a newer version of this document.",
  group: "the group {name}",
  copy: "Copy",
  copyLong: "Copy the answer as Markdown",
  copied: "Copied.",
  copyFailed: "This browser did not allow copying.",
  again: "Ask again",
  right: "Right",
  wrong: "Wrong",
  judge: "Is this answer right?",
  judgeNothing: "Is it right that nothing was found?",
  why: "What is wrong? (You may leave this empty.)",
  sendWhy: "Send",
  noted: "It was noted as wrong.",
  thanks: "Thank you. It was noted.",
  notNoted: "This could not be stored. Please try again.",
  passages: { one: "{n} passage", other: "{n} passages" },
  inSources: { one: "{passages} in {n} source", other: "{passages} in {n} sources" },
  nothing: "Nothing was found that answers this.",
  nothingWhy: "No approved document that you may read says so.",
  whom: "You could ask {whom}.",
  held: "This answer is being checked.",
  heldWhy: "A reviewer reads it first. Ask again later.",
  leftOut: "Something was left out here that you may no longer read.",
  unsupported: "Part of the answer was left out: the documents do not support it.",
  partial: "The answer may not be complete.",
  wordsOnly: "This was searched by its words alone. If something seems missing, ask in other words.",
  rights: "What you may read has changed meanwhile. Ask again.",
  quotedOnly: "This is quoted from the documents: your share of written answers is used up for today.",
  notKept: "This conversation was deleted meanwhile, so the answer is not kept in it.",
  answer: "The answer is complete.",
  stopped: "Stopped.",
  stoppedHere: "You stopped the answer here.",
  signedOut: "You are signed out.",
  signedOutWhy: "Sign in to ask questions and to see your conversations.",
  signIn: "Sign in",
  nobody: "Nobody is signed in here.",
  nobodyWhy: "Sign in to this site, then try again.",
  tryAgain: "Try again",
  changedPerson: "Somebody else is signed in now.",
  changedPersonWhy: "What the person before asked was taken away. Ask your own question.",
  blocked: "You can't use the assistant.",
  blockedWhy: "Your access is blocked. Ask an administrator.",
  forbidden: "You may not ask questions here.",
  forbiddenWhy: "Ask an administrator for access.",
  tooLong: "The question is too long.",
  tooLongWhy: "Shorten it, then ask again.",
  unusable: "The server could not use this question.",
  unusableWhy: "Ask it in other words.",
  tooMany: "Too many questions at once.",
  waitSeconds: { one: "Try again in {n} second.", other: "Try again in {n} seconds." },
  wait: "Wait a moment, then try again.",
  paused: "The assistant is stopped.",
  pausedWhy: "Try again later, or ask an administrator.",
  unavailable: "Answers are not available right now.",
  gone: "This conversation is no longer there.",
  goneWhy: "It was deleted, or it is too old. Your next question begins a new one.",
  failed: "Something went wrong on the server.",
  failedWhy: "Try again. If it stays like this, tell your IT desk.",
  unlisted: "The assistant does not answer on this site.",
  unlistedWhy: "Whoever runs it can add {origin} to its list of sites.",
  offline: "The server can't be reached.",
  offlineWhy: "Check your connection, then try again.",
  brokenOff: "The answer broke off.",
  brokenOffWhy: "The connection ended before the answer was complete. Ask again to get all of it.",
};

const GERMAN = {
  heading: "Fragen an unsere Dokumente",
  intro: "Antworten stammen aus freigegebenen Dokumenten, die Sie lesen dürfen. Jeder Satz nennt seine Quelle.",
  open: "Unsere Dokumente fragen",
  close: "Schließen",
  back: "Zurück",
  question: "Ihre Frage",
  placeholder: "Stellen Sie eine Frage…",
  another: "Nachfragen…",
  send: "Senden",
  stop: "Anhalten",
  suggestions: "Zum Beispiel",
  conversation: "Fragen und Antworten",
  fresh: "Neues Gespräch",
  earlier: "Frühere Gespräche",
  earlierNone: "Es gibt keine früheren Gespräche.",
  earlierFailed: "Ihre früheren Gespräche lassen sich gerade nicht laden.",
  remove: "Löschen",
  removeNamed: "„{title}“ löschen",
  removeSure: "Dieses Gespräch löschen?",
  keep: "Behalten",
  questions: { one: "{n} Frage", other: "{n} Fragen" },
  you: "Sie fragten:",
  searching: "Sucht in allem, was Sie lesen dürfen…",
  reading: "Liest die Fundstellen…",
  writing: "Schreibt die Antwort…",
  checking: "Prüft die Quellen…",
  working: "Arbeitet…",
  loading: "Einen Moment…",
  source: "Quelle {n}",
  quote: "Zitat",
  sourceTitled: "Quelle {n}: {title}",
  sources: "Quellen",
  page: "Seite {n}",
  document: "Dokument",
  changed: "Geändert",
  approved: "Freigegeben",
  approvedBy: "{date}, von {name}",
  review: "Nächste Prüfung",
  original: "Original",
  view: "Dokument an dieser Stelle öffnen",
  newTab: "(in einem neuen Tab)",
  stale: "vielleicht veraltet",
  staleLong: "Dieses Dokument hätte bis zum {date} geprüft werden sollen. Es ist vielleicht veraltet.",
  staleUndated: "Die Prüfung dieses Dokuments ist überfällig. Es ist vielleicht veraltet.",
  superseded: "Von diesem Dokument gibt es eine neuere Fassung.",
  group: "die Gruppe {name}",
  copy: "Kopieren",
  copyLong: "Antwort als Markdown kopieren",
  copied: "Kopiert.",
  copyFailed: "Dieser Browser hat das Kopieren nicht erlaubt.",
  again: "Noch einmal fragen",
  right: "Richtig",
  wrong: "Falsch",
  judge: "Ist diese Antwort richtig?",
  judgeNothing: "Ist es richtig, dass nichts gefunden wurde?",
  why: "Was ist falsch? (Das Feld darf leer bleiben.)",
  sendWhy: "Senden",
  noted: "Es wurde als falsch vermerkt.",
  thanks: "Danke. Es wurde vermerkt.",
  notNoted: "Das konnte nicht gespeichert werden. Bitte noch einmal versuchen.",
  passages: { one: "{n} Fundstelle", other: "{n} Fundstellen" },
  inSources: { one: "{passages} in {n} Ablage", other: "{passages} in {n} Ablagen" },
  nothing: "Dazu wurde nichts gefunden.",
  nothingWhy: "Kein freigegebenes Dokument, das Sie lesen dürfen, sagt das.",
  whom: "Fragen Sie am besten {whom}.",
  held: "Diese Antwort wird geprüft.",
  heldWhy: "Sie wird erst gegengelesen. Fragen Sie später noch einmal.",
  leftOut: "Hier fehlt etwas, das Sie nicht mehr lesen dürfen.",
  unsupported: "Ein Teil der Antwort fehlt: Die Dokumente belegen ihn nicht.",
  partial: "Die Antwort ist vielleicht nicht vollständig.",
  wordsOnly: "Gesucht wurde nur nach den Wörtern selbst. Wenn etwas fehlt, fragen Sie mit anderen Worten.",
  rights: "Was Sie lesen dürfen, hat sich inzwischen geändert. Fragen Sie noch einmal.",
  quotedOnly: "Das ist aus den Dokumenten zitiert: Ihr Anteil an geschriebenen Antworten ist für heute verbraucht.",
  notKept: "Dieses Gespräch wurde inzwischen gelöscht, deshalb bleibt die Antwort nicht darin.",
  answer: "Die Antwort ist vollständig.",
  stopped: "Angehalten.",
  stoppedHere: "Hier haben Sie die Antwort angehalten.",
  signedOut: "Sie sind abgemeldet.",
  signedOutWhy: "Melden Sie sich an, um Fragen zu stellen und Ihre Gespräche zu sehen.",
  signIn: "Anmelden",
  nobody: "Hier ist niemand angemeldet.",
  nobodyWhy: "Melden Sie sich auf dieser Seite an und versuchen Sie es noch einmal.",
  tryAgain: "Noch einmal versuchen",
  changedPerson: "Jetzt ist jemand anderes angemeldet.",
  changedPersonWhy: "Was vorher gefragt wurde, ist nicht mehr zu sehen. Stellen Sie Ihre eigene Frage.",
  blocked: "Sie können den Assistenten nicht benutzen.",
  blockedWhy: "Ihr Zugang ist gesperrt. Fragen Sie die Administration.",
  forbidden: "Sie dürfen hier keine Fragen stellen.",
  forbiddenWhy: "Bitten Sie die Administration um Zugang.",
  tooLong: "Die Frage ist zu lang.",
  tooLongWhy: "Kürzen Sie sie und fragen Sie noch einmal.",
  unusable: "Mit dieser Frage kann der Server nichts anfangen.",
  unusableWhy: "Fragen Sie mit anderen Worten.",
  tooMany: "Zu viele Fragen auf einmal.",
  waitSeconds: { one: "Versuchen Sie es in {n} Sekunde noch einmal.", other: "Versuchen Sie es in {n} Sekunden noch einmal." },
  wait: "Warten Sie einen Moment und versuchen Sie es noch einmal.",
  paused: "Der Assistent ist angehalten.",
  pausedWhy: "Versuchen Sie es später, oder fragen Sie die Administration.",
  unavailable: "Im Moment gibt es keine Antworten.",
  gone: "Dieses Gespräch gibt es nicht mehr.",
  goneWhy: "Es wurde gelöscht oder ist zu alt. Ihre nächste Frage beginnt ein neues.",
  failed: "Auf dem Server ist etwas schiefgegangen.",
  failedWhy: "Versuchen Sie es noch einmal. Wenn es so bleibt, melden Sie es Ihrer IT.",
  unlisted: "Auf dieser Website antwortet der Assistent nicht.",
  unlistedWhy: "Wer ihn betreibt, kann {origin} in seine Liste eintragen.",
  offline: "Der Server ist nicht erreichbar.",
  offlineWhy: "Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
  brokenOff: "Die Antwort brach ab.",
  brokenOffWhy: "Die Verbindung endete, bevor die Antwort vollständig war. Fragen Sie noch einmal.",
};

/** What a reader should know of an answer, by what the server's note speaks of. Its other notes are for operators. */
const NOTES = [
  [/left out/, "unsupported"],
  [/broke off|not be complete|incomplete/, "partial"],
  [/words alone/, "wordsOnly"],
  [/may see has changed|may see changed/, "rights"],
  [/used up/, "quotedOnly"],
  [/not kept/, "notKept"],
];

/** The texts that a language lacks, or that fill in something else; for whoever writes one. */
export function missing(lang, own = lang === "de" ? GERMAN : {}) {
  const shape = (text) => JSON.stringify(typeof text === "object" ? Object.keys(text) : (text.match(/\{\w+\}/g) ?? []).sort());
  return Object.keys(ENGLISH).filter((key) => own[key] === undefined || shape(own[key]) !== shape(ENGLISH[key]));
}

/** Says things in one language. */
class Words {
  constructor(lang, own = {}) {
    this.lang = lang;
    this.texts = { ...ENGLISH, ...(lang.startsWith("de") ? GERMAN : {}), ...own };
    this.plural = new Intl.PluralRules(lang);
    this.dates = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { day: "numeric", month: "long", year: "numeric" });
    this.moments = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { dateStyle: "medium", timeStyle: "short" });
  }

  say(key, values = {}) {
    const text = this.texts[key];
    const chosen = typeof text === "object" ? text[this.plural.select(Number(values.n))] ?? text.other : text;
    return String(chosen).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  /** A text with an element in the place of `{name}`. */
  around(key, name, element) {
    const [before, after] = String(this.texts[key]).split(`{${name}}`);
    return [before, element, after ?? ""];
  }

  /** A time's day, or null where there is none. */
  day(text) {
    const time = text ? new Date(text) : null;
    return time && !Number.isNaN(time.valueOf()) ? this.dates.format(time) : null;
  }

  moment(text) {
    const time = new Date(text);
    return Number.isNaN(time.valueOf()) ? "" : this.moments.format(time);
  }
}

/** What could disguise a text: control characters, and those that turn or hide what stands beside them. */
const DISGUISES = /[\p{Cc}\p{Cs}\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\uffff\u{e0000}-\u{e0fff}]/gu;

/** A text as it may be shown. */
function plain(text) {
  return String(text ?? "").replace(DISGUISES, (sign) => (sign === "\n" || sign === "\t" ? sign : ""));
}

/** The same on one line. */
const line = (text) => plain(text).replace(/\s+/g, " ").trim();

// ---------------------------------------------------------------- elements

/** Makes an element. Children are elements, or text that is set as text. */
function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Lets the keyboard scroll a text that is too long for its place. */
function reachable(text, label) {
  const means = { tabindex: "0", role: "group", "aria-label": label };
  new ResizeObserver(() => {
    const scrolls = text.scrollHeight > text.clientHeight + 1;
    for (const [name, value] of Object.entries(means)) scrolls ? text.setAttribute(name, value) : text.removeAttribute(name);
  }).observe(text);
  return text;
}

/** The drawings, each as paths on a grid of 24. */
const DRAWINGS = {
  chat: ["M4 5.5h16v11h-9l-4.5 3.5v-3.5H4z", "M8.5 9.5h7M8.5 12.5h4.5"],
  close: ["M6 6l12 12M18 6L6 18"],
  fresh: ["M12 5v14M5 12h14"],
  earlier: ["M12 7.5V12l3 2", "M4.5 12a7.5 7.5 0 1 0 2.2-5.3L4.5 9", "M4.5 4.8V9h4.2"],
  send: ["M12 19V5.5M6 11l6-6 6 6"],
  stop: ["M7.5 7.5h9v9h-9z"],
  back: ["M14.5 6l-6 6 6 6"],
  copy: ["M9 9h10v11H9z", "M15 9V4.5H5V15h4"],
  again: ["M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9", "M19.5 4.8V9h-4.2"],
  right: ["M5 12.5l4.5 4.5L19 7.5"],
  wrong: ["M7 7l10 10M17 7L7 17"],
  remove: ["M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7"],
  view: ["M10 6H6v12h12v-4M13.5 5H19v5.500M19 5l-8 8"],
};

function drawing(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const d of DRAWINGS[name]) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// ---------------------------------------------------------------- the server

/** A call that did not succeed. `status` is 0 where no answer came. */
class Failure extends Error {
  constructor(status, problem = null, retryAfter = null) {
    super(problem?.title ?? `status ${status}`);
    Object.assign(this, { status, code: problem?.code ?? "", hint: problem?.hint ?? "", retryAfter });
  }
}

/** What whoever waits for a reply gets in its place, once the person it was for has gone. */
const GONE = new Error("the person has gone");

/**
 * Calls to the server in the name of one person. Each person has one of their own. It ends with them: what was
 * under way is broken off, and no reply comes out of it any more, however late it arrives.
 */
class Server {
  /** Asks who is there. `lend` gives `{ token, expires_at }`; without it the browser's session counts. */
  static async find(lend) {
    const server = new Server(lend);
    const tooLate = new Promise((_, fail) => setTimeout(() => fail(new Failure(0)), 15_000));
    server.user = (await Promise.race([server.json("v1/me"), tooLate])).user;
    return server;
  }

  constructor(lend = null) {
    this.lend = lend;
    this.kept = null;
    this.user = null;
    this.ending = new AbortController();
  }

  end() {
    this.ending.abort();
  }

  /** What comes, if the person is still there when it does. Every wait in here is for this. */
  async here(coming) {
    try {
      return await coming;
    } finally {
      if (this.ending.signal.aborted) throw GONE; // also in place of what came, or of what went wrong
    }
  }

  /** The token, a new one where it ends within a minute. */
  async token() {
    if (!this.lend) return null;
    if (!this.kept || this.kept.ends - Date.now() < 60_000) {
      const { token, expires_at: ends } = await this.here(this.lend());
      if (typeof token !== "string" || !token) throw new Failure(401);
      this.kept = { token, ends: ends ? Date.parse(ends) : Date.now() + 600_000 };
    }
    return this.kept.token;
  }

  /** A response, or a `Failure`. A token that no longer counts is replaced once. */
  async call(path, { method = "GET", body, signal, accept } = {}, again = true) {
    const headers = { "Vouch-Surface": "widget" };
    const token = await this.token();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (this.user) headers["Vouch-Reader"] = encodeURIComponent(this.user);
    if (accept) headers.Accept = accept;
    if (body) headers["Content-Type"] = "application/json";
    const reply = fetch(new URL(path, BASE), {
      method, headers, body: body && JSON.stringify(body), cache: "no-store",
      signal: AbortSignal.any([this.ending.signal, signal].filter(Boolean)),
      credentials: this.lend ? "omit" : "same-origin", redirect: "error", referrerPolicy: "no-referrer",
    }).catch(async (error) => {
      const stopped = this.ending.signal.aborted || signal?.aborted;
      throw stopped ? error : new Failure(0, (await unlisted()) ? { code: "unlisted" } : null);
    });
    const response = await this.here(reply);
    if (response.ok) return response;
    if (response.status === 401 && token && again) {
      this.kept = null;
      return this.call(path, { method, body, signal, accept }, false);
    }
    throw new Failure(response.status, await this.here(response.json().catch(() => null)), response.headers.get("Retry-After"));
  }

  async json(path, options) {
    const response = await this.call(path, options);
    return this.here(response.json().catch(() => {
      throw new Failure(0);
    }));
  }

  /** The events of an answer: `{ name, data }`. */
  async *events(path, options) {
    const response = await this.call(path, { ...options, accept: "text/event-stream" });
    const events = eventsOf(response.body);
    for (;;) {
      const { value, done } = await this.here(events.next());
      if (done) return;
      yield value;
    }
  }
}

/** Whether the server is there, but does not let this site call. A browser tells no script why a call failed. */
async function unlisted() {
  if (BASE.origin === location.origin) return false;
  const works = (path, mode) => fetch(new URL(path, BASE), { mode, cache: "no-store", credentials: "omit" }).then(() => true, () => false);
  return (await works("healthz", "no-cors")) && !(await works("v1/me", "cors"));
}

/** Server-sent events out of a response's body: `{ name, data }`, with the data's JSON read. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { name: "message", lines: [] };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n/);
    rest = lines.pop();
    for (const text of lines) {
      if (text === "") {
        if (event.lines.length) yield { name: event.name, data: JSON.parse(event.lines.join("\n")) };
        event = { name: "message", lines: [] };
      } else if (text.startsWith("event:")) {
        event.name = text.slice(6).trim();
      } else if (text.startsWith("data:")) {
        event.lines.push(text.slice(5).replace(/^ /, ""));
      }
    }
  }
}

/** Where a citation opens: the viewer, at the quote. */
function viewerAddress(citation) {
  const path = String(citation.document).split("/").map(encodeURIComponent).join("/");
  const place = new URLSearchParams({ version: citation.version, start: citation.start, end: citation.end });
  return new URL(`view/${path}?${place}#quote`, BASE).href;
}

// ---------------------------------------------------------------- one question and its answer

let numbers = 0;

/** A question with its answer, which grows with each event. */
class Turn {
  constructor(chat, question) {
    this.chat = chat;
    this.words = chat.words;
    this.question = question;
    this.citations = new Map();
    this.sentences = [];
    this.place = make("div", { class: "sentences", part: "answer", dir: "auto", "aria-live": "polite", "aria-relevant": "additions" });
    this.remarks = make("div", { class: "remarks" });
    this.list = make("ol", { "aria-label": this.words.say("sources") });
    this.rows = make("div", { class: "sources", part: "sources", hidden: true }, this.list);
    this.foot = make("div", { class: "foot" });
    this.element = make("article", { class: "turn", part: "turn" },
      reachable(make("p", { class: "question", part: "question", dir: "auto" },
        make("span", { class: "unseen" }, `${this.words.say("you")} `), plain(question)), this.words.say("question")),
      make("div", { class: "answer" }, this.place, this.remarks, this.rows, this.foot));
  }

  citation(citation) {
    if (this.citations.has(citation.number)) return;
    this.citations.set(citation.number, citation);
    this.list.append(make("li", {}, this.row(citation)));
    this.rows.hidden = false;
  }

  /** A source's line below the answer. */
  row(citation) {
    const stale = citation.stale && make("span", { class: "badge" }, this.words.say("stale"));
    return make("button", { type: "button", class: "row", "aria-haspopup": "dialog", onclick: (event) => this.open(citation, event.currentTarget) },
      make("span", { class: "number", "aria-hidden": "true" }, String(citation.number)),
      make("span", { class: "row-text" },
        make("span", { class: "unseen" }, `${this.words.say("source", { n: citation.number })}: `),
        make("bdi", { class: "row-title" }, line(citation.title)), " ",
        make("bdi", { class: "row-place" }, this.placeOf(citation) || line(citation.document))),
      stale);
  }

  /** The headings above a quote, without one that says the title once more, and the page. */
  placeOf({ heading, title, page }) {
    const headings = heading ? String(heading).split(" > ").map(line) : [];
    if (headings[0] === line(title)) headings.shift();
    return [headings.join(" › "), page ? this.words.say("page", { n: page }) : ""].filter(Boolean).join(", ");
  }

  sentence({ text, citations }) {
    const first = this.citations.get(citations[0])?.document ?? null;
    // A new document begins a new paragraph: what belongs together stands together.
    if (!this.paragraph || first !== this.lastDocument) {
      this.paragraph = make("p", { dir: "auto" });
      this.place.append(this.paragraph);
    }
    this.lastDocument = first;
    const shown = line(text);
    const lastWord = shown.lastIndexOf(" ") + 1;
    const marks = citations.map((number) => this.mark(number));
    // The last word and its marks stay on one line, unless the word is longer than any line.
    const end = make("span", shown.length - lastWord < 24 ? { class: "together" } : {}, shown.slice(lastWord), ...marks);
    this.paragraph.append(make("span", { class: "sentence", part: "sentence" }, shown.slice(0, lastWord), end), " ");
    this.sentences.push({ text, citations });
  }

  mark(number) {
    const citation = this.citations.get(number);
    const label = citation ? this.words.say("sourceTitled", { n: number, title: line(citation.title) }) : this.words.say("source", { n: number });
    return make("button", {
      type: "button", class: "mark", part: "mark", "aria-label": label, title: citation && line(citation.title), "aria-haspopup": "dialog",
      onclick: (event) => citation && this.open(citation, event.currentTarget),
    }, String(number));
  }

  open(citation, from) {
    this.chat.card.open(citation, from, this.placeOf(citation));
  }

  /** The whole answer. What it says counts, whatever came before. */
  done(answer) {
    const same = answer.sentences.length === this.sentences.length && answer.sentences.every((one, i) => one.text === this.sentences[i].text);
    if (!same) {
      this.citations.clear();
      this.list.replaceChildren();
      this.place.replaceChildren();
      this.paragraph = null;
      this.sentences = [];
      answer.citations.forEach((citation) => this.citation(citation));
      answer.sentences.forEach((sentence) => this.sentence(sentence));
    }
    this.rows.hidden = this.citations.size === 0;
    if (answer.outcome === "not_found" && !answer.sentences.length) this.nothing(answer);
    if (answer.outcome === "held") this.remark("nothing", this.words.say("held"), this.words.say("heldWhy"));
    for (const [about, words] of NOTES) {
      if (answer.notes?.some((note) => about.test(note))) this.remark("note", null, this.words.say(words));
    }
    this.finish();
    this.foot.append(this.actions(answer), this.searched(answer));
  }

  /** A turn of an earlier conversation: what this person may see of it now. */
  earlier(turn) {
    for (const citation of turn.citations) this.citation(citation);
    for (const sentence of turn.sentences) this.sentence(sentence);
    if (turn.left_out) this.remark("note", null, this.words.say("leftOut"));
    else if (turn.outcome === "not_found" && !turn.sentences.length) this.nothing(turn);
    this.finish();
    this.foot.append(this.actions({ id: turn.answer, outcome: turn.outcome }));
  }

  /** Ends the announcing: what is here is no news any more. */
  finish() {
    this.place.removeAttribute("aria-live");
  }

  /** A title and what to do, in a box. */
  remark(look, title, ...more) {
    const box = make("div", { class: `remark ${look}`, part: "remark" }, title && make("p", {}, make("strong", {}, line(title))),
      ...more.filter(Boolean).map((one) => (one instanceof Node ? one : make("p", {}, line(one)))));
    this.remarks.append(box);
    return box;
  }

  nothing({ contact }) {
    const box = this.remark("nothing", this.words.say("nothing"), this.words.say("nothingWhy"));
    if (contact) box.append(make("p", {}, ...this.words.around("whom", "whom", this.chat.whom(contact))));
    this.chat.announce([...box.children].map((part) => part.textContent).join(" "));
  }

  /** What went wrong, with a way on. */
  failed({ title, hint, action }) {
    this.finish();
    const box = this.remark("problem", title, hint);
    box.setAttribute("role", "alert");
    if (action) box.append(action);
    this.foot.replaceChildren(make("div", { class: "actions" }, this.tool("again", () => this.chat.again(this))));
  }

  tool(name, act, attributes = {}) {
    const { words } = this;
    return make("button", { type: "button", class: "tool", onclick: act, ...attributes }, drawing(name), words.say(name));
  }

  actions(answer) {
    const { words } = this;
    const bar = make("div", { class: "actions", part: "actions" });
    if (this.sentences.length) bar.append(this.tool("copy", () => this.copy(), { "aria-label": words.say("copyLong"), title: words.say("copyLong") }));
    bar.append(this.tool("again", () => this.chat.again(this)));
    const label = words.say(answer.outcome === "not_found" ? "judgeNothing" : "judge");
    const right = this.tool("right", () => judge(right, "right"), { "aria-pressed": "false" });
    const wrong = this.tool("wrong", () => judge(wrong, "wrong"), { "aria-pressed": "false" });
    bar.append(make("span", { class: "verdicts", role: "group", "aria-label": label }, right, wrong));

    const id = `why-${(numbers += 1)}`;
    const field = make("textarea", { id, rows: "2", maxlength: "2000" });
    const said = make("p", { class: "said", role: "status" });
    const form = make("form", { class: "why", hidden: true }, make("label", { for: id }, words.say("why")), field,
      make("button", { class: "plain-button" }, words.say("sendWhy")));
    const send = async (verdict, comment) => {
      try {
        await this.chat.server.call("v1/feedback", { method: "POST", body: { answer: answer.id, verdict, ...(comment && { comment }) } });
        said.textContent = words.say(form.hidden || comment !== undefined ? "thanks" : "noted");
        return true;
      } catch (failure) {
        if (this.chat.lost(failure)) return false;
        said.textContent = words.say("notNoted");
        return false;
      }
    };
    const judge = async (button, verdict) => {
      for (const one of [right, wrong]) one.setAttribute("aria-pressed", String(one === button));
      form.hidden = verdict === "right";
      if (!form.hidden) {
        field.focus();
        form.scrollIntoView({ block: "nearest" });
      }
      await send(verdict);
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await send("wrong", field.value.trim())) {
        form.hidden = true;
        wrong.focus();
      }
    });
    return make("div", { class: "judging" }, bar, form, said);
  }

  /** How much was searched. */
  searched({ searched: found }) {
    const passages = found && this.words.say("passages", { n: found.passages });
    return make("p", { class: "searched" }, found && this.words.say("inSources", { n: found.sources, passages }));
  }

  async copy() {
    const text = this.markdown();
    try {
      await navigator.clipboard.writeText(text);
      this.chat.status(this.words.say("copied"));
    } catch {
      this.chat.status(this.words.say("copyFailed"));
    }
  }

  /** The answer as Markdown, with its sources as footnotes. What stands in it stays text. */
  markdown() {
    const literal = (text) => line(text).replace(/[\\`*_{}[\]<>#|~!]/g, "\\$&");
    const sentences = this.sentences.map(({ text, citations }) => literal(text) + citations.map((number) => `[^${number}]`).join(""));
    const notes = [...this.citations.values()].map((citation) => {
      const where = [this.placeOf(citation), this.words.day(citation.modified_at), citation.stale && this.words.say("stale")].filter(Boolean).map(literal);
      const address = viewerAddress(citation).replace(/[()]/g, (sign) => (sign === "(" ? "%28" : "%29"));
      return `[^${citation.number}]: [${literal(citation.title)}](${address})${where.map((one) => `, ${one}`).join("")}: “${literal(citation.quote)}”`;
    });
    return `${sentences.join(" ")}\n\n${notes.join("\n")}\n`;
  }
}

// ---------------------------------------------------------------- a source

/**
 * The card of one source, above everything else. It is no trap: it closes when the focus goes elsewhere, and gives
 * the focus back to where it was opened only if it had it.
 */
class Card {
  constructor(chat) {
    this.chat = chat;
    this.element = make("div", { class: "card", part: "source", popover: "auto", role: "dialog", tabindex: "-1" });
    this.from = null;
    this.element.addEventListener("beforetoggle", ({ newState }) => {
      if (newState === "closed") this.closing();
    });
    this.element.addEventListener("focusout", ({ relatedTarget: to }) => to && !this.element.contains(to) && !this.ends && this.close());
    this.element.addEventListener("keydown", (event) => this.tabbed(event));
    const follow = () => this.isOpen() && this.settle();
    // A press closes the card before it is known as a click on the place where the card was opened.
    const pressed = (event) => (this.pressed = this.isOpen() && event.composedPath().includes(this.from) ? this.from : null);
    this.listen = () => {
      addEventListener("pointerdown", pressed, { capture: true, passive: true });
      addEventListener("scroll", follow, { capture: true, passive: true });
      addEventListener("resize", follow, { passive: true });
    };
    this.leave = () => {
      removeEventListener("pointerdown", pressed, { capture: true });
      removeEventListener("scroll", follow, { capture: true });
      removeEventListener("resize", follow);
    };
  }

  closing() {
    this.ends = true;
    this.from.setAttribute("aria-expanded", "false");
    if (this.element.matches(":focus-within")) this.from.focus({ preventScroll: true });
    this.element.replaceChildren();
    this.ends = false;
  }

  /** Beyond its ends the card goes on with what is around the place where it was opened. */
  tabbed(event) {
    if (event.key !== "Tab") return;
    const stops = [...this.element.querySelectorAll("button, a, [tabindex='0']")];
    const { activeElement: at } = this.element.getRootNode();
    if (event.shiftKey && (at === this.element || at === stops[0])) event.preventDefault();
    else if (event.shiftKey || at !== stops.at(-1)) return;
    this.from.focus({ preventScroll: true });
  }

  isOpen() {
    return this.element.matches(":popover-open");
  }

  close() {
    if (this.isOpen()) this.element.hidePopover();
  }

  open(citation, from, place) {
    this.close();
    const pressed = this.pressed;
    this.pressed = null;
    if (pressed === from) return; // it was open there
    const { words } = this.chat;
    const title = make("h3", { id: "card-title" }, make("span", { class: "number", "aria-hidden": "true" }, String(citation.number)),
      make("span", { class: "unseen" }, `${words.say("source", { n: citation.number })}: `), make("bdi", {}, line(citation.title)));
    const close = make("button", { type: "button", class: "icon", "aria-label": words.say("close"), onclick: () => this.close() }, drawing("close"));
    this.element.setAttribute("aria-labelledby", "card-title");
    this.element.replaceChildren(make("div", { class: "card-head" }, title, close), ...this.facts(citation, place));
    this.from = from;
    from.setAttribute("aria-expanded", "true");
    this.element.showPopover();
    this.settle();
    this.element.focus({ preventScroll: true });
    this.element.scrollTop = 0;
  }

  /** Puts the card beside what opened it, where the window has room. Phones show a sheet instead. */
  settle() {
    const { style } = this.element;
    if (matchMedia(PHONE).matches) {
      style.left = style.top = style.maxHeight = "";
      return;
    }
    const mark = this.from.getBoundingClientRect();
    const gap = 8;
    style.maxHeight = "";
    const { width, height } = this.element.getBoundingClientRect();
    const below = innerHeight - mark.bottom - 2 * gap;
    const above = mark.top - 2 * gap;
    const under = height <= below || below >= above;
    const room = Math.max(under ? below : above, 160);
    style.maxHeight = `${room}px`;
    style.left = `${Math.max(gap, Math.min(mark.left - 16, document.documentElement.clientWidth - width - gap))}px`;
    style.top = `${under ? Math.max(gap, Math.min(mark.bottom + gap, innerHeight - 160)) : Math.max(gap, mark.top - gap - Math.min(height, room))}px`;
  }

  facts(citation, place) {
    const { chat } = this;
    const { words } = chat;
    const facts = make("dl", {});
    const fact = (key, ...value) => facts.append(make("dt", {}, words.say(key)), make("dd", {}, ...value));
    fact("document", make("bdi", {}, line(citation.document)));
    if (words.day(citation.modified_at)) fact("changed", words.day(citation.modified_at));
    const approved = words.day(citation.approved_at);
    const by = citation.approved_by ? chat.named(citation.approved_by) : null;
    if (approved) fact("approved", by ? words.say("approvedBy", { date: approved, name: by }) : approved);
    if (!citation.stale && words.day(citation.review_due)) fact("review", words.day(citation.review_due));
    const original = originalOf(citation.uri);
    if (original) fact("original", make("a", { href: original, target: "_blank", rel: "noopener noreferrer" }, line(original)));

    const due = words.day(citation.review_due);
    const warning = citation.stale && (due ? words.say("staleLong", { date: due }) : words.say("staleUndated"));
    return [
      place && make("p", { class: "place" }, make("bdi", {}, place)),
      warning && make("p", { class: "warning" }, warning),
      citation.current === false && make("p", { class: "warning" }, words.say("superseded")),
      reachable(make("blockquote", { dir: "auto" }, plain(citation.quote)), words.say("quote")),
      this.way(citation),
      facts,
    ].filter(Boolean);
  }

  /** The way to the document. A link can't carry a token: a form does, so that no address holds it. */
  way(citation) {
    const { server, words } = this.chat;
    const label = [drawing("view"), words.say("view"), make("span", { class: "unseen" }, ` ${words.say("newTab")}`)];
    const address = viewerAddress(citation);
    if (!server.lend) return make("a", { class: "view", part: "view", href: address, target: "_blank", rel: "noopener" }, ...label);
    const field = make("input", { type: "hidden", name: "token" });
    const form = make("form", { method: "post", action: address, target: "_blank", rel: "noopener" }, field, make("button", { class: "view", part: "view" }, ...label));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const token = await server.token().catch(() => null);
      if (!token) return;
      field.value = token;
      form.submit();
      field.value = "";
    });
    return form;
  }
}

/** The address of an original, where it is one that a browser may open. */
function originalOf(uri) {
  try {
    const address = new URL(uri);
    return ["https:", "http:"].includes(address.protocol) && !address.username ? address.href : null;
  } catch {
    return null;
  }
}

// ---------------------------------------------------------------- the element

const PHONE = "(max-width: 36em)";
/** Under which name a tab remembers, through the sign-in, whose conversation was open. */
const LEFT = "vouch-conversation";
const LOW = "(max-height: 30em)";

/** Other tabs of this origin. Each says whom it shows when that changes. */
const otherTabs = new BroadcastChannel("vouch-person");

class VouchChat extends HTMLElement {
  static observedAttributes = ["mode", "heading", "lang", "suggestions", "placeholder", "nobody"];

  /** Names for principals, where the page knows them: `(principal) => string | undefined`. */
  names = null;

  /** What a session that ended took from the screen, for the same person alone. No script of the page reaches it. */
  #aside = null;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [SHEET];
    this.server = new Server();
    this.card = new Card(this);
    this.leave = null;
    /** Keeps until there is a field. */
    this.built = new Promise((built) => (this.isBuilt = built));
    this.reset();
  }

  /** Nothing of anybody. */
  reset() {
    this.turns = [];
    this.underWay = null;
    this.conversation = null;
    /** The person's conversations, as far as the list came; null where the server keeps none. */
    this.conversations = [];
    this.listed = false;
    this.#aside = null;
    this.state = "unknown";
    /** How many checks in a row have failed. */
    this.failures = 0;
    clearTimeout(this.later);
  }

  // ------------------------------------------------ settings

  /** A setting of this element, else of the script's tag. */
  setting(name) {
    return this.getAttribute(name) ?? TAG?.dataset[name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] ?? null;
  }

  get launcher() {
    return this.setting("mode") !== "inline";
  }

  /** The questions to begin with, from JSON or one per line. */
  get suggestions() {
    const text = this.setting("suggestions")?.trim() ?? "";
    if (!text.startsWith("[")) return text.split(/\n|\|/).map((one) => one.trim()).filter(Boolean);
    try {
      return JSON.parse(text).filter((one) => typeof one === "string");
    } catch {
      return [];
    }
  }

  set suggestions(list) {
    this.setAttribute("suggestions", JSON.stringify(list));
  }

  /** Where tokens come from: an async function that gives `{ token, expires_at }`. */
  set credential(lend) {
    this.lend = lend;
    if (this.isConnected) this.refresh();
  }

  /** The page's own way to a token, or its address for one. */
  lender() {
    if (this.lend) return this.lend;
    const named = this.setting("token-url");
    if (!named) return null;
    const address = new URL(named, document.baseURI);
    if (address.origin !== location.origin) throw new Error(`vouch-chat: token-url must be an address of ${location.origin}`);
    return async () => {
      const response = await fetch(address, { credentials: "same-origin", cache: "no-store", redirect: "error" }).catch(() => {
        throw new Failure(0);
      });
      if (!response.ok) throw new Failure(response.status);
      return response.json();
    };
  }

  async readTexts() {
    const lang = (this.setting("lang") || this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language || "en").toLowerCase();
    const known = Intl.DateTimeFormat.supportedLocalesOf([lang.slice(0, 2)]).length ? lang : "en";
    this.words = new Words(known);
    const named = this.setting("texts");
    if (!named) return;
    const address = new URL(named, document.baseURI);
    if (address.origin !== location.origin && address.origin !== BASE.origin) {
      console.error(`vouch-chat: texts must be a file of ${location.origin} or ${BASE.origin}`);
      return;
    }
    try {
      const own = await (await fetch(address, { credentials: "omit", redirect: "error" })).json();
      this.words = new Words(own.lang ?? known, own);
    } catch (error) {
      console.error("vouch-chat: the texts could not be read:", error);
    }
  }

  // ------------------------------------------------ the frame

  async connectedCallback() {
    await this.readTexts();
    if (!this.isConnected) return;
    this.build();
    this.isBuilt();
    this.listen();
    await this.check();
  }

  disconnectedCallback() {
    this.leave?.();
    this.underWay?.abort();
    this.drop();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.frame || before === now) return;
    if (name === "lang") this.readTexts().then(() => this.rebuild());
    else if (name === "suggestions") this.suggest();
    else if (name === "nobody") this.check();
    else this.rebuild();
  }

  /** Everything that stays for the life of the element, then its arrangement. */
  build() {
    const { words } = this;
    this.threadPlace = make("div", { class: "thread", part: "thread", role: "group", tabindex: "0", "aria-label": words.say("conversation") });
    this.shelf = make("div", { class: "shelf", part: "history", role: "group", "aria-label": words.say("earlier"), tabindex: "-1", hidden: true });
    this.intro = make("div", { class: "intro", part: "intro" });
    this.suggestionPlace = make("div", { class: "suggestions", part: "suggestions", hidden: true });
    this.notice = make("div", { class: "notices" });
    this.statusPlace = make("p", { class: "status", part: "status", role: "status" });
    this.live = make("p", { class: "unseen", "aria-live": "polite" });
    this.field = make("textarea", {
      id: "question", rows: "1", enterkeyhint: "send", autocomplete: "off", placeholder: this.setting("placeholder") || words.say("placeholder"),
      onkeydown: (event) => this.typed(event), oninput: () => this.fit(),
    });
    this.button = make("button", { class: "send", part: "send", "aria-label": words.say("send"), title: words.say("send") }, drawing("send"));
    this.form = make("form", { class: "composer", part: "composer", onsubmit: (event) => this.submitted(event) },
      make("label", { for: "question", class: "unseen" }, words.say("question")), this.field, this.button);
    this.dock = make("div", { class: "dock" }, this.statusPlace, this.form);
    const icon = (name, act) => make("button", { type: "button", class: "icon", "aria-label": words.say(name), title: words.say(name), onclick: act }, drawing(name));
    this.freshButton = icon("fresh", () => this.fresh(true));
    this.earlierButton = icon("earlier", () => this.toggleShelf());
    this.earlierButton.setAttribute("aria-expanded", "false");
    this.closeButton = icon("close", () => this.close());
    this.arrange();
  }

  /** Puts the parts into a panel with a launcher, or into the page. */
  arrange() {
    const { words } = this;
    const heading = this.setting("heading");
    this.bar = make("header", { class: "bar", part: "header" },
      make("h2", { id: "heading", class: !this.launcher && !heading ? "unseen" : null }, heading || words.say("heading")),
      make("div", { class: "bar-tools" }, this.freshButton, this.earlierButton, this.launcher && this.closeButton));
    const body = this.launcher
      ? [this.bar, make("div", { class: "middle" }, this.intro, this.notice, this.threadPlace, this.shelf), this.suggestionPlace, this.dock]
      : [this.bar, this.intro, this.notice, this.shelf, this.threadPlace, this.dock, this.suggestionPlace];
    const attributes = { class: "panel", part: "panel", "aria-labelledby": "heading", onkeydown: (event) => this.escaped(event) };
    this.panel = make(this.launcher ? "dialog" : "section", attributes, ...body, this.live, this.card.element);
    this.panel.addEventListener("cancel", (event) => {
      if (event.target !== this.panel) return;
      event.preventDefault();
      this.close();
    });
    this.opener = make("button", { type: "button", class: "launcher", part: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-label": words.say("open"), title: words.say("open"), onclick: () => this.open() }, drawing("chat"));
    this.opener.hidden = !this.launcher;
    this.frame = make("div", { class: `frame ${this.launcher ? "floating" : "inline"}`, lang: words.lang }, this.panel, this.opener);
    this.shadowRoot.replaceChildren(this.frame);
    this.introduce();
    this.suggest();
    this.show();
  }

  /** The same conversation in a new frame. */
  rebuild() {
    this.card.close();
    const { field: { value }, notice } = this;
    this.build();
    this.fill(value);
    this.notice.append(...notice.childNodes);
    this.threadPlace.append(...this.turns.map((turn) => turn.element));
    this.show();
  }

  introduce() {
    this.intro.replaceChildren(make("p", {}, this.words.say("intro")));
  }

  suggest() {
    const list = this.suggestions.map((question) => make("li", {}, make("button", { type: "button", class: "suggestion", part: "suggestion", onclick: () => this.ask(question) }, line(question))));
    this.suggestionPlace.replaceChildren(make("p", { id: "for-example" }, this.words.say("suggestions")), make("ul", { "aria-labelledby": "for-example" }, ...list));
    this.show();
  }

  /** Shows what fits the state: who is there, whether something was asked, whether it is being answered. */
  show() {
    if (!this.frame) return;
    const { words } = this;
    const begun = this.turns.length > 0;
    const ready = this.state === "ready";
    const shelf = !this.shelf.hidden;
    this.frame.classList.toggle("begun", begun);
    this.frame.classList.toggle("veiled", this.state === "veiled");
    this.intro.hidden = begun || shelf;
    this.notice.hidden = shelf;
    this.threadPlace.hidden = !begun || shelf;
    this.suggestionPlace.hidden = begun || shelf || !(ready || this.state === "nobody") || this.suggestions.length === 0;
    this.freshButton.hidden = !begun;
    this.earlierButton.hidden = !ready || this.conversations === null;
    this.earlierButton.setAttribute("aria-expanded", String(shelf));
    this.form.hidden = shelf;
    this.bar.hidden = !this.launcher && !this.setting("heading") && this.freshButton.hidden && this.earlierButton.hidden;
    const name = this.underWay ? "stop" : "send";
    if (this.button.dataset.name !== name) {
      this.button.dataset.name = name;
      this.button.setAttribute("aria-label", words.say(name));
      this.button.title = words.say(name);
      this.button.replaceChildren(drawing(name));
    }
    this.field.placeholder = begun && this.conversations ? words.say("another") : this.setting("placeholder") || words.say("placeholder");
  }

  /** What goes on, or for a moment what was done. */
  status(text, busy = false) {
    clearTimeout(this.fading);
    if (text && !busy) this.fading = setTimeout(() => this.status(""), 4000);
    this.statusPlace.textContent = text;
    this.statusPlace.classList.toggle("busy", busy);
  }

  /** Says something to screen readers alone: it stands on the screen already. */
  announce(text) {
    this.live.textContent = "";
    this.live.textContent = text;
  }

  /** The field grows with what is in it. */
  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 200)}px`;
  }

  // ------------------------------------------------ open and close

  open() {
    if (!this.launcher || !this.panel || this.panel.open) return;
    if (matchMedia(PHONE).matches) this.panel.showModal();
    else this.panel.show();
    this.opener.setAttribute("aria-expanded", "true");
    this.frame.classList.add("open");
    this.field.focus({ preventScroll: true });
    this.follow(true);
    this.veil();
    this.check();
  }

  close() {
    if (!this.launcher || !this.panel?.open) return;
    const back = this.panel.matches(":focus-within");
    this.card.close();
    this.panel.close();
    this.opener.setAttribute("aria-expanded", "false");
    this.frame.classList.remove("open");
    if (back) this.opener.focus();
  }

  /** Escape closes the innermost: the card by itself, then the earlier conversations, then the panel. */
  escaped(event) {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || this.card.isOpen()) return;
    if (!this.shelf.hidden) this.toggleShelf();
    else if (this.launcher) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ------------------------------------------------ who asks

  listen() {
    // A tab that comes back says so more than once.
    const check = () => {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.check(), 30);
    };
    const visible = () => document.visibilityState === "visible" && check();
    // The panel may lie above what has the focus in the page.
    const aside = (event) => this.panel.open && !event.composedPath().includes(this) && this.escaped(event);
    const told = ({ data }) => data !== this.server.user && this.refresh();
    // A page that comes back from the browser's memory shows nothing until it is known who looks at it.
    const hidden = (event) => event.persisted && this.veil();
    const shown = (event) => event.persisted && this.refresh();
    this.card.listen();
    otherTabs.addEventListener("message", told);
    document.addEventListener("keydown", aside);
    document.addEventListener("visibilitychange", visible);
    addEventListener("focus", check);
    addEventListener("online", check);
    addEventListener("pageshow", shown);
    addEventListener("pagehide", hidden);
    this.leave = () => {
      this.card.leave();
      otherTabs.removeEventListener("message", told);
      document.removeEventListener("keydown", aside);
      document.removeEventListener("visibilitychange", visible);
      removeEventListener("focus", check);
      removeEventListener("online", check);
      removeEventListener("pageshow", shown);
      removeEventListener("pagehide", hidden);
      this.leave = null;
    };
  }

  /** Somebody came or went, says the page or another tab. */
  refresh() {
    this.told = true;
    this.veil();
    return this.check();
  }

  /** Nothing is seen until the server says that it is still the same person. */
  veil() {
    if (this.state === "ready") this.state = "veiled";
    this.card?.close();
    this.show();
  }

  /**
   * Asks who is there, one time after the other. A check that is wanted during another follows it, since the
   * running one may be older than the reason for the next.
   */
  async check() {
    // A closed launcher with nothing in it has nobody to ask about.
    const idle = this.launcher && !this.panel?.open && !this.turns.length && !this.field?.value;
    if (!this.frame || idle) return;
    this.wanted = true;
    await (this.checks ??= this.everyCheck());
  }

  async everyCheck() {
    while (this.wanted) {
      this.wanted = false;
      clearTimeout(this.later);
      try {
        const lend = this.lender();
        if (!lend && BASE.origin !== location.origin) throw new Failure(401);
        this.met(await Server.find(lend));
      } catch (failure) {
        await this.nobody(failure);
      }
      this.show();
    }
    this.checks = null;
  }

  /** The server said who is there. */
  met(found) {
    if (!this.leave) return;
    if (found.user === this.server.user) {
      this.server.kept = found.kept;
      if (this.wanted) return; // veiled until the newest check has been answered
      if (this.failures) this.notice.replaceChildren();
    } else {
      const aside = this.#aside;
      const had = aside ?? this.turns.length > 0;
      this.drop();
      this.server = found;
      if (aside?.user === found.user) this.bringBack(aside);
      else if (had) this.tell("note", this.words.say("changedPerson"), this.words.say("changedPersonWhy"));
      else this.goOn();
      otherTabs.postMessage(found.user);
    }
    this.state = "ready";
    this.told = false;
    this.failures = 0;
    if (!this.listed) this.list();
  }

  /** The server did not say who is there: for want of one, or for a reason that passes. */
  async nobody(failure) {
    if (!(failure instanceof Failure)) {
      console.error("vouch-chat:", failure);
      failure = new Failure(0);
    }
    if (failure.status !== 401 && failure.status !== 403) return this.unsure(failure);
    const { user } = this.server;
    if (failure.status === 403 || this.told) {
      this.drop();
      if (user) otherTabs.postMessage(null);
    } else if (user) {
      this.layAside();
    }
    this.told = false;
    this.state = "nobody";
    if (failure.status === 401) this.tell("note", ...(await this.signedOut()));
    else this.tell("problem", ...this.failureWords(failure));
  }

  /** A session ended by itself. What was its person's is gone from the screen, and waits for them. */
  layAside() {
    if (this.underWay) this.takeBack(this.turns.at(-1));
    const { server: { user }, turns, conversation, field: { value: draft } } = this;
    this.drop();
    this.#aside = { user, turns, conversation, draft };
  }

  /** The same person signed in again, in another tab. */
  bringBack({ turns, conversation, draft }) {
    Object.assign(this, { turns, conversation });
    this.threadPlace.append(...turns.map((turn) => turn.element));
    if (!this.field.value) this.fill(draft);
  }

  /** The same person comes back through the sign-in, on a page that is new: the conversation goes on. */
  goOn() {
    if (BASE.origin !== location.origin) return;
    const [user, conversation] = JSON.parse(sessionStorage.getItem(LEFT) ?? "[]");
    sessionStorage.removeItem(LEFT);
    if (conversation && user === this.server.user) this.reopen(conversation);
  }

  /** That says nothing about who is there: everything stays as it is, veiled or not, and is asked again soon. */
  unsure(failure) {
    this.failures += 1;
    this.tell("problem", ...this.failureWords(failure), this.retry());
    const seconds = Math.max(Math.min(2 ** this.failures, 60), Number(failure.retryAfter) || 0);
    this.later = setTimeout(() => this.check(), 1000 * seconds);
  }

  /** What a person reads who is not signed in, with a way to where they can. */
  async signedOut() {
    const { words } = this;
    const lent = this.lender() !== null;
    const own = BASE.origin === location.origin && !lent;
    const offered = own && (await fetch(new URL("signin/who", BASE), { credentials: "same-origin", cache: "no-store" }).then((response) => response.status !== 404, () => false));
    const nobody = this.getAttribute("nobody");
    if (!offered) return [...(nobody ? [null, nobody] : [words.say("nobody"), words.say("nobodyWhy")]), lent && this.retry()];
    const address = new URL("signin", BASE);
    address.searchParams.set("back", location.pathname + location.search);
    return [words.say("signedOut"), words.say("signedOutWhy"), make("a", { class: "plain-button primary", href: address.href, onclick: () => this.leaves() }, words.say("signIn"))];
  }

  /** The tab remembers which conversation it was, and nothing of what it says. */
  leaves() {
    const { user, conversation } = this.#aside ?? {};
    if (conversation) sessionStorage.setItem(LEFT, JSON.stringify([user, conversation]));
  }

  retry(act = () => this.check()) {
    return make("button", { type: "button", class: "plain-button", onclick: act }, this.words.say("tryAgain"));
  }

  /** Takes away everything that belongs to a person, and what is still on its way to them. */
  drop() {
    // What is typed belongs to the person too. Where nobody was signed in it is of whoever comes.
    if (this.server.user) this.fill("");
    this.server.end();
    this.server = new Server();
    this.underWay?.abort();
    this.card.close();
    this.reset();
    if (!this.frame) return;
    for (const place of [this.threadPlace, this.shelf, this.notice]) place.replaceChildren();
    this.shelf.hidden = true;
    this.live.textContent = "";
    this.status("");
    this.show();
  }

  /** Says something above the thread. */
  tell(look, title, ...more) {
    const box = make("div", { class: `remark ${look}`, part: "remark", role: look === "problem" ? "alert" : "status" },
      title && make("p", {}, make("strong", {}, title)), ...more.filter(Boolean).map((one) => (one instanceof Node ? one : make("p", {}, one))));
    // What stands there already is not said again.
    if (this.notice.textContent !== box.textContent) this.notice.replaceChildren(box);
  }

  /** Whether a failure means that the person is gone. Who is there instead is found out. */
  lost(failure) {
    if (failure === GONE) return true;
    if (failure.status !== 401 && failure.code !== "another_person" && failure.code !== "blocked") return false;
    this.veil();
    this.check();
    return true;
  }

  /** A principal as people know it. */
  named(principal) {
    const text = String(principal);
    const known = this.names?.(text);
    if (known) return line(known);
    const id = line(text.slice(text.indexOf(":") + 1));
    return text.startsWith("group:") ? this.words.say("group", { name: id }) : id;
  }

  /** Whom to ask, with a way to write to them where the principal is an address. */
  whom(principal) {
    const id = String(principal).slice(String(principal).indexOf(":") + 1);
    const address = /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/.test(id) && principal.startsWith("user:");
    return address ? make("a", { href: `mailto:${id}` }, this.named(principal)) : make("b", {}, make("bdi", {}, this.named(principal)));
  }

  // ------------------------------------------------ asking

  /** Puts a question into the field. The person sends it, or not. */
  async write(question) {
    await this.built;
    this.fill(question);
  }

  fill(question) {
    this.field.value = question;
    this.fit();
  }

  typed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!this.underWay) this.form.requestSubmit();
  }

  submitted(event) {
    event.preventDefault();
    if (this.underWay) return this.stop();
    const question = this.field.value.trim();
    if (question) this.ask(question);
    else this.field.focus();
  }

  stop() {
    this.underWay?.abort("stopped");
  }

  again(turn) {
    if (this.underWay) return; // pressed twice
    this.ask(turn.question);
    this.field.focus({ preventScroll: true });
  }

  /** Asks a question; one that is being answered is stopped. */
  async ask(question) {
    if (!this.frame) await this.built;
    if (this.launcher) this.open();
    if (this.underWay) this.stop();
    if (this.state !== "ready") {
      // It stays in the field until somebody is there to ask it.
      this.fill(question);
      await this.check();
      if (this.state === "nobody") this.dispatchEvent(new CustomEvent("vouch-nobody", { detail: { question } }));
      if (this.state !== "ready" || this.field.value !== question) return;
    }
    const stop = new AbortController();
    const turn = new Turn(this, question);
    this.underWay = stop;
    this.turns.push(turn);
    this.dispatchEvent(new CustomEvent("vouch-asked", { detail: { question } }));
    this.notice.replaceChildren();
    if (!this.shelf.hidden) this.shelf.hidden = true;
    this.threadPlace.append(turn.element);
    if (this.field.value.trim() === question) this.fill("");
    this.status(this.words.say("searching"), true);
    this.show();
    this.follow(true);
    try {
      await this.receive(turn, stop);
    } catch (failure) {
      this.broke(turn, failure, stop);
    }
    if (this.underWay === stop) {
      this.underWay = null;
      if (this.statusPlace.classList.contains("busy")) this.status("");
      this.show();
      this.follow();
    }
  }

  /** Shows the events of a running answer. */
  async receive(turn, { signal }) {
    const body = { question: turn.question, stream: true };
    if (this.conversations !== null) body.conversation = this.conversation ?? "new";
    for await (const { name, data } of this.server.events("v1/ask", { method: "POST", body, signal })) {
      if (signal.aborted) return this.halted(turn, signal);
      if (name === "status") this.status(this.words.say({ searching: "searching", reading: "reading", checking: "checking", writing: "writing", generating: "writing" }[data.stage] ?? "working"), true);
      if (name === "citation") turn.citation(data);
      if (name === "sentence") turn.sentence(data);
      if (name === "error") throw new Failure(data.status, data, data.retry_after);
      if (name === "done") {
        turn.done(data);
        this.announce(data.sentences.length ? this.words.say("answer") : this.live.textContent);
        if (data.conversation) this.belongs(data.conversation);
        return;
      }
      this.follow();
    }
    throw signal.aborted ? signal.reason : new Failure(0);
  }

  /** A question that was not answered goes back into the field. */
  takeBack(turn) {
    if (!this.turns.includes(turn)) return;
    this.turns = this.turns.filter((one) => one !== turn);
    turn.element.remove();
    if (!this.field.value) this.fill(turn.question);
  }

  /** The reader stopped the answer: what was said so far stays. */
  halted(turn, signal) {
    if (signal.reason !== "stopped" || !this.turns.includes(turn)) return;
    turn.finish();
    turn.remark("note", null, this.words.say("stoppedHere"));
    turn.foot.replaceChildren(make("div", { class: "actions" }, turn.tool("again", () => this.again(turn))));
    this.status(this.words.say("stopped"));
  }

  broke(turn, failure, { signal }) {
    if (signal.aborted) return this.halted(turn, signal);
    if (this.lost(failure)) return this.takeBack(turn);
    if (!(failure instanceof Failure)) failure = new Failure(0);
    if (failure.status === 404 && this.conversation) {
      this.conversation = null;
      this.list();
      return turn.failed({ title: this.words.say("gone"), hint: this.words.say("goneWhy") });
    }
    const cut = failure.status === 0 && turn.sentences.length > 0;
    const [title, hint] = cut ? [this.words.say("brokenOff"), this.words.say("brokenOffWhy")] : this.failureWords(failure);
    turn.failed({ title, hint });
  }

  /** What a failure means, in plain words: a title and what to do. */
  failureWords({ status, code, hint, retryAfter }) {
    const { words } = this;
    const seconds = Math.ceil(Number(retryAfter));
    const wait = seconds > 0 ? words.say("waitSeconds", { n: seconds }) : words.say("wait");
    if (code === "blocked") return [words.say("blocked"), words.say("blockedWhy")];
    if (code === "unlisted") return [words.say("unlisted"), words.say("unlistedWhy", { origin: location.origin })];
    if (code === "stopped") return [words.say("paused"), words.say("pausedWhy")];
    switch (status) {
      case 0: return [words.say("offline"), words.say("offlineWhy")];
      case 401: return [words.say("nobody"), words.say("nobodyWhy")];
      case 403: return [words.say("forbidden"), words.say("forbiddenWhy")];
      case 413: return [words.say("tooLong"), words.say("tooLongWhy")];
      case 422: return [words.say("unusable"), words.say("unusableWhy")];
      case 429: return [words.say("tooMany"), wait];
      case 503: return [words.say("unavailable"), wait];
      default: return [words.say("failed"), words.lang.startsWith("en") && hint ? line(hint) : words.say("failedWhy")];
    }
  }

  /**
   * A question that is asked goes to the top of what is seen. Its answer is kept in view while it grows, as far as
   * its question stays in view as well, until the reader scrolls. Nothing in a turn moves its top but scrolling.
   */
  follow(asked = false) {
    const element = this.turns.at(-1)?.element;
    if (!element?.checkVisibility()) return;
    const above = () => (this.launcher ? this.panel.getBoundingClientRect().top : 0);
    const top = () => Math.round(element.getBoundingClientRect().top - above());
    if (!asked && Math.abs(top() - this.followed) > 2) return;
    element.scrollIntoView({ block: asked && this.turns.length > 1 ? "start" : "nearest" });
    this.followed = top();
  }

  // ------------------------------------------------ conversations

  /** The person's conversations. A server that keeps none has no such route. */
  async list() {
    try {
      this.conversations = (await this.server.json("v1/conversations")).conversations;
      this.listed = true;
    } catch (failure) {
      if (this.lost(failure)) return;
      this.listed = failure.status === 404;
      if (this.listed) this.conversations = null;
    }
    this.show();
    if (!this.shelf.hidden) this.fillShelf();
  }

  belongs(conversation) {
    const known = this.conversation === conversation;
    this.conversation = conversation;
    if (!known) this.list();
  }

  /** Begins anew; what was asked stays among the earlier conversations. */
  fresh(focus) {
    this.underWay?.abort();
    this.underWay = null;
    this.card.close();
    this.turns = [];
    this.conversation = null;
    this.threadPlace.replaceChildren();
    this.notice.replaceChildren();
    this.shelf.hidden = true;
    this.status("");
    this.show();
    if (focus) this.field.focus();
  }

  async toggleShelf() {
    const opening = this.shelf.hidden;
    this.shelf.hidden = !opening;
    this.show();
    if (!opening) return this.earlierButton.focus();
    this.shelf.replaceChildren(make("p", { class: "empty" }, this.words.say("loading")));
    this.shelf.focus();
    this.list();
  }

  fillShelf() {
    const { words } = this;
    const items = (this.conversations ?? []).map((one) => this.shelved(one));
    const head = make("div", { class: "shelf-head" },
      make("button", { type: "button", class: "icon", "aria-label": words.say("back"), title: words.say("back"), onclick: () => this.toggleShelf() }, drawing("back")),
      make("h3", {}, words.say("earlier")));
    const empty = (key) => make("p", { class: "empty" }, words.say(key));
    this.shelf.replaceChildren(head, ...(this.listed ? [] : [empty("earlierFailed"), this.retry(() => this.list())]),
      items.length ? make("ul", {}, ...items) : this.listed ? empty("earlierNone") : "");
  }

  /** One conversation on the shelf: open it, or delete it after a second click. */
  shelved({ id, title, last_at: last, turns }) {
    const { words } = this;
    const name = line(title);
    const item = make("li", {});
    const rest = () => item.replaceChildren(
      make("button", { type: "button", class: "past", onclick: () => this.reopen(id) },
        make("bdi", { class: "past-title" }, name), make("span", { class: "past-facts" }, `${words.moment(last)} · ${words.say("questions", { n: turns })}`)),
      make("button", { type: "button", class: "icon", "aria-label": words.say("removeNamed", { title: name }), title: words.say("remove"), onclick: () => sure() }, drawing("remove")));
    const sure = () => {
      const keep = make("button", { type: "button", class: "plain-button", onclick: () => (rest(), item.lastChild.focus()) }, words.say("keep"));
      item.replaceChildren(make("span", { class: "sure" }, words.say("removeSure")), make("button", { type: "button", class: "plain-button danger", onclick: () => this.forget(id) }, words.say("remove")), keep);
      keep.focus();
    };
    rest();
    return item;
  }

  async reopen(id) {
    const asked = this.turns.length;
    try {
      const { turns } = await this.server.json(`v1/conversations/${encodeURIComponent(id)}`);
      if (this.turns.length !== asked) return; // something was asked meanwhile, and that comes first
      this.fresh(false);
      this.conversation = id;
      for (const past of turns) {
        const turn = new Turn(this, past.question);
        turn.earlier(past);
        this.turns.push(turn);
        this.threadPlace.append(turn.element);
      }
      this.show();
      this.field.focus();
      this.follow(true);
    } catch (failure) {
      this.missed(failure);
    }
  }

  async forget(id) {
    try {
      await this.server.call(`v1/conversations/${encodeURIComponent(id)}`, { method: "DELETE" });
      if (this.conversation === id) {
        this.fresh(false);
        this.shelf.hidden = false;
      }
      this.conversations = this.conversations.filter((one) => one.id !== id);
      this.fillShelf();
      this.shelf.focus();
    } catch (failure) {
      this.missed(failure);
    }
  }

  missed(failure) {
    if (this.lost(failure)) return;
    if (!(failure instanceof Failure)) throw failure;
    const { words } = this;
    this.shelf.hidden = true;
    this.tell("problem", ...(failure.status === 404 ? [words.say("gone"), words.say("goneWhy")] : this.failureWords(failure)));
    this.list();
  }
}

// ---------------------------------------------------------------- the looks

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
:host {
  all: initial;
  display: block;
  color-scheme: inherit;
  direction: inherit;
  --paper: var(--vouch-surface, light-dark(#ffffff, #1a2124));
  --sunk: var(--vouch-sunken, light-dark(#f3f6f6, #242d31));
  --ink: var(--vouch-text, light-dark(#1b2326, #e6ebec));
  --soft: var(--vouch-muted, light-dark(#556067, #a5b1b5));
  --line: var(--vouch-line, light-dark(#d5dbdd, #37444a));
  --edge: var(--vouch-edge, light-dark(#7d898e, #77858a));
  --accent: var(--vouch-accent, light-dark(#0b6170, #7cc9d6));
  --accent-strong: var(--vouch-accent-strong, light-dark(#084b57, #a4dde6));
  --on-accent: var(--vouch-on-accent, light-dark(#ffffff, #08262c));
  --tint: var(--vouch-tint, light-dark(#e3f0f2, #17343a));
  --warn-ink: light-dark(#6b4200, #f4d9a4);
  --warn-paper: light-dark(#fff3dc, #3a2d12);
  --warn-line: light-dark(#e0b667, #7d6227);
  --bad: light-dark(#a3261b, #f4a79f);
  --lift: 0 1px 2px rgb(10 30 35 / 12%), 0 12px 40px rgb(10 30 35 / 22%);
  --radius: var(--vouch-radius, 14px);
  font: 400 var(--vouch-font-size, medium)/1.55 var(--vouch-font, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif);
  color: var(--ink);
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h2, h3, p, ol, ul, dl, dd, blockquote { margin: 0; padding: 0; font: inherit; }
ol, ul { list-style: none; }
button, textarea { font: inherit; color: inherit; letter-spacing: inherit; margin: 0; }
button { cursor: pointer; background: none; border: 1px solid transparent; border-radius: 9px; padding: 0; text-align: start; touch-action: manipulation; }
a { color: var(--accent); text-underline-offset: .15em; }
a:hover { color: var(--accent-strong); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
svg { width: 1.25em; height: 1.25em; fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; display: block; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

/* The panel: floating above the page, or in it. */

.panel { color: inherit; font: inherit; padding: 0; border: 0; background: none; overflow-wrap: anywhere; }
.floating .panel {
  position: fixed;
  inset: auto var(--vouch-inset, 1.25em) calc(var(--vouch-inset, 1.25em) + 4.25em) auto;
  display: none;
  flex-direction: column;
  width: var(--vouch-width, 27em);
  max-width: calc(100vw - 2em);
  height: var(--vouch-height, 42em);
  max-height: calc(100vh - 7em);
  max-height: calc(100dvh - 7em);
  margin: 0;
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: calc(var(--radius) + 4px);
  box-shadow: var(--lift);
  z-index: var(--vouch-layer, 2147483000);
  overflow: hidden;
}
.floating .panel[open] { display: flex; animation: rise .18s ease-out; }
@keyframes rise { from { opacity: 0; translate: 0 .75em; } }
.launcher {
  position: fixed;
  inset: auto var(--vouch-inset, 1.25em) var(--vouch-inset, 1.25em) auto;
  display: grid;
  place-items: center;
  width: 3.5em;
  height: 3.5em;
  border-radius: 50%;
  background: var(--accent);
  color: var(--on-accent);
  box-shadow: var(--lift);
  z-index: var(--vouch-layer, 2147483000);
}
.launcher:hover { background: var(--accent-strong); }
.launcher svg { width: 1.6em; height: 1.6em; }
.bar { display: flex; align-items: center; justify-content: space-between; gap: .5em; }
.bar h2 { font-weight: 650; letter-spacing: -.01em; }
.bar-tools { display: flex; gap: .125em; margin-inline-start: auto; }
.floating .bar { padding: .7em .7em .7em 1.1em; border-bottom: 1px solid var(--line); }
.inline .bar { min-height: 2.25em; margin-bottom: .35em; }
.inline:not(.begun) .bar:has(> .unseen) { float: inline-end; margin: -.35em 0 0 1em; }
.icon { display: grid; place-items: center; width: 2.25em; height: 2.25em; color: var(--soft); }
.icon:hover, .icon[aria-expanded="true"] { background: var(--sunk); color: var(--accent); }
.middle { position: relative; flex: 1; min-height: 0; container-type: size; overflow-y: auto; overscroll-behavior: contain; padding: 1.1em; display: flex; flex-direction: column; gap: 1em; }
.intro { color: var(--soft); text-wrap: pretty; }
.inline .intro { margin-bottom: .9em; }
.veiled :is(.thread, .shelf) { visibility: hidden; }
.veiled textarea { opacity: 0; }
.notices:empty { display: none; }
.inline .notices { margin-bottom: 1em; }

/* The question's field. */

.composer {
  display: grid;
  grid-template-columns: 1fr auto;
  align-items: end;
  gap: .35em;
  padding: .35em;
  background: var(--paper);
  border: 1px solid var(--edge);
  border-radius: var(--radius);
}
.floating .dock { margin: 0 .8em .8em; }
.inline .composer { box-shadow: 0 1px 2px rgb(10 30 35 / 8%), 0 6px 20px rgb(10 30 35 / 6%); }
.inline.begun .dock { position: sticky; bottom: .75em; z-index: 1; }
.composer:focus-within { border-color: var(--accent); outline: 2px solid var(--accent); outline-offset: -1px; }
.composer textarea { width: 100%; min-height: 2.75em; max-height: 12.5em; padding: .6em .7em; border: 0; outline: 0; background: none; line-height: 1.5; resize: none; display: block; }
.inline .composer textarea { font-size: 1.0625em; }
::placeholder { color: var(--soft); opacity: 1; }
.send { display: grid; place-items: center; width: 2.75em; height: 2.75em; border-radius: calc(var(--radius) - 4px); background: var(--accent); color: var(--on-accent); }
.send:hover { background: var(--accent-strong); }
.send[data-name="stop"] svg { fill: currentcolor; }
.status { color: var(--soft); font-size: .875em; }
.status:empty { display: none; }
.dock .status { width: fit-content; margin: 0 0 .5em; padding: .1em .75em; background: var(--paper); border: 1px solid var(--line); border-radius: 1em; }
.status.busy::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-inline-end: .6em; border-radius: 50%; background: var(--accent); animation: pulse 1.1s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: .25; scale: .7; } }

.suggestions > p { color: var(--soft); font-size: .875em; }
.floating .suggestions { padding: 0 1.1em .8em; }
.inline .suggestions { margin-top: .9em; }
.suggestions ul { display: flex; flex-wrap: wrap; gap: .5em; margin-top: .4em; }
.suggestion { min-height: 2.25em; padding: .35em .9em; background: var(--paper); border-color: var(--line); border-radius: 1.2em; line-height: 1.4; }
.suggestion:hover { border-color: var(--accent); color: var(--accent); }

/* Questions and answers. */

.thread { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.75em; border-radius: 6px; }
.inline { --behind: 8em; }
.inline .thread { margin-bottom: 1.1em; }
/* What gets the focus is not hidden behind the field, which stays at the window's end. */
.inline :is(.turn, .thread :is(button, textarea, a, form)) { scroll-margin-block: 1em var(--behind); }
.turn { position: relative; display: grid; grid-template-columns: minmax(0, 1fr); scroll-margin-block: 1em; align-content: start; gap: .8em; }
/* Room for the newest question at the top of what is seen. */
.inline .turn:last-child:not(:first-child) { min-height: calc(100vh - 7em); }
.floating .turn:last-child:not(:first-child) { min-height: 100cqh; }
.question { justify-self: end; max-width: 88%; padding: .5em .9em; background: var(--tint); border-radius: var(--radius) var(--radius) 4px var(--radius); white-space: pre-wrap; max-height: 16em; overflow: auto; }
.answer { display: grid; grid-template-columns: minmax(0, 1fr); gap: .85em; }
.sentences { line-height: 1.65; overflow: clip; overflow-clip-margin: 6px; }
.inline .sentences { font-size: 1.0625em; }
.sentences:empty, .remarks:empty, .foot:empty { display: none; }
.sentences p + p { margin-top: .7em; }
.sentence { animation: appear .3s ease-out; }
.together { white-space: nowrap; }
@keyframes appear { from { opacity: 0; } }
.mark {
  display: inline-block;
  min-width: 1.85em;
  min-height: 1.85em;
  margin-inline: .2em .05em;
  padding: 0 .35em;
  background: var(--tint);
  color: var(--accent-strong);
  border-radius: 6px;
  font-size: .8125em;
  font-weight: 650;
  line-height: 1.7em;
  text-align: center;
  vertical-align: .1em;
  unicode-bidi: isolate;
}
.mark:hover, .mark[aria-expanded="true"] { background: var(--accent); color: var(--on-accent); }

.remarks { display: grid; gap: .6em; }
.remark { padding: .7em .95em; border: 1px solid var(--line); border-radius: 10px; background: var(--sunk); font-size: .9375em; overflow: clip; }
.remark p + p, .remark p + a, .remark p + button { margin-top: .35em; }
.remark strong { font-weight: 650; }
.remark.problem { border-color: var(--warn-line); background: var(--warn-paper); color: var(--warn-ink); }
.remark.problem a:not(.plain-button) { color: inherit; }
.remark .plain-button { margin-top: .6em; }

.sources { border-top: 1px solid var(--line); }
.sources li { border-bottom: 1px solid var(--line); }
.row { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; align-items: baseline; gap: .2em .6em; width: 100%; padding: .5em .25em; border-radius: 6px; font-size: .9375em; overflow: clip; }
.row:hover, .row[aria-expanded="true"] { background: var(--sunk); }
.row:hover .row-title { color: var(--accent); }
.number { min-width: 1.7em; padding: 0 .35em; background: var(--tint); color: var(--accent-strong); border-radius: 6px; font-size: .8125em; font-weight: 650; line-height: 1.7; text-align: center; display: inline-block; }
.row-title { font-weight: 600; }
.row-place { color: var(--soft); font-size: .9375em; }
.badge { padding: 0 .6em; border: 1px solid var(--warn-line); border-radius: 1em; background: var(--warn-paper); color: var(--warn-ink); font-size: .75em; font-weight: 600; line-height: 1.6; white-space: nowrap; }

.foot { display: grid; gap: .3em; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .15em; margin-inline-start: -.5em; }
.tool { display: inline-flex; align-items: center; gap: .35em; min-height: 2.15em; padding: .2em .55em; color: var(--soft); font-size: .875em; }
.tool svg { width: 1.15em; height: 1.15em; }
.tool:hover { background: var(--sunk); color: var(--accent); }
.tool[aria-pressed="true"] { background: var(--tint); color: var(--accent-strong); }
.verdicts { display: inline-flex; margin-inline-start: auto; }
.why { display: grid; gap: .5em; justify-items: start; margin-top: .5em; font-size: .9375em; }
.why textarea { width: 100%; min-height: 4em; padding: .5em .7em; background: var(--paper); border: 1px solid var(--edge); border-radius: 8px; resize: vertical; }
.plain-button { display: inline-block; min-height: 2.25em; padding: .3em .9em; border: 1px solid var(--edge); border-radius: 9px; background: var(--paper); color: var(--ink); text-decoration: none; line-height: 1.5; }
.plain-button:hover { border-color: var(--accent); color: var(--accent); }
.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.primary:hover { background: var(--accent-strong); color: var(--on-accent); }
.danger { border-color: var(--bad); color: var(--bad); }
.danger:hover { background: var(--bad); border-color: var(--bad); color: var(--paper); }
.said { color: var(--soft); font-size: .875em; }
.said:empty { display: none; }
.searched { color: var(--soft); font-size: .8125em; font-variant-numeric: tabular-nums; }

/* A source's card. */

.card {
  position: fixed;
  inset: auto;
  margin: 0;
  width: 27em;
  max-width: calc(100vw - 1em);
  padding: 1.1em;
  background: var(--paper);
  color: var(--ink);
  border: 1px solid var(--line);
  border-radius: var(--radius);
  box-shadow: var(--lift);
  overflow: auto;
  overscroll-behavior: contain;
  overflow-wrap: anywhere;
}
.card:popover-open { animation: rise .14s ease-out; }
.card:focus-visible { outline-offset: -3px; }
.card > * + * { margin-top: .8em; }
.card-head { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: start; gap: .5em; }
.card-head .icon { margin: -.4em -.4em 0 0; }
.card h3 { font-weight: 650; line-height: 1.4; }
.card h3 .number { margin-inline-end: .6em; }
.card .place { margin-top: .15em; color: var(--soft); font-size: .9375em; }
.card blockquote { padding: .15em 0 .15em .9em; border-inline-start: 3px solid var(--accent); white-space: pre-wrap; max-height: 16em; overflow: auto; }
.warning { padding: .5em .8em; border: 1px solid var(--warn-line); border-radius: 8px; background: var(--warn-paper); color: var(--warn-ink); font-size: .875em; }
.card dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1em .9em; font-size: .8125em; line-height: 1.6; padding-top: .8em; border-top: 1px solid var(--line); }
.card dt { color: var(--soft); }
button.view { color: var(--accent); text-decoration: underline; text-underline-offset: .15em; }
button.view:hover { color: var(--accent-strong); }
.view { display: inline-flex; align-items: center; gap: .45em; min-height: 2em; font-weight: 600; }
.view svg { width: 1.1em; height: 1.1em; }

/* Earlier conversations. */

.shelf:focus { outline: none; }
.shelf-head { display: flex; align-items: center; gap: .25em; margin: 0 0 .4em -.5em; }
.shelf h3 { font-weight: 650; }
.shelf li { display: flex; flex-wrap: wrap; align-items: center; gap: .4em; padding-block: .15em; border-top: 1px solid var(--line); min-height: 3.6em; }
.past { flex: 1; min-width: 0; display: grid; padding: .4em .35em; overflow: clip; }
.past:hover { background: var(--sunk); }
.past-title { font-weight: 550; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.past-facts, .empty { color: var(--soft); font-size: .875em; }
.sure { flex: 1; }

@media ${PHONE} {
  .floating .panel { inset: 0; width: 100%; max-width: none; height: 100%; max-height: none; border: 0; border-radius: 0; }
  .floating.open .launcher { display: none; }
  .card { inset: auto 0 0 0; width: 100%; max-width: none; max-height: 80vh; max-height: 80dvh; border-radius: var(--radius) var(--radius) 0 0; }
  .question { max-width: 94%; }
  .row { grid-template-columns: auto minmax(0, 1fr); }
  .row .badge { grid-column: 2; justify-self: start; }
  .tool, .icon { min-height: 2.75em; min-width: 2.75em; }
  .composer textarea { font-size: max(1em, 16px); }
}
/* In a low window the field would cover what is read: it stays at the end, and the panel scrolls as a whole. */
@media ${LOW} {
  .inline { --behind: 1em; }
  .inline.begun .dock { position: static; }
  .floating .panel { inset: 0 0 auto auto; height: 100%; max-height: none; overflow-y: auto; }
  .floating .middle { flex: none; container-type: normal; overflow: visible; }
  .floating.open .launcher { display: none; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
@media (forced-colors: active) {
  .mark, .number, .badge, .launcher, .send, .question, .tool[aria-pressed="true"] { border: 1px solid; }
  .status.busy::before { background: Highlight; }
}
@media print {
  .composer, .suggestions, .bar-tools, .actions, .why, .launcher, .status { display: none; }
}
`);

if (!customElements.get("vouch-chat")) customElements.define("vouch-chat", VouchChat);

// One tag is enough: a script that names a mode brings its own element.
if (TAG?.dataset.mode && !document.querySelector("vouch-chat")) document.body.append(document.createElement("vouch-chat"));
