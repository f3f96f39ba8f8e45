/**
 * Says before it happens that a session ends because nobody used it, and lets one stay. Afterwards it says that it has
 * ended, while what was typed is still there.
 *
 *   <div id="idle" data-after="7200" hidden>
 *     <p data-idle="soon">…<button type="button" data-stay>…</button></p>
 *     <p data-idle="over">…</p>
 *     <p data-no-answer>…</p>
 *   </div>
 *
 * All pages of this browser use the same session: what one of them asked for, the others know.
 */
const KEPT_AS = "desk-used";
const LOOK_MS = 10_000;
/** Long enough to find the button, also with a switch or by ear. */
const BEFORE_MS = 120_000;

type State = "in use" | "soon" | "over";

/** What htmx says of a request that was answered. */
interface Answered {
  ctx: { response?: { raw: Response } };
}

/** The server answered a request with this session. */
export function used(): void {
  localStorage.setItem(KEPT_AS, String(Date.now()));
}

function state(afterMs: number): State {
  const unusedMs = Date.now() - Number(localStorage.getItem(KEPT_AS) ?? 0);
  if (unusedMs >= afterMs) return "over";
  return unusedMs >= afterMs - BEFORE_MS ? "soon" : "in use";
}

/** Its words come anew each time: then a reader says them. */
function show(box: HTMLElement, now: State): void {
  for (const part of box.querySelectorAll<HTMLElement>("[data-idle]")) part.hidden = part.dataset["idle"] !== now;
  if (now !== "soon") sayNoAnswer(box, false);
  box.hidden = now === "in use";
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
  if (answer?.ok || answer?.status === 401) show(box, answer.ok ? "in use" : "over");
  else sayNoAnswer(box, true);
}

export function begin(): void {
  const box = document.getElementById("idle");
  if (!box) return;
  const afterMs = Number(box.dataset["after"]) * 1_000;
  used();
  document.addEventListener("htmx:after:request", (event) => {
    // A refusal says nothing of the session, and may say that it is over.
    if ((event as CustomEvent<Answered>).detail.ctx.response?.raw.ok) used();
  });
  box.querySelector("[data-stay]")?.addEventListener("click", () => void stay(box));
  const look = () => show(box, state(afterMs));
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
