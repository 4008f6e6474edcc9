// The player: one video, and at most one span of it that is looped.

const END_SLACK = 0.04;
const video = make("video");
video.playsInline = true;
video.preload = "auto";
const badge = iconButton("film-badge", "Play", "play", () => toggle());
const notice = make("div", "film-notice");
const stage = make("div", "film-stage", video, badge, notice);

const playButton = iconButton("film-control film-play", "Play (space)", "play", () => toggle());
const loopButton = iconButton("film-control film-loop", "Loop this part", "loop", () => setLoop(!looping));
const soundButton = iconButton("film-control", "Sound", "sound", () => { video.muted = !video.muted; });
const fullButton = iconButton("film-control", "Full screen", "full", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.requestFullscreen?.();
});

let source = "";
let known = 0;
let part = null;
let looping = false;

const duration = () => known || video.duration || 0;

async function load(given) {
  const wanted = given ? given.src : "";
  if (wanted === source) return;
  source = wanted;
  known = given ? given.duration : 0;
  setPart(null);
  notice.textContent = "";
  video.removeAttribute("src");
  stage.classList.add("is-fresh");
  if (!given) return video.load();
  stage.style.setProperty("--ratio", given.width && given.height ? given.width / given.height : 16 / 9);
  video.poster = given.poster;
  if (!given.playable) {
    notice.textContent = "Making a copy that browsers can play …";
    if (!(await whenPlayable(wanted)) || source !== wanted) return;
    notice.textContent = "";
  }
  video.src = wanted;
}

async function whenPlayable(url) {
  for (;;) {
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    if (source !== url) return false;
    if (answer && (answer.status === 200 || answer.status === 206)) return true;
    if (answer && answer.status !== 202) {
      const told = await answer.json().catch(() => null);
      notice.textContent = told?.error?.message || "This video cannot be played here; it can still be asked about.";
      return false;
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
}

function toggle() {
  if (!video.getAttribute("src")) return;
  if (video.paused) play();
  else video.pause();
}

function play() {
  video.play().catch(() => {
    // Browsers let a page that was not touched yet play only without sound.
    video.muted = true;
    video.play().catch(() => {});
  });
}

function setPart(span) {
  part = span;
  loopButton.hidden = !part;
  setLoop(Boolean(part));
  if (part) seek(part.start);
}

function setLoop(on) {
  looping = on && Boolean(part);
  loopButton.setAttribute("aria-pressed", String(looping));
}

function seek(seconds) {
  video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, duration() - 0.05));
  drawTime();
}

function seekByHand(seconds) {
  if (looping && (seconds < part.start || seconds > part.end)) setLoop(false);
  seek(seconds);
}

function follow() {
  if (looping && !video.seeking) {
    const end = Math.min(part.end, duration()) - END_SLACK;
    if (video.currentTime >= end || video.currentTime < part.start - 0.5) seek(part.start);
  }
  drawTime();
  if (!video.paused && element.isConnected) requestAnimationFrame(follow);
}

video.addEventListener("click", toggle);
video.addEventListener("timeupdate", () => drawTime());
video.addEventListener("loadedmetadata", () => {
  if (part) seek(part.start);
  drawTime();
});
video.addEventListener("error", () => {
  if (video.getAttribute("src")) notice.textContent = "This video cannot be played here; it can still be asked about.";
});
video.addEventListener("play", () => {
  stage.classList.remove("is-fresh");
  requestAnimationFrame(follow);
});
for (const change of ["play", "pause"]) {
  video.addEventListener(change, () => {
    playButton.replaceChildren(icon(video.paused ? "play" : "pause"));
    playButton.setAttribute("aria-label", video.paused ? "Play (space)" : "Pause (space)");
  });
}
video.addEventListener("ended", () => {
  if (!looping) return;
  seek(part.start);
  play();
});
video.addEventListener("volumechange", () => soundButton.replaceChildren(icon(video.muted ? "muted" : "sound")));

// Space plays wherever nothing else wants it; within the film the arrows go a second back or forth.
document.addEventListener("keydown", (event) => {
  if (!element.isConnected || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const inside = element.contains(event.target);
  if (event.target.closest?.("input, textarea, select, [contenteditable=true]")) return;
  if (event.key === " " && (inside || !event.target.closest?.("button, a, summary, [role=option]"))) {
    if (event.target.closest?.(".film-drop, .film-links")) return;
    event.preventDefault();
    toggle();
  } else if (inside && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    event.preventDefault();
    seekByHand(video.currentTime + (event.key === "ArrowLeft" ? -1 : 1));
  }
});
// Else the space key would also press the button that has the focus.
element.addEventListener("keyup", (event) => {
  if (event.key === " " && event.target.closest("button") && !event.target.closest(".film-drop, .film-links")) event.preventDefault();
});
