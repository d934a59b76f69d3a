"use strict";
// Plays turns and follows the recording. The page is whole without it.

(() => {
  const player = document.getElementById("player");
  const turns = [...document.querySelectorAll(".turn")];
  const marks = new Map([...document.querySelectorAll(".mark")].map((mark) => [mark.dataset.turn, mark]));
  const head = document.getElementById("head");
  const axis = document.getElementById("axis");
  const now = document.getElementById("now");
  const length = Number(axis.dataset.length);
  let stopAt = Infinity; // where a turn that was asked for ends
  let current = null;

  head.style.setProperty("--lanes", document.querySelectorAll(".lane").length - 1);

  function light(turn, on) {
    turn.classList.toggle("lit", on);
    marks.get(turn.dataset.turn)?.classList.toggle("lit", on);
  }

  function show(turn) {
    if (turn === current) return;
    if (current) {
      current.removeAttribute("aria-current");
      marks.get(current.dataset.turn)?.removeAttribute("data-now");
    }
    current = turn;
    const chip = now.querySelector(".chip");
    chip.hidden = !turn;
    now.querySelector(".who").textContent = turn ? turn.querySelector(".who").textContent : "";
    if (!turn) return;
    chip.textContent = turn.querySelector(".predicted .chip").textContent;
    chip.style.setProperty("--c", turn.style.getPropertyValue("--c"));
    turn.setAttribute("aria-current", "true");
    marks.get(turn.dataset.turn)?.setAttribute("data-now", "");
    const box = turn.getBoundingClientRect();
    if (box.top < 0 || box.bottom > innerHeight) turn.scrollIntoView({ block: "nearest" });
  }

  function placeHead(turn, time) {
    const known = turn && turn.dataset.start !== undefined && length > 0;
    head.hidden = !known;
    if (known) {
      const second = Number(turn.dataset.start) + time - Number(turn.dataset.from);
      head.style.left = `${Math.min(100, (100 * second) / length)}%`;
    }
  }

  function whenReady(then) {
    if (player.readyState >= 1) then();
    else player.addEventListener("loadedmetadata", then, { once: true });
  }

  function play(turn) {
    if (!player || turn.dataset.source === undefined) return;
    if (player.getAttribute("src") !== turn.dataset.source) player.src = turn.dataset.source;
    show(turn);
    whenReady(() => {
      player.currentTime = Number(turn.dataset.from);
      stopAt = turn.dataset.to === undefined ? Infinity : Number(turn.dataset.to);
      player.play().catch(() => {}); // a browser may want a click on the player first
    });
  }

  function turnAt(time) {
    const source = player.getAttribute("src");
    const holds = (turn) =>
      turn.dataset.source === source && Number(turn.dataset.from) <= time + 0.01 &&
      time < Number(turn.dataset.to ?? Infinity);
    return current && holds(current) ? current : turns.find(holds) || null;
  }

  for (const turn of turns) {
    turn.addEventListener("mouseenter", () => light(turn, true));
    turn.addEventListener("mouseleave", () => light(turn, false));
    turn.addEventListener("click", () => {
      if (!String(getSelection())) play(turn); // text may be marked and copied
    });
    const mark = marks.get(turn.dataset.turn);
    mark?.addEventListener("mouseenter", () => light(turn, true));
    mark?.addEventListener("mouseleave", () => light(turn, false));
    mark?.addEventListener("click", () => {
      turn.scrollIntoView({ block: "nearest" });
      show(turn);
      play(turn);
    });
    const button = turn.querySelector("button");
    button.addEventListener("focus", () => light(turn, true));
    button.addEventListener("blur", () => light(turn, false));
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && player) player.pause();
    const turn = document.activeElement?.closest?.(".turn");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!turn || !step) return;
    const next = turns[turns.indexOf(turn) + step];
    if (next) {
      event.preventDefault();
      next.querySelector("button").focus();
    }
  });

  if (player) {
    player.addEventListener("timeupdate", () => {
      const time = player.currentTime;
      if (time >= stopAt) {
        stopAt = Infinity;
        player.pause();
        return;
      }
      const turn = turnAt(time);
      show(turn);
      placeHead(turn, time);
    });
    player.addEventListener("error", () => {
      document.getElementById("absent").hidden = false;
    });
  }
})();
