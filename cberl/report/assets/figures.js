"use strict";
// Draws each figure when it comes near the screen, switches its views, and lists its numbers.
// Text is only ever set as text.

const data = JSON.parse(document.getElementById("data").textContent);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const OPTIONS = {
  responsive: true,
  displaylogo: false,
  // What is shown stays here: no button that sends it to a server.
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
};

// Plotly reads markup in labels; text of the corpus shall be shown as it is. Its entities come
// back as the characters that they stand for; a line break is a line break.
function literal(value) {
  if (Array.isArray(value)) return value.map(literal);
  if (typeof value !== "string") return value;
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return value.replace(/[&<>]/g, (character) => entities[character]).replaceAll("\n", "<br>");
}

function currentView(name) {
  const select = document.querySelector(`select[data-views="${name}"]`);
  const figure = data.figures[name];
  return figure.views[select ? select.value : figure.first];
}

function draw(place) {
  const name = place.dataset.figure;
  const view = currentView(name);
  // Plotly writes into what it is given; the view stays as it is.
  const copy = structuredClone(view);
  for (const trace of copy.data) {
    for (const key of ["name", "x", "y", "text"]) {
      if (key in trace) trace[key] = literal(trace[key]);
    }
  }
  place.dataset.drawn = "yes";
  Plotly.react(place, copy.data, copy.layout, OPTIONS);
  if (!place.dataset.clicks && copy.data.some((trace) => trace.type === "heatmap")) {
    place.dataset.clicks = "yes";
    place.on("plotly_click", (event) => {
      const [truth, predicted] = event.points[0].pointNumber;
      const select = document.querySelector(`select[data-views="${name}"]`);
      const variant = select.value.replace(/, [^,]*$/, "");
      document.dispatchEvent(
        new CustomEvent("show-confusion", { detail: { variant, truth, predicted } })
      );
    });
  }
}

function listNumbers(details) {
  const view = currentView(details.dataset.numbers);
  const table = element("table");
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  const heat = view.data.find((trace) => trace.type === "heatmap");
  const columns = heat ? heat.x : view.data.map((trace) => trace.name);
  for (const title of ["", ...columns]) head.append(element("th", title, { scope: "col" }));
  const shared = heat || view.data.every((trace) => typeof trace.x[0] === "string");
  if (shared) {
    const rows = heat ? heat.y : [...new Set(view.data.flatMap((trace) => trace.x))];
    rows.forEach((row, number) => {
      const line = body.insertRow();
      line.append(element("th", row, { scope: "row" }));
      const values = heat
        ? heat.z[number]
        : view.data.map((trace) => {
            const at = trace.x.indexOf(row);
            return at < 0 ? null : trace.y[at];
          });
      for (const value of values) line.append(element("td", shown(value), { class: "n" }));
    });
  } else {
    head.replaceChildren(...["line", "x", "y"].map((title) => element("th", title)));
    for (const trace of view.data) {
      trace.x.forEach((x, at) => {
        const line = body.insertRow();
        line.append(element("th", trace.name, { scope: "row" }));
        line.append(element("td", shown(x), { class: "n" }));
        line.append(element("td", shown(trace.y[at]), { class: "n" }));
      });
    }
  }
  details.querySelector(".scroll").replaceChildren(table);
}

function shown(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : value;
}

const places = [...document.querySelectorAll("[data-figure]")];

const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    }
  },
  { rootMargin: "400px" }
);
places.forEach((place) => watcher.observe(place));

document.querySelectorAll("select[data-views]").forEach((select) => {
  select.addEventListener("change", () => {
    draw(document.querySelector(`[data-figure="${select.dataset.views}"]`));
    const details = document.querySelector(`details[data-numbers="${select.dataset.views}"]`);
    if (details && details.open) listNumbers(details);
  });
});

document.querySelectorAll("details[data-numbers]").forEach((details) => {
  details.addEventListener("toggle", () => details.open && listNumbers(details));
});

window.addEventListener("beforeprint", () => {
  for (const place of places) {
    if (!place.dataset.drawn) draw(place);
    Plotly.Plots.resize(place);
  }
});

// The section in view is marked in the list of sections.
const links = new Map(
  [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link])
);
const marker = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    }
  },
  { rootMargin: "-10% 0px -80% 0px" }
);
document.querySelectorAll("section[id]").forEach((section) => marker.observe(section));
