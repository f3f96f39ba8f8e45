import "./styles.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { fetchProject } from "./parts/ProjectScreen";
import { fetchDeferred } from "./parts/DeferredScreen";
import { begin as beginWords } from "./parts/ReadAloud";
import { App } from "./App";
import { isHere } from "./desk/here";
import { speak, wanted } from "./i18n";
import { consider, resync } from "./push";
import * as routes from "./routes";
import { linkCode } from "./screens/Pair";
import { begin as beginInstall } from "./store/install";
import * as cover from "./store/cover";
import * as draft from "./store/draft";
import * as goodbye from "./store/goodbye";
import * as last from "./store/last";
import * as now from "./store/now";
import * as receipts from "./store/receipts";
import * as roster from "./store/roster";
import * as sender from "./store/sender";
import * as session from "./store/session";
import * as turns from "./store/turns";
import * as update from "./update";

/** The screen that a link of the desk means, where it is not the project. */
let linkPlace: routes.Place | null = null;

/** A pairing code, or whose project the desk means, stands in the fragment alone, and leaves the address before anything else is done. */
function takeCode(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get("pair");
  if (fragment.has("with")) session.linkChild.value = fragment.get("with");
  if (fragment.has("packs")) linkPlace = "packs";
  routes.clean();
  if (!code) return;
  linkCode.value = session.tidyCode(code);
  routes.place.value = "pair";
}

/** No words are worth waiting for longer than this: English shows, and gives way when they come. */
const WORDS_MS = 3_000;

/** So long after the start, what is not needed at once may come. */
const QUIET_MS = 800;

/** How often an app that is looked at all the while asks how things stand. */
const REFRESH_MS = 600_000;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Nobody is in, and no code says who is to be: it may be a person who has signed in at the desk. */
const isStranger = () => session.who.value === null && !linkCode.value && !roster.isShared.value && isHere();

/** Those who work with children have their projects here, and nothing else. */
function goHome(): void {
  if (!session.isStaff.value) return;
  routes.home.value = "project";
  routes.go("project", { instead: true });
  // One step further, so that "back" leads to where one is without the link.
  if (linkPlace) routes.go(linkPlace);
  linkPlace = null;
}

/** A link was followed while the app was open: the address alone has changed. */
async function follow(): Promise<void> {
  takeCode();
  if (session.linkChild.value === null) return;
  await session.enter();
  goHome();
}

/** What the phone can do by itself comes first; the network may take its time, or never answer. */
async function start(): Promise<void> {
  takeCode();
  routes.begin();
  addEventListener("hashchange", () => void follow());
  beginInstall();
  cover.begin();
  roster.begin();
  const words = Promise.race([speak(wanted()), pause(WORDS_MS)]);
  await Promise.all([words, session.recall(), cover.recall()]);
  effect(() => {
    document.title = session.me.value?.display_name ?? document.title;
  });
  // A person who was in before is in at once; only a stranger has to wait for the network, and not for long.
  if (session.linkChild.value !== null || isStranger()) {
    const entered = session.enter();
    if (!session.isStaff.value) await Promise.race([entered, pause(WORDS_MS)]);
  }
  goHome();
  await Promise.all([draft.recall(), last.recall(), turns.recall(), roster.isShared.value && fetchDeferred()]);
  render(<App />, document.getElementById("app")!);
  // A task of its own, so that the first tap is not kept waiting by it.
  setTimeout(goOn);
}

function goOn(): void {
  now.begin();
  draft.begin();
  sender.begin();
  void update.begin().catch(() => undefined);
  void navigator.storage?.persist?.();
  addEventListener("online", () => void goodbye.say());
  const visit = () => {
    if (document.visibilityState !== "visible") return;
    void goodbye.say();
    void receipts
      .flush()
      .then(() => session.refresh())
      .then(resync);
    void session.seen();
  };
  document.addEventListener("visibilitychange", visit);
  visit();
  // A child's that lies open for hours hears, too, that the server was put back and lacks what it had confirmed.
  // An adult's session is to end where nobody touches it.
  const again = () => document.visibilityState === "visible" && !session.isStaff.value && void session.refresh();
  setInterval(again, REFRESH_MS);
  effect(() => void consider());
  setTimeout(beginWords);
  // With the first quiet moment after a person is in, the project is fetched too, for days without a network.
  effect(() => {
    if (session.who.value) setTimeout(() => void fetchProject().then(fetchDeferred).then(update.keepAll), QUIET_MS);
  });
}

// A page of the desk shows the project with the same screens.
const atDesk = document.getElementById("project");
if (atDesk) void import("./desk-project").then((desk) => desk.start(atDesk));
else void start();
