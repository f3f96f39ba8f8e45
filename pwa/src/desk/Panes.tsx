/**
 * The project inside a page of the desk: where there is room, what there is stands beside what is open; on a phone
 * one comes after the other. The screens are the phone's.
 */
import { computed, signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { direction, language, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Lead } from "../plan/parts";
import { Screen } from "../plan/places";
import { words, type Thing } from "../plan/state";
import { about, go, place as here, type ProjectPlace } from "../routes";
import { Contents, Overview } from "../screens/Project";
import { Unsent } from "../screens/Unsent";
import * as project from "../store/project";
import { halt } from "../store/sender";
import { asksToHandIn, isShutOut } from "../store/session";
import { Notes } from "./Notes";

const ROOM = matchMedia("(min-width: 64rem)");
const isWide = signal(ROOM.matches);
ROOM.addEventListener("change", () => (isWide.value = ROOM.matches));

/** True until this browser has had something of the project once. */
const isFirst = computed(() => project.frame.value === null && project.rows.value.length === 0);

/** True for a link to a meeting that names none. */
const isMeant = computed(() => here.value === "review" && !about.value["id"]);

/** No meeting is worth waiting for longer than this. */
const WHOLE_MS = 5_000;
const isLate = signal(false);

/** False while more of the project is on its way: the meeting that is meant may be among it. */
const isWhole = computed(() => !isFirst.value && (project.fits.value || halt.value !== null || isLate.value));

/** A link that names no meeting means the one that comes next, or else the last. */
function reviewMeant(): string | undefined {
  const of = (field: string, { id }: Thing) => words(project.plan.value, "review", id, field);
  const reviews = project.plan.value
    .all("review")
    .slice()
    .sort((a, b) => of("due_on", a).localeCompare(of("due_on", b)));
  return (reviews.find((review) => !of("held_on", review)) ?? reviews.at(-1))?.id;
}

function Waiting() {
  const isAway = halt.value !== null;
  if (isShutOut.value) return null;
  if (asksToHandIn.value) return <p role="status">{t("Send or delete it first. Then we load the project.")}</p>;
  return (
    <>
      <p role="status">{isAway ? t("You need internet for this page.") : t("Loading the project…")}</p>
      {isAway && (
        <button type="button" class="second" onClick={() => void project.sync()}>
          {t("Try again")}
        </button>
      )}
    </>
  );
}

function Open() {
  const to = here.value;
  if (to === "unsent") return <Unsent />;
  if (to !== "project" && !isFirst.value && !isMeant.value) return <Screen place={to as ProjectPlace} />;
  return (
    <Page title={t("Overview")} isTop>
      {isFirst.value || isMeant.value ? <Waiting /> : <Overview />}
      {!isFirst.value && !isWide.value && <Contents />}
    </Page>
  );
}

/** Also the way back to the overview: on wide screens the list never goes. */
function List() {
  return (
    <section class="page list" aria-labelledby="list-title">
      <h1 id="list-title" class="hidden-text">
        {t("Everything in this project")}
      </h1>
      <ul class="rows">
        <Lead to="project" icon={<Icon name="path" />} word={t("Overview")} />
      </ul>
      {!isFirst.value && <Contents />}
    </section>
  );
}

export function Panes() {
  const panes = useRef<HTMLDivElement>(null);
  const key = here.value + JSON.stringify(about.value);
  const came = useRef(key);
  useEffect(project.watch, []);
  useLayoutEffect(() => {
    if (came.current === key) return;
    came.current = key;
    // What opens begins where the eyes are, however far down the list was touched.
    if (panes.current!.getBoundingClientRect().top < 0) panes.current!.scrollIntoView({ block: "start" });
  }, [key]);
  useEffect(() => {
    const late = setTimeout(() => (isLate.value = true), WHOLE_MS);
    return () => clearTimeout(late);
  }, []);
  useEffect(() => {
    if (!isMeant.value || !isWhole.value) return;
    const id = reviewMeant();
    go(id ? "review" : "plan", { instead: true, about: id ? { id } : {} });
  }, [key, isWhole.value]);
  return (
    <div class="desk" lang={language.value} dir={direction.value}>
      <Notes />
      <div class={isWide.value ? "panes wide" : "panes"} ref={panes}>
        {isWide.value && <List />}
        <Open key={key} />
      </div>
    </div>
  );
}
