/** Days to come around which a person is told sooner: those alone that the child knows of already. */
import { longDay, t } from "../i18n";
import { milestones, type Milestone as Day } from "../store/milestones";
import { now } from "../store/now";
import { ofDate } from "./rhythmWords";

/** The last day ends at a midnight which is another day to the reader. */
const HALF_A_DAY_MS = 43_200_000;

function named(what: Day["what"]): string {
  return {
    hearing: t("Your hearing or appointment"),
    refusal: t("The decision you know about"),
    transfer: t("Your move to another place"),
    return: t("Your return"),
    turning_18: t("Your 18th birthday"),
  }[what];
}

function sooner({ from_at: from, until_at: until }: Day): string {
  if (!from || !until) return "";
  const end = longDay(new Date(Date.parse(until) - HALF_A_DAY_MS));
  if (Date.parse(from) <= now.value.getTime()) {
    return t("Until {end}, we tell an adult sooner if you don't answer.", { end });
  }
  return t("From {begin} to {end}, we tell an adult sooner if you don't answer.", { begin: longDay(from), end });
}

export function ImportantDays() {
  const days = milestones.value.filter(({ until_at: until }) => !until || Date.parse(until) > now.value.getTime());
  if (days.length === 0) return null;
  return (
    <section class="card">
      <h2>{t("Important days")}</h2>
      {days.map((day) => (
        <p key={day.id}>
          <span class="strong">{t("{what}, {day}", { what: named(day.what), day: ofDate(day.day) })}</span>
          <br />
          {sooner(day)}
        </p>
      ))}
    </section>
  );
}
