/** The children a person works with: they choose one, then everything is about that child. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../api";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Notices } from "../parts/Notices";
import { Page } from "../parts/Page";
import { roleName } from "../plan/labels";
import { go } from "../routes";
import { read, writeIfRoom } from "../store/db";
import { mayCarry } from "../store/grabbed";
import { openOf } from "../store/project";
import { me, who } from "../store/session";

interface Child {
  id: string;
  name: string;
  roles: string[];
}

const children = signal<Child[] | null>(null);

/** Of several roles the one with the most say, as the server has it. */
const FIRST = ["caseworker", "guardian", "supervisor", "carer"];
const roleIn = ({ roles }: Child) => FIRST.find((role) => roles.includes(role)) ?? roles[0] ?? "";

/** All of them, part by part. A child who moved up since is in two parts, and is shown once. */
async function everyone(): Promise<Child[]> {
  const all = new Map<string, Child>();
  let after: string | null | undefined;
  do {
    const query = after ? `?after=${after}` : "";
    const part = await ask<{ children: Child[]; next?: string | null }>("GET", `/children${query}`);
    for (const child of part.children) all.set(child.id, child);
    after = part.next;
  } while (after);
  return [...all.values()];
}

export async function load(): Promise<Child[]> {
  const person = who.value;
  if (!person) return [];
  children.value = (await read<Child[]>(person, "children")) ?? null;
  const fresh = await everyone().catch(() => null);
  if (fresh) {
    children.value = fresh.map(({ id, name, roles }) => ({ id, name, roles }));
    await writeIfRoom(person, "children", children.value);
  }
  return children.value ?? [];
}

/** Opens the project of the child that a link of the desk named. */
export async function openLinked(id: string): Promise<void> {
  const child = (await load()).find((each) => each.id === id);
  if (child) await openOf({ id, name: child.name, role: roleIn(child) });
}

async function choose(child: Child): Promise<void> {
  await openOf({ id: child.id, name: child.name, role: roleIn(child) });
  go("project");
}

export function Children() {
  useEffect(() => void load(), []);
  return (
    <Page title={t("Children")} isTop>
      <Notices />
      {mayCarry(me.value) && (
        <button type="button" class="second" onClick={() => go("packs")}>
          <Icon name="keep" />
          {t("Grab packs on my phone")}
        </button>
      )}
      {children.value === null && <p>{t("You need internet to see this list.")}</p>}
      {children.value?.length === 0 && <p>{t("No children are assigned to you.")}</p>}
      <ul class="rows">
        {children.value?.map((child) => (
          <li key={child.id}>
            <button type="button" class="row" onClick={() => void choose(child)}>
              <Icon name="path" />
              <span class="row-text">
                <bdi>{child.name}</bdi>
                <span class="soft">{roleName(roleIn(child))}</span>
              </span>
              <Icon name="next" />
            </button>
          </li>
        ))}
      </ul>
    </Page>
  );
}
