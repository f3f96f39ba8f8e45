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
import { Chosen, Thanks, whereabouts } from "../parts/Thanks";
import { go, place } from "../routes";
import { awayLine } from "../store/awayLine";
import { USUAL_MS } from "../store/kinds";
import { asksAnew, isDone, isOpen as isAsked, said } from "../store/last";
import { isOpen } from "../store/searchNotice";
import { clear, isWriting, mood, note, NOTE_LIMIT } from "../store/draft";
import { now } from "../store/now";
import { answers, checkIn, tap, type Tap } from "../store/sender";
import { asksToHandIn, me } from "../store/session";

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

/** When the next answer is expected, said without hurry. */
function next(): string {
  const due = me.value?.next_due_at;
  if (me.value?.standing === "late") return t("You can still answer.");
  if (!due) return t("Any time");
  const when = moment(due, now.value);
  const opens = me.value?.opens_at;
  if (!isAsked.value && opens && Date.parse(due) - Date.parse(opens) > USUAL_MS) {
    return t("Next: {when} to {end}", { when: moment(opens, now.value), end: clockTime(due) });
  }
  if (!isAsked.value) return t("Next: {when}", { when });
  // The phone may not have heard of it for a while.
  if (Date.parse(due) <= now.value.getTime()) return t("You can still answer.");
  return new Date(due).toDateString() === now.value.toDateString()
    ? t("You can answer until {time}", { time: clockTime(due) })
    : t("You can answer until {when}", { when });
}

const timeOf = (at: string) =>
  new Date(at).toDateString() === now.value.toDateString() ? clockTime(at) : moment(at, now.value);

/** Where the last answer is. It is the same sentence whatever was said: another person may read it. */
function lastWords(): string {
  if (!said.value) return "";
  const { said_at, received_at } = said.value;
  const time = timeOf(said_at);
  if (!received_at) return t("Said {time} · not sent yet", { time });
  const isOfOneDay = new Date(said_at).toDateString() === new Date(received_at).toDateString();
  const received = isOfOneDay ? timeOf(received_at) : moment(received_at, now.value);
  return received === time
    ? t("Sent {time} · received", { time })
    : t("Said {time} · received {received}", { time, received });
}

/** The day's line says where things are, and sends nothing. The button in it says the same as the large one. */
function Line({ isThanked }: { isThanked: boolean }) {
  const words = lastWords();
  const done = isDone.value;
  return (
    <div class={done ? "line done" : "line"}>
      <span class="circle">{done && <Icon name="check" />}</span>
      <p class="line-text">
        <span class="strong">{done ? t("Check-in done") : t("Check-in")}</span>
        {words && <span>{words}</span>}
        <span>{next()}</span>
      </p>
      <Chosen mood={said.value?.mood ?? null} />
      {!isThanked && (
        <button type="button" class="plain" onClick={() => void say("nothing", "b")}>
          {t("Check in now")}
        </button>
      )}
    </div>
  );
}

/** Where the last answer had waited too long on the phone. The large button answers. */
function anew(): string {
  if (!asksAnew.value) return "";
  return t("We got your answer of {when}. How are you now?", { when: timeOf(said.value!.said_at) });
}

/** What a reader hears when the stage changes after the thanks have been read. */
function spoken(shown: Tap | null): string {
  return shown && ["received", "loose", "refused"].includes(shown.stage) ? whereabouts(shown) : "";
}

/** The thanks for the last tap. Those for a call for help are the same as for any answer. */
function thanked(): Tap | null {
  if (tap.value?.isOld) return null;
  if (tap.value?.want === "safe" && isOpen.value) return null;
  return tap.value?.want === "help" ? { ...tap.value, want: "nothing" } : tap.value;
}

export function Today() {
  const shown = thanked();
  return (
    <Page title={isOpen.value ? t("You're not in trouble") : t("How are you today?")} isTop>
      <Notices />
      <SearchNotice onSafe={() => void say("safe", "a")} />
      {!isOpen.value && <Faces labelledBy="title" value={mood.value} onChoose={choose} />}
      <FewWords />
      {anew() && <p class="anew">{anew()}</p>}
      <div class="act">{shown ? <Thanks key={shown.id} tap={shown} /> : <Main />}</div>
      <Line isThanked={shown !== null} />
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
      <DeferredPart show="Forgot" />
      <DeferredPart show="SharedQuestion" />
      <p class="hidden-text" role="status">
        {anew() || spoken(shown ?? tap.value)}
      </p>
      <Waiting />
      <DeferredPart show="News" />
    </Page>
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
