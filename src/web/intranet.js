// The intranet page: who asks, what is asked, and the answer as it comes in.
//
// What it promises:
// - Text from documents, people and errors is only ever set as text, never as markup.
// - An answer belongs to the person who asked. A change of the person, here or in another tab, stops what
//   is under way and clears the page.
// - An API key stays in this page's memory. It goes into the requests' header and nowhere else.

const byId = (id) => document.getElementById(id);

/** Makes an element. Attributes are set as such; children are elements or plain text. */
function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const page = {
  person: byId("person"),
  groups: byId("groups"),
  question: byId("question"),
  ask: byId("ask"),
  status: byId("status"),
  suggestions: byId("suggestions"),
  answer: byId("answer"),
};

/** Who asks: a person of the demo or somebody who signed in (a cookie says so), or the holder of a key. */
const session = { demo: false, people: [], user: null, key: null, signedIn: false };

/** The request under way, to be stopped; null when nothing is. */
let underWay = null;

// ---------------------------------------------------------------- words

const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

/** A date for people, or null where there is none. */
function date(text) {
  const time = text ? new Date(text) : null;
  return time && !Number.isNaN(time.valueOf()) ? dates.format(time) : null;
}

/** A principal for people: the name where it is known, else what follows the first colon. */
function principal(text) {
  const [kind, id] = [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
  const known = kind === "user" ? session.people.find((person) => person.user === id) : null;
  if (known) return known.name;
  return kind === "group" ? `the group ${id}` : id;
}

/** The first name of the person who asks, for sentences. */
function firstName() {
  const known = session.people.find((person) => person.user === session.user);
  return known ? known.name.split(/[\s,]/)[0] : "you";
}

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

const STAGES = {
  searching: "Searching what you may read…",
  reading: "Reading the passages…",
  generating: "Writing the answer…",
  writing: "Writing the answer…",
  checking: "Checking the citations…",
};

/** What an error means, in plain words. `problem` is the server's own, where it sent one. */
function plainly(status, problem, retryAfter) {
  const wait = retryAfter ? `Try again in ${count(Number(retryAfter), "second", "seconds")}.` : "Wait a moment, then try again.";
  const known = {
    401: session.demo
      ? ["Nobody is signed in.", "Choose a person at the top of the page, then ask again."]
      : ["The server did not accept this key.", "Check the API key at the top of the page. It may have expired or been revoked."],
    403: ["This key may not ask questions.", "A key needs the role of a reader, and a person it stands for."],
    413: ["The question is too long.", "A question may have 8 KB, about three pages. Shorten it, then ask again."],
    422: ["The server could not use this question.", problem?.hint ?? "Ask it in other words."],
    429: ["Too many questions at once.", wait],
    503: ["Answers are not available right now.", problem?.hint ?? wait],
  }[status];
  return known ?? [problem?.title ?? "Something went wrong on the server.", problem?.hint ?? "Try again. If it stays like this, tell your IT desk."];
}

const NO_NETWORK = ["The server can't be reached.", "Check your network connection, then try again."];
const BROKEN_OFF = ["The answer broke off.", "The connection ended before the answer was complete. Ask again to get all of it."];

// ---------------------------------------------------------------- the server

/** A request with this session's credential. */
function request(path, options = {}) {
  const headers = { "Vouch-Surface": "widget", ...options.headers };
  if (session.key) headers.Authorization = `Bearer ${session.key}`;
  return fetch(path, { ...options, headers, credentials: "same-origin", cache: "no-store" });
}

/** A request that carries JSON. */
function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json", ...options.headers };
  return request(path, { ...options, method: "POST", headers, body: JSON.stringify(body) });
}

/** The problem document of a failed response, or null where it holds something else. */
async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
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
    for (const line of lines) {
      if (line === "") {
        if (event.lines.length) yield { name: event.name, data: JSON.parse(event.lines.join("\n")) };
        event = { name: "message", lines: [] };
      } else if (line.startsWith("event:")) {
        event.name = line.slice(6).trim();
      } else if (line.startsWith("data:")) {
        event.lines.push(line.slice(5).replace(/^ /, ""));
      }
    }
  }
}

// ---------------------------------------------------------------- the answer

