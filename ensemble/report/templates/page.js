"use strict";

/* Light and dark: what the system says, until the button is pressed. */
const root = document.documentElement;
const remembered = (() => { try { return localStorage.getItem("ens-theme"); } catch { return null; } })();
if (remembered) root.dataset.theme = remembered;
document.getElementById("theme").addEventListener("click", () => {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
  try { localStorage.setItem("ens-theme", root.dataset.theme); } catch { /* a page without storage */ }
});

/* Search: rows and cards without the words are hidden, marks of charts fade. */
const input = document.getElementById("search");
const hits = document.getElementById("hits");
const found = [...document.querySelectorAll("[data-search]")].map(
  (element) => ({
    element,
    section: element.closest("section"),
    text: element.dataset.search.normalize("NFC").toLowerCase(),
  }));
const sections = [...document.querySelectorAll("main > section")];

function search(query) {
  const words = query.normalize("NFC").toLowerCase().split(/\s+/).filter(Boolean);
  const sectionsHit = new Set();
  let count = 0;
  for (const { element, section, text } of found) {
    const isHit = words.every((word) => text.includes(word));
    if (element instanceof SVGElement) element.classList.toggle("miss", !isHit);
    else element.hidden = !isHit;
    if (isHit) {
      sectionsHit.add(section);
      count += 1;
    }
  }
  for (const section of sections) section.classList.toggle("empty", !sectionsHit.has(section) && words.length > 0);
  hits.textContent = words.length ? `${count} ${count === 1 ? "hit" : "hits"}` : "";
}
input.addEventListener("input", () => search(input.value));
input.form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== input) {
    event.preventDefault();
    input.focus();
    input.select();
  } else if (event.key === "Escape" && document.activeElement === input) {
    input.value = "";
    search("");
  }
});
const asked = /^#q=(.*)$/.exec(location.hash);
if (asked) {
  input.value = decodeURIComponent(asked[1]);
  search(input.value);
}

/* Tables sort by the column whose title is pressed, then the other way round. */
function sortBy(header) {
  const body = header.closest("table").tBodies[0];
  const column = header.cellIndex;
  const isNumber = header.classList.contains("number");
  const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const key = (row) => row.cells[column].dataset.key;
  const number = (row) => (key(row) === "nan" ? Infinity : sign * Number(key(row)));
  const compare = isNumber
    ? (a, b) => number(a) - number(b) || 0
    : (a, b) => sign * key(a).localeCompare(key(b), undefined, { numeric: true });
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  body.append(...[...body.rows].sort(compare));
}
for (const button of document.querySelectorAll(".sortable th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}

/* Pictures open large; the dialog closes by Escape, its button or a click beside the picture. */
const viewer = document.getElementById("viewer");
for (const button of document.querySelectorAll(".zoom")) {
  button.addEventListener("click", () => {
    const image = button.querySelector("img");
    const shown = viewer.querySelector("img");
    shown.src = image.src;
    shown.alt = image.alt;
    viewer.querySelector("p").textContent = image.alt;
    viewer.showModal();
  });
}
viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
