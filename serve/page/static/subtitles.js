// Subtitles for the next question: a file that is read here and sent with it.

const input = make("input");
input.type = "file";
input.hidden = true;
input.accept = ".srt,.vtt,.ass,.ssa";
const problem = make("span", "subs-problem");
const line = make("div", "subs", input);
element.append(line);

async function read(file) {
  problem.textContent = "";
  if (file.size > props.max_characters) problem.textContent = `${file.name} is too large for subtitles.`;
  else props.value = { name: file.name, text: await file.text() };
  draw();
}

function draw() {
  const held = props.value;
  const parts = held?.name
    ? [make("span", "subs-name", held.name), iconButton("subs-remove", "Remove the subtitles", "cross", () => { props.value = null; draw(); })]
    : [textButton("subs-add", "Add subtitles (SRT, VTT, ASS)", () => input.click())];
  line.replaceChildren(input, ...parts, problem);
}

input.addEventListener("change", () => {
  if (input.files[0]) read(input.files[0]);
  input.value = "";
});
document.addEventListener("videomind:subtitles", (event) => {
  if (element.isConnected) read(event.detail);
});
watch("value", draw);
draw();
