// A picture from the clipboard. data: { most, button }: bytes, and whether the button is shown;
// triggers "pasted" with { content } in base 64.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".paste");
  const status = root.querySelector("[role=status]");

  const say = (text) => {
    status.textContent = text;
    root.hidden = false;
  };
  root.querySelector("button").hidden = !data.button;
  root.hidden = !data.button;
  if (data.button) say("or press Ctrl+V (⌘V)");

  const send = (picture) => {
    if (!picture) {
      say("There is no picture in the clipboard: copy one first.");
    } else if (picture.size > data.most) {
      say(`That picture is larger than ${data.most >> 20} MB: paste a smaller one, or upload it.`);
    } else {
      const reader = new FileReader();
      reader.onload = () => {
        say("Sending …");
        setTriggerValue("pasted", { content: reader.result.split(",", 2)[1] });
      };
      reader.readAsDataURL(picture);
    }
  };

  root.querySelector("button").onclick = async () => {
    try {
      const items = await navigator.clipboard.read();
      const kinds = items.flatMap((item) => item.types.map((type) => [item, type]));
      const [item, type] = kinds.find(([, kind]) => kind.startsWith("image/")) ?? [];
      send(item && (await item.getType(type)));
    } catch {
      say("The browser does not give the clipboard away: press Ctrl+V (⌘V) instead.");
    }
  };

  // Called anew after every run of the script: only the last listener may stay.
  document.removeEventListener("paste", root.onPictures);
  root.onPictures = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const picture = files.find((file) => file.type.startsWith("image/"));
    if (picture) {
      event.preventDefault();
      send(picture);
    }
  };
  document.addEventListener("paste", root.onPictures);
  return () => document.removeEventListener("paste", root.onPictures);
}
