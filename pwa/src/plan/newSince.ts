/** What stands otherwise than when both agreed, in words. */
import { t } from "../i18n";
import { now } from "../store/now";
import { plan } from "../store/project";
import { FIELDS, nameOfThing } from "./compare";
import { fieldName, valueName } from "./labels";
import { keyOf } from "./merge";

/** Whatever here reads otherwise makes a new text, which nobody has signed. */
const PARTS = ["life_project", "area", "goal", "step"] as const;

interface New {
  key: string;
  title: string;
  lines: string[];
}

/** A field in words: "Why it matters: …". */
export const line = (entity: string, id: string, field: string) =>
  t("{what}: {value}", {
    what: fieldName(entity, field),
    value: valueName(entity, field, plan.value.get(entity, id, field).stands?.value, now.value),
  });

/** What stands otherwise than when both agreed, thing by thing. */
export function news(): New[] {
  const list: New[] = [];
  for (const entity of PARTS) {
    for (const id of entity === "life_project" ? [plan.value.child] : plan.value.all(entity).map((thing) => thing.id)) {
      const title =
        entity === "area" ? valueName("goal", "area_id", id, now.value) : nameOfThing(plan.value, entity, id);
      const lines = FIELDS[entity]
        .filter((field) => plan.value.proposed(entity, id, field))
        .map((field) => line(entity, id, field));
      if (lines.length > 0) list.push({ key: keyOf(entity, id, "*"), title, lines });
    }
  }
  return list;
}
