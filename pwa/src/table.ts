/**
 * What a table has under a name that came from outside. What every object has by itself, such as "constructor", is
 * none of it: as words on a screen it would be a function.
 */
export const entryOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
