/** Which times one would like, and how often each of them comes. Nobody types a rule. */
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { MOST, newGroup, type Group, type Often, type Time } from "./proposalDraft";
import { dayName, EVERY_DAY, ruleInWords } from "./rhythmWords";
import { LAST, readRule } from "./rules";

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

interface Part {
  group: Group;
  change: (to: Partial<Group>) => void;
}

function Times({ group: { times }, change, first, room }: Part & { first: number; room: number }) {
  return (
    <fieldset class="times">
      <legend>{t("What time?")}</legend>
      {times.map((time, n) => (
        <OneTime
          key={n}
          time={time}
          n={first + n}
          change={(to) => change({ times: times.map((other, k) => (k === n ? to : other)) })}
          {...(times.length > 1 ? { drop: () => change({ times: times.filter((_, k) => k !== n) }) } : {})}
        />
      ))}
      {room > 0 && (
        <button type="button" class="quiet words" onClick={() => change({ times: [...times, { at: "", from: null }] })}>
          <Icon name="plus" />
          {t("Add a time")}
        </button>
      )}
    </fieldset>
  );
}

function Days({ group, change }: Part) {
  const turn = (day: number) =>
    change({ days: group.days.includes(day) ? group.days.filter((other) => other !== day) : [...group.days, day] });
  return (
    <fieldset class="weekdays">
      <legend>{t("Which days?")}</legend>
      {EVERY_DAY.map((day) => (
        <button
          key={day}
          type="button"
          class="plain"
          aria-pressed={group.days.includes(day)}
          aria-label={dayName(day, "long")}
          onClick={() => turn(day)}
        >
          {dayName(day, "short")}
        </button>
      ))}
    </fieldset>
  );
}

const places = (): [number, string][] => [
  [1, t("first")],
  [2, t("second")],
  [3, t("third")],
  [4, t("fourth")],
  [LAST, t("last")],
];

function InTheMonth({ group: { place, weekday }, change }: Part) {
  return (
    <div class="dates">
      <label>
        <span>{t("Which one in the month?")}</span>
        <select value={place} onChange={(event) => change({ place: Number(event.currentTarget.value) })}>
          {places().map(([value, word]) => (
            <option key={value} value={value} selected={value === place}>
              {word}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("Day of the week")}</span>
        <select value={weekday} onChange={(event) => change({ weekday: Number(event.currentTarget.value) })}>
          {EVERY_DAY.map((day) => (
            <option key={day} value={day} selected={day === weekday}>
              {dayName(day, "long")}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function HowOften({ group, change }: Part) {
  const choices: [Often, string][] = [
    ["week", t("Every week")],
    ["weeks", t("Every second week")],
    ["month", t("Once a month")],
  ];
  if (group.kept && !choices.some(([often]) => often === group.often))
    choices.push(["kept", ruleInWords(readRule(group.kept))]);
  return (
    <fieldset class="times">
      <legend>{t("How often?")}</legend>
      <div class="pair-of">
        {choices.map(([often, word]) => (
          <button
            key={often}
            type="button"
            class="plain"
            aria-pressed={group.often === often}
            onClick={() => change({ often })}
          >
            {word}
          </button>
        ))}
      </div>
      {group.often === "weeks" && (
        <div class="dates">
          <label>
            <span>{t("Counted from")}</span>
            <input type="date" value={group.start} onInput={(event) => change({ start: event.currentTarget.value })} />
          </label>
        </div>
      )}
      {group.often === "month" && <InTheMonth group={group} change={change} />}
    </fieldset>
  );
}

export function TimeGroups({ groups, change }: { groups: Group[]; change: (to: Group[]) => void }) {
  const count = groups.reduce((sum, { times }) => sum + times.length, 0);
  let first = 1;
  return (
    <>
      {groups.map((group, n) => {
        const part: Part = { group, change: (to) => change(groups.map((g, k) => (k === n ? { ...g, ...to } : g))) };
        const here = first;
        first += group.times.length;
        return (
          <div key={n} class={n > 0 ? "card more-times" : "more-times"}>
            <Times {...part} first={here} room={MOST - count} />
            <HowOften {...part} />
            {(group.often === "week" || group.often === "weeks") && <Days {...part} />}
            {n > 0 && (
              <button type="button" class="quiet words" onClick={() => change(groups.filter((_, k) => k !== n))}>
                <Icon name="bin" />
                {t("Remove these times")}
              </button>
            )}
          </div>
        );
      })}
      {count < MOST && (
        <button type="button" class="quiet words" onClick={() => change([...groups, newGroup([])])}>
          <Icon name="plus" />
          {t("Add times that come less often")}
        </button>
      )}
    </>
  );
}
