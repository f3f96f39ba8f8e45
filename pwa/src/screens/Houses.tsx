/** Three houses for a first conversation: the child picks the order, and shows what the child wants to show. */
import { t, tn } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { useDraft } from "../plan/drafts";
import { called } from "../plan/labels";
import { mayChange, NotFound, Voice, Waits, Words } from "../plan/parts";
import { is, words, type Thing } from "../plan/state";
import { about, go } from "../routes";
import { make, myself, plan, say } from "../store/project";
import { Writing } from "./Edit";

const KINDS = ["good", "worry", "dream"] as const;
type Kind = (typeof KINDS)[number];

function texts(kind: Kind): { name: string; ask: string } {
  return {
    good: {
      name: t("The house of good things"),
      ask: t("What's going well? Who is good to you? What are you good at?"),
    },
    worry: { name: t("The house of worries"), ask: t("What makes you worried, sad or afraid?") },
    dream: { name: t("The house of dreams"), ask: t("If everything was just how you want it, what would it be like?") },
  }[kind];
}

/** Until it is shown, nobody but its author sees it; the server sends it to nobody else either. */
const visible = (house: Thing) => house.by.id === myself.value.id || is(house, plan.value, "is_shown", true);

const inside = (kind: Kind) =>
  plan.value.all("house").filter((house) => is(house, plan.value, "kind", kind) && visible(house));

function HouseDrawing({ kind }: { kind: Kind }) {
  return (
    <span class={`house-drawing ${kind}`}>
      <svg viewBox="0 0 96 80" aria-hidden="true">
        <path class="roof" d="M6 38 48 8l42 30" />
        <path class="wall" d="M16 34v40h64V34" />
      </svg>
      <Pictogram name={kind} />
    </span>
  );
}

export function Houses() {
  return (
    <Page title={t("Three houses")}>
      <p>{t("Start with any house. You can stop at any time and come back.")}</p>
      <ul class="houses">
        {KINDS.map((kind) => {
          const n = inside(kind).length;
          return (
            <li key={kind}>
              <button type="button" class="house" onClick={() => go("house", { about: { kind } })}>
                <HouseDrawing kind={kind} />
                <span class="row-text">
                  <span class="strong">{texts(kind).name}</span>
                  <span class="soft">
                    {n === 0 ? t("Nothing in it yet") : tn("{n} thing in it", "{n} things in it", n)}
                  </span>
                </span>
                <Icon name="next" />
              </button>
            </li>
          );
        })}
      </ul>
      <p class="soft">{t("Only you can see what you write here. You decide what to share.")}</p>
    </Page>
  );
}

/** What counts is what the server has; and what others could once read is not taken back. */
function whoSees(house: Thing, isShown: boolean): string {
  const { stands } = plan.value.get("house", house.id, "is_shown");
  const isSent = Boolean(stands?.received_at);
  if (isShown) return isSent ? t("Your team can see it.") : t("Your team can see it once this is sent.");
  const wasShown = plan.value.history("house", house.id, "is_shown").some(({ value }) => value === true);
  if (!wasShown) return t("Only you can see it.");
  return isSent
    ? t("Your team can't open it any more. They may have read it before.")
    : t("Your team can still see it until this is sent.");
}

function Thing_({ house }: { house: Thing }) {
  const mine = house.by.id === myself.value.id;
  const isShown = is(house, plan.value, "is_shown", true);
  return (
    <li>
      <Voice who={house.by} title={mine ? t("You") : called(house.by)}>
        <Words text={words(plan.value, "house", house.id, "text")} />
        <Waits thing={house} />
        {mine && (
          <>
            <p class="soft">{whoSees(house, isShown)}</p>
            <button type="button" class="plain" onClick={() => void say("house", house.id, "is_shown", !isShown)}>
              <Icon name={isShown ? "hide" : "eye"} />
              {isShown ? t("Stop sharing it") : t("Share it with my team")}
            </button>
          </>
        )}
      </Voice>
    </li>
  );
}

export function House() {
  const kind = KINDS.find((each) => each === about.value["kind"]);
  const draft = useDraft(`house ${kind ?? ""}`, () => ({ value: "", base: null }));
  if (!kind) return <NotFound />;
  const { name, ask } = texts(kind);
  const keep = async () => {
    const text = draft.value.trim();
    if (!text) return;
    draft.drop();
    await make("house", { kind, text, is_shown: false });
  };
  return (
    <Page title={name}>
      <p id="ask">{ask}</p>
      {mayChange() && (
        <div class="field">
          <Writing id="words" value={draft.value} onInput={draft.set} labelledBy="ask" rows={3} />
          <button type="button" class="main" disabled={!draft.value.trim()} onClick={() => void keep()}>
            {t("Add it to the house")}
          </button>
        </div>
      )}
      <ul class="thread">
        {inside(kind)
          .reverse()
          .map((house) => (
            <Thing_ key={house.id} house={house} />
          ))}
      </ul>
    </Page>
  );
}
