/** Other times are proposed, for good or for some days: with what they would come to, before one says them. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { current as rhythm, load, look, propose, type Look, type Rhythm } from "../store/rhythm";
import { dayName, EVERY_DAY, Sums } from "./rhythmWords";

/** One time at which one would like to be asked; with `from`, any time from then on will do. */
interface Time {
  at: string;
  /** Null: at this time and no other; empty: not chosen yet. */
  from: string | null;
}

interface Draft {
  times: Time[];
  days: number[];
  /** From which day to which, empty where not chosen yet; null: from now on. */
  only: { first: string; last: string } | null;
  words: string;
}

/** As many times a day as a rhythm may have. */
const MOST = 12;
/** A pause in typing, after which one would like to see what it comes to. */
const PAUSE_MS = 400;

export const draft = signal<Draft | null>(null);
const looked = signal<Look | null>(null);

const hasTimes = ({ times, days }: Draft) =>
  times.some(({ at }) => at) && times.every(({ at, from }) => from === null || (at && from)) && days.length > 0;

const hasDays = ({ only }: Draft) => !only || (!!only.first && !!only.last && only.first <= only.last);

function asRhythm({ times, days }: Draft): Rhythm {
  const chosen = times.filter(({ at }) => at);
  const windows = chosen.flatMap(({ at, from }) => (from ? [[at, from]] : []));
  return {
    at: [...new Set(chosen.map(({ at }) => at))].sort(),
    ...(days.length < EVERY_DAY.length ? { days: [...days].sort((a, b) => a - b) } : {}),
    ...(windows.length > 0 ? { from: Object.fromEntries(windows) } : {}),
  };
}

export function begin(): void {
  const { at = [""], days = EVERY_DAY, from = {} } = rhythm.value?.rhythm ?? {};
  draft.value = {
    times: at.map((time) => ({ at: time, from: from[time] ?? null })),
    days: [...days],
    only: null,
    words: "",
  };
}

function OneTime({ time, n, change, drop }: { time: Time; n: number; change: (to: Time) => void; drop?: () => void }) {
  const { at, from } = time;
  return (
    <>
      <div class="time">
        {from !== null && (
          <>
            <input
              type="time"
              value={from}
              aria-label={t("Time {n}, from", { n })}
              onInput={(event) => change({ at, from: event.currentTarget.value })}
            />
            <span aria-hidden="true">–</span>
          </>
        )}
        <input
          type="time"
          value={at}
          aria-label={from === null ? t("Time {n}", { n }) : t("Time {n}, until", { n })}
          onInput={(event) => change({ at: event.currentTarget.value, from })}
        />
        {drop && (
          <button type="button" class="plain" aria-label={t("Remove time {n}", { n })} onClick={drop}>
            <Icon name="bin" />
          </button>
        )}
      </div>
      <button type="button" class="quiet words" onClick={() => change({ at, from: from === null ? "" : null })}>
        {from === null ? t("Give me more time to answer") : t("One time is enough")}
      </button>
    </>
  );
}

function Times({ now: here }: { now: Draft }) {
  const { times } = here;
  const change = (to: Time[]) => (draft.value = { ...here, times: to });
  return (
    <fieldset class="times">
      <legend>{t("What time?")}</legend>
      {times.map((time, n) => (
        <OneTime
          key={n}
          time={time}
          n={n + 1}
          change={(to) => change(times.map((other, k) => (k === n ? to : other)))}
          {...(times.length > 1 ? { drop: () => change(times.filter((_, k) => k !== n)) } : {})}
        />
      ))}
      {times.length < MOST && (
        <button type="button" class="quiet words" onClick={() => change([...times, { at: "", from: null }])}>
          <Icon name="plus" />
          {t("Add a time")}
        </button>
      )}
    </fieldset>
  );
}

function Days({ now: here }: { now: Draft }) {
  const turn = (day: number) => {
    const days = here.days.includes(day) ? here.days.filter((other) => other !== day) : [...here.days, day];
    draft.value = { ...here, days };
  };
  return (
    <fieldset class="weekdays">
      <legend>{t("Which days?")}</legend>
      {EVERY_DAY.map((day) => (
        <button
          key={day}
          type="button"
          class="plain"
          aria-pressed={here.days.includes(day)}
          aria-label={dayName(day, "long")}
          onClick={() => turn(day)}
        >
          {dayName(day, "short")}
        </button>
      ))}
    </fieldset>
  );
}

function HowLong({ now: here }: { now: Draft }) {
  const { only } = here;
  const choose = (to: Draft["only"]) => (draft.value = { ...here, only: to });
  return (
    <fieldset class="times">
      <legend>{t("For how long?")}</legend>
      <div class="pair-of">
        <button type="button" class="plain" aria-pressed={!only} onClick={() => choose(null)}>
          {t("From now on")}
        </button>
        <button
          type="button"
          class="plain"
          aria-pressed={!!only}
          onClick={() => choose(only ?? { first: "", last: "" })}
        >
          {t("Only for a few days")}
        </button>
      </div>
      {only && (
        <>
          <p class="soft">{t("For Ramadan, holidays or time away. It ends by itself.")}</p>
          <div class="dates">
            <label>
              <span>{t("First day")}</span>
              <input
                type="date"
                value={only.first}
                onInput={(event) => choose({ ...only, first: event.currentTarget.value })}
              />
            </label>
            <label>
              <span>{t("Last day")}</span>
              <input
                type="date"
                value={only.last}
                min={only.first}
                onInput={(event) => choose({ ...only, last: event.currentTarget.value })}
              />
            </label>
          </div>
        </>
      )}
    </fieldset>
  );
}

export function ProposalForm({ now: here }: { now: Draft }) {
  const isWhole = hasTimes(here) && hasDays(here);
  const key = JSON.stringify([asRhythm(here), here.only]);
  useEffect(() => {
    looked.value = null;
    if (!isWhole) return;
    let isOld = false;
    const timer = setTimeout(() => {
      void look({ rhythm: asRhythm(here), ...here.only }).then((answer) => {
        if (!isOld) looked.value = answer;
      });
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [key]);
  const result = looked.value;
  const keep = async () => {
    await propose({ rhythm: asRhythm(here), ...here.only }, here.words);
    draft.value = null;
    void load();
  };
  return (
    <>
      <h2>{t("What would suit you better?")}</h2>
      <HowLong now={here} />
      <Times now={here} />
      <Days now={here} />
      <div class="field">
        <label for="why">{t("Why? (optional)")}</label>
        <textarea
          id="why"
          rows={2}
          dir="auto"
          maxLength={20_000}
          value={here.words}
          onInput={(event) => (draft.value = { ...here, words: event.currentTarget.value })}
        />
      </div>
      <div role="status">
        {!hasTimes(here) && <p>{t("Choose at least one time and one day.")}</p>}
        {!hasDays(here) && <p>{t("Choose a first and a last day.")}</p>}
        {result?.problem && <p class="strong">{result.problem}</p>}
        {result && <Sums sums={result.sums} />}
        {isWhole && !result && <p class="soft">{t("You'll see the result when you're online.")}</p>}
      </div>
      <button type="button" class="main" disabled={!isWhole || !!result?.problem} onClick={() => void keep()}>
        {t("Suggest these times")}
      </button>
      <button type="button" class="quiet" onClick={() => (draft.value = null)}>
        {t("Cancel")}
      </button>
    </>
  );
}
