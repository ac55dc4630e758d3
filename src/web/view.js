// The viewer page: brings the quote into view. Where somebody has signed out, it tells the other tabs, whose
// widgets then ask who is there. Without this script the pages are complete as well.

const quote = document.getElementById("quote");
if (quote) {
  quote.tabIndex = -1;
  quote.focus({ preventScroll: true });
  quote.scrollIntoView({ block: "center" });
}

if (document.querySelector("[data-signed-out]")) new BroadcastChannel("vouch-person").postMessage(null);