/** Where a citation opens: the viewer, at the quote. */
function viewerAddress(citation) {
  const path = citation.document.split("/").map(encodeURIComponent).join("/");
  const place = new URLSearchParams({ version: citation.version, start: citation.start, end: citation.end });
  return `/view/${path}?${place}#quote`;
}

/** One answer on the page. It grows with each event; nothing in it outlives `page.answer`. */
class AnswerView {
  constructor(question) {
    this.citations = new Map();
    this.sources = new Map();
    this.shown = [];
    this.lastDocument = null;
    this.sentences = make("div", { class: "sentences", "aria-live": "polite" });
    this.sourceList = make("ol");
    this.sourceArea = make("section", { class: "sources", "aria-label": "Sources", hidden: "" },
      make("h3", {}, "Sources"), this.sourceList);
    this.card = make("div", { class: "answer" }, make("h2", { class: "asked" }, question), this.sentences, this.sourceArea);
    page.answer.replaceChildren();
  }

  /** Puts the card on the page, once there is something to show. */
  appear() {
    if (!this.card.isConnected) page.answer.append(this.card);
  }

  citation(citation) {
    if (this.citations.has(citation.number)) return;
    this.citations.set(citation.number, citation);
    const source = sourceCard(citation);
    this.sources.set(citation.number, source);
    this.sourceList.append(source.item);
  }

  sentence({ text, citations }) {
    this.appear();
    const first = this.citations.get(citations[0])?.document ?? null;
    // A new document begins a new paragraph: what belongs together stands together.
    if (!this.paragraph || first !== this.lastDocument) {
      this.paragraph = make("p");
      this.sentences.append(this.paragraph);
    }
    this.lastDocument = first;
    const marks = citations.map((number) => this.mark(number));
    const lastWord = text.lastIndexOf(" ") + 1;
    this.paragraph.append(make("span", { class: "sentence" }, text.slice(0, lastWord),
      make("span", { class: "sentence-end" }, text.slice(lastWord), ...marks)), " ");
    this.shown.push(text);
    this.sourceArea.hidden = this.citations.size === 0;
  }

  mark(number) {
    const citation = this.citations.get(number);
    const source = this.sources.get(number);
    const label = citation ? `Source ${number}: ${citation.title}` : `Source ${number}`;
    const mark = make("button", { type: "button", class: "mark", "aria-label": label, title: citation?.title }, String(number));
    if (source) {
      mark.setAttribute("aria-expanded", "false");
      mark.setAttribute("aria-controls", source.body.id);
      source.openers.push(mark);
      mark.addEventListener("click", () => source.toggle(mark));
    }
    return mark;
  }

  /** The whole answer. What it says counts, whatever came before. */
  done(answer) {
    this.appear();
    const texts = answer.sentences.map((sentence) => sentence.text);
    if (texts.length !== this.shown.length || texts.some((text, i) => text !== this.shown[i])) {
      this.reset();
      answer.citations.forEach((citation) => this.citation(citation));
      answer.sentences.forEach((sentence) => this.sentence(sentence));
    }
    if (answer.outcome === "not_found") this.before(nothingFound(answer));
    if (answer.outcome === "held") this.before(statement("notice nothing", "This answer is being checked.", "A reviewer reads it first. Ask again later."));
    for (const note of notesOf(answer)) this.before(make("p", { class: "notice warning" }, note));
    this.card.append(feedback(answer.id, answer.outcome), searched(answer));
  }

  problem([title, hint]) {
    this.appear();
    const box = statement("notice warning problem", title, hint);
    box.setAttribute("role", "alert");
    this.before(box);
  }

  before(box) {
    this.card.insertBefore(box, this.sourceArea);
  }

  reset() {
    this.citations.clear();
    this.sources.clear();
    this.shown = [];
    this.paragraph = null;
    this.sentences.replaceChildren();
    this.sourceList.replaceChildren();
  }
}

/** A title and what to do, in a box. */
function statement(look, title, ...more) {
  const lines = more.filter(Boolean).map((line) => make("p", {}, line));
  return make("div", { class: look }, make("p", {}, make("strong", {}, title)), ...lines);
}

function nothingFound(answer) {
  const box = statement("nothing", "Nothing was found that answers this.", "No approved document that you may read says so.");
  if (answer.contact) {
    const address = answer.contact.slice(answer.contact.indexOf(":") + 1);
    const name = principal(answer.contact);
    const whom = address.includes("@") ? make("a", { href: `mailto:${encodeURIComponent(address)}` }, name) : make("b", {}, name);
    box.append(make("p", {}, "You could ask ", whom, "."));
  }
  box.setAttribute("role", "status");
  return box;
}

