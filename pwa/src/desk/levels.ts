/**
 * The bars of silence in the form of a policy: a handle for each number that is a moment, moved by a finger, a mouse or
 * the keys. A handle writes into the field of its number, and the field moves the handle. It stops at what the server
 * would refuse, and says why; it never changes another number. The form is sent as before, by its fields.
 */
import * as silence from "./silence";
import type { Level, Mark, Model } from "./silence";

const SVG = "http://www.w3.org/2000/svg";
/** Farther away, a finger did not mean the handle: it scrolls. */
const REACH_PX = 30;
const FEW = 1;
const MANY = 4;

interface Handle {
  mark: Mark;
  node: HTMLElement;
}

class Bar {
  private readonly model: Model;
  private readonly language = document.documentElement.lang;
  private readonly isRtl = document.documentElement.dir === "rtl";
  private readonly handles: Handle[] = [];
  private readonly rail: HTMLElement;
  /** What was readable last: a number that is being typed moves nothing before it is one. */
  private level: Level;

  constructor(
    private readonly figure: HTMLElement,
    private readonly form: HTMLFormElement,
  ) {
    this.model = JSON.parse(figure.dataset["silence"] ?? "") as Model;
    this.rail = this.part("[data-handles]");
    this.level = { durations: {}, shape: "asks", asksCarer: true, rungs: 1 };
    for (const mark of this.model.marks) if (mark.field) this.add(mark);
    form.addEventListener("input", () => this.draw());
    form.addEventListener("change", () => this.draw());
    // The browser puts what was typed back into the fields only after this.
    addEventListener("pageshow", () => this.draw());
    this.draw();
  }

  private part(selector: string): HTMLElement {
    return this.figure.querySelector<HTMLElement>(selector)!;
  }

  // --- the form

  private field(name: string): HTMLInputElement | HTMLSelectElement | null {
    const found = this.form.elements.namedItem(`${this.model.tier}.${name}`);
    return found instanceof HTMLInputElement || found instanceof HTMLSelectElement ? found : null;
  }

  private value(name: string): string {
    return this.field(name)?.value.trim() ?? "";
  }

  private read(): Level {
    const keys = new Set([...this.model.marks.flatMap((mark) => Object.keys(mark.sum)), "each"]);
    const durations = { ...this.level.durations };
    for (const key of keys) {
      const seconds = silence.secondsOf(this.value(key), this.value(`${key}.unit`));
      const isNeeded = this.handles.some(({ mark }) => mark.field === key);
      if (seconds !== undefined && !(seconds === null && isNeeded)) durations[key] = seconds;
    }
    const asksCarer = this.value("asks_carer") !== "no";
    const usual = asksCarer ? "asks" : "at_once";
    const weighs = this.value("habit.used") === "yes";
    const people = Array.from({ length: this.model.rungs }, (_, n) => this.value(`rungs.${n + 1}`));
    return {
      durations,
      shape: this.value("after_misses") === "1" ? "at_once" : weighs ? "weighs" : usual,
      asksCarer,
      rungs: new Set(people.filter(Boolean)).size + 1,
    };
  }

  private put(field: string, typed: readonly [string, string]): void {
    const [number, unit] = [this.field(field), this.field(`${field}.unit`)];
    if (number) number.value = typed[0];
    if (unit) unit.value = typed[1];
    this.draw();
  }

  // --- drawing

  private turned(place: number, width = 0): string {
    return `${this.isRtl ? 100 - place - width : place}%`;
  }

  private draw(): void {
    this.level = this.read();
    for (const mark of this.model.marks) this.drawPin(mark);
    this.drawParts();
    this.drawRungs();
    for (const handle of this.handles) this.drawHandle(handle);
    this.part("[data-stop]").textContent = silence.broken(this.model, this.level);
  }

  private drawPin(mark: Mark): void {
    const at = silence.placeOf(this.model, mark.code, this.level);
    const pin = this.figure.querySelector(`[data-pin="${mark.code}"]`);
    if (at === null) pin?.setAttribute("display", "none");
    else {
      pin?.removeAttribute("display");
      pin?.setAttribute("x", this.turned(at));
    }
  }

  private drawParts(): void {
    const rects = silence.stretches(this.model, this.level).map(([looks, begin, width]) => {
      const place = { x: this.turned(begin, width), y: "44", width: `${width}%`, height: "22" };
      const fill: Record<string, string> = looks === "weighs" ? { fill: `url(#weighs-${this.model.tier})` } : {};
      return drawn("rect", { class: `part ${looks}`, ...place, ...fill });
    });
    this.figure.querySelector("[data-parts]")?.replaceChildren(...rects);
  }

  private drawRungs(): void {
    const lines = silence.rungs(this.model, this.level).map((at) => {
      const x = this.turned(at);
      return drawn("line", { class: "rung", x1: x, x2: x, y1: "48", y2: "62" });
    });
    this.figure.querySelector("[data-rungs]")?.replaceChildren(...lines);
  }

