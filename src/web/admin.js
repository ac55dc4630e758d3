// The admin pages are complete without this script. It lets what moves move: while something goes on,
// the page is asked for again, and the pieces that say so become like the new ones.

const EVERY = 2000;

const moving = () => document.querySelector("[data-live]") !== null;

/** Makes a piece like another one and keeps what both have: so the focus stays, and a bar glides. */
function become(old, now) {
  if (old.nodeName !== now.nodeName || old.childNodes.length !== now.childNodes.length) {
    old.replaceWith(document.importNode(now, true));
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  [...old.childNodes].forEach((child, at) => become(child, now.childNodes[at]));
}

async function refresh() {
  if (document.hidden) return; // Nobody looks.
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = old.id && page.getElementById(old.id);
    if (now) become(old, now);
    else delete old.dataset.live;
  }
}

async function follow() {
  try {
    await refresh();
  } catch {
    // The next turn may reach the server again.
  }
  if (moving()) setTimeout(follow, EVERY);
}

if (moving()) setTimeout(follow, EVERY);

// What was done is said once, and not again when the page is loaded anew.
if (new URLSearchParams(location.search).has("done")) history.replaceState(null, "", location.pathname);

// Whoever signs in with this browser meanwhile is another person: nothing is done in their name from a
// page that was made for the one before, and it does not stay on the screen.

const { person } = document.body.dataset;

document.addEventListener("submit", ({ target: form, submitter }) => {
  if (form.method !== "post" || !person) return;
  const address = new URL(submitter?.getAttribute("formaction") ?? form.getAttribute("action"), location.href);
  address.searchParams.set("as", person);
  form.action = address;
});

async function stillThere() {
  if (document.hidden || !person) return;
  try {
    const headers = { accept: "text/html", "Vouch-Reader": encodeURIComponent(person) };
    const answer = await fetch("/admin", { headers, redirect: "manual" });
    if (answer.type === "opaqueredirect" || [401, 403, 409].includes(answer.status)) location.reload();
  } catch {
    // Without a connection nothing can be asked, and nothing done.
  }
}

addEventListener("focus", stillThere);
addEventListener("pageshow", ({ persisted }) => persisted && stillThere());
document.addEventListener("visibilitychange", stillThere);
new BroadcastChannel("vouch-person").addEventListener("message", stillThere);