/** The server's remarks on an answer, such as that it was found by words alone. */
function notesOf(answer) {
  return (answer.notes ?? []).map((note) => (typeof note === "string" ? note : note.text ?? note.title)).filter(Boolean);
}

/** The headings above a quote, without the one that says the title once more. */
function headingsBelow({ heading, title }) {
  const headings = heading ? heading.split(" > ") : [];
  return headings[0] === title ? headings.slice(1) : headings;
}

/** A quote as it reads, without the signs of its Markdown. It is set as text, whatever it holds. */
function withoutSigns(quote) {
  return quote
    .replace(/^#{1,6} /gm, "")
    .replace(/!?\[([^\]\n]*)\]\([^)\s]*\)/g, "$1")
    .replace(/(\*\*|__)(?=\S)([^\n]+?)\1/g, "$2")
    .replace(/(`+)([^`\n]+)\1/g, "$2")
    .replace(/\\([\\*_`#>|[\]-])/g, "$1");
}

let cards = 0;

/** One source: a line that opens to the quote, the facts and the way to the document. */
function sourceCard(citation) {
  const id = `source-${(cards += 1)}`;
  const place = [headingsBelow(citation).join(" › "), citation.page ? `page ${citation.page}` : null].filter(Boolean).join(", ");
  const title = make("span", { class: "source-title" }, citation.title);
  if (citation.stale) title.append(make("span", { class: "badge" }, "may be out of date"));
  const head = make("button", { type: "button", class: "source-head", "aria-expanded": "false", "aria-controls": id },
    make("span", { class: "number" }, String(citation.number)),
    make("span", {}, title, make("span", { class: "source-place" }, place || citation.document)),
    make("span", { class: "chevron", "aria-hidden": "true" }));
  const body = make("div", { class: "source-body", id, hidden: "" }, ...sourceFacts(citation));
  const item = make("li", { class: "source" }, head, body);
  const source = { item, body, openers: [head], toggle };

  // Opened from a mark, the card takes the focus, so that a keyboard or a screen reader goes on there;
  // Escape closes it and goes back.
  let cameFrom = head;
  function toggle(from) {
    const open = body.hidden;
    body.hidden = !open;
    source.openers.forEach((opener) => opener.setAttribute("aria-expanded", String(open)));
    cameFrom = from;
    if (open && from !== head) {
      head.focus({ preventScroll: true });
      item.scrollIntoView({ block: "nearest" });
    }
  }
  head.addEventListener("click", () => toggle(head));
  item.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !body.hidden) {
      toggle(head === document.activeElement ? cameFrom : head);
      cameFrom.focus();
    }
  });
  return source;
}

function sourceFacts(citation) {
  const facts = make("dl", { class: "facts" });
  const fact = (name, ...value) => facts.append(make("dt", {}, name), make("dd", {}, ...value));
  fact("Document", citation.document);
  if (date(citation.modified_at)) fact("Version of", date(citation.modified_at));
  const approved = [citation.approved_by ? `by ${principal(citation.approved_by)}` : null, date(citation.approved_at) ? `on ${date(citation.approved_at)}` : null];
  if (approved.some(Boolean)) fact("Approved", approved.filter(Boolean).join(", "));
  if (!citation.stale && date(citation.review_due)) fact("Next review", date(citation.review_due));
  if (/^https?:\/\//.test(citation.uri ?? "")) fact("Original", make("a", { href: citation.uri, rel: "noopener noreferrer" }, citation.uri));

  const parts = [make("blockquote", { class: "quote" }, withoutSigns(citation.quote)), facts];
  if (citation.stale) {
    const since = date(citation.review_due);
    const late = since ? `This document should have been reviewed by ${since}.` : "This document is past its review.";
    parts.unshift(make("p", { class: "notice warning" }, `${late} It may be out of date.`));
  }
  // The viewer knows the cookie's person alone; a key can't be sent along with a link.
  if (session.demo) parts.push(make("a", { class: "open-link", href: viewerAddress(citation), target: "_blank", rel: "noopener" },
    "Open the document at this place", make("span", { class: "unseen" }, " (in a new tab)")));
  return parts;
}

/** Right or wrong, and why. */
function feedback(id, outcome) {
  const right = make("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Right");
  const wrong = make("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Wrong");
  const said = make("span", { role: "status" });
  const label = outcome === "answered" ? "Is this answer right?" : "Is it right that nothing was found?";
  const verdicts = make("div", { class: "verdicts", role: "group", "aria-label": label }, make("span", {}, label), right, wrong, said);
  const comment = make("textarea", { id: "comment", rows: "2" });
  const form = make("form", { class: "comment", hidden: "" },
    make("label", { for: "comment" }, "What is wrong? (You may leave this empty.)"), comment, make("button", { class: "quiet" }, "Send"));

  async function send(body) {
    const response = await post("/v1/feedback", { answer: id, ...body }).catch(() => null);
    said.textContent = response?.ok ? "Thank you. It was noted." : "This could not be stored. Please try again.";
    return response?.ok;
  }
  const choose = (button) => [right, wrong].forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  right.addEventListener("click", () => {
    choose(right);
    form.hidden = true;
    send({ verdict: "right" });
  });
  wrong.addEventListener("click", () => {
    choose(wrong);
    form.hidden = false;
    comment.focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = comment.value.trim();
    if (await send({ verdict: "wrong", ...(text && { comment: text }) })) {
      form.hidden = true;
      wrong.focus();
    }
  });
  return make("div", { class: "feedback" }, verdicts, form);
}

/** What was searched, and how. */
function searched({ searched: found, took_ms: took, generation, generator }) {
  const parts = [
    found && `${count(found.passages, "passage", "passages")} in ${count(found.sources, "source", "sources")}`,
    Number.isFinite(took) && `${Math.round(took)} ms`,
    generation !== null && generation !== undefined && `generation ${generation}`,
    generator,
  ];
  return make("p", { class: "searched" }, parts.filter(Boolean).join(" · "));
}

// ---------------------------------------------------------------- asking

function setStatus(text, busy = false) {
  page.status.textContent = text;
  page.status.classList.toggle("busy", busy);
}

/** Stops what is under way and takes the answer off the page. */
function clear() {
  underWay?.abort();
  underWay = null;
  page.ask.textContent = "Ask";
  page.answer.replaceChildren();
  setStatus("");
}

async function ask(question) {
  clear();
  const stop = new AbortController();
  underWay = stop;
  page.ask.textContent = "Stop";
  page.suggestions.hidden = true;
  setStatus(STAGES.searching, true);
  const view = new AnswerView(question);
  try {
    const response = await post("/v1/ask", { question, stream: true }, { signal: stop.signal, headers: { Accept: "text/event-stream" } });
    if (response.status === 401 && session.signedIn) return signIn(question); // the session is over
    const outcome = response.ok
      ? await receive(response, view, stop.signal)
      : plainly(response.status, await problemOf(response), response.headers.get("Retry-After"));
    if (outcome && !stop.signal.aborted) view.problem(outcome);
  } catch {
    if (!stop.signal.aborted) view.problem(view.shown.length ? BROKEN_OFF : NO_NETWORK);
  }
  // Stopped means that the page already belongs to the next question or person.
  if (underWay === stop) {
    underWay = null;
    page.ask.textContent = "Ask";
    setStatus("");
  }
}

/** Shows the events of a running answer. Returns what went wrong, if something did. */
async function receive(response, view, signal) {
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    view.done(await response.json());
    return null;
  }
  for await (const { name, data } of eventsOf(response.body)) {
    if (signal.aborted) return null;
    if (name === "status") setStatus(STAGES[data.stage] ?? "Working…", true);
    if (name === "citation") view.citation(data);
    if (name === "sentence") view.sentence(data);
    if (name === "error") return plainly(data.status, data, data.retry_after);
    if (name === "done") {
      view.done(data);
      return null;
    }
  }
  return BROKEN_OFF;
}

/** Whether somebody is there to ask as. Says so where nobody is. */
function somebodyAsks() {
  if (session.demo ? session.user : session.key || session.signedIn) return true;
  setStatus(session.demo ? "First choose at the top who you are." : "First enter an API key at the top.");
  (session.demo ? page.person : byId("key")).focus();
  return false;
}

function submit() {
  if (underWay) {
    clear();
    setStatus("Stopped.");
    return;
  }
  const question = page.question.value.trim();
  if (!question) return page.question.focus();
  if (location.search) history.replaceState(null, "", "/"); // the link's question is no longer this one
  if (somebodyAsks()) ask(question);
}

// ---------------------------------------------------------------- who asks

/** Shows who the server says is signed in, and clears the page when that changed. */
function become(user) {
  if (user !== session.user) clear();
  session.user = user;
  page.person.value = user ?? "";
  const known = session.people.find((person) => person.user === user);
  if (known) page.groups.textContent = known.groups.length ? `in ${known.groups.join(", ")}` : "in no group";
  else page.groups.textContent = session.demo ? "Choose a person: what is found depends on who asks." : "";
}

async function switchTo(user) {
  clear(); // at once: nothing of the last person stays while the server is asked
  page.person.disabled = true;
  const response = await (user ? post("/signin", { user }) : post("/signout", {})).catch(() => null);
  page.person.disabled = false;
  page.person.focus();
  if (!response?.ok) {
    setStatus(response ? "The server did not sign this person in." : NO_NETWORK.join(" "));
    page.person.value = session.user ?? "";
    return;
  }
  become(user);
  otherTabs.postMessage("switched");
  page.suggestions.hidden = Boolean(page.question.value.trim()) || !byId("suggestion-list").childElementCount;
  if (user && page.question.value.trim()) setStatus(`Press Ask to ask the same as ${firstName()}.`);
}

/** The people of the demo, or null where the server is not in demo mode. */
async function loadPeople() {
  const response = await request("/demo/people");
  if (response.status === 404) return null;
  if (!response.ok) throw new Error("no people");
  return response.json();
}

function showPeople({ company, people, current, questions }) {
  session.demo = true;
  session.people = people;
  byId("company").textContent = company;
  document.title = `${company} Intranet`;
  page.person.replaceChildren(make("option", { value: "" }, "nobody"), ...people.map(({ user, name }) => make("option", { value: user }, name)));
  byId("person-form").hidden = false;
  byId("suggestion-list").replaceChildren(...(questions ?? []).map((question) => {
    const button = make("button", { type: "button" }, question);
    button.addEventListener("click", () => {
      page.question.value = question;
      submit();
    });
    return make("li", {}, button);
  }));
  page.suggestions.hidden = !questions?.length;
  become(current);
}

/** Another tab may have switched the person: the cookie is shared. */
const otherTabs = new BroadcastChannel("person");
async function checkPerson() {
  if (!session.demo) return;
  const people = await loadPeople().catch(() => null);
  if (people && people.current !== session.user) become(people.current);
}

/** Goes through the identity provider and comes back to this page, with this question. */
function signIn(question) {
  const back = question ? `/?${new URLSearchParams({ q: question })}` : location.pathname + location.search;
  location.assign(`/signin?${new URLSearchParams({ back })}`);
}

/** Whether somebody is signed in. A server without sign-in for browsers wants a key. */
async function loadSignedIn() {
  const response = await request("/signin/who");
  if (response.status === 401) {
    signIn();
    return true;
  }
  if (!response.ok) return false;
  const { user } = await response.json();
  session.signedIn = true;
  byId("signed-in-user").textContent = principal(user);
  byId("signed-in").hidden = false;
  return true;
}

async function start() {
  try {
    const people = await loadPeople();
    if (people) showPeople(people);
    else if (!(await loadSignedIn())) byId("key-form").hidden = false;
  } catch {
    setStatus(NO_NETWORK.join(" "));
    return;
  }
  const linked = new URLSearchParams(location.search).get("q")?.trim();
  if (!linked) return;
  page.question.value = linked;
  page.suggestions.hidden = true;
  if (somebodyAsks()) ask(linked);
}

byId("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
page.question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!underWay) submit();
});
page.person.addEventListener("change", () => switchTo(page.person.value || null));
byId("person-form").addEventListener("submit", (event) => event.preventDefault());
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  clear();
  session.key = byId("key").value.trim();
  byId("key").value = "";
  byId("key").placeholder = "in use until you leave";
  page.question.focus();
});
otherTabs.addEventListener("message", checkPerson);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && checkPerson());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) checkPerson();
});

start();
