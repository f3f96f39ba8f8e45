/** When one is asked, and by when a person is told. Another rhythm is proposed here, and agreed by a worker. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clockTime, longDay, moment, region, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { listed } from "../plan/labels";
import { go } from "../routes";
import { now } from "../store/now";
import { known, load, look, propose, waiting, type Look, type Proposal, type Rhythm, type Season, type Sum } from "../store/rhythm";
import { who } from "../store/session";

/** One time at which one would like to be asked; with `from`, any time from then on will do. */
interface Time {
  at: string;
  /** Null: at this time and no other; empty: not chosen yet. */
  from: string | null;
}

interface Draft {
  times: Time[];
  days: number[];
  words: string;
}

const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
/** As many times a day as a rhythm may have. */
const MOST = 12;
/** A pause in typing, after which one would like to see what it comes to. */
const PAUSE_MS = 400;

const draft = signal<Draft | null>(null);
const looked = signal<Look | null>(null);

/** The first of January 2024 was a Monday. */
const dayName = (day: number, weekday: "long" | "short") =>
  new Intl.DateTimeFormat(region(), { weekday }).format(new Date(2024, 0, 1 + day));

const wall = (at: string) => clockTime(new Date(`2024-01-01T${at}`));

function inWords({ at = [], days = EVERY_DAY, every_s: seconds, from = {} }: Rhythm): string {
  if (seconds) return t("Every {n} seconds", { n: seconds });
  const oneTime = (end: string) =>
    from[end] ? t("some time from {begin} to {end}", { begin: wall(from[end]), end: wall(end) }) : wall(end);
  const values = { times: listed(at.map(oneTime)), days: listed(days.map((day) => dayName(day, "long"))) };
  const isDaily = days.length === EVERY_DAY.length;
  if (Object.keys(from).length > 0) return isDaily ? t("Every day, {times}", values) : t("{days}, {times}", values);
  return isDaily ? t("Every day at {times}", values) : t("{days} at {times}", values);
}

function Sums({ sums }: { sums: Sum[] }) {
  return (
    <>
      {sums.map(({ due_at: due, told_by, from_at: from }) => {
        const told = moment(told_by, now.value);
        return (
          <p key={due}>
            {from
              ? t("Asked from {begin} to {due}: if you do not answer, a person is told by {told} at the latest.", {
                  begin: moment(from, now.value),
                  due: clockTime(due),
                  told,
                })
              : t("Asked {due}: if you do not answer, a person is told by {told} at the latest.", {
                  due: moment(due, now.value),
                  told,
                })}
          </p>
        );
      })}
    </>
  );
}

/** The last day ends with the season, at a midnight which is another day to whoever reads it. */
const HALF_A_DAY_MS = 43_200_000;

function Seasons({ seasons = [] }: { seasons?: Season[] | undefined }) {
  return (
    <>
      {seasons.map(({ id, from_at: from, until_at: until, rhythm }) => (
        <p key={id}>
          {t("{first} to {last}: {rhythm}. Then as before.", {
            first: longDay(from),
            last: longDay(new Date(Date.parse(until) - HALF_A_DAY_MS)),
            rhythm: inWords(rhythm),
          })}
        </p>
      ))}
    </>
  );
}

const onTheClockOf = (timeZone?: string) =>
  new Intl.DateTimeFormat("en", { timeZone, dateStyle: "short", timeStyle: "short" }).format(now.value);

/** Whoever travels, or has a phone that is set wrong, would else read two times that do not fit. */
function OtherClock({ zone }: { zone: string | undefined }) {
  try {
    if (!zone || onTheClockOf(zone) === onTheClockOf()) return null;
  } catch {
    return null; // A zone that this phone does not know.
  }
  const place = zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
  return (
    <p class="soft">
      {t("Your phone goes by another clock. The times above are by the clock in {place}, those below by your phone.", {
        place,
      })}
    </p>
  );
}

function decided({ state, decided_by: by, decided_at: at }: Proposal): string {
  const values = { name: by?.name ?? "", when: at ? moment(at, now.value) : "" };
  return state === "agreed" ? t("{name} agreed, {when}.", values) : t("{name} answered, {when}.", values);
}

/** What became of what one proposed last: it waits here, there, or has an answer. */
function Proposed() {
  const mine = known.value?.proposals.filter(({ by }) => by.id === who.value) ?? [];
  const here = waiting.value;
  const last = mine[0];
  if (here) {
    return (
      <section class="card">
        <h2>{t("You proposed")}</h2>
        <p class="strong">{inWords(here.body.rhythm)}</p>
        {here.problem ? (
          <button type="button" class="plain" onClick={() => go("unsent")}>
            {t("It could not be sent. See why.")}
          </button>
        ) : (
          <p class="soft">{t("It waits for a connection.")}</p>
        )}
      </section>
    );
  }
  if (!last || last.state === "replaced" || last.state === "ended") return null;
  return (
    <section class="card">
      <h2>{t("You proposed")}</h2>
      <p class="strong">{inWords(last.rhythm)}</p>
      {last.state === "open" ? (
        <>
          <Sums sums={last.sums} />
          <p class="soft">{t("It waits for an answer. Until then everything stays as it is.")}</p>
        </>
      ) : (
        <>
          <p>
            {last.state === "agreed" && <Icon name="check" />} {decided(last)}
          </p>
          {last.answer && (
            <p class="said" dir="auto">
              {last.answer}
            </p>
          )}
        </>
      )}
    </section>
  );
}

