/** What goes on the page to hang up: anyone in the room can read that page, so the child chooses. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, Refused } from "../api";
import { language, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Note } from "../plan/parts";
import { addressOf } from "../store/roster";
import { isChild, place } from "../store/project";

interface Thing {
  id: string;
  text: string;
  note: string;
  on: boolean;
  says: string;
  may_change: boolean;
}

type Names = "first" | "full" | "none";

interface Wall {
  groups: { title: string; things: Thing[]; more: string }[];
  names: Names;
  may_choose: boolean;
}

/** Of which project it is, by its address: a slow answer about one child is never drawn for another. */
const wall = signal<{ path: string; told: Wall } | null>(null);
const fault = signal("");
/** The address that is being asked, and whether another project waits for that answer to ask. */
let asking: string | null = null;
let isNext = false;

const root = () => `${place.value?.path ?? ""}/project`;
const address = () => `${root()}/wall`;

/** Asks, or says what to choose; a second tap waits for the answer to the first. */
async function say(body?: { on?: string[]; off?: string[]; names?: Names }): Promise<void> {
  const path = address();
  if (asking !== null) {
    isNext = path !== asking;
    return;
  }
  asking = path;
  try {
    const told = await ask<Wall>(body ? "PUT" : "GET", path, body);
    if (path !== address()) return;
    wall.value = { path, told };
    fault.value = "";
  } catch (reason) {
    if (path !== address()) return;
    fault.value =
      reason instanceof Refused && reason.detail ? reason.detail : t("You need internet for this. Try again later.");
  } finally {
    asking = null;
    if (isNext) {
      isNext = false;
      void say();
    }
  }
}

function Choice({ thing }: { thing: Thing }) {
  return (
    <button
      type="button"
      class="plain option"
      aria-pressed={thing.on}
      disabled={!thing.may_change}
      onClick={() => void say(thing.on ? { off: [thing.id] } : { on: [thing.id] })}
    >
      <span class="row-text">
        <bdi>{thing.text}</bdi>
        {thing.note && <span class="soft">{thing.note}</span>}
        {thing.says && <span class="soft">{thing.says}</span>}
      </span>
      {thing.on && <Icon name="check" />}
    </button>
  );
}

function NamesOnPage({ chosen }: { chosen: Names }) {
  const all: [Names, string][] = [
    ["first", t("First names")],
    ["full", t("Full names, and the agency's name")],
    ["none", t("No names")],
  ];
  return (
    <section class="stack">
      <h2 id="names">{t("Which names go on the page?")}</h2>
      <div class="options" role="group" aria-labelledby="names">
        {all.map(([code, word]) => (
          <button
            key={code}
            type="button"
            class="plain option"
            aria-pressed={code === chosen}
            onClick={() => void say({ names: code })}
          >
            <span>{word}</span>
            {code === chosen && <Icon name="check" />}
          </button>
        ))}
      </div>
    </section>
  );
}

function Choices({ told }: { told: Wall }) {
  return (
    <>
      {told.groups.length === 0 && <p>{t("There is no goal yet. The page has lines to write on by hand.")}</p>}
      {told.groups.map(({ title, things, more }) => (
        <section key={title} class="stack">
          <h2>{title}</h2>
          <div class="options" role="group" aria-label={title}>
            {things.map((thing) => (
              <Choice key={thing.id} thing={thing} />
            ))}
          </div>
          {more && <p class="soft">{more}</p>}
        </section>
      ))}
      <NamesOnPage chosen={told.names} />
    </>
  );
}

function Open({ part, word }: { part: "page" | "all"; word: string }) {
  return (
    <a
      class={part === "page" ? "main" : "second"}
      href={addressOf(`${root()}.pdf?language=${language.value}&part=${part}`)}
      target="_blank"
      rel="noopener"
    >
      {word}
    </a>
  );
}

export function WallPage() {
  useEffect(() => {
    wall.value = null;
    fault.value = "";
    void say();
    return () => void (isNext = false);
  }, []);
  const told = wall.value?.path === address() ? wall.value.told : null;
  return (
    <Page title={t("A page for the wall")}>
      <p>{t("Your path on one page, with the promises of both sides. There is room to sign and to draw.")}</p>
      <Note icon="eye">
        {isChild.value
          ? t("Anyone in the room can read it. You choose what is on it. What you leave out, no adult puts on.")
          : t("Anyone in the room can read it. Choose together with the child. What the child leaves out stays out.")}
      </Note>
      {told?.may_choose && (
        <p class="soft">{t("We leave out family, home, health, money, papers and safety at first.")}</p>
      )}
      {told === null && !fault.value && <p role="status">{t("Loading…")}</p>}
      {fault.value && (
        <p class="note-line" role="alert">
          {fault.value}
        </p>
      )}
      {told?.may_choose && <Choices told={told} />}
      {told && (
        <div class="stack">
          <Open part="page" word={t("Open the page (PDF)")} />
          <Open part="all" word={t("Open it with the details (PDF)")} />
        </div>
      )}
    </Page>
  );
}
