/**
 * The project inside a page of the desk: the app's screens, in a root of their own, so that neither the app's styles
 * nor the desk's reach the other.
 */
import styles from "./desk-project.css?url";
import { options, render } from "preact";
import { still } from "./a11y";
import { onAnswer } from "./api";
import { fragmentOf, placeIn } from "./desk/address";
import { Failed } from "./desk/Failed";
import { used } from "./desk/idle";
import { Panes } from "./desk/Panes";
import { speak } from "./i18n";
import { begin } from "./plan/places";
import * as routes from "./routes";
import * as now from "./store/now";
import * as project from "./store/project";
import * as sender from "./store/sender";
import * as session from "./store/session";

/** No style is worth waiting for longer than this. */
const STYLES_MS = 3_000;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The page has a heading of its own: each of the app's is one level deeper. */
function deepenHeadings(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    const level = typeof vnode.type === "string" && /^h([1-4])$/.exec(vnode.type)?.[1];
    if (level) Object.assign(vnode.props, { "aria-level": Number(level) + 1 });
    before?.(vnode);
  };
}

/** In the place of what the page showed while the screens were on their way. */
async function makeRoom(host: HTMLElement): Promise<HTMLElement> {
  const root = host.attachShadow({ mode: "open" });
  const inside = document.createElement("div");
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: styles });
  const arrived = new Promise((done) => {
    link.onload = done;
    link.onerror = done;
  });
  root.append(link);
  await Promise.race([arrived, pause(STYLES_MS)]);
  host.replaceChildren();
  root.append(inside);
  return inside;
}

/** True once the person who opened the page is the one who is in: nothing that another left here is ever shown. */
async function comeIn(person: string): Promise<boolean> {
  await session.recall();
  const isIn = () => session.who.value === person && !session.isShutOut.value;
  if (!isIn()) await session.enter();
  return isIn();
}

export async function start(host: HTMLElement): Promise<void> {
  const { child = "", name = "", role = "", person = "" } = host.dataset;
  deepenHeadings();
  onAnswer(used);
  const own = () => location.pathname + location.search;
  routes.beginInDesk({
    of: (to, about) => own() + fragmentOf(to, about),
    read: () => placeIn(location.hash),
  });
  const words = speak(document.documentElement.lang);
  const isIn = await comeIn(person);
  if (isIn) await begin(() => project.openOf({ id: child, name, role }));
  await words;
  const inside = await makeRoom(host);
  if (!isIn) return render(<Failed />, inside);
  const draw = () => render(<Panes />, inside);
  // Who comes without a place in mind begins at the top of the page, not in the middle of it.
  if (routes.place.value === "project") still(draw);
  else draw();
  setTimeout(goOn);
}

function goOn(): void {
  now.begin();
  sender.begin();
  const visit = () => document.visibilityState === "visible" && void session.refresh();
  document.addEventListener("visibilitychange", visit);
  visit();
  // Signed out in another window: the server then shows the front door in the place of this page.
  if ("BroadcastChannel" in globalThis) new BroadcastChannel("desk").onmessage = () => location.reload();
}
