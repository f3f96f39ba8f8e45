/** The screens of the project, and what starts with them. */
import { effect, untracked } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ProjectPlace } from "../routes";
import { MyAdvocate } from "../screens/Advocate";
import { Agree } from "../screens/Agree";
import { AskAbout, MyQuestions } from "../screens/Questions";
import { WhatHappened } from "../screens/WhatHappened";
import { Away } from "../screens/Away";
import { SaidAndDone } from "../screens/SaidAndDone";
import { Children, openLinked } from "../screens/Children";
import { Compare } from "../screens/Compare";
import { Complaint } from "../screens/Complaint";
import { Difference } from "../screens/Difference";
import { Edit } from "../screens/Edit";
import { Goal } from "../screens/Goal";
import { House, Houses } from "../screens/Houses";
import { IfMissing } from "../screens/IfMissing";
import { EarlierVersions } from "../screens/EarlierVersions";
import { NewGoal, NewReview, NewStep } from "../screens/New";
import { LockText } from "../screens/LockText";
import { Packs } from "../screens/Packs";
import { Plan } from "../screens/Plan";
import { Project } from "../screens/Project";
import { Outcome, Review } from "../screens/Review";
import { CheckInTimes } from "../screens/CheckInTimes";
import { SchoolHours } from "../screens/SchoolHours";
import { Step } from "../screens/Step";
import { GetCopy } from "../screens/GetCopy";
import { Talk } from "../screens/Talk";
import { PastProject } from "../screens/PastProject";
import { TrustedPeople } from "../screens/Trusted";
import { WallPage } from "../screens/WallPage";
import { FullHistory } from "../screens/FullHistory";
import * as away from "../store/away";
import * as ideas from "../store/ideas";
import * as packs from "../store/packs";
import * as project from "../store/project";
import * as reads from "../store/reads";
import * as reasons from "../store/reasons";
import { isStaff, linkChild, me, who } from "../store/session";
import * as drafts from "./drafts";
import * as dues from "./dues";

const SCREENS: Record<ProjectPlace, () => preact.JSX.Element> = {
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
  houses: Houses,
  house: House,
  story: FullHistory,
  plan: Plan,
  review: Review,
  outcome: Outcome,
  "new-review": NewReview,
  complaint: Complaint,
  moments: EarlierVersions,
  // biome-ignore lint/suspicious/noThenProperty: the name of a place; nobody awaits this table.
  then: PastProject,
  compare: Compare,
  "came-of": SaidAndDone,
  take: GetCopy,
  wall: WallPage,
  rhythm: CheckInTimes,
  school: SchoolHours,
  "lock-text": LockText,
  away: Away,
  happened: WhatHappened,
  asked: MyQuestions,
  ask: AskAbout,
  trusted: TrustedPeople,
  advocate: MyAdvocate,
  packs: Packs,
  "if-missing": IfMissing,
};

/** One screen of the project; while one of them is open, news come by themselves. */
export function Screen({ place }: { place: ProjectPlace }) {
  useEffect(project.watch, []);
  const Here = SCREENS[place];
  return <Here />;
}

/** Reads what the phone has of the project; the network is asked afterwards. */
export async function begin(openFirst = project.openOwn): Promise<void> {
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
