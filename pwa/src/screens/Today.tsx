import { useLayoutEffect, useRef } from "preact/hooks";
import type { Mark, Want } from "../api";
import { clockTime, moment, t, tn } from "../i18n";
import { DeferredPart } from "../parts/DeferredScreen";
import { SearchNotice } from "../parts/SearchNotice";
import { Faces } from "../parts/Faces";
import { Icon } from "../parts/Icon";
import { isProjectHere } from "../parts/ProjectScreen";
import { Notices } from "../parts/Notices";
import { Page } from "../parts/Page";
import { SharedQuestion } from "../parts/SharedQuestion";
import { Thanks, whereabouts } from "../parts/Thanks";
import { go, place } from "../routes";
import { hasAnswer } from "../store/answers";
import { awayLine } from "../store/awayLine";
import { isOpen } from "../store/searchNotice";
import { clear, isWriting, mood, note, NOTE_LIMIT } from "../store/draft";
import { isSaid, offered, sayForgot, sayNothing } from "../store/forgot";
import { now } from "../store/now";
import { answers, checkIn, tap } from "../store/sender";
import { asksToHandIn, me } from "../store/session";
import { line } from "../store/turns";

async function say(want: Want, mark: Mark): Promise<void> {
  const answer = { mood: mood.value, note: note.value, want, mark };
  clear();
  await checkIn(answer);
}

/** The wish is kept first, as every answer is. Then there is a place to say more, where this phone has it. */
async function wantToTalk(): Promise<void> {
  await say("talk", "a");
  if (isProjectHere.value && place.value === "today") go("talk", { about: { begin: "1" } });
}

/** A choice after the thanks begins a new answer: the buttons come back where they were. */
function begin(): void {
  if (tap.value) tap.value = null;
}

function choose(chosen: number | null): void {
  begin();
  mood.value = chosen;
}

function write(): void {
  begin();
  isWriting.value = true;
}

/** The two lowest faces: then talking is offered beside the answer, as large as it. */
const isLow = () => mood.value !== null && mood.value <= 2;

function Talk() {
  return (
    <button type="button" class="second" onClick={() => void wantToTalk()}>
      <Icon name="talk" />
      {t("I want to talk")}
    </button>
  );
}

/** A child who chose a face has not said that they are OK: what is sent is what they chose. */
function Main() {
  return (
    <div class="pair-of grow">
      <button type="button" class="main" onClick={() => void say("nothing", "a")}>
        <Icon name="check" />
        {mood.value === null ? t("I'm OK") : t("Send")}
      </button>
      {isLow() && <Talk />}
    </div>
  );
}

function FewWords() {
  if (isWriting.value) return <Words />;
  return (
    <button type="button" class="quiet words" onClick={write}>
      <Icon name="words" />
      {t("Add a few words")}
    </button>
  );
}

function Words() {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (!note.value) area.current?.focus();
  }, []);
  return (
    <div class="field">
      <label for="note">{t("A few words, if you like")}</label>
      <textarea
        id="note"
        rows={3}
        dir="auto"
        maxLength={NOTE_LIMIT}
        value={note.value}
        ref={area}
        onInput={(event) => (note.value = event.currentTarget.value)}
      />
    </div>
  );
}

/** A check-in opens so long before its time; where it is longer, it was agreed so. */
const USUAL_MS = 7_200_000;

/** When the next answer is expected, said without hurry. */
function next(): string {
  const due = me.value?.next_due_at;
  if (me.value?.standing === "late") return t("You can still answer.");
  if (!due) return t("Any time");
  const when = moment(due, now.value);
  const opens = me.value?.opens_at;
  if (me.value?.standing === "well" && opens && Date.parse(due) - Date.parse(opens) > USUAL_MS) {
    return t("Next: {when} to {end}", { when: moment(opens, now.value), end: clockTime(due) });
  }
  if (me.value?.standing !== "due") return t("Next: {when}", { when });
  return new Date(due).toDateString() === now.value.toDateString()
    ? t("You can answer until {time}", { time: clockTime(due) })
    : t("You can answer until {when}", { when });
}

