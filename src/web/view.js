// The viewer page: brings the quote into view, and makes the Markdown easier to read.
//
// The text is the version's own, which citations count their bytes in, so this changes how it looks and not
// one character of it: headings, tables and code are set apart, and a line end inside a paragraph is shown
// as the space that it means. Without this script the page is complete as well.

const HEADING = /^(#{1,6}) /;
const FENCE = /^ {0,3}(```|~~~)/;
const TABLE = /^ {0,3}\|/;
const STARTS_A_LINE = /^\s*([-*+>#|]|\d{1,4}[.)] |```|~~~|$)/;
const STRONG = /\*\*[^*\n]+\*\*/g;

// Lines that an editor wrapped are long. A short line was ended on purpose, as in an address or a list.
const WRAPPED_LENGTH = 60;

/** What to show how: `[start, end, look]` in order, without overlaps. Offsets are those of JavaScript's strings. */
function looksOf(text) {
  const looks = [];
  const lines = text.split("\n");
  let start = 0;
  let inFence = false;
  lines.forEach((line, i) => {
    const end = start + line.length;
    const fence = FENCE.test(line);
    if (fence || inFence || TABLE.test(line)) {
      const last = looks.at(-1);
      if (last?.[2] === "fixed" && last[1] === start) last[1] = end + 1;
      else looks.push([start, end + 1, "fixed"]);
    } else if (HEADING.test(line)) {
      const level = HEADING.exec(line)[1].length;
      looks.push([start, start + level, `heading sign level-${level}`], [start + level, end, `heading level-${level}`]);
    } else {
      for (const strong of line.matchAll(STRONG)) looks.push([start + strong.index, start + strong.index + strong[0].length, "strong"]);
      const next = lines[i + 1];
      if (line.length >= WRAPPED_LENGTH && !line.endsWith("  ") && next !== undefined && !STARTS_A_LINE.test(next)) {
        looks.push([end, end + 1 + next.search(/\S/), "soft"]);
      }
    }
    if (fence) inFence = !inFence;
    start = end + 1;
  });
  return looks;
}

/** Wraps each piece of the article's text in an element with its look. Pieces end where the quote begins or ends. */
function apply(looks, article) {
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  let nodeStart = 0;
  let next = 0;
  for (const node of nodes) {
    const text = node.data;
    const nodeEnd = nodeStart + text.length;
    const parts = [];
    let written = nodeStart;
    while (next < looks.length && looks[next][0] < nodeEnd) {
      const [start, end, look] = looks[next];
      const from = Math.max(start, nodeStart);
      const to = Math.min(end, nodeEnd);
      const piece = document.createElement("span");
      piece.className = look;
      piece.textContent = text.slice(from - nodeStart, to - nodeStart);
      parts.push(text.slice(written - nodeStart, from - nodeStart), piece);
      written = to;
      if (end > nodeEnd) break; // it goes on in the next node
      next += 1;
    }
    if (parts.length) node.replaceWith(...parts, text.slice(written - nodeStart));
    nodeStart = nodeEnd;
  }
}

const article = document.querySelector(".document article");
if (article) apply(looksOf(article.textContent), article);

const quote = document.getElementById("quote");
if (quote) {
  quote.tabIndex = -1;
  quote.focus({ preventScroll: true });
  quote.scrollIntoView({ block: "center" });
}
