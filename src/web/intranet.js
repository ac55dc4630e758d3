// The intranet page around the widget: the company, its notices, and who is here.
//
// The widget knows by itself who is signed in. This page signs people of the demo in and out, and shows
// what a host page can do with the element.

const byId = (id) => document.getElementById(id);
const chat = byId("chat");
const person = byId("person");

/** Other tabs share the cookie. Their widgets say here who it is. */
const otherTabs = new BroadcastChannel("vouch-person");

/** The people of the demo, and who of them is signed in. */
let people = [];
let current = null;
/** The suggested questions, and the one of them that was asked last. */
let questions = [];
let asked = null;
/** A question that somebody put before they chose who they are. */
let waiting = null;

/** Makes an element. Text is set as text. */
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function post(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), cache: "no-store" });
}

const find = (user) => people.find((one) => one.user === user);
const firstName = (user) => find(user)?.name.split(/[\s,]/)[0] ?? user;

// ---------------------------------------------------------------- the demo

/** Shows who is signed in, and lets whoever is nobody choose. */
function become(user) {
  current = user;
  person.value = user ?? "";
  const known = find(user);
  byId("greeting").textContent = known ? `Hello, ${firstName(user)}.` : "Who are you today?";
  byId("groups").textContent = known
    ? `You are in ${known.groups.join(", ") || "no group"}. What is found depends on it.`
    : "Choose a colleague, here or at the top of the page. What is found depends on who asks.";
  byId("choose").hidden = Boolean(known);
  byId("administer").hidden = !known?.administers;
  chat.suggestions = [...new Set([asked, ...questions].filter(Boolean))].slice(0, 3);
  for (const button of byId("compare-people").children) button.setAttribute("aria-pressed", String(button.dataset.user === user));
}

async function switchTo(user) {
  person.disabled = true;
  const response = await (user ? post("/signin", { user }) : post("/signout", {})).catch(() => null);
  person.disabled = false;
  if (!response?.ok) {
    person.value = current ?? "";
    return;
  }
  become(user);
  await chat.refresh();
  if (user && waiting) chat.ask(waiting);
  waiting = null;
}

function showDemo(demo) {
  ({ people, questions } = demo);
  byId("company").textContent = demo.company;
  document.title = `${demo.company} Intranet`;
  person.replaceChildren(make("option", { value: "" }, "nobody"), ...people.map(({ user, name }) => make("option", { value: user }, name)));
  byId("person-form").hidden = false;
  byId("notice-list").replaceChildren(...demo.notices.map(({ title, text }) => make("article", { class: "tile" }, make("h3", {}, title), make("p", {}, text))));
  byId("notices").hidden = demo.notices.length === 0;
  showChoice([...new Set([...demo.compare, ...people.map((one) => one.user)])].filter(find).slice(0, 4));
  showCompare(demo.compare.filter(find));
  byId("beside").hidden = false;
  become(demo.current);
}

/** A few people to begin with. */
function showChoice(users) {
  byId("choose").replaceChildren(...users.map((user) => {
    const [name, ...work] = find(user).name.split(", ");
    const button = make("button", { type: "button" }, make("b", {}, name), make("span", {}, work.join(", ")));
    button.addEventListener("click", async () => {
      await switchTo(user);
      person.focus();
    });
    return button;
  }));
  chat.setAttribute("nobody", "Nobody is signed in yet. Choose who you are, and ask.");
}

/** The same question, as one person and then as another. */
function showCompare(users) {
  const [question] = questions;
  byId("compare").hidden = !question || users.length === 0;
  byId("compare-question").textContent = question ? `“${question}”` : "";
  byId("compare-people").replaceChildren(...users.map((user) => {
    const button = make("button", { type: "button", class: "quiet", "data-user": user, "aria-pressed": "false" }, `Ask as ${firstName(user)}`);
    button.addEventListener("click", async () => {
      if (user !== current) await switchTo(user);
      chat.ask(question);
    });
    return button;
  }));
}

/** Another tab may have switched the person. What was asked before is nothing for somebody who came that way. */
async function look() {
  const response = await fetch("/demo/people", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) return;
  const demo = await response.json();
  if (demo.current === current) return;
  asked = null;
  become(demo.current);
}

// ---------------------------------------------------------------- everywhere else

/** Whoever signed in. A key of somebody who administers stands for no reader. */
async function showSignedIn() {
  const response = await fetch("/signin/who", { cache: "no-store" });
  if (!response.ok) return;
  const { user } = await response.json();
  const name = user.slice(user.indexOf(":") + 1);
  byId("signed-in-user").textContent = user.startsWith("key:") ? `the key ${name}` : name;
  byId("signed-in").hidden = false;
}

// ---------------------------------------------------------------- the page

async function start() {
  chat.names = (principal) => find(principal.replace(/^user:/, ""))?.name;
  const response = await fetch("/demo/people", { cache: "no-store" });
  if (response.ok) showDemo(await response.json());
  else await showSignedIn();
  // A link may bring a question. Only the person asks it: what is asked stands in the audit under their name.
  const linked = new URLSearchParams(location.search).get("q")?.trim();
  if (!linked) return;
  await customElements.whenDefined("vouch-chat");
  await chat.write(linked);
}

chat.addEventListener("vouch-asked", (event) => {
  const { question } = event.detail;
  asked = questions.includes(question) ? question : null;
});
chat.addEventListener("vouch-nobody", (event) => {
  const first = byId("choose").firstElementChild;
  if (!first) return;
  waiting = event.detail.question;
  chat.close();
  byId("groups").textContent = `Who asks “${waiting}”? Choose, and it is asked.`;
  first.focus();
});
person.addEventListener("change", async () => {
  await switchTo(person.value || null);
  person.focus();
});
byId("person-form").addEventListener("submit", (event) => event.preventDefault());
byId("launch").addEventListener("click", (event) => {
  const floating = chat.getAttribute("mode") === "inline";
  chat.setAttribute("mode", floating ? "launcher" : "inline");
  event.currentTarget.setAttribute("aria-pressed", String(floating));
  document.body.classList.toggle("floating", floating);
  if (floating) chat.open();
});
otherTabs.addEventListener("message", look);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
window.addEventListener("pageshow", (event) => event.persisted && look());

start();
