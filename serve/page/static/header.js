// The line at the top: the name, the way to the shelf, and day or night.

const LOOK = "videomind-look";
const look = make("button", "head-tool");

function drawLook() {
  const dark = document.body.classList.contains("dark");
  look.textContent = dark ? "Light" : "Dark";
  look.setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
}

look.addEventListener("click", () => {
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem(LOOK, dark ? "dark" : "light");
  drawLook();
});
const name = make("a", "head-name", make("i", "head-mark"), "VideoMind");
name.href = "/";
const library = textButton("head-tool head-library", "Library", () => document.querySelector(".sidebar .toggle-button")?.click());
element.append(make("header", "head", name, make("span", "head-gap"), library, look));
const kept = localStorage.getItem(LOOK);
if (kept) document.body.classList.toggle("dark", kept === "dark");
new MutationObserver(drawLook).observe(document.body, { attributes: true, attributeFilter: ["class"] });
drawLook();
