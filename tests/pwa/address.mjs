// Reads [[place, about]] and [fragment], and says what the address of the desk's page makes of each.
import { readFileSync } from "node:fs";
import { fragmentOf, placeIn } from "../../pwa/src/desk/address.ts";

const { places, fragments } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(
  JSON.stringify({
    fragments: places.map(([place, about]) => fragmentOf(place, about)),
    places: fragments.map((fragment) => placeIn(fragment)),
  }),
);
