// The shelf: conversations of before and videos, each of which can be opened, and forgotten.

const shelf = make("nav", "shelf");
element.append(shelf);

function entry(item, open, current, ...children) {
  const opener = textButton("shelf-open", "", () => trigger(open, { id: item.id }));
  opener.append(...children);
  const line = make("li", `shelf-item${current ? " is-current" : ""}`, opener);
  line.dataset.id = item.id;
  return line;
}

function remover(item, remove, question) {
  return iconButton("shelf-tool", "Remove", "cross", () => {
    if (window.confirm(question)) trigger(remove, { id: item.id });
  });
}

function renamer(item) {
  return iconButton("shelf-tool", "Rename", "pen", () => {
    const title = window.prompt("A name for this conversation", item.title);
    if (title && title.trim()) trigger("rename_conversation", { id: item.id, title: title.trim() });
  });
}

function conversation(item, value) {
  const text = make("span", "shelf-text", make("span", "shelf-title", item.title), make("span", "shelf-under", item.name));
  const line = entry(item, "open_conversation", item.id === value.conversation, text);
  line.append(renamer(item), remover(item, "remove_conversation", "Forget this conversation?"));
  return line;
}

function film(item, value) {
  const poster = make("img", "shelf-poster");
  poster.src = item.poster;
  poster.alt = "";
  poster.loading = "lazy";
  poster.addEventListener("error", () => { poster.style.visibility = "hidden"; });
  const text = make("span", "shelf-text", make("span", "shelf-title", item.name), make("span", "shelf-under", item.length));
  const line = entry(item, "open_video", item.id === value.video, poster, text);
  line.append(remover(item, "remove_video", `Remove ${item.name} from the library?`));
  return line;
}

function section(title, items, drawn, nothing) {
  const list = make("ul", "", ...items.map(drawn));
  return make("section", "", make("h3", "", title), items.length ? list : make("p", "shelf-none", nothing));
}

function draw() {
  const value = JSON.parse(props.value);
  shelf.replaceChildren(
    textButton("shelf-new", "New video", () => trigger("new_video", {})),
    section("Conversations", value.conversations || [], (item) => conversation(item, value), "Nothing asked yet."),
    section("Videos", value.videos || [], (item) => film(item, value), "No video yet."),
  );
  const wanted = new URLSearchParams();
  if (value.conversation) wanted.set("c", value.conversation);
  else if (value.video) wanted.set("v", value.video);
  const query = wanted.size ? `?${wanted}` : "";
  // The address says what is looked at, so that a reload comes back to it.
  if ("video" in value && location.search !== query) history.replaceState(null, "", location.pathname + query);
}

watch("value", draw);
draw();
