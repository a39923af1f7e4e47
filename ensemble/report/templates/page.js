"use strict";

/* Light and dark: what the system says, until the button is pressed. */
const root = document.documentElement;
const viewer = document.getElementById("viewer");
const remembered = (() => { try { return localStorage.getItem("ens-theme"); } catch { return null; } })();
if (remembered) root.dataset.theme = remembered;
document.getElementById("theme").addEventListener("click", () => {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
  try { localStorage.setItem("ens-theme", root.dataset.theme); } catch { /* a page without storage */ }
});

/* Search: what lacks the terms is hidden; marks of charts and cells of heat tables fade.

   A term is a word, or words in double quotes. A term that is a whole name somewhere on the page
   means that name, so that finger-1 is not finger-10; any other is looked for inside of names. */
const input = document.getElementById("search");
const hits = document.getElementById("hits");
const sections = [...document.querySelectorAll("main > section")];
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash, link.parentElement]));

const plain = (text) => text.normalize("NFC").toLowerCase();
const tokens = (text) =>  // "Radius (left): 3" as " radius left 3 ", so that whole words are found
  ` ${plain(text).replace(/[.:!?]+(?=[\s,;()]|$)/g, " ").split(/[\s,;()/]+/).filter(Boolean).join(" ")} `;
const named = (element, text) => ({ element, text: plain(text), tokens: tokens(text) });

const found = [...document.querySelectorAll("[data-search]:not(.heat tr)")].map(
  (element) => named(element, element.dataset.search));
const heats = [...document.querySelectorAll(".heat")].map((table) => ({
  table,
  columns: [...table.tHead.rows[0].cells].slice(1).map((cell) => named(cell, cell.textContent)),
  rows: [...table.tBodies[0].rows].map((row) => named(row, row.dataset.search)),
}));
const prose = [...document.querySelectorAll("section h2, section p, section figcaption")]
  .filter((element) => !element.closest("[data-search]"))
  .map((element) => named(element, element.textContent));
const names = [
  ...found.filter(({ element }) => !element.closest(".remarks")),
  ...heats.flatMap(({ columns, rows }) => [...columns, ...rows]),
];
const figures = [...document.querySelectorAll("section figure:not([data-search])")].filter(
  (figure) => figure.querySelector("[data-search]"));

function termsOf(query) {
  const typed = [...plain(query).matchAll(/"([^"]*)"?|[^\s"]+/g)].map((m) => (m[1] ?? m[0]).trim());
  return typed.filter(Boolean).map((term) => {
    const whole = tokens(term);
    const isName = whole.trim() && names.some((name) => name.tokens.includes(whole));
    return (name) => (isName ? name.tokens.includes(whole) : name.text.includes(term));
  });
}

/* A cell has the terms of its row and its column. Rows without a cell that has all are hidden. */
function searchHeat({ table, columns, rows }, terms, keep) {
  const ofColumns = columns.map((column) => terms.map((term) => term(column)));
  const lit = rows.map((row) => {
    const own = terms.map((term) => term(row));
    return ofColumns.map((column) => column.every((has, t) => has || own[t]));
  });
  const isLit = (c) => lit.some((row) => row[c]);
  rows.forEach(({ element }, r) => {
    element.hidden = lit[r].length > 0 && !lit[r].includes(true);
    lit[r].forEach((has, c) => element.cells[c + 1].classList.toggle("miss", !has));
  });
  columns.forEach(({ element }, c) => element.classList.toggle("miss", !isLit(c)));
  const whole = [
    ...rows.filter((_, r) => lit[r].every(Boolean)),
    ...columns.filter((_, c) => lit.every((row) => row[c])),
  ];
  if (whole.length) whole.forEach(({ element }) => keep(element));
  else if (lit.flat().includes(true)) keep(table);
}

/* A column that was found may lie to the right of what is seen. */
function scrollToColumn({ table, columns }, terms) {
  const column = columns.find((each) => terms.some((term) => term(each)));
  const frame = table.closest(".scroll");
  if (!column) { frame.scrollLeft = 0; return; }
  const [cell, seen] = [column.element.getBoundingClientRect(), frame.getBoundingClientRect()];
  if (cell.right > seen.right || cell.left < seen.left + seen.width / 4)
    frame.scrollLeft += cell.left - seen.left - seen.width / 2;
}

function search(query) {
  const terms = termsOf(query);
  const isHit = (name) => terms.every((term) => term(name));
  const kept = new Set();  // hits, and all that holds one
  let count = 0;
  const keep = (element) => {
    count += 1;
    for (let up = element; up; up = up.parentElement) kept.add(up);
  };
  // a section by its title, or a figure by its caption, is a hit with all that it holds
  const told = terms.length ? prose.filter(isHit) : [];
  told.forEach(({ element }) => keep(element));
  const wholes = told.filter(({ element }) => !element.matches("p")).map(({ element }) => element.parentElement);
  const isWhole = (element) => wholes.some((whole) => whole.contains(element));

  found.filter(isHit).forEach(({ element }) => keep(element));
  for (const heat of heats) {
    if (isWhole(heat.table)) searchHeat(heat, [], () => {});
    else searchHeat(heat, terms, keep);
  }
  for (const { element } of found) {
    const isShown = kept.has(element) || isWhole(element);
    if (element instanceof SVGElement) element.classList.toggle("miss", !isShown);
    else element.hidden = !isShown;
  }
  for (const figure of figures) figure.hidden = !kept.has(figure) && !isWhole(figure);
  for (const section of sections) {
    const isEmpty = terms.length > 0 && !kept.has(section);
    section.classList.toggle("empty", isEmpty);
    links.get(`#${section.id}`).hidden = isEmpty;
  }
  for (const heat of heats) scrollToColumn(heat, terms);
  hits.textContent = terms.length ? `${count} ${count === 1 ? "hit" : "hits"}` : "";
}
function searchFor(query) {
  input.value = query;
  search(query);
}
input.addEventListener("input", () => search(input.value));
input.form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === "/" && isPlain && document.activeElement !== input && !viewer.open) {
    event.preventDefault();
    input.focus();
    input.select();
  } else if (event.key === "Escape" && document.activeElement === input) {
    searchFor("");
  }
});

/* A frame that holds more than it shows can be scrolled by keys; it fades where it goes on. */
function showRest(frame) {
  const right = frame.scrollWidth - frame.clientWidth - frame.scrollLeft;
  frame.classList.toggle("more", right > 1);
  const isFull = frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1;
  if (isFull) frame.tabIndex = 0;
  else frame.removeAttribute("tabindex");
}
const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => showRest(target)));
for (const frame of document.querySelectorAll(".scroll, .cards.small")) {
  frame.addEventListener("scroll", () => showRest(frame), { passive: true });
  resized.observe(frame);
}

/* An address ends in #q= and a query, or in # and a section, which ends a search that hides it. */
function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}
function goToAddress() {
  const address = location.hash.slice(1);
  const section = document.getElementById(address);
  if (address.startsWith("q=")) searchFor(decoded(address.slice(2)));
  else if (!address || section?.matches(".empty")) {
    searchFor("");
    section?.scrollIntoView();
  }
}
window.addEventListener("hashchange", goToAddress);

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

goToAddress();
