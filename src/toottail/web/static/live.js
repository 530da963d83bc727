// What is better with JavaScript. Without it every page works all the same.

const language = document.documentElement.lang;

// Times in the reader's own zone.
const near = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
const nearby = new Intl.DateTimeFormat(language, near);
const farther = new Intl.DateTimeFormat(language, { ...near, year: "numeric" });
const thisYear = new Date().getFullYear();
for (const element of document.querySelectorAll("time[datetime]")) {
  const at = new Date(element.dateTime);
  if (!Number.isNaN(at.getTime())) {
    element.title = element.textContent;
    element.textContent = (at.getFullYear() === thisYear ? nearby : farther).format(at);
  }
}

// A sign-in takes a moment, because the home is asked first.
for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button[type=submit]");
  const words = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-disabled", "true");
    button.textContent = form.dataset.busy;
  });
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  });
}

// The first run, as it goes.
const run = document.querySelector("[data-events]");
if (run) {
  const number = new Intl.NumberFormat(language);
  const bar = run.querySelector("progress");
  const stage = run.querySelector("[data-stage]");
  const say = (words) => {
    // Said only when it changes, so that a screen reader is not kept talking.
    if (stage.textContent !== words) stage.textContent = words;
  };
  const events = new EventSource(run.dataset.events);
  events.addEventListener("progress", (event) => {
    const told = JSON.parse(event.data);
    const progress = told.progress ?? told;
    for (const field of run.querySelectorAll("[data-field]")) {
      const value = progress[field.dataset.field];
      if (typeof value === "number") field.textContent = number.format(value);
    }
    bar.max = Math.max(1, progress.conversations);
    bar.value = progress.finished;
    say(progress.collected ? run.dataset.bringing : run.dataset.collecting);
  });
  events.addEventListener("done", () => {
    events.close();
    bar.value = bar.max;
    say(run.dataset.done);
    setTimeout(() => location.reload(), 1500);
  });
  addEventListener("pagehide", () => events.close());
}
