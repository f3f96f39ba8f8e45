/**
 * What a table has under a name that came from outside. What every object has by itself, such as "constructor", is
 * none of it: as words on a screen it would be a function.
 */
export const entryOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  // Not by Object.hasOwn, which browsers have since 2021: on an older phone no screen with a time in it would be drawn.
  Object.getOwnPropertyDescriptor(table, name)?.value as T | undefined;
