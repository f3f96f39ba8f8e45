/** "Ask them first": a person the child trusts is asked beside the adults who are called, never instead. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Page } from "../parts/Page";
import { people, load, name, takeBack, typed, waiting, type Trusted } from "../store/trusted";

const MOST = 3;
const isStuck = signal(false);

const decided = ({ state }: Trusted) =>
  state === "yes"
    ? t("Yes. We'll ask them too.")
    : state === "no"
      ? t("Not this time. Your caseworker wrote:")
      : t("We don't ask them yet. Your caseworker talks to them first.");

interface Row {
  id: string;
  name: string;
  says: string;
  why?: string | null;
}

function Named({ id, name: called, says, why }: Row) {
  const back = async () => (isStuck.value = !(await takeBack(id)));
  return (
    <li class="entry">
      <div>
        <p class="strong">
          <bdi>{called}</bdi>
        </p>
        <p>{says}</p>
        {why && <p dir="auto">{why}</p>}
        <button
          type="button"
          class="plain"
          aria-label={t("Remove: {what}", { what: called })}
          onClick={() => void back()}
        >
          {t("Remove")}
        </button>
      </div>
    </li>
  );
}

function Form() {
  const { name: called, reach, alsoHelp } = typed.value;
  const say = (event: Event) => {
    event.preventDefault();
    if (!called.trim() || !reach.trim()) return;
    void name(typed.value);
    typed.value = { name: "", reach: "", alsoHelp: false };
  };
  return (
    <form class="stack" onSubmit={say}>
      <div class="field">
        <label for="trusted-name">{t("Who is it?")}</label>
        <input
          id="trusted-name"
          type="text"
          dir="auto"
          required
          autocomplete="off"
          maxLength={120}
          value={called}
          onInput={(event) => (typed.value = { ...typed.value, name: event.currentTarget.value })}
        />
      </div>
      <div class="field">
        <label for="trusted-reach">{t("How can we reach them? A phone number or an email address.")}</label>
        <input
          id="trusted-reach"
          type="text"
          dir="ltr"
          required
          autocomplete="off"
          maxLength={120}
          value={reach}
          onInput={(event) => (typed.value = { ...typed.value, reach: event.currentTarget.value })}
        />
      </div>
      <button
        type="button"
        class="plain"
        aria-pressed={alsoHelp}
        onClick={() => (typed.value = { ...typed.value, alsoHelp: !alsoHelp })}
      >
        {t("Also when I ask for help")}
      </button>
      <button type="submit" class="second">
        {t("Add this person")}
      </button>
    </form>
  );
}

export function TrustedPeople() {
  useEffect(() => void load(), []);
  const unsent = waiting.value.map((waits) => ({
    id: waits.id,
    name: waits.body.name,
    says: waits.sentence ?? t("Saved on this phone. Not sent yet."),
  }));
  const sent = (people.value ?? []).map((person) => ({ ...person, says: decided(person) }));
  const all: Row[] = [...sent, ...unsent];
  return (
    <Page title={t("People I trust")}>
      <p>
        {t(
          "If nobody hears from you, we call adults. You can name people you trust. We ask them too, at the same time.",
        )}
      </p>
      <p class="soft">{t("We ask them one question. They can't see anything you wrote.")}</p>
      {people.value === null && <p>{t("You need internet to see this list.")}</p>}
      <ul class="entries">
        {all.map((person) => (
          <Named key={person.id} {...person} />
        ))}
      </ul>
      <p role="status">{isStuck.value && t("You need internet for this. Try again later.")}</p>
      {all.length < MOST && <Form />}
    </Page>
  );
}
