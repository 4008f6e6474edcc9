// The film: the player, its time axis, every candidate on it, and what can be taken along.

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const now = make("span", "film-now");
const played = make("i", "film-played");
const thumb = make("i", "film-thumb");
const marks = make("div", "film-marks");
const hover = make("span", "film-hover");
const scrub = make("div", "film-scrub", make("i", "film-rail"), marks, played, thumb, hover);
scrub.tabIndex = 0;
scrub.setAttribute("role", "slider");
scrub.setAttribute("aria-label", "Time");
const ticks = make("div", "film-ticks");
const answer = make("div", "film-answer");
const verdict = make("div", "film-verdict");
const rows = make("div", "film-rows");
const links = make("div", "film-links");
const controls = make("div", "film-controls", make("div", "film-left", playButton, now), make("div", "film-axis", scrub, ticks),
  make("div", "film-right", loopButton, soundButton, fullButton));
const player = make("div", "film-player", stage, controls, answer, verdict, rows, links);
const root = make("section", "film", player, drop, picker);
element.append(root);

let shown = {};
let selected = -1;

const at = (seconds) => `${duration() ? Math.min(100, Math.max(0, (100 * seconds) / duration())) : 0}%`;
const range = (span) => `${clock(span.start, 1)} – ${clock(span.end, 1)}`;

function draw() {
  const before = shown;
  shown = JSON.parse(props.value);
  root.dataset.state = shown.state || "idle";
  root.classList.toggle("has-video", Boolean(shown.video));
  drawDrop();
  load(shown.video || null);
  if (!shown.video) return;
  root.classList.remove("is-open");
  answer.textContent = shown.answer || "";
  verdict.textContent = shown.note || "";
  if (shown.video.id !== before.video?.id || shown.turn !== before.turn) choose(-1);
  drawTicks();
  drawRows();
  const first = (shown.rows || []).findIndex((row) => row.chosen);
  const news = before.state !== shown.state || before.turn !== shown.turn;
  if (shown.state === "found" && news && first >= 0) choose(first, shown.play);
  else if (shown.state === "answered" && news && shown.part) showPart(shown.part, shown.play);
  drawLinks();
  drawTime();
}

function drawTicks() {
  const most = scrub.clientWidth < 480 ? 5 : 9;
  const step = STEPS.find((each) => duration() <= most * each) || STEPS.at(-1);
  ticks.replaceChildren();
  for (let time = 0; time <= duration(); time += step) {
    const tick = make("span", "", clock(time));
    tick.style.left = at(time);
    ticks.append(tick);
  }
}

function place(node, span) {
  node.style.left = at(span.start);
  node.style.width = `max(4px, ${at(span.end - span.start)})`;
  return node;
}

function score(value, words, title) {
  const cell = make("span", "row-score", value === null ? "–" : make("b", "", words(value)));
  cell.title = title;
  if (value === null) return cell;
  const level = make("i");
  level.style.width = `${100 * value}%`;
  cell.append(make("span", "row-meter", level));
  return cell;
}

function drawRows() {
  const found = shown.rows || [];
  const calibrated = found.some((row) => row.probability !== null);
  root.classList.toggle("is-calibrated", calibrated);
  const marked = shown.part ? [shown.part] : found.filter((row) => row.chosen);
  marks.replaceChildren(...marked.map((span) => place(make("i"), span)));
  rows.replaceChildren();
  if (!found.length) return;
  const heads = ["grounder", "verifier", ...(calibrated ? ["likely"] : [])].map((name) => make("span", "row-score", name));
  rows.append(make("div", "row row-head", make("span", "row-time", "Candidates"), make("span", "row-track"), ...heads));
  found.forEach((row, index) => {
    const line = textButton(`row${row.chosen ? " is-chosen" : ""}`, "", () => choose(index, true));
    line.dataset.index = index;
    line.setAttribute("aria-label", `${row.chosen ? "Moment" : "Candidate"} ${range(row)}: play it`);
    line.append(make("span", "row-time", range(row)),
      make("span", "row-track", place(make("i", "row-bar"), row), make("i", "row-needle")),
      score(row.confidence, (value) => value.toFixed(2), "Confidence of the grounder"),
      score(row.verified, (value) => value.toFixed(2), "Score of the verifier"));
    if (calibrated) line.append(score(row.probability, percent, "Probability that this is what was asked about"));
    rows.append(line);
  });
  markChosen();
}

function link(text, path, download) {
  const node = make("a", "film-link", text);
  node.href = `/v1/results/${encodeURIComponent(shown.turn)}/${path}`;
  if (download) node.download = "";
  else node.target = "_blank";
  return node;
}

function drawLinks() {
  links.replaceChildren();
  if (!shown.turn || !["found", "absent", "answered"].includes(shown.state)) return;
  const row = shown.rows[selected];
  if (row && shown.answers) {
    links.append(textButton("film-link film-ask", "Ask about this part", () => trigger("ask_about", { start: row.start, end: row.end })));
  }
  if (row) links.append(link("Clip", `clip.mp4?candidate=${row.rank}`, true));
  if (shown.rows.length) links.append(link("Film strip", "strip.png", true));
  links.append(link("Report", "report.html", false), link("JSON", "result.json", true));
}

function drawTime() {
  const time = video.currentTime || 0;
  now.textContent = `${clock(time, 1)} / ${clock(duration(), 1)}`;
  root.style.setProperty("--now", at(time));
  scrub.setAttribute("aria-valuemax", duration().toFixed(1));
  scrub.setAttribute("aria-valuenow", time.toFixed(1));
  scrub.setAttribute("aria-valuetext", now.textContent);
}

function choose(index, start) {
  selected = index;
  markChosen();
  drawLinks();
  showPart(shown.rows?.[index] || null, start);
}

function showPart(span, start) {
  setPart(span);
  if (span && start) play();
}

function markChosen() {
  for (const line of rows.querySelectorAll("button.row")) line.setAttribute("aria-pressed", String(Number(line.dataset.index) === selected));
}

function timeUnder(event) {
  const box = scrub.getBoundingClientRect();
  return duration() * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
}

scrub.addEventListener("pointerdown", (event) => {
  scrub.setPointerCapture(event.pointerId);
  seekByHand(timeUnder(event));
});
scrub.addEventListener("pointermove", (event) => {
  const time = timeUnder(event);
  hover.textContent = clock(time, 1);
  hover.style.left = at(time);
  if (event.buttons & 1) seekByHand(time);
});
new ResizeObserver(drawTicks).observe(scrub);

watch("value", draw);
draw();
