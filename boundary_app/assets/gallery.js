// A row of pictures to choose from.
// data: { chosen, pictures: [{ name, address, alt }] }; triggers "picked" with a name.

export default function ({ data, parentElement, setTriggerValue }) {
  const gallery = parentElement.querySelector(".gallery");
  data.pictures.forEach(({ name, address, alt }, index) => {
    const button = gallery.children[index] ?? gallery.appendChild(document.createElement("button"));
    if (!button.firstChild) button.append(document.createElement("img"), name);
    button.type = "button";
    button.dataset.name = name;
    button.setAttribute("aria-pressed", String(name === data.chosen));
    const image = button.querySelector("img");
    if (image.getAttribute("src") !== address) image.setAttribute("src", address);
    image.alt = alt;
    button.onclick = () => setTriggerValue("picked", name);
  });
}
