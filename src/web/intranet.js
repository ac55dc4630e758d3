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
/** The suggested questions, and the one that was asked last. */
let questions = [];
let asked = null;

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

/** Shows who is signed in. The question that was asked last is offered to the next person. */
function become(user) {
  current = user;
  person.value = user ?? "";
  const known = find(user);
  byId("greeting").textContent = known ? `Hello, ${firstName(user)}.` : "Who are you today?";
  byId("groups").textContent = known
    ? `You are in ${known.groups.join(", ") || "no group"}. What is found depends on it.`
    : "Choose a person: what is found depends on who asks.";
  byId("choices").hidden = Boolean(known);
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
}

function showDemo(demo) {
  ({ people, questions } = demo);
  byId("company").textContent = demo.company;
  document.title = `${demo.company} Intranet`;
  person.replaceChildren(make("option", { value: "" }, "nobody"), ...people.map(({ user, name }) => make("option", { value: user }, name)));
  byId("person-form").hidden = false;
  byId("choices").replaceChildren(...people.map(choice));
  byId("notice-list").replaceChildren(...demo.notices.map(({ title, text }) => make("article", { class: "tile" }, make("h3", {}, title), make("p", {}, text))));
  byId("notices").hidden = demo.notices.length === 0;
  showCompare(demo.compare.filter(find));
  byId("beside").hidden = false;
  become(demo.current);
}

/** A person to choose, for as long as nobody is chosen. */
function choice({ user, name }) {
  const [who, ...what] = name.split(", ");
  const button = make("button", { type: "button", class: "choice" }, make("b", {}, who), " ", make("span", {}, what.join(", ")));
  button.addEventListener("click", async () => {
    await switchTo(user);
    person.focus();
  });
  return make("li", {}, button);
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
  const linked = new URLSearchParams(location.search).get("q")?.trim();
  if (!linked) return;
  history.replaceState(null, "", "/"); // the link's question is no longer this one
  await customElements.whenDefined("vouch-chat");
  chat.ask(linked);
}

chat.addEventListener("vouch-asked", (event) => {
  asked = event.detail.question;
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
