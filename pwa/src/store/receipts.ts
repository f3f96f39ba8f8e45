/**
 * A push was shown: the server is told so, with a token that names nobody. What could not be sent is kept and
 * said at the next start; one that is lost harms nobody.
 */
import { ask, Refused } from "../api";
import { forget, PHONE, read, writeIfRoom } from "./db";

interface Shown {
  receipt: string;
  shown_at: string;
}

const KEPT_AS = "receipts";
const MOST = 20;

const waiting = async () => (await read<Shown[]>(PHONE, KEPT_AS)) ?? [];

/** Several pushes may come in one moment, and a page may be open: one after the other changes what waits. */
function change(how: (kept: Shown[]) => Shown[]): Promise<void> {
  const work = async () => {
    const left = how(await waiting());
    if (left.length > 0) await writeIfRoom(PHONE, KEPT_AS, left.slice(-MOST));
    else await forget(PHONE, KEPT_AS);
  };
  return navigator.locks ? (navigator.locks.request("planner-receipts", work) as Promise<void>) : work();
}

/** False where nobody could be asked; a refusal is an answer too. */
const tell = (shown: Shown) =>
  ask("POST", "/receipts", shown).then(
    () => true,
    (why: unknown) => why instanceof Refused && why.status < 500,
  );

export async function give(receipt: string): Promise<void> {
  const shown = { receipt, shown_at: new Date().toISOString() };
  if (!(await tell(shown))) await change((kept) => [...kept, shown]);
}

/** Whatever waits, oldest first. */
export async function flush(): Promise<void> {
  const told = new Set<string>();
  for (const shown of await waiting()) {
    if (!(await tell(shown))) break;
    told.add(shown.receipt);
  }
  if (told.size > 0) await change((kept) => kept.filter(({ receipt }) => !told.has(receipt)));
}
