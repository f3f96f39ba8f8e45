/** The project's screens that one opens now and then: a file of their own, so that the path itself is there sooner. */
import type { SeldomPlace } from "../routes";
import { MyAdvocate } from "../screens/Advocate";
import { Around } from "../screens/Around";
import { Away } from "../screens/Away";
import { CheckInTimes } from "../screens/CheckInTimes";
import { Compare } from "../screens/Compare";
import { Complaint } from "../screens/Complaint";
import { EarlierVersions } from "../screens/EarlierVersions";
import { FullHistory } from "../screens/FullHistory";
import { GetCopy } from "../screens/GetCopy";
import { House, Houses } from "../screens/Houses";
import { IfMissing } from "../screens/IfMissing";
import { LockText } from "../screens/LockText";
import { Packs } from "../screens/Packs";
import { PastProject } from "../screens/PastProject";
import { AskAbout, MyQuestions } from "../screens/Questions";
import { SaidAndDone } from "../screens/SaidAndDone";
import { SchoolHours } from "../screens/SchoolHours";
import { TrustedPeople } from "../screens/Trusted";
import { WallPage } from "../screens/WallPage";
import { WhatHappened } from "../screens/WhatHappened";

export const SCREENS: Record<SeldomPlace, () => preact.JSX.Element> = {
  houses: Houses,
  house: House,
  story: FullHistory,
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
  around: Around,
  trusted: TrustedPeople,
  advocate: MyAdvocate,
  packs: Packs,
  "if-missing": IfMissing,
};
