/** "If I am missing": who to call first, who not, what helps. In the child's words, and all of it optional. */
import { useEffect, useState } from "preact/hooks";
import { moment, t } from "../i18n";
import { Page } from "../parts/Page";
import { now } from "../store/now";
import * as own from "../store/ownPack";

const LONGEST = 4_000;

/** Each field, as it is asked. */
const asked = (): [string, string, string][] => [
  ["own_call_first", t("Call this person first"), t("Who should know first? A name, and a number if you know it.")],
  ["own_do_not_call", t("Do not call"), t("Anyone we shouldn't ask or tell.")],
  ["own_calms", t("What calms me"), t("What people can do or say when they find me.")],
  ["own_frightens", t("What frightens me"), t("What they shouldn't do.")],
  ["own_more", t("What I want you to know"), t("Anything else.")],
];

function Theirs({ name }: { name: string }) {
  const onServer = own.current.value?.fields[name] ?? "";
  if (!own.differs.value || onServer === (own.waiting.value?.body.fields[name] ?? "")) return null;
  return (
    <div id={`${name}-theirs`}>
      <p class="soft">{t("Written so far with your caseworker:")}</p>
      <p class="said" dir="auto">
        {onServer || t("Nothing")}
      </p>
    </div>
  );
}

function Field({ name, label, help }: { name: string; label: string; help: string }) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <p class="soft" id={`${name}-help`}>
        {help}
      </p>
      <Theirs name={name} />
      <textarea
        id={name}
        rows={3}
        dir="auto"
        autocomplete="off"
        maxLength={LONGEST}
        aria-describedby={`${name}-help`}
        value={own.words.value[name] ?? ""}
        onInput={(event) => own.type(name, event.currentTarget.value)}
      />
    </div>
  );
}

function state(isSaid: boolean): string {
  const last = own.waiting.value;
  if (own.differs.value) return t("The text changed while you were writing. Both versions are here.");
  if (last?.problem) return last.sentence ?? t("We couldn't send it. The system didn't accept it.");
  if (last) return t("Saved on this phone. Not sent yet.");
  return isSaid ? t("Received.") : "";
}

function Looked() {
  return (
    <section aria-labelledby="looked">
      <h2 id="looked">{t("Who looked at it")}</h2>
      {own.looks.value === null && <p>{t("You need internet to see this list.")}</p>}
      {own.looks.value?.length === 0 && <p>{t("Nobody is listed here yet.")}</p>}
      <ul class="entries">
        {own.looks.value?.map((look, index) => (
          <li class="entry" key={index}>
            <div>
              <p class="strong">
                <bdi>{look.who?.name ?? t("The system")}</bdi>
              </p>
              {look.why && <p dir="auto">{look.why}</p>}
              <p class="soft">{moment(look.at, now.value)}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function IfMissing() {
  const [isSaid, setSaid] = useState(false);
  useEffect(() => void own.load(), []);
  const say = (event: Event) => {
    event.preventDefault();
    void own.say().then(() => setSaid(true));
  };
  return (
    <Page title={t("If I go missing")}>
      <p>{t("If nobody knows where you are, we look for you because we care. Here you can tell us how.")}</p>
      <p class="soft">{t("You don't have to write anything. You can change it at any time.")}</p>
      <p class="soft">
        {t(
          "Adults read this if they are looking for you, or for a reason you can see below. Your caseworker goes through it with you.",
        )}
      </p>
      <p class="soft">{t("Anyone who opens this app on your phone can read it here.")}</p>
      <form class="stack" onSubmit={say}>
        {asked().map(([name, label, help]) => (
          <Field key={name} name={name} label={label} help={help} />
        ))}
        <p role="status">{state(isSaid)}</p>
        <button type="submit" class="main">
          {own.differs.value ? t("Save what I wrote") : t("Save")}
        </button>
        {own.differs.value && (
          <button type="button" class="second" onClick={() => void own.takeTheirs()}>
            {t("Keep what's there now")}
          </button>
        )}
      </form>
      <Looked />
    </Page>
  );
}
