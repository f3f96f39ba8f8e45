/** "My advocate": a person who is there for the child alone. Who it is, what they can see, and the way to end it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { dayWords } from "../plan/labels";
import { go } from "../routes";
import {
  advocates,
  end,
  isEnding,
  isRefused,
  keepAdvocate,
  load,
  outgoing,
  share,
  shared,
  wish,
  wished,
  type Advocate,
} from "../store/advocates";
import { now } from "../store/now";
import { askWhoIsThere } from "../store/project";

const asksToEnd = signal("");

/** The end is the first moment of the day after. */
const lastDay = (until: string) => dayWords(new Date(Date.parse(until) - 1), now.value);

const later = () => t("It will be sent when this app is open and online.");

function Ending({ id, name }: Advocate) {
  if (isEnding(id)) {
    return (
      <div class="stack">
        <p class="strong">{t("You don't want {name} any more. This isn't sent yet.", { name })}</p>
        <p>{t("Until it's sent, {name} sees the same as before.", { name })}</p>
        <p class="soft">{later()}</p>
        <button type="button" class="plain" onClick={() => void keepAdvocate(id)}>
          {t("Keep {name} after all", { name })}
        </button>
      </div>
    );
  }
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
      <button
        type="button"
        class="second"
        onClick={() => {
          asksToEnd.value = "";
          void end(id);
        }}
      >
        {t("End it now")}
      </button>
      <button type="button" class="plain" onClick={() => (asksToEnd.value = "")}>
        {t("Back")}
      </button>
    </div>
  );
}

function One(advocate: Advocate) {
  const { id, person_id, name, until_at, has_joined } = advocate;
  const waits = shared(id);
  const tells = (waits ?? advocate).tells_alerts;
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
      <p>{t("{name} can't see your check-ins, or what adults write about you outside the project.", { name })}</p>
      <p>{t("Your caseworker can't read what only you two write to each other.")}</p>
      <button type="button" class="plain" aria-pressed={tells} onClick={() => void share(id, !tells)}>
        {t("Let {name} know when adults are called about me", { name })}
        {tells && <Icon name="check" />}
      </button>
      {waits && <p class="soft">{t("This isn't sent yet. Until then, nothing changes.")}</p>}
      <Ending {...advocate} />
    </section>
  );
}

function None({ asked }: { asked: string | null }) {
  const waits = wished.value;
  if (waits ?? asked !== null) {
    return (
      <section class="card">
        {waits === null ? (
          <>
            <p>{t("You asked for an advocate. Your caseworker and the supervisor can see that.")}</p>
            {asked && <p class="soft">{dayWords(asked, now.value)}</p>}
          </>
        ) : (
          <>
            <p>{t("You want an advocate. This isn't sent yet.")}</p>
            <p class="soft">{later()}</p>
          </>
        )}
        <button type="button" class="plain" onClick={() => void wish(false)}>
          {t("I don't need one any more")}
        </button>
      </section>
    );
  }
  return (
    <>
      {waits === false && asked !== null && <p>{t("You don't need an advocate any more. This isn't sent yet.")}</p>}
      <button type="button" class="main" onClick={() => void wish(true)}>
        {t("I want an advocate")}
      </button>
    </>
  );
}

export function MyAdvocate() {
  useEffect(() => void (asksToEnd.value = ""), []);
  useEffect(() => void load().then(askWhoIsThere), [outgoing.value]);
  const known = advocates.value;
  const there = known?.advocates ?? [];
  return (
    <Page title={t("My advocate")}>
      <p>
        {t(
          "An advocate is there for you alone. They don't work for us. They say what you want, also when we see it differently.",
        )}
      </p>
      {isRefused.value && (
        <button type="button" class="plain" onClick={() => go("unsent")}>
          {t("We couldn't send it. See why.")}
        </button>
      )}
      {known === null && <p>{t("You need internet to see if you have one.")}</p>}
      {there.map((advocate) => (
        <One key={advocate.id} {...advocate} />
      ))}
      {(there.length === 0 || known?.asked_at) && <None asked={known?.asked_at ?? null} />}
    </Page>
  );
}
