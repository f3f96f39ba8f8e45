/**
 * Says before it happens that a session ends because nobody used it, and lets one stay; or that its time is up, and
 * where to sign in again. Afterwards it says that it has ended, while what was typed is still there.
 *
 *   <div id="idle" data-after="7200" data-ends="43200" data-warned="1800" hidden>
 *     <p data-idle="near">…</p>
 *     <p data-idle="soon">…<button type="button" data-stay>…</button></p>
 *     <p data-idle="over">…</p>
 *     <p data-no-answer>…</p>
 *   </div>
 *
 * All pages of this browser use the same session: what one of them asked for, the others know.
 */
const KEPT_AS = "desk-used";
/** When the session ends whatever one does, by the clock of this browser. */
const ENDS_AS = "desk-ends";
const LOOK_MS = 10_000;
/** Long enough to find the button, also with a switch or by ear. */
const BEFORE_MS = 120_000;

const loadedAt = Date.now();

type State = "in use" | "near" | "soon" | "over";

/** What htmx says of a request that was answered. */
interface Answered {
  ctx: { response?: { raw: Response } };
}

/** The server answered a request with this session. */
export function used(): void {
  localStorage.setItem(KEPT_AS, String(Date.now()));
}

function ms(box: HTMLElement, name: string): number {
  return Number(box.dataset[name]) * 1_000;
}

function endsAt(): number {
  return Number(localStorage.getItem(ENDS_AS) ?? 0);
}

function state(box: HTMLElement): State {
  const unusedMs = Date.now() - Number(localStorage.getItem(KEPT_AS) ?? 0);
  const leftMs = endsAt() - Date.now();
  if (unusedMs >= ms(box, "after") || leftMs <= 0) return "over";
  if (unusedMs >= ms(box, "after") - BEFORE_MS) return "soon";
  return leftMs <= ms(box, "warned") ? "near" : "in use";
}

/** Its words come anew each time: then a reader says them. */
function show(box: HTMLElement, now: State): void {
  for (const part of box.querySelectorAll<HTMLElement>("[data-idle]")) part.hidden = part.dataset["idle"] !== now;
  if (now !== "soon") sayNoAnswer(box, false);
  if (now === "near") sayWhen(box, endsAt());
  box.hidden = now === "in use";
}

/** After a new sign-in, elsewhere in this browser, the end in our words is that of the session before. */
function sayWhen(box: HTMLElement, endsMs: number): void {
  const time = box.querySelector("time");
  if (!time || Math.abs(endsMs - loadedAt - ms(box, "ends")) < 60_000) return;
  const how = { hour: "2-digit", minute: "2-digit", timeZone: time.dataset["zone"] } as const;
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, how).format(endsMs);
}

/** Who wanted to stay learns that the server does not know it yet, as long as there is time to try again. */
function sayNoAnswer(box: HTMLElement, isSo: boolean): void {
  const words = box.querySelector<HTMLElement>("[data-no-answer]");
  if (words) words.hidden = !isSo;
}

async function stay(box: HTMLElement): Promise<void> {
  sayNoAnswer(box, false);
  const answer = await fetch("/api/v1/push-subscriptions", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) used();
  if (answer?.ok || answer?.status === 401) show(box, answer.ok ? state(box) : "over");
  else sayNoAnswer(box, true);
}

export function begin(): void {
  const box = document.getElementById("idle");
  if (!box) return;
  used();
  // Of several pages the one that was loaded last knows the session: after a new sign-in it is another one.
  localStorage.setItem(ENDS_AS, String(loadedAt + ms(box, "ends")));
  document.addEventListener("htmx:after:request", (event) => {
    // A refusal says nothing of the session, and may say that it is over.
    if ((event as CustomEvent<Answered>).detail.ctx.response?.raw.ok) used();
  });
  box.querySelector("[data-stay]")?.addEventListener("click", () => void stay(box));
  const look = () => show(box, state(box));
  setInterval(look, LOOK_MS);
  window.addEventListener("storage", look);
  document.addEventListener("visibilitychange", look);
}
