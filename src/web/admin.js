// The admin pages are complete without this script. It lets what moves move: while something goes on,
// the page is asked for again, and the pieces that say so are put in place of the old ones.

const EVERY = 2500;

const moving = () => document.querySelector("[data-live]") !== null;

async function refresh() {
  // Nobody looks, or somebody writes: the page stays as it is.
  if (document.hidden || document.activeElement?.matches("input, summary, .wide button")) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = old.id && page.getElementById(old.id);
    if (now) old.replaceWith(document.importNode(now, true));
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
