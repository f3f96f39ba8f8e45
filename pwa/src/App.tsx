import { Frame } from "./parts/Frame";
import { Later } from "./parts/Later";
import { Second } from "./parts/Second";
import { about, place, type Place, type ProjectPlace } from "./routes";
import { Cover } from "./screens/Cover";
import { Days } from "./screens/Days";
import { Help } from "./screens/Help";
import { Language } from "./screens/Language";
import { More } from "./screens/More";
import { linkCode, Pair } from "./screens/Pair";
import { Sharing } from "./screens/Sharing";
import { Today } from "./screens/Today";
import { isCovered } from "./store/cover";
import { isLocked, isNew } from "./store/roster";
import { who } from "./store/session";

const SCREENS: Record<Exclude<Place, "pair" | ProjectPlace>, () => preact.JSX.Element> = {
  today: Today,
  days: Days,
  more: More,
  help: Help,
  looks: () => <Second show="Looks" />,
  language: Language,
  reminders: () => <Second show="Reminders" />,
  phones: () => <Second show="Phones" />,
  cover: () => <Second show="CoverSettings" />,
  unsent: () => <Second show="Unsent" />,
  sharing: Sharing,
  leave: () => <Second show="Leave" />,
  hands: () => <Second show="Hands" />,
};

export function App() {
  // A link with a code leads past a cover whose digits were forgotten, to the pairing and nowhere else.
  if (isCovered.value && !(place.value === "pair" && linkCode.value)) return <Cover />;
  if (isLocked.value && place.value !== "pair") return <Second show="Who" />;
  if (who.value === null || place.value === "pair") return <Pair />;
  if (isNew.value) return <Second show="Mine" />;
  const here = place.value;
  if (!(here in SCREENS)) {
    return (
      <Frame>
        <Later key={here + JSON.stringify(about.value)} place={here as ProjectPlace} />
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
