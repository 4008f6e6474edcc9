// A new video: chosen or dropped anywhere on the page, sent to the server piece by piece.

const SUBTITLES = /\.(srt|vtt|ass|ssa)$/i;
const picker = make("input");
picker.type = "file";
picker.hidden = true;
picker.accept = "video/*,image/gif,.mkv,.avi,.ts,.m2ts,.mov,.webm";
const dropHint = make("p", "drop-hint");
const recent = make("div", "drop-recent");
const dropError = make("p", "drop-error");
dropError.setAttribute("role", "alert");
const sentBar = make("i");
const sentText = make("span");
const sent = make("div", "drop-progress", make("div", "drop-bar", sentBar),
  make("div", "drop-line", sentText, textButton("drop-cancel", "Cancel", () => sending?.abort())));
const sample = textButton("drop-sample", "or try a sample", () => {
  sample.textContent = "making it …";
  sample.disabled = true;
  trigger("open_sample", {});
});
const drop = make("div", "film-drop", make("div", "drop-inside",
  make("h2", "", "Drop a video, ask about it"),
  make("p", "drop-lead", "The answer comes with the moment that proves it."),
  textButton("drop-choose", "Choose a video", () => picker.click()), sample, dropHint, sent, dropError, recent));

let sending = null;
let arrived = null;

function drawDrop() {
  openArrived();
  dropHint.textContent = props.hint || "";
  sample.hidden = !shown.sample;
  sample.disabled = false;
  sample.textContent = "or try a sample";
  recent.replaceChildren(...(shown.recent || []).map((item) => {
    const poster = make("img");
    poster.src = item.poster;
    poster.alt = "";
    const card = textButton("drop-card", "", () => trigger("open_video", { id: item.id }));
    card.append(poster, make("span", "", item.name));
    return card;
  }));
}

// What the page shows once it has loaded would replace a video that was opened before: an early one waits for it.
function openArrived() {
  if (!arrived || shown.state === "loading") return;
  root.classList.remove("is-sending", "is-open");
  trigger("uploaded", { id: arrived });
  arrived = null;
}

function refuse(message) {
  root.classList.remove("is-sending");
  dropError.textContent = message.charAt(0).toUpperCase() + message.slice(1);
}

function send(file) {
  sending?.abort();
  dropError.textContent = "";
  root.classList.add("is-open");
  const most = props.max_bytes;
  if (!file.size) return refuse(`${file.name} is empty.`);
  if (most && file.size > most) return refuse(`${file.name} has ${size(file.size)}; at most ${size(most)} are taken.`);
  root.classList.add("is-sending");
  sentBar.style.width = "0";
  sentText.textContent = file.name;
  const form = new FormData();
  form.append("purpose", "user_data");
  form.append("file", file);
  const request = (sending = new XMLHttpRequest());
  request.upload.addEventListener("progress", (event) => {
    const share = event.total ? event.loaded / event.total : 0;
    sentBar.style.width = `${100 * share}%`;
    sentText.textContent = share < 1 ? `${file.name} · ${size(event.loaded)} of ${size(event.total)}` : `${file.name} · looking at it …`;
  });
  request.addEventListener("load", () => {
    if (request.status < 200 || request.status > 299) {
      return refuse(request.response?.error?.message || `The server refused the video (${request.status}).`);
    }
    arrived = request.response?.id;
    openArrived();
  });
  request.addEventListener("error", () => refuse("The connection broke. Try again."));
  request.addEventListener("abort", () => root.classList.remove("is-sending", "is-open"));
  request.responseType = "json";
  request.open("POST", "/v1/files");
  request.send(form);
}

picker.addEventListener("change", () => {
  if (picker.files[0]) send(picker.files[0]);
  picker.value = "";
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  root.classList.add("is-over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) root.classList.remove("is-over");
});
document.addEventListener("drop", (event) => {
  root.classList.remove("is-over");
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  if (SUBTITLES.test(file.name)) document.dispatchEvent(new CustomEvent("videomind:subtitles", { detail: file }));
  else send(file);
});
