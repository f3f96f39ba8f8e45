/** Two voices on one thing, side by side. Neither is above the other; the person who decides has seen both. */
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { called, fieldName, valueName } from "../plan/labels";
import type { Voice as Side } from "../plan/merge";
import { ago, mayChange, mayEdit, Voice } from "../plan/parts";
import { about, back, go } from "../routes";
import { now } from "../store/now";
import { choose, myself, plan } from "../store/project";

const isChilds = (side: Side) => (side.who.role === "child" ? 0 : 1);

export function Difference() {
  const { entity = "", id = "", field = "" } = about.value;
  const { sides, stands } = plan.value.get(entity, id, field);
  const name = fieldName(entity, field);
  if (sides.length < 2) {
    return (
      <Page title={name}>
        <p>{t("This is decided.")}</p>
        {stands && (
          <Voice who={stands.who} when={ago(stands.said_at)}>
            <p class="own-words" dir="auto">
              {valueName(entity, field, stands.value, now.value)}
            </p>
          </Voice>
        )}
        <button type="button" class="second" onClick={back}>
          {t("Back")}
        </button>
      </Page>
    );
  }
  const both = [...sides].sort((a, b) => isChilds(a) - isChilds(b));
  const mayChoose = mayEdit(entity, id, field);
  const take = async (side: Side) => {
    await choose(
      entity,
      id,
      field,
      side.value,
      sides.map((each) => each.id),
    );
    back();
  };
  return (
    <Page title={t("Two versions: {what}", { what: name })}>
      <p>{t("You wrote different things at the same time. We kept both. Talk about it if you can, then choose.")}</p>
      {mayChange() && !mayChoose && (
        <p class="note-line">{t("These are the child's own words. Only the child can choose.")}</p>
      )}
      <div class="voices beside">
        {both.map((side) => (
          <Voice key={side.id} who={side.who} when={ago(side.said_at)}>
            <p class="own-words" dir="auto">
              {valueName(entity, field, side.value, now.value)}
            </p>
            {mayChoose && (
              <button type="button" class="plain" onClick={() => void take(side)}>
                {side.who.id === myself.value.id
                  ? t("Use mine")
                  : t("Use what {name} wrote", { name: called(side.who) })}
              </button>
            )}
          </Voice>
        ))}
      </div>
      {mayChoose && (
        <button
          type="button"
          class="second"
          onClick={() => go("edit", { instead: true, about: { entity, id, field, mode: "third" } })}
        >
          <Icon name="words" />
          {t("Write something new together")}
        </button>
      )}
      <p class="soft">
        {stands?.value
          ? t("Until you decide, this counts: {words}", { words: valueName(entity, field, stands.value, now.value) })
          : t("Until you decide, nothing counts here.")}
      </p>
    </Page>
  );
}
