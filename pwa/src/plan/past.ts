/**
 * The project as it was at an earlier revision, from the rows that this phone has. Pure, and the same as what
 * the server shows for that number: a test holds the two against each other.
 */
import { orderOf, type Change } from "./merge";
import { build, type Person, type Plan } from "./state";

/** Whose promise makes an agreement one of both sides. */
const AUTHORITY = ["caseworker", "supervisor", "administrator", "agency"];
const SIGNING = ["child", "caseworker"];

interface Signed {
  revision: number;
  /** The number that the project had when it became binding. */
  since: number;
  /** Which change stood in each field. */
  stood: ReadonlyMap<string, string>;
}

const upTo = (rows: readonly Change[], revision: number) =>
  rows.filter((row) => row.revision !== undefined && row.revision <= revision);

/** In the order of arrival, as far as one can tell. */
function byArrival(a: Change, b: Change): number {
  const [x, y] = [a.received_at ?? a.said_at, b.received_at ?? b.said_at];
  return (a.revision ?? 0) - (b.revision ?? 0) || (x < y ? -1 : x > y ? 1 : 0);
}

function isPromised(plan: Plan, people: readonly Person[]): boolean {
  return plan.all("step").some((step) => {
    const owner = plan.get("step", step.id, "owner_id").stands?.value;
    return AUTHORITY.includes(people.find(({ id }) => id === owner)?.role ?? "");
  });
}

interface Answer {
  revision: number;
  decision: string;
  /** Whose it is, where one person wrote down what another said aloud. */
  of_id?: string | null;
}

const answerOf = (row: Change) => row.value as Answer;

/** What one person wrote down for another binds nobody. */
export const isOwnWord = (row: Change) => [undefined, null, row.who.id].includes(answerOf(row).of_id);

/** What both signed, in turn: one binds when child and worker agreed to it and an adult promised in it. */
export function signedIn(child: string, rows: readonly Change[], people: readonly Person[]): Signed[] {
  const signed: Signed[] = [];
  const answers: Change[] = [];
  const arrived = rows.filter((row) => row.revision !== undefined).sort(byArrival);
  arrived.forEach((row, n) => {
    if (row.entity !== "agreement" || row.field !== "*" || !isOwnWord(row)) return;
    answers.push(row);
    const { revision } = answerOf(row);
    const before = signed.at(-1);
    if (before && revision <= before.revision) return;
    if (!isAgreed(answers.filter((answer) => answerOf(answer).revision === revision))) return;
    // What came or bound only later did not count yet when it read like that.
    const held = signed.filter(({ since }) => since <= revision).at(-1)?.stood;
    const then = build(child, upTo(arrived.slice(0, n), revision), null, held);
    if (isPromised(then, people)) signed.push({ revision, since: row.revision!, stood: then.stood() });
  });
  return signed;
}

/** Of each person the last word counts. */
function isAgreed(answers: Change[]): boolean {
  const last = new Map<string, Change>();
  for (const answer of answers) {
    const latest = last.get(answer.who.id);
    if (!latest || orderOf(answer) > orderOf(latest)) last.set(answer.who.id, answer);
  }
  const agreed = [...last.values()]
    .filter((answer) => answerOf(answer).decision === "agree")
    .map(({ who }) => who.role);
  return SIGNING.every((role) => agreed.includes(role));
}

/** What stood when the number was this one, or any of those up to the next that is known here. */
export function planAt(child: string, rows: readonly Change[], revision: number, people: readonly Person[]): Plan {
  const past = upTo(rows, revision);
  return build(child, past, null, signedIn(child, past, people).at(-1)?.stood);
}

/** True where everything that was received says what number the project had after it. */
export const isNumbered = (rows: readonly Change[]) =>
  rows.every((row) => row.revision !== undefined || !row.received_at);
