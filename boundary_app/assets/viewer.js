// Two views of a picture with a divider between them, zoom, and a row of views to choose from.
// data: { key, width, height, left, right, views: [{ id, label, alt, layers: [address], legend }] }

const STEPS = [1, 1.5, 2, 3, 4, 6, 8, 12];
const NUDGE = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 };
const NARROWEST = 0.5; // of the stage: width / height
const WIDEST = 3;
const DRAG = 6; // pixels that a finger moves before it drags
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".viewer");
  // Called anew after every run of the script: what the visitor set here must survive that.
  root.viewer ??= new Viewer(root);
  root.viewer.show(data);
}

class Viewer {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.stage = find(".stage");
    this.canvas = find(".canvas");
    this.sides = { left: find(".side.left"), right: find(".side.right") };
    this.tags = { left: find(".tag.left"), right: find(".tag.right") };
    this.divider = find(".divider");
    this.factor = find(".factor");
    this.legend = find(".legend");
    this.views = find(".views");
    this.cut = 0.5;
    this.pointers = new Map();
    this.fit();
    this.listen();
  }

  show(data) {
    const other = this.data?.key !== data.key;
    this.data = data;
    if (other) this.fit();
    if (!data.views.some((view) => view.id === this.chosen)) this.chosen = data.right;
    this.root.style.setProperty("--ratio", clamp(data.width / data.height, NARROWEST, WIDEST));
    this.root.style.setProperty("--views", data.views.length);
    this.fillViews();
    this.draw();
  }

  view(id) {
    return this.data.views.find((view) => view.id === id);
  }

  fillViews() {
    const { views } = this.data;
    while (this.views.children.length > views.length) this.views.lastChild.remove();
    while (this.views.children.length < views.length) {
      const button = document.createElement("button");
      button.type = "button";
      button.innerHTML = '<span class="thumb"></span><span class="label"></span>';
      button.addEventListener("click", () => {
        this.chosen = button.dataset.view;
        this.draw();
      });
      this.views.append(button);
    }
    views.forEach((view, index) => {
      const button = this.views.children[index];
      button.dataset.view = view.id;
      button.title = view.alt;
      button.querySelector(".label").textContent = view.label;
      stack(button.querySelector(".thumb"), view.layers);
    });
  }

  draw() {
    for (const button of this.views.children) {
      button.setAttribute("aria-pressed", String(button.dataset.view === this.chosen));
    }
    const shown = { left: this.view(this.data.left), right: this.view(this.chosen) };
    for (const side of ["left", "right"]) {
      stack(this.sides[side], shown[side].layers);
      this.sides[side].setAttribute("aria-label", shown[side].alt);
      this.tags[side].textContent = shown[side].label;
    }
    const same = shown.left === shown.right;
    this.divider.hidden = same;
    const { legend } = shown.right;
    this.legend.hidden = !legend;
    if (legend) {
      const [low, bar, high] = this.legend.children;
      [low.textContent, high.textContent] = [legend.low, legend.high];
      bar.style.background = `linear-gradient(90deg, ${legend.colours.join(",")})`;
    }
    this.place();
  }

  place() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.x = clamp(this.x, width * (1 - this.zoom), 0);
    this.y = clamp(this.y, height * (1 - this.zoom), 0);
    this.canvas.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    // The divider stays where it is while the picture moves below it.
    const edge = width ? clamp((this.cut * width - this.x) / this.zoom / width, 0, 1) : this.cut;
    this.sides.right.style.clipPath = `inset(0 0 0 ${edge * 100}%)`;
    this.divider.style.left = `${this.cut * 100}%`;
    this.tags.left.hidden = this.cut < 0.12;
    this.tags.right.hidden = this.divider.hidden || this.cut > 0.88;
    const percent = Math.round(this.cut * 100);
    this.divider.setAttribute("aria-valuenow", percent);
    this.divider.setAttribute("aria-valuetext", `at ${percent} % of the width`);
    this.factor.textContent = `${Math.round(this.zoom * 100)} %`;
    this.stage.classList.toggle("zoomed", this.zoom > 1);
    // Of the picture, which may not fill the stage.
    const [across, down] = [this.data?.width ?? 1, this.data?.height ?? 1];
    const scale = this.zoom * Math.min(width / across, height / down);
    this.root.classList.toggle("coarse", scale >= 3);
  }

  fit() {
    [this.zoom, this.x, this.y] = [1, 0, 0];
  }

  // Enlarge about a point of the stage, by default its middle.
  zoomTo(zoom, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const next = clamp(zoom, 1, STEPS.at(-1));
    this.x = x - ((x - this.x) * next) / this.zoom;
    this.y = y - ((y - this.y) * next) / this.zoom;
    this.zoom = next;
    this.place();
  }

  step(direction) {
    const next =
      direction > 0
        ? STEPS.find((step) => step > this.zoom + 1e-6)
        : STEPS.findLast((step) => step < this.zoom - 1e-6);
    this.zoomTo(next ?? this.zoom);
  }

  listen() {
    const at = (event) => {
      const box = this.stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const cutAt = (event) => {
      this.cut = clamp(at(event)[0] / this.stage.clientWidth, 0, 1);
      this.place();
    };
    for (const button of this.root.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => {
        const { zoom } = button.dataset;
        if (zoom === "fit") this.zoomTo(1);
        else this.step(zoom === "in" ? 1 : -1);
      });
    }
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.pointers.set(event.pointerId, at(event));
      this.stage.setPointerCapture(event.pointerId);
      const grip = event.target.closest(".divider") !== null;
      this.onDivider = (this.zoom === 1 || grip) && this.pointers.size === 1;
      // A finger elsewhere may be about to scroll the page.
      this.undecided = this.onDivider && event.pointerType === "touch" && !grip ? at(event) : null;
      if (this.onDivider && !this.undecided) cutAt(event);
    });
    this.stage.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      const now = at(event);
      if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId);
        const spread = (point) => Math.hypot(point[0] - other[1][0], point[1] - other[1][1]);
        if (spread(before) > 0) this.zoomTo((this.zoom * spread(now)) / spread(before), ...now);
      } else if (this.onDivider) {
        if (this.undecided && Math.abs(now[0] - this.undecided[0]) < DRAG) return;
        this.undecided = null;
        cutAt(event);
      } else {
        this.x += now[0] - before[0];
        this.y += now[1] - before[1];
        this.place();
      }
      this.pointers.set(event.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(end, (event) => {
        // A tap.
        if (end === "pointerup" && this.onDivider && this.undecided) cutAt(event);
        this.undecided = null;
        this.pointers.delete(event.pointerId);
      });
    }
    // A bare wheel scrolls the page; with Ctrl, or two fingers on a trackpad, it zooms.
    this.stage.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.zoomTo(this.zoom * Math.exp(-event.deltaY / 200), ...at(event));
      },
      { passive: false },
    );
    this.stage.addEventListener("dblclick", (event) => {
      this.zoomTo(this.zoom > 1 ? 1 : 3, ...at(event));
    });
    this.divider.addEventListener("keydown", (event) => {
      const ends = { Home: 0, End: 1 };
      if (event.key in ends) this.cut = ends[event.key];
      else if (event.key in NUDGE) this.cut = clamp(this.cut + NUDGE[event.key], 0, 1);
      else return;
      event.preventDefault();
      event.stopPropagation();
      this.place();
    });
    this.stage.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
      if (event.key === "+" || event.key === "=") this.step(1);
      else if (event.key === "-") this.step(-1);
      else if (event.key === "0") this.zoomTo(1);
      else if (event.key in moves && this.zoom > 1) {
        this.x += moves[event.key][0];
        this.y += moves[event.key][1];
        this.place();
      } else return;
      event.preventDefault();
    });
    new ResizeObserver(() => this.place()).observe(this.stage);
  }
}

// Make an element hold exactly these images; those that it has already are not loaded again.
function stack(element, layers) {
  while (element.children.length > layers.length) element.lastChild.remove();
  layers.forEach((address, index) => {
    const image = element.children[index] ?? element.appendChild(document.createElement("img"));
    if (image.getAttribute("src") !== address) image.setAttribute("src", address);
    image.alt = "";
    image.draggable = false;
  });
}
