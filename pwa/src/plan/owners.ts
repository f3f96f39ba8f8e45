/** Whose words are whose, as far as a phone has to know. The server has the whole table (`server/plan/owners.py`). */

/** The child's own: from anyone else the server refuses them. */
export const CHILDS_OWN: ReadonlySet<string> = new Set(["goal child_words", "goal not_mine", "review rating"]);

/**
 * Titled and printed as the child's own words, and so offered to no adult, although the server takes it from those who
 * may change the project. Theirs is `situation`.
 */
export const CHILD_FIRST: ReadonlySet<string> = new Set(["life_project summary"]);
