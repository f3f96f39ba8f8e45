/** A plan does not lapse in silence: in its last month it asks how it goes on, and an ended one says how it ended. */
import { t } from "../i18n";
import { Banner } from "../parts/Banner";
import { go } from "../routes";
import { now } from "../store/now";
import { plan, say } from "../store/project";
import { day, isDate, isoDay, ofDay } from "./labels";
import { mayChange, voiceIn, Voice, Words, ago } from "./parts";
import { words } from "./state";

const ASKED_BEFORE_DAYS = 30;
const DAY_MS = 86_400_000;

const edit = (field: string) => go("edit", { about: { entity: "life_project", id: plan.value.child, field } });

function Closed() {
  const closing = voiceIn("life_project", plan.value.child, "closing");
  if (!closing?.value) return null;
  return (
    <>
      <Voice who={closing.who} title={t("This plan has ended")} when={ago(closing.said_at)}>
        <Words text={String(closing.value)} />
      </Voice>
      {mayChange() && (
        <button
          type="button"
          class="second"
          onClick={() => void say("life_project", plan.value.child, "closing", null)}
        >
          {t("Continue this plan")}
        </button>
      )}
    </>
  );
}

export function PlanEnding() {
  const child = plan.value.child;
  if (words(plan.value, "life_project", child, "closing")) return <Closed />;
  const ends = words(plan.value, "life_project", child, "ends_on");
  if (!isDate(ends)) return null;
  const left = (day(ends).getTime() - now.value.getTime()) / DAY_MS;
  if (left > ASKED_BEFORE_DAYS) return null;
  const isOver = ends < isoDay(now.value);
  return (
    <Banner icon="days">
      <p>
        {isOver
          ? ofDay(
              ends,
              now.value,
              (day) => t("This plan ended {day}. What happens next?", { day }),
              (date) => t("This plan ended on {date}. What happens next?", { date }),
            )
          : ofDay(
              ends,
              now.value,
              (day) => t("This plan ends {day}. What happens next?", { day }),
              (date) => t("This plan ends on {date}. What happens next?", { date }),
            )}
      </p>
      {mayChange() && (
        <div class="pair-of">
          <button type="button" class="plain" onClick={() => edit("ends_on")}>
            {t("Choose a new end date")}
          </button>
          <button type="button" class="plain" onClick={() => edit("closing")}>
            {t("End this plan")}
          </button>
        </div>
      )}
    </Banner>
  );
}
