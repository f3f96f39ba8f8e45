/** Then and now beside each other, in words: what came, what reads otherwise, what was dropped. */
import { t } from "../i18n";
import { Page } from "../parts/Page";
import { compare, nameOfThing, type Altered } from "../plan/compare";
import { called, dayWords, fieldName, isDate, reviewName, valueName } from "../plan/labels";
import { ago, Mark } from "../plan/parts";
import { words, type Plan, type Thing } from "../plan/state";
import { about, go } from "../routes";
import { now } from "../store/now";
import { plan } from "../store/project";
import { planOf } from "./PastProject";

function titleOf(at: Plan, entity: string, id: string): string {
  if (entity === "review") return reviewName(words(at, "review", id, "kind"));
  return (
    nameOfThing(at, entity, id) ||
    (entity === "step" ? t("A step") : entity === "goal" ? t("A goal") : t("About this path"))
  );
}

function Added({ thing, at }: { thing: Thing; at: Plan }) {
  const owner = words(at, "step", thing.id, "owner_id");
  return (
    <li class="altered">
      <p class="voice-name">
        <Mark isChild={thing.by.role === "child"} />
        <span>
          <bdi>{called(thing.by)}</bdi>
          <span class="soft">{ago(thing.made_at)}</span>
        </span>
      </p>
      <p class="own-words" dir="auto">
        {titleOf(at, thing.entity, thing.id)}
      </p>
      {owner && <p class="soft">{t("Who does it: {name}", { name: called({ id: owner, role: "" }) })}</p>}
    </li>
  );
}

const spoken = (entity: string, field: string, value: unknown) => valueName(entity, field, value, now.value);

/** By ear it is "Before: …, now: …"; the lines through the old words are for the eye alone. */
function Otherwise({ altered }: { altered: Altered }) {
  return (
    <div class="altered-field">
      <p class="soft">{fieldName(altered.entity, altered.field)}</p>
      <dl class="then-now">
        <dt>{t("Before")}</dt>
        <dd dir="auto">
          <del>{spoken(altered.entity, altered.field, altered.before)}</del>
        </dd>
        <dt>{t("Now")}</dt>
        <dd dir="auto">
          <ins>{spoken(altered.entity, altered.field, altered.now)}</ins>
        </dd>
      </dl>
      {altered.by && (
        <p class="soft">
          <bdi>{called(altered.by.who)}</bdi>, {ago(altered.by.said_at)}
        </p>
      )}
    </div>
  );
}

function byThing(altered: Altered[]): [string, Altered[]][] {
  const groups = new Map<string, Altered[]>();
  for (const each of altered) groups.set(each.id, [...(groups.get(each.id) ?? []), each]);
  return [...groups];
}

export function Compare() {
  const { from = "0", to, at = "" } = about.value;
  const then = planOf(from);
  const later = to === undefined ? plan.value : planOf(to);
  const { added, altered, gone } = compare(then, later);
  const day = dayWords(at, now.value);
  const isNothing = added.length + altered.length + gone.length === 0;
  return (
    <Page title={to === undefined ? t("What's different now") : t("What changed: {day}", { day })}>
      {to === undefined && <p class="lead">{t("Since {day}", { day })}</p>}
      {isNothing && <p>{t("Nothing has changed.")}</p>}
      {added.length > 0 && (
        <section>
          <h2>{t("What's new")}</h2>
          <ul class="alterations">
            {added.map((thing) => (
              <Added key={thing.id} thing={thing} at={later} />
            ))}
          </ul>
        </section>
      )}
      {altered.length > 0 && (
        <section>
          <h2>{t("What changed")}</h2>
          <ul class="alterations">
            {byThing(altered).map(([id, list]) => (
              <li key={id} class="altered">
                <p class="strong" dir="auto">
                  {titleOf(later, list[0]!.entity, id)}
                </p>
                {list.map((each) => (
                  <Otherwise key={each.field} altered={each} />
                ))}
              </li>
            ))}
          </ul>
        </section>
      )}
      {gone.length > 0 && (
        <section>
          <h2>{t("What was dropped")}</h2>
          <ul class="alterations">
            {gone.map((thing) => (
              <li key={thing.id} class="altered">
                <p class="own-words" dir="auto">
                  <del>{titleOf(later, "goal", thing.id)}</del>
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
      {to !== undefined && (
        <button type="button" class="second" onClick={() => go("then", { about: { revision: to, at } })}>
          {isDate(at) ? t("See the path as it was that day") : t("Open")}
        </button>
      )}
    </Page>
  );
}
