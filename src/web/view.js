// The viewer page: brings the quote into view. Without this script the page is complete as well.

const quote = document.getElementById("quote");
if (quote) {
  quote.tabIndex = -1;
  quote.focus({ preventScroll: true });
  quote.scrollIntoView({ block: "center" });
}
