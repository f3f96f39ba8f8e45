import { Frame } from "./parts/Frame";
import { ProjectScreen } from "./parts/ProjectScreen";
import { DeferredScreen } from "./parts/DeferredScreen";
import { about, place, type Place, type ProjectPlace } from "./routes";
import { Cover } from "./screens/Cover";
import { Help } from "./screens/Help";
import { Language } from "./screens/Language";
import { linkCode, Pair } from "./screens/Pair";
import { Sharing } from "./screens/Sharing";
import { Today } from "./screens/Today";
import { isCovered } from "./store/cover";
import { isLocked, isNew } from "./store/roster";
import { who } from "./store/session";

const SCREENS: Record<Exclude<Place, "pair" | ProjectPlace>, () => preact.JSX.Element> = {
  today: Today,
  days: () => <DeferredScreen show="Days" />,
  more: () => <DeferredScreen show="More" />,
  help: Help,
  looks: () => <DeferredScreen show="WhoLooked" />,
  language: Language,
  reminders: () => <DeferredScreen show="Reminders" />,
  phones: () => <DeferredScreen show="Phones" />,
  cover: () => <DeferredScreen show="CoverSettings" />,
  unsent: () => <DeferredScreen show="Unsent" />,
  sharing: Sharing,
  leave: () => <DeferredScreen show="SignOut" />,
  hands: () => <DeferredScreen show="SharedPhone" />,
};

export function App() {
  // A link with a code leads past a cover whose digits were forgotten, to the pairing and nowhere else.
  if (isCovered.value && !(place.value === "pair" && linkCode.value)) return <Cover />;
  if (isLocked.value && place.value !== "pair") return <DeferredScreen show="WhoAreYou" />;
  if (who.value === null || place.value === "pair") return <Pair />;
  if (isNew.value) return <DeferredScreen show="ChooseCode" />;
  const here = place.value;
  if (!(here in SCREENS)) {
    return (
      <Frame>
        <ProjectScreen key={here + JSON.stringify(about.value)} place={here as ProjectPlace} />
      </Frame>
    );
  }
  const Screen = SCREENS[here as keyof typeof SCREENS];
  return (
    <Frame>
      <Screen key={here} />
    </Frame>
  );
}