  private drawHandle({ mark, node }: Handle): void {
    const at = silence.placeOf(this.model, mark.code, this.level);
    node.hidden = at === null;
    if (at === null) return;
    const moment = (isLatest: boolean) => {
      const seconds = silence.furthest(this.model, this.level, mark, isLatest);
      const durations = { ...this.level.durations, [mark.field]: seconds };
      return String((silence.momentOf(mark, { ...this.level, durations }) ?? 0) / 60);
    };
    node.style.insetInlineStart = `${at}%`;
    node.setAttribute("aria-valuemin", moment(false));
    node.setAttribute("aria-valuemax", moment(true));
    node.setAttribute("aria-valuenow", String((silence.momentOf(mark, this.level) ?? 0) / 60));
    node.setAttribute("aria-valuetext", silence.sentence(mark, this.level, this.language));
  }

  // --- moving

  private add(mark: Mark): void {
    const node = document.createElement("div");
    node.className = mark.low ? "handle low-handle" : "handle";
    node.dataset["field"] = mark.field;
    node.tabIndex = 0;
    node.setAttribute("role", "slider");
    node.setAttribute("aria-orientation", "horizontal");
    node.setAttribute("aria-label", this.field(mark.field)?.getAttribute("aria-label") ?? mark.field);
    const handle = { mark, node };
    node.addEventListener("focus", () => this.tell(handle));
    node.addEventListener("keydown", (event) => this.onKey(handle, event));
    node.addEventListener("pointerdown", (event) => this.grab(event));
    this.handles.push(handle);
    this.rail.append(node);
  }

  /** Says in sight what a reader hears at the handle. */
  private tell({ mark }: Handle): void {
    this.part("[data-now]").textContent = silence.sentence(mark, this.level, this.language);
  }

  private move(handle: Handle, seconds: number): void {
    const { field } = handle.mark;
    this.put(field, silence.typed(seconds, this.value(`${field}.unit`)));
    this.tell(handle);
  }

  /** Why a handle goes no further, in the words with which the server would refuse it. */
  private stop({ mark }: Handle, isLater: boolean): void {
    const range = silence.rangeOf(this.model, this.level, mark.field);
    const grows = isLater === (mark.sum[mark.field] ?? 1) > 0;
    this.part("[data-stop]").textContent = grows ? range.mostWords : range.leastWords;
  }

  private onKey(handle: Handle, event: KeyboardEvent): void {
    const way = this.isRtl ? -1 : 1;
    const steps: Record<string, number> = {
      ArrowUp: FEW,
      ArrowDown: -FEW,
      ArrowRight: FEW * way,
      ArrowLeft: -FEW * way,
      PageUp: MANY,
      PageDown: -MANY,
    };
    const isEnd = event.key === "Home" || event.key === "End";
    const count = isEnd ? (event.key === "End" ? FEW : -FEW) : steps[event.key];
    if (count === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const before = this.level.durations[handle.mark.field];
    const next = isEnd
      ? silence.furthest(this.model, this.level, handle.mark, count > 0)
      : silence.stepped(this.model, this.level, handle.mark, count);
    this.move(handle, next);
    if (next === before) this.stop(handle, count > 0);
  }

  /** Where two handles are on top of each other, the one whose middle is nearer is meant. */
  private nearest(event: PointerEvent): Handle | undefined {
    const distance = ({ node }: Handle) => {
      const box = node.getBoundingClientRect();
      return Math.abs(box.left + box.width / 2 - event.clientX);
    };
    return this.handles
      .filter(({ node }) => !node.hidden && inside(node, event))
      .sort((one, other) => distance(one) - distance(other))
      .find((handle) => distance(handle) <= REACH_PX);
  }

  private grab(event: PointerEvent): void {
    const handle = event.button === 0 ? this.nearest(event) : undefined;
    if (!handle) return;
    event.preventDefault();
    const { node, mark } = handle;
    node.focus();
    const before = [this.value(mark.field), this.value(`${mark.field}.unit`)] as const;
    const box = node.getBoundingClientRect();
    const off = event.clientX - (box.left + box.width / 2);
    const done = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(name: K, does: (event: HTMLElementEventMap[K]) => void) =>
      node.addEventListener(name, does, { signal: done.signal });
    node.setPointerCapture(event.pointerId);
    on("pointermove", (moved) => this.drag(handle, moved.clientX - off));
    on("pointerup", () => done.abort());
    // The browser took the finger for something else, or a person wants it back as it was.
    const undo = () => {
      done.abort();
      this.put(mark.field, before);
      this.tell(handle);
    };
    on("pointercancel", undo);
    on("keydown", (key) => key.key === "Escape" && undo());
  }

  private drag(handle: Handle, x: number): void {
    const rail = this.rail.getBoundingClientRect();
    const share = ((x - rail.left) / rail.width) * 100;
    const moment = silence.momentAt(this.model, handle.mark.clock, this.isRtl ? 100 - share : share);
    const seconds = silence.durationNear(this.model, this.level, handle.mark, moment);
    this.move(handle, seconds);
    const range = silence.rangeOf(this.model, this.level, handle.mark.field);
    if (seconds === range.most || seconds === range.least) {
      const grows = seconds === range.most;
      this.stop(handle, grows === (handle.mark.sum[handle.mark.field] ?? 1) > 0);
    }
  }
}

function drawn(name: string, attributes: Record<string, string>): SVGElement {
  const node = document.createElementNS(SVG, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function inside(node: HTMLElement, { clientX, clientY }: PointerEvent): boolean {
  const box = node.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

export function begin(): void {
  for (const figure of document.querySelectorAll<HTMLElement>("[data-silence]")) {
    const form = figure.closest("form");
    if (form) new Bar(figure, form);
  }
}
