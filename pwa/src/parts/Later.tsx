/** Under the day's line: until when reminders wait, and "remind me later", which is no answer and puts nothing off. */
import { signal } from "@preact/signals";
import { clockTime, t, tn } from "../i18n";
import { now } from "../store/now";
import { put, queue, send } from "../store/sender";
import { me, refresh } from "../store/session";
import { Icon } from "./Icon";

const CHOICES = [10, 30, 60];
/** What was put off leaves so much time to answer. */
const TIME_TO_ANSWER = 5;
const MINUTE_MS = 60_000;

/** Whether the choices are in sight. */
const isOpen = signal(false);

async function putOff(round: string, minutes: number): Promise<void> {
  isOpen.value = false;
  await put({ kind: "snooze", body: { said_at: new Date().toISOString(), round, minutes } });
  await send();
  await refresh({ force: true });
}

const words = (minutes: number) => (minutes === 60 ? t("In 1 hour") : tn("In {n} minute", "In {n} minutes", minutes));

function Choices({ round, left }: { round: string; left: number[] }) {
  return (
    <div class="pair-of">
      {left.map((minutes) => (
        <button key={minutes} type="button" class="plain" onClick={() => void putOff(round, minutes)}>
          {words(minutes)}
        </button>
      ))}
    </div>
  );
}

/** "School hours: reminders wait until 15:30." */
export function Waits() {
  const waits = me.value?.waits;
  if (!waits || Date.parse(waits.until) <= now.value.getTime()) return null;
  const time = clockTime(waits.until);
  return (
    <p class="soft">
      {waits.why === "school_hours"
        ? t("School hours: reminders wait until {time}.", { time })
        : t("Quiet hours: reminders wait until {time}.", { time })}
    </p>
  );
}

/** Until when an answer is in time: said where one thinks about answering later. */
function Counts({ until, answerBy }: { until: string | null; answerBy: string }) {
  const waits = queue.value.some(({ kind }) => kind === "snooze");
  return (
    <>
      {waits && <p class="soft">{t("To be reminded later you need internet.")}</p>}
      {!waits && until && <p>{t("Your next reminder is set for {time}.", { time: clockTime(until) })}</p>}
      <p class="soft">{t("Your answer counts until {time}.", { time: clockTime(answerBy) })}</p>
    </>
  );
}

export function Later() {
  const round = me.value?.standing === "due" ? me.value.open_round : undefined;
  const leftMs = round ? Date.parse(round.answer_by) - now.value.getTime() : 0;
  if (!round || leftMs <= 0) return <Waits />;
  const left = CHOICES.filter((minutes) => (minutes + TIME_TO_ANSWER) * MINUTE_MS <= leftMs);
  const until = round.until && Date.parse(round.until) > now.value.getTime() ? round.until : null;
  const isAsked = until !== null || queue.value.some(({ kind }) => kind === "snooze");
  return (
    <>
      {!isAsked && <Waits />}
      {left.length > 0 && !isOpen.value && (
        <button type="button" class="quiet" onClick={() => (isOpen.value = true)}>
          <Icon name="bell" />
          {t("Remind me later")}
        </button>
      )}
      {left.length > 0 && isOpen.value && <Choices round={round.id} left={left} />}
      <div role="status" class="later">
        {(isOpen.value || isAsked || left.length === 0) && <Counts until={until} answerBy={round.answer_by} />}
      </div>
    </>
  );
}
