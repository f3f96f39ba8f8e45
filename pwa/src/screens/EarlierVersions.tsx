/** How the project came about: what was agreed first and large, then the days. Each can be opened as it was. */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listed, t, tn } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { called, dayWords } from "../plan/labels";
import type { Who } from "../plan/merge";
import { agreedIn, daysOf, type Agreed, type Day } from "../plan/moments";
import { Lead } from "../plan/parts";
import { isNumbered } from "../plan/past";
import { go } from "../routes";
import { now } from "../store/now";
import { frame, number, place, rows } from "../store/project";

const FEW = 20;
const most = signal(FEW);

const names = (people: Who[]) => listed([...new Set(people.map(called))]);

const agreements = computed(() => agreedIn(place.value?.child ?? "", rows.value, frame.value?.people ?? []));
const days = computed(() => daysOf(rows.value));

function Signed({ agreed }: { agreed: Agreed }) {
  const { agree, in_part, disagree } = agreed.said;
  const day = dayWords(agreed.at, now.value);
  const about = { revision: String(agreed.revision), at: agreed.at };
  return (
    <li class={agreed.isBinding ? "moment binding" : "moment"}>
      <p class="moment-day">
        <Pictogram name="hands" />
        <span>{day}</span>
      </p>
      {agreed.isBinding && <p class="strong">{t("This is what you agreed on.")}</p>}
      {agree.length > 0 && <p>{t("Agreed: {names}", { names: names(agree) })}</p>}
      {in_part.length > 0 && <p>{t("Agreed in part: {names}", { names: names(in_part) })}</p>}
      {disagree.length > 0 && <p>{t("Didn't agree: {names}", { names: names(disagree) })}</p>}
      {agreed.aloud.length > 0 && (
        <p>{t("Said aloud, written down by another person: {names}", { names: names(agreed.aloud) })}</p>
      )}
      <div class="pair-of">
        <button
          type="button"
          class="second"
          aria-label={t("Open: {day}", { day })}
          onClick={() => go("then", { about })}
        >
          {t("Open")}
        </button>
        <button
          type="button"
          class="second"
          aria-label={t("What's different now, since {day}", { day })}
          onClick={() => go("compare", { about: { from: about.revision, at: agreed.at } })}
        >
          {t("What's different now")}
        </button>
      </div>
    </li>
  );
}

function DayRow({ day }: { day: Day }) {
  const about = { from: String(day.from), to: String(day.to), at: day.day };
  return (
    <Lead
      to="compare"
      about={about}
      icon={<Icon name="days" />}
      word={dayWords(day.day, now.value)}
      state={t("{names}: {what}", { names: names(day.who), what: tn("{n} thing", "{n} things", day.count) })}
    />
  );
}

export function EarlierVersions() {
  useEffect(() => {
    void number();
    return () => void (most.value = FEW);
  }, []);
  return (
    <Page title={t("How it was before")}>
      <p>{t("You can open every day and every agreement as it was then.")}</p>
      {!isNumbered(rows.value) && <p class="soft">{t("You need internet to see the rest.")}</p>}
      {agreements.value.length > 0 && (
        <section>
          <h2>{t("What was agreed")}</h2>
          <ul class="moments">
            {agreements.value.map((agreed) => (
              <Signed key={agreed.revision} agreed={agreed} />
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>{t("Day by day")}</h2>
        {days.value.length === 0 && <p>{t("Nothing written yet.")}</p>}
        <ul class="rows day-by-day">
          {days.value.slice(0, most.value).map((day) => (
            <DayRow key={day.day} day={day} />
          ))}
        </ul>
        {days.value.length > most.value && (
          <button type="button" class="second" onClick={() => (most.value += FEW)}>
            {t("Show earlier entries")}
          </button>
        )}
      </section>
      <ul class="rows">
        <Lead
          to="story"
          icon={<Icon name="words" />}
          word={t("Everything that was said")}
          state={t("Who said what, and when")}
        />
      </ul>
    </Page>
  );
}
