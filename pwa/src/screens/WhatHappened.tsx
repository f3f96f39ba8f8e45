/** What happened when an answer was late, and why: what the server tells the child, kept for days without a network. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../api";
import { clockTime, moment, t } from "../i18n";
import { Asked } from "../parts/Asked";
import { Page } from "../parts/Page";
import { read, writeIfRoom } from "../store/db";
import { now } from "../store/now";
import { load as loadQuestions } from "../store/questions";
import { who } from "../store/session";

interface Story {
  id: string;
  due_at: string;
  is_over: boolean;
  steps: { id: string; at: string; code: string; text: string }[];
}

interface Part {
  stories: Story[];
  next: string | null;
}

const told = signal<Part | null>(null);
const isStuck = signal(false);

async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  told.value = (await read<Part>(person, "why")) ?? null;
  const fresh = await ask<Part>("GET", "/why").catch(() => null);
  if (!fresh || !Array.isArray(fresh.stories) || who.value !== person) return;
  told.value = fresh;
  await writeIfRoom(person, "why", fresh);
}

/** What is further back is asked for, and not kept. */
async function further(): Promise<void> {
  const part = told.value;
  if (!part?.next) return;
  const more = await ask<Part>("GET", `/why?before=${part.next}`).catch(() => null);
  isStuck.value = more === null;
  if (more && told.value === part) told.value = { stories: [...part.stories, ...more.stories], next: more.next };
}

export function WhatHappened() {
  useEffect(() => {
    told.value = null;
    isStuck.value = false;
    void load();
    void loadQuestions();
  }, []);
  const part = told.value;
  return (
    <Page title={t("What happened")}>
      <p>{t("When you didn't answer in time: what we did, and why.")}</p>
      {!part && <p>{t("You need internet to see this list.")}</p>}
      {part?.stories.length === 0 && !part.next && <p>{t("Nothing in the last four weeks.")}</p>}
      {part?.stories.map(({ id, due_at, steps }) => (
        <section key={id}>
          <h2>{moment(due_at, now.value)}</h2>
          <ul class="entries">
            {steps.map((step) => (
              <li class="entry" key={step.id}>
                <div>
                  <p class="soft">{clockTime(step.at)}</p>
                  <p>{step.text}</p>
                  <Asked entry={{ kind: "why", id: step.id, at: step.at, shown: step.text }} />
                </div>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <p role="status">{isStuck.value && t("You need internet for this. Try again later.")}</p>
      {part?.next && (
        <button type="button" class="second" onClick={() => void further()}>
          {t("Show earlier entries")}
        </button>
      )}
    </Page>
  );
}