const isWhole = ({ times, days }: Draft) =>
  times.some(({ at }) => at) && times.every(({ at, from }) => from === null || (at && from)) && days.length > 0;

function asRhythm({ times, days }: Draft): Rhythm {
  const chosen = times.filter(({ at }) => at);
  const windows = chosen.flatMap(({ at, from }) => (from ? [[at, from]] : []));
  return {
    at: [...new Set(chosen.map(({ at }) => at))].sort(),
    ...(days.length < EVERY_DAY.length ? { days: [...days].sort() } : {}),
    ...(windows.length > 0 ? { from: Object.fromEntries(windows) } : {}),
  };
}

function begin(): void {
  const { at = [""], days = EVERY_DAY, from = {} } = known.value?.rhythm ?? {};
  draft.value = { times: at.map((one) => ({ at: one, from: from[one] ?? null })), days: [...days], words: "" };
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
          <button type="button" class="plain" aria-label={t("Take time {n} away", { n })} onClick={drop}>
            <Icon name="bin" />
          </button>
        )}
      </div>
      <button type="button" class="quiet words" onClick={() => change({ at, from: from === null ? "" : null })}>
        {from === null ? t("I need a longer time to answer") : t("One time is enough")}
      </button>
    </>
  );
}

function Times({ now: here }: { now: Draft }) {
  const { times } = here;
  const change = (to: Time[]) => (draft.value = { ...here, times: to });
  return (
    <fieldset class="times">
      <legend>{t("At what time?")}</legend>
      {times.map((time, n) => (
        <OneTime
          key={n}
          time={time}
          n={n + 1}
          change={(to) => change(times.map((one, k) => (k === n ? to : one)))}
          {...(times.length > 1 ? { drop: () => change(times.filter((_, k) => k !== n)) } : {})}
        />
      ))}
      {times.length < MOST && (
        <button type="button" class="quiet words" onClick={() => change([...times, { at: "", from: null }])}>
          <Icon name="plus" />
          {t("Another time")}
        </button>
      )}
    </fieldset>
  );
}

function Days({ now: here }: { now: Draft }) {
  const turn = (day: number) => {
    const days = here.days.includes(day) ? here.days.filter((one) => one !== day) : [...here.days, day];
    draft.value = { ...here, days };
  };
  return (
    <fieldset class="weekdays">
      <legend>{t("On what days?")}</legend>
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

function Writing({ now: here }: { now: Draft }) {
  const key = JSON.stringify(asRhythm(here));
  useEffect(() => {
    looked.value = null;
    if (!isWhole(here)) return;
    let isOld = false;
    const timer = setTimeout(() => {
      void look(asRhythm(here)).then((found) => {
        if (!isOld) looked.value = found;
      });
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [key]);
  const found = looked.value;
  const keep = async () => {
    await propose(asRhythm(here), here.words);
    draft.value = null;
    void load();
  };
  return (
    <>
      <h2>{t("What would suit you better?")}</h2>
      <Times now={here} />
      <Days now={here} />
      <div class="field">
        <label for="why">{t("Why? If you like")}</label>
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
        {!isWhole(here) && <p>{t("Choose at least one time and one day.")}</p>}
        {found?.problem && <p class="strong">{found.problem}</p>}
        {found && <Sums sums={found.sums} />}
        {isWhole(here) && !found && <p class="soft">{t("What it comes to is shown when there is a connection.")}</p>}
      </div>
      <button type="button" class="main" disabled={!isWhole(here) || !!found?.problem} onClick={() => void keep()}>
        {t("Propose it")}
      </button>
      <button type="button" class="quiet" onClick={() => (draft.value = null)}>
        {t("Leave it as it is")}
      </button>
    </>
  );
}

export function WhenAsked() {
  useEffect(() => void load(), [waiting.value?.id]);
  const stands = known.value;
  const here = draft.value;
  return (
    <Page title={t("When I am asked")}>
      {!stands && <p>{t("This page comes with a connection.")}</p>}
      {stands && (
        <section class="card">
          <h2>{inWords(stands.rhythm)}</h2>
          <Seasons seasons={stands.seasons} />
          <OtherClock zone={stands.zone} />
          <Sums sums={stands.sums} />
        </section>
      )}
      {stands && <Proposed />}
      {stands && !here && (
        <>
          <p>{t("You can propose other times. Your caseworker answers, and only then it changes.")}</p>
          <button type="button" class="second" onClick={begin}>
            <Icon name="words" />
            {t("Propose other times")}
          </button>
        </>
      )}
      {stands && here && <Writing now={here} />}
    </Page>
  );
}
