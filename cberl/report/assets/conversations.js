"use strict";
// The browser of test conversations: filters, pages, turns. Text of the corpus is set as text.

(() => {
  const PER_PAGE = 8;
  const MOST_BARS = 12; // with more classes, only the more probable ones have a bar
  const { classes, colours, variants, chosen, seeds, dialogues, turns, predictions } =
    data.conversations;
  const form = document.getElementById("filters");
  const fields = form.elements;
  let page = 0;

  // Names under the bars are cut as short as keeps them apart.
  const lengths = [3, 4, 5, 6, 7, 8];
  const distinct = (length) => new Set(classes.map((name) => name.slice(0, length))).size;
  const short = lengths.find((length) => distinct(length) === classes.length) || 8;

  const starts = [];
  let total = 0;
  for (const [, size] of dialogues) {
    starts.push(total);
    total += size;
  }

  for (const name of variants) fields.variant.append(element("option", name));
  classes.forEach((name, number) => {
    fields.truth.append(element("option", name, { value: number }));
    fields.predicted.append(element("option", name, { value: number }));
  });
  fields.variant.value = chosen;

  const searched = turns.text.map((text, at) => `${turns.id[at]} ${turns.speaker[at]} ${text}`.toLowerCase());

  function outcomeOf(made, at) {
    if (turns.label[at] < 0) return "";
    return made.best[at] === turns.label[at] ? "right" : "wrong";
  }

  function matches(made, at) {
    const { truth, predicted, outcome, words } = fields;
    if (truth.value !== "" && turns.label[at] !== Number(truth.value)) return false;
    if (predicted.value !== "" && made.best[at] !== Number(predicted.value)) return false;
    const wanted = words.value.trim().toLowerCase();
    if (wanted && !searched[at].includes(wanted)) return false;
    switch (outcome.value) {
      case "":
        return true;
      case "disagree":
        return made.right[at] > 0 && made.right[at] < seeds;
      case "shift":
        return turns.shift[at] === 1;
      case "missing":
        return turns.missing[at] !== "";
      default:
        return outcomeOf(made, at) === outcome.value;
    }
  }

  function select() {
    const made = predictions[fields.variant.value];
    const found = [];
    let utterances = 0;
    dialogues.forEach(([, size], number) => {
      const hits = [];
      for (let turn = 0; turn < size; turn += 1) {
        if (matches(made, starts[number] + turn)) hits.push(turn);
      }
      utterances += hits.length;
      if (hits.length) found.push({ number, hits: new Set(hits) });
    });
    return { made, found, utterances };
  }

  function chip(number) {
    const made = element("span", classes[number], { class: "chip" });
    made.style.setProperty("--c", colours[number]);
    return made;
  }

  function drawBars(made, at) {
    const values = classes.map((_, number) => made.percent[at * classes.length + number]);
    const spoken = classes.map((name, number) => `${name} ${values[number]} %`).join(", ");
    const bars = element("div", null, { class: "bars", role: "img", "aria-label": spoken });
    values.forEach((value, number) => {
      if (classes.length > MOST_BARS && value < 100 / MOST_BARS && number !== turns.label[at]) return;
      const column = element("div", null, { title: `${classes[number]} ${value} %` });
      const bar = element("i");
      bar.style.setProperty("--c", colours[number]);
      bar.style.height = `${(value / 100) * 2.2}rem`;
      const name = element("span", classes[number].slice(0, short));
      if (number === turns.label[at]) name.className = "true";
      column.append(document.createTextNode(value), bar, name);
      bars.append(column);
    });
    return bars;
  }

  function drawTurn(made, at, hit) {
    const outcome = outcomeOf(made, at);
    const line = element("li", null, { class: `turn ${outcome}${hit ? "" : " context"}` });
    const words = element("div");
    const who = element("span", turns.speaker[at], { class: "who" });
    who.append(element("span", turns.id[at], { class: "id" }));
    words.append(who, element("p", turns.text[at] || "(no transcript)", { class: "said" }));
    const scored = element("div", null, { class: "scored" });
    const truth = element("span", "true: ");
    truth.append(turns.label[at] < 0 ? "none, context only" : chip(turns.label[at]));
    const guess = element("span", "predicted: ");
    guess.append(chip(made.best[at]), { right: " ✓", wrong: " ✗" }[outcome] || "");
    scored.append(truth, guess);
    if (made.right[at] >= 0 && seeds > 1) {
      scored.append(element("span", `${made.right[at]} of ${seeds} seeds right`));
    }
    if (turns.shift[at] === 1) scored.append(element("span", "emotion shift"));
    if (turns.missing[at]) scored.append(element("span", `missing: ${turns.missing[at]}`));
    words.append(scored);
    line.append(words, drawBars(made, at));
    return line;
  }

  function drawDialogue(made, { number, hits }) {
    const [name, size] = dialogues[number];
    const article = element("article", null, { class: "dialogue", "data-dialogue": name });
    const heading = element("h3", name);
    let wrong = 0;
    for (let turn = 0; turn < size; turn += 1) {
      if (outcomeOf(made, starts[number] + turn) === "wrong") wrong += 1;
    }
    heading.append(element("span", ` · ${size} turns · ${wrong} wrong · ${hits.size} matching`));
    const list = element("ol");
    for (let turn = 0; turn < size; turn += 1) {
      const hit = hits.has(turn);
      if (hit || !fields.matching.checked) {
        list.append(drawTurn(made, starts[number] + turn, hit));
      }
    }
    article.append(heading, list);
    return article;
  }

  function show() {
    const { made, found, utterances } = select();
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    page = Math.min(page, pages - 1);
    const part = found.slice(page * PER_PAGE, (page + 1) * PER_PAGE);
    document.getElementById("browser").replaceChildren(
      ...part.map((entry) => drawDialogue(made, entry))
    );
    const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
    document.getElementById("found").textContent =
      `${plural(utterances, "utterance")} in ${found.length.toLocaleString("en")} of ` +
      plural(dialogues.length, "conversation");
    document.getElementById("page").textContent = `Page ${page + 1} of ${pages}`;
    document.getElementById("previous").disabled = page === 0;
    document.getElementById("next").disabled = page >= pages - 1;
  }

  function turnPage(step) {
    page += step;
    show();
    document.getElementById("found").scrollIntoView();
  }

  function restart() {
    page = 0;
    show();
  }

  form.addEventListener("input", restart);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () =>
    setTimeout(() => {
      fields.variant.value = chosen;
      restart();
    })
  );
  document.getElementById("previous").addEventListener("click", () => turnPage(-1));
  document.getElementById("next").addEventListener("click", () => turnPage(1));
  document.addEventListener("show-confusion", ({ detail }) => {
    fields.variant.value = detail.variant;
    fields.truth.value = detail.truth;
    fields.predicted.value = detail.predicted;
    restart();
    document.getElementById("conversations").scrollIntoView();
  });
  show();
  document.documentElement.dataset.ready = "yes";
})();
