/** The screens of the project, and what starts with them. */
import { effect, signal, untracked } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { LoadingScreen } from "../parts/LoadingScreen";
import type { FirstPlace, ProjectPlace, SeldomPlace } from "../routes";
import { Agree } from "../screens/Agree";
import { Children, openLinked } from "../screens/Children";
import { Difference } from "../screens/Difference";
import { Edit } from "../screens/Edit";
import { Goal } from "../screens/Goal";
import { NewGoal, NewReview, NewStep } from "../screens/New";
import { Plan } from "../screens/Plan";
import { Project } from "../screens/Project";
import { Outcome, Review } from "../screens/Review";
import { Step } from "../screens/Step";
import { Talk } from "../screens/Talk";
import * as away from "../store/away";
import * as ideas from "../store/ideas";
import * as packs from "../store/packs";
import * as project from "../store/project";
import * as reads from "../store/reads";
import * as reasons from "../store/reasons";
import { isStaff, linkChild, me, who } from "../store/session";
import * as drafts from "./drafts";
import * as dues from "./dues";

const FIRST: Record<FirstPlace, () => preact.JSX.Element> = {
  children: Children,
  project: Project,
  goal: Goal,
  step: Step,
  edit: Edit,
  "new-goal": NewGoal,
  "new-step": NewStep,
  difference: Difference,
  agree: Agree,
  talk: Talk,
  plan: Plan,
  review: Review,
  outcome: Outcome,
  "new-review": NewReview,
};

type Screens = typeof import("./seldom").SCREENS;

const seldom = signal<Screens | null>(null);
const isMissing = signal(false);

async function fetchSeldom(): Promise<boolean> {
  isMissing.value = false;
  try {
    seldom.value ??= (await import("./seldom")).SCREENS;
  } catch {
    isMissing.value = true;
  }
  return !isMissing.value;
}

/** They come by themselves once the path is drawn: without a network, a moment later, they are there. */
const REST_MS = 2_000;

function SeldomScreen({ place }: { place: SeldomPlace }) {
  useEffect(() => void fetchSeldom(), []);
  const Here = seldom.value?.[place];
  if (Here) return <Here />;
  return <LoadingScreen title={t("My project")} isMissing={isMissing.value} again={fetchSeldom} />;
}

const isFirst = (place: ProjectPlace): place is FirstPlace => place in FIRST;

/** One screen of the project; while one of them is open, news come by themselves. */
export function Screen({ place }: { place: ProjectPlace }) {
  useEffect(project.watch, []);
  if (!isFirst(place)) return <SeldomScreen place={place} />;
  const Here = FIRST[place];
  return <Here />;
}

/** Reads what the phone has of the project; the network is asked afterwards. */
export async function begin(openFirst = project.openOwn): Promise<void> {
  setTimeout(() => void fetchSeldom(), REST_MS);
  project.begin();
  drafts.begin();
  ideas.begin();
  project.onFrame(async () => void (await Promise.all([dues.refresh(), reads.refresh()])));
  dues.begin();
  packs.begin();
  away.begin();
  reasons.begin();
  let first: Promise<void> | undefined;
  effect(() => {
    const isIn = who.value !== null;
    void me.value?.child?.id;
    untracked(() => {
      if (isIn) first = openFirst().then(drafts.recall);
      else project.close();
    });
  });
  await first;
  let linked: Promise<void> | undefined;
  effect(() => {
    const child = linkChild.value;
    if (isStaff.value && child) linked = untracked(() => openLinked(child).then(drafts.recall));
  });
  await linked;
}
