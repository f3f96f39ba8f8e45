/** "My advocate": a person who is there for the child alone. Who it is, what they can see, and the way to end it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { dayWords } from "../plan/labels";
import { go } from "../routes";
import { advocates, end, load, share, takeWishBack, wish, type Advocate } from "../store/advocates";
import { now } from "../store/now";
import { askWhoIsThere } from "../store/project";

const isStuck = signal(false);
const asksToEnd = signal("");

const tried = async (done: Promise<boolean>) => (isStuck.value = !(await done));

/** The end is the first moment of the day after. */
const lastDay = (until: string) => dayWords(new Date(Date.parse(until) - 1), now.value);

function Ending({ id, name }: Advocate) {
  if (asksToEnd.value !== id) {
    return (
      <button type="button" class="plain" onClick={() => (asksToEnd.value = id)}>
        {t("I don't want this advocate any more")}
      </button>
    );
  }
  return (
    <div class="stack">
      <p class="strong">
        {t("{name} then sees nothing about you from this moment on. You don't have to say why.", { name })}
      </p>
      <button type="button" class="second" onClick={() => void tried(end(id))}>
        {t("End it now")}
      </button>
      <button type="button" class="plain" onClick={() => (asksToEnd.value = "")}>
        {t("Back")}
      </button>
    </div>
  );
}

function One(advocate: Advocate) {
  const { id, person_id, name, until_at, has_joined, tells_alerts } = advocate;
  return (
    <section class="card">
      <h2>
        <bdi>{name}</bdi>
      </h2>
      {until_at && <p>{t("Your advocate until the end of {day}.", { day: lastDay(until_at) })}</p>}
      {!has_joined && <p class="soft">{t("{name} hasn't signed in here yet.", { name })}</p>}
      <button type="button" class="main" onClick={() => go("talk", { about: { advocate: person_id } })}>
        <Icon name="talk" />
        {t("Write to {name}", { name })}
      </button>
      <p>{t("{name} can read your project, and what you write to them.", { name })}</p>
      <p>{t("{name} can't see your check-ins, or what adults write about you.", { name })}</p>
      <p>{t("Your caseworker can't read what only you two write to each other.")}</p>
      <button
        type="button"
        class="plain"
        aria-pressed={tells_alerts}
        onClick={() => void tried(share(id, !tells_alerts))}
      >
        {t("Let {name} know when adults are called about me", { name })}
        {tells_alerts && <Icon name="check" />}
      </button>
      <Ending {...advocate} />
    </section>
  );
}

function None({ asked }: { asked: string | null }) {
  if (asked) {
    return (
      <section class="card">
        <p>{t("You asked for an advocate. Your caseworker and the supervisor know.")}</p>
        <p class="soft">{dayWords(asked, now.value)}</p>
        <button type="button" class="plain" onClick={() => void tried(takeWishBack())}>
          {t("I don't need one any more")}
        </button>
      </section>
    );
  }
  return (
    <button type="button" class="main" onClick={() => void tried(wish())}>
      {t("I want an advocate")}
    </button>
  );
}

export function MyAdvocate() {
  useEffect(() => {
    [isStuck.value, asksToEnd.value] = [false, ""];
    void load().then(askWhoIsThere);
  }, []);
  const known = advocates.value;
  return (
    <Page title={t("My advocate")}>
      <p>
        {t(
          "An advocate is there for you alone. They don't work for us. They say what you want, also when we see it differently.",
        )}
      </p>
      {known === null && <p>{t("You need internet to see this.")}</p>}
      {known?.advocates.map((advocate) => (
        <One key={advocate.id} {...advocate} />
      ))}
      {known && (known.advocates.length === 0 || known.asked_at) && <None asked={known.asked_at} />}
      <p role="status">{isStuck.value && t("You need internet for this. Try again later.")}</p>
    </Page>
  );
}