/** The day's line, as in any planner: it can be ticked off. Its circle says the same as the button. */
function Line() {
  const done = tap.value?.want === "nothing" ? tap.value : null;
  return (
    <button
      type="button"
      class={done ? "line done" : "line"}
      onClick={() => (done ? begin() : void say("nothing", "b"))}
    >
      <span class="circle">{done && <Icon name="check" />}</span>
      <span class="line-text">
        <span class="strong">{done ? t("Check-in done") : t("Check-in")}</span>
        <span>{next()}</span>
      </span>
    </button>
  );
}

/** What a reader hears when the stage changes after the thanks have been read. */
function spoken(): string {
  const stage = tap.value?.stage;
  return stage === "received" || stage === "loose" || stage === "refused" ? whereabouts(tap.value!) : "";
}

export function Today() {
  const shown = tap.value?.want === "help" || (tap.value?.want === "safe" && isOpen.value) ? null : tap.value;
  return (
    <Page title={isOpen.value ? t("You're not in trouble") : t("How are you today?")} isTop>
      <Notices />
      <SearchNotice onSafe={() => void say("safe", "a")} />
      {!isOpen.value && <Faces labelledBy="title" value={mood.value} onChoose={choose} />}
      <FewWords />
      <div class="act">{shown ? <Thanks key={shown.id} tap={shown} /> : <Main />}</div>
      <Line />
      <DeferredPart show="Later" />
      <button type="button" class="quiet" onClick={() => go("rhythm")}>
        <Icon name="clock" />
        {t("My check-in times")}
      </button>
      <button type="button" class="quiet" onClick={() => go("away")}>
        <Icon name="leave" />
        {awayLine}
      </button>
      {(shown || !isLow()) && <Talk />}
      <Forgot />
      <SharedQuestion />
      <p class="hidden-text" role="status">
        {spoken()}
      </p>
      <Waiting />
      <Turn />
      <NewAnswer />
    </Page>
  );
}

/** Offered, never asked for: a child who says nothing hears nothing further of it. */
function Forgot() {
  const late = offered.value;
  if (!late) return <p role="status">{isSaid.value && t("Thank you for telling us.")}</p>;
  return (
    <section class="card forgot">
      <p>
        {t("Your answer for {when} came late. Did you forget? You can tell us, if you like.", {
          when: moment(late.due_at, now.value),
        })}
      </p>
      <div class="pair-of">
        <button type="button" class="plain" onClick={() => void sayForgot(late.id)}>
          {t("I forgot")}
        </button>
        <button type="button" class="plain" onClick={() => void sayNothing(late.id)}>
          {t("Skip")}
        </button>
      </div>
      <button type="button" class="quiet words" onClick={() => go("happened")}>
        <Icon name="story" />
        {t("What happened")}
      </button>
    </section>
  );
}

/** One line without a name, under everything else: a glance over the shoulder learns nothing by it. */
function Turn() {
  const { says, isTold } = line.value;
  if (!says) return null;
  const words = {
    mine: t("You have something to do today."),
    answer: isTold ? t("No answer yet. We've told someone.") : t("No answer yet."),
    promise: isTold ? t("A promise to you is late. We've told someone.") : t("A promise to you is late."),
  }[says];
  return (
    <button type="button" class="quiet turn" onClick={() => go(says === "answer" ? "talk" : "project")}>
      <Icon name="path" />
      {words}
    </button>
  );
}

/** A question of the child has an answer: which one, the list says. */
function NewAnswer() {
  if (!hasAnswer.value) return null;
  return (
    <button type="button" class="quiet" onClick={() => go("asked")}>
      <Icon name="question" />
      {t("There's an answer for you")}
    </button>
  );
}

/** Words that wait are never out of sight. */
function Waiting() {
  const waiting = answers.value.filter((sending) => sending.id !== tap.value?.id);
  if (waiting.length === 0 || asksToHandIn.value) return null;
  return (
    <button type="button" class="quiet" onClick={() => go("unsent")}>
      <Icon name="outbox" />
      {tn("{n} answer not sent yet", "{n} answers not sent yet", waiting.length)}
    </button>
  );
}
