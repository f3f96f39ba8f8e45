/** Whose turn it is: one's own first, then what is late, an adult's as plainly as the child's. Nobody is blamed. */
import { listed, t, tn } from "../i18n";
import { Icon } from "../parts/Icon";
import { go, type About, type Place } from "../routes";
import { now } from "../store/now";
import { isChild, plan } from "../store/project";
import { called, dayWords, dueOn, reviewName, wasDueOn } from "./labels";
import { ago, Mark } from "./parts";
import { words } from "./state";
import { asOf, turns, type Turn } from "./dues";

/** One's own and what is late, or what comes next: the path begins right below. The rest is one tap away. */
const FEW = 3;
/** What is far off is nobody's turn yet. */
const SOON_MS = 14 * 86_400_000;
/** What was heard within this time needs no word about when. */
const FRESH_MS = 60 * 60_000;
const MINUTE_MS = 60_000;

function what({ kind, about }: Turn): string {
  if (kind === "step") return words(plan.value, "step", about, "text") || t("A promise");
  if (kind === "review") return reviewName(words(plan.value, "review", about, "kind"));
  if (kind === "end") return t("Decide what happens after this plan");
  if (kind === "answer") return t("An answer about what wasn't right");
  return isChild.value ? t("An answer to what you wrote") : t("An answer to a message");
}

function when({ kind, isOver, dueAt }: Turn): string {
  // The day of a step ends at midnight, which is another day to the reader.
  const at = new Date(Date.parse(dueAt) - (kind === "reply" ? 0 : MINUTE_MS));
  if (!isOver) return dueOn(at, now.value);
  if (kind === "reply" || kind === "answer") return t("No answer yet.");
  if (kind === "review") return t("It was planned for {day}.", { day: dayWords(at, now.value) });
  return wasDueOn(at, now.value);
}

function way({ kind, about }: Turn): [Place, About] {
  if (kind === "step") return ["step", { id: about }];
  if (kind === "review") return ["review", { id: about }];
  if (kind === "end") return ["plan", {}];
  return [kind === "answer" ? "complaint" : "talk", {}];
}

function Row({ turn }: { turn: Turn }) {
  const [to, about] = way(turn);
  const owners = listed(turn.owners.map(({ id, name }) => name || called({ id, role: turn.ownerRole })));
  const names = turn.isOwn ? t("You") : turn.isMine ? t("{name} and you", { name: owners }) : owners;
  const told = turn.told.map(({ name }) => name);
  return (
    <li>
      <button type="button" class="row" onClick={() => go(to, { about })}>
        <Mark isChild={turn.ownerRole === "child"} />
        <span class="row-text">
          <span class="soft">{turn.isMine ? names : <bdi>{names}</bdi>}</span>
          <span dir="auto">{what(turn)}</span>
          <span class={turn.isOver ? "stone-when late" : "soft"}>
            {turn.isOver && <Icon name="warn" />}
            {when(turn)}
          </span>
          {told.length > 0 && <span class="soft">{t("{names} can see that it's late", { names: listed(told) })}</span>}
        </span>
        <Icon name="next" />
      </button>
    </li>
  );
}

export function WhoseTurn() {
  const near = turns.value.filter((turn) => turn.isOver || Date.parse(turn.dueAt) - now.value.getTime() < SOON_MS);
  const since = asOf.value;
  if (near.length === 0 || !since) return null;
  const isOld = now.value.getTime() - Date.parse(since) > FRESH_MS;
  const shown = near.filter((turn, n) => n === 0 || turn.isMine || turn.isOver).slice(0, FEW);
  const rest = near.filter((turn) => !shown.includes(turn));
  return (
    <section class="whose">
      <h2>{t("Whose turn is it?")}</h2>
      {isOld && <p class="soft">{t("Last update: {when}", { when: ago(since) })}</p>}
      <ul class="rows">
        {shown.map((turn) => (
          <Row key={turn.id} turn={turn} />
        ))}
      </ul>
      {rest.length > 0 && (
        <details>
          <summary>{tn("{n} more", "{n} more", rest.length)}</summary>
          <ul class="rows">
            {rest.map((turn) => (
              <Row key={turn.id} turn={turn} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
