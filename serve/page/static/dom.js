// Small things all parts of the page are made with. Texts from people and models are only ever set as text.

const ICONS = {
  play: "M8 5.5v13l11-6.5z",
  pause: "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z",
  loop: "M7 7h9v3l4.5-4.5L16 1v3H4v8h3zm10 10H8v-3l-4.5 4.5L8 23v-3h12v-8h-3z",
  sound: "M4 9v6h4l5 4.5v-15L8 9zm11.5-.9v7.8a4.6 4.6 0 0 0 0-7.8z",
  muted: "M4 9v6h4l5 4.5v-15L8 9zm16.5.4L19.1 8 17 10.1 14.9 8l-1.4 1.4 2.1 2.1-2.1 2.1 1.4 1.4L17 12.9l2.1 2.1 1.4-1.4-2.1-2.1z",
  full: "M4 4h6v2.4H6.4V10H4zm10 0h6v6h-2.4V6.4H14zM4 14h2.4v3.6H10V20H4zm13.6 0H20v6h-6v-2.4h3.6z",
  cross: "M6.4 5 5 6.4l5.6 5.6L5 17.6 6.4 19l5.6-5.6 5.6 5.6 1.4-1.4-5.6-5.6L19 6.4 17.6 5 12 10.6z",
  pen: "M4 16.8V20h3.2L17 10.2 13.8 7zM19.6 7.6a1 1 0 0 0 0-1.4l-1.8-1.8a1 1 0 0 0-1.4 0L15 5.8 18.2 9z",
};

function make(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (tag === "button") node.type = "button";
  node.append(...children);
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function iconButton(name, label, drawn, onClick) {
  const node = make("button", name, icon(drawn));
  node.title = label;
  node.setAttribute("aria-label", label);
  node.addEventListener("click", onClick);
  return node;
}

function textButton(name, text, onClick) {
  const node = make("button", name, text);
  node.addEventListener("click", onClick);
  return node;
}

function clock(seconds, digits = 0) {
  const scale = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * scale) / scale;
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share > 0.99 && share < 1) return "> 99 %";
  return `${Math.round(100 * share)} %`;
}

function size(bytes) {
  return bytes >= 1 << 30 ? `${(bytes / (1 << 30)).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / (1 << 20)))} MB`;
}
